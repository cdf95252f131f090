-- Takes the tables back, children before what they refer to. Which coupons were used is lost; prices stay as they are.
ALTER TABLE orders DROP COLUMN coupon_code;
DROP TABLE coupon_redemption;
DROP TABLE coupon;
