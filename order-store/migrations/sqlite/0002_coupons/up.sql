-- Coupons: what the shop says of them, and for which orders they are used.

-- What a code takes off. The code is in upper case.
CREATE TABLE coupon (
    coupon_code        TEXT    NOT NULL PRIMARY KEY,
    kind               TEXT    NOT NULL,
    rate               TEXT,                      -- Of a percentage: a decimal fraction, exactly as it is applied.
    amount             INTEGER,                   -- Of a fixed one: what it takes off.
    cap                INTEGER,                   -- Of a percentage: the most that it takes off.
    minimum_subtotal   INTEGER,                   -- What the eligible lines must cost at least.
    currency           TEXT,                      -- Of its amounts; NULL for a coupon without any.
    product_ids        TEXT    NOT NULL,          -- JSON list of the products whose lines are eligible; empty means all.
    valid_from         INTEGER,
    valid_until        INTEGER,
    total_limit        INTEGER,                   -- Orders that it may be used for, NULL for any number ...
    per_customer_limit INTEGER,                   -- ... and those of one customer.
    redeemed           INTEGER NOT NULL,          -- Orders that it is used for now: its rows in coupon_redemption.
    active             INTEGER NOT NULL,          -- Whether it can be used.
    revision           INTEGER NOT NULL,          -- The etag: one more with each change of the terms, not with a use.
    create_time        INTEGER NOT NULL,
    update_time        INTEGER NOT NULL,
    CONSTRAINT coupon_kind_is_whole CHECK (
        (kind = 'PERCENTAGE' AND rate IS NOT NULL AND amount IS NULL)
        OR (kind = 'FIXED' AND rate IS NULL AND amount IS NOT NULL AND cap IS NULL)
        OR (kind = 'FREE_SHIPPING' AND rate IS NULL AND amount IS NULL AND cap IS NULL)
    ),
    CONSTRAINT coupon_amounts_are_positive CHECK (amount > 0 AND cap > 0 AND minimum_subtotal > 0),
    CONSTRAINT coupon_currency_is_a_code CHECK (currency GLOB '[A-Z][A-Z][A-Z]'),
    CONSTRAINT coupon_amounts_have_a_currency CHECK (
        (currency IS NULL) = (amount IS NULL AND cap IS NULL AND minimum_subtotal IS NULL)
    ),
    CONSTRAINT coupon_is_valid_for_a_time CHECK (valid_from < valid_until),
    CONSTRAINT coupon_limits_are_positive CHECK (total_limit > 0 AND per_customer_limit > 0),
    -- No comparison with total_limit: the shop may lower it below what was used already.
    CONSTRAINT coupon_redeemed_is_not_negative CHECK (redeemed >= 0),
    CONSTRAINT coupon_active_is_a_flag CHECK (active IN (0, 1)),
    CONSTRAINT coupon_revision_is_positive CHECK (revision >= 1)
) STRICT;

-- For which orders coupons are used. A row goes when its order is called off before anything was shipped.
CREATE TABLE coupon_redemption (
    order_id    BLOB    NOT NULL PRIMARY KEY REFERENCES orders (order_id),  -- One coupon per order.
    coupon_code TEXT    NOT NULL REFERENCES coupon (coupon_code),
    redeemer    TEXT    NOT NULL,                 -- Whose use: customer:ID, or guest:ADDRESS in lower case.
    create_time INTEGER NOT NULL,
    CONSTRAINT coupon_redemption_order_id_is_a_uuid CHECK (length(order_id) = 16)
) STRICT, WITHOUT ROWID;
-- How often somebody has used a coupon; the foreign key.
CREATE INDEX coupon_redemption_by_redeemer ON coupon_redemption (coupon_code, redeemer);

-- The coupon that is in an order's price, for ever. No foreign key, for coupon_redemption has it while the use counts.
ALTER TABLE orders ADD COLUMN coupon_code TEXT;
