-- Coupons: what the shop says of them, and for which orders they are used.

-- What a code takes off. Half-empty pages: `redeemed` changes in place, of a popular code many times before a vacuum comes by.
CREATE TABLE coupon (
    -- In upper case.
    coupon_code        text COLLATE "C" NOT NULL,
    kind               text COLLATE "C" NOT NULL,
    -- Of a percentage: a decimal fraction, as text, exactly as it is applied.
    rate               text,
    -- Of a fixed one: what it takes off. Minor units of `currency`, here and below.
    amount             bigint,
    -- Of a percentage: the most that it takes off.
    cap                bigint,
    -- What the eligible lines must cost at least.
    minimum_subtotal   bigint,
    -- Of its amounts; NULL for a coupon without any.
    currency           text COLLATE "C",
    -- JSON list of the products whose lines are eligible; empty means all.
    product_ids        text NOT NULL,
    valid_from         timestamptz,
    valid_until        timestamptz,
    -- Orders that it may be used for, in all and by one customer; NULL for any number.
    total_limit        integer,
    per_customer_limit integer,
    -- Orders that it is used for now: as many as it has rows in coupon_redemption.
    redeemed           integer NOT NULL,
    active             boolean NOT NULL,
    -- Counts the changes of the terms, not the uses; the etag.
    revision           bigint NOT NULL,
    create_time        timestamptz NOT NULL,
    update_time        timestamptz NOT NULL,
    CONSTRAINT coupon_pkey PRIMARY KEY (coupon_code),
    CONSTRAINT coupon_kind_check CHECK (
        (kind = 'PERCENTAGE' AND rate IS NOT NULL AND amount IS NULL)
        OR (kind = 'FIXED' AND rate IS NULL AND amount IS NOT NULL AND cap IS NULL)
        OR (kind = 'FREE_SHIPPING' AND rate IS NULL AND amount IS NULL AND cap IS NULL)
    ),
    CONSTRAINT coupon_amounts_check CHECK (amount > 0 AND cap > 0 AND minimum_subtotal > 0),
    CONSTRAINT coupon_currency_check CHECK (
        length(currency) = 3 AND (currency IS NULL) = (num_nonnulls(amount, cap, minimum_subtotal) = 0)
    ),
    CONSTRAINT coupon_valid_check CHECK (valid_from < valid_until),
    CONSTRAINT coupon_limits_check CHECK (total_limit > 0 AND per_customer_limit > 0),
    -- No comparison with total_limit: the shop may lower it below what was used already.
    CONSTRAINT coupon_redeemed_check CHECK (redeemed >= 0),
    CONSTRAINT coupon_revision_check CHECK (revision >= 1)
) WITH (fillfactor = 50);

-- For which orders coupons are used. A row goes when its order is called off before anything was shipped.
CREATE TABLE coupon_redemption (
    -- One coupon per order.
    order_id    uuid NOT NULL,
    coupon_code text COLLATE "C" NOT NULL,
    -- Whose use the limit per customer counts: customer:ID, or guest:ADDRESS in lower case.
    redeemer    text COLLATE "C" NOT NULL,
    create_time timestamptz NOT NULL,
    CONSTRAINT coupon_redemption_pkey PRIMARY KEY (order_id),
    CONSTRAINT coupon_redemption_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (order_id),
    CONSTRAINT coupon_redemption_coupon_code_fkey FOREIGN KEY (coupon_code) REFERENCES coupon (coupon_code)
);
-- How often somebody has used a coupon; the foreign key.
CREATE INDEX coupon_redemption_redeemer_idx ON coupon_redemption (coupon_code, redeemer);

-- The coupon that is in an order's price, for ever. No foreign key, for coupon_redemption has it while the use counts.
ALTER TABLE orders ADD COLUMN coupon_code text COLLATE "C";
