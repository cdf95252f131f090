-- Takes back everything of up.sql, in the opposite order. Which coupons were used is lost; prices stay as they are.
ALTER TABLE orders DROP COLUMN coupon_code;
DROP TABLE coupon_redemption;
DROP TABLE coupon;
