-- Sums that are kept with the orders, so that statistics cost the same however many orders there are; and fewer index entries for
-- every order that is placed.

-- What is added up below must not change meanwhile.
LOCK TABLE orders, payment IN ACCESS EXCLUSIVE MODE;

-- Orders by the time of placing, word and currency. Every order is counted once in each grain, in the transaction that places or
-- changes it.
CREATE TABLE order_rollup (
    -- ALL for all times, or how long a period is: DAY, HOUR or QUARTER_HOUR, in UTC.
    grain      text COLLATE "C" NOT NULL,
    -- When the period begins; 1970 for all times.
    start_time timestamptz NOT NULL,
    status     text COLLATE "C" NOT NULL,
    currency   text COLLATE "C" NOT NULL,
    -- What is asked for is the sum over all shards: transactions that use different ones do not wait for each other. A single one
    -- may be negative.
    shard      integer NOT NULL,
    orders     bigint NOT NULL,
    -- Minor units, as in orders.
    total      bigint NOT NULL,
    refunded   bigint NOT NULL,
    credited   bigint NOT NULL,
    CONSTRAINT order_rollup_pkey PRIMARY KEY (grain, start_time, status, currency, shard),
    CONSTRAINT order_rollup_grain_check CHECK (grain IN ('ALL', 'DAY', 'HOUR', 'QUARTER_HOUR'))
) WITH (fillfactor = 50);

-- What one customer has ordered, by currency.
CREATE TABLE customer_rollup (
    customer_id text COLLATE "C" NOT NULL,
    currency    text COLLATE "C" NOT NULL,
    orders      bigint NOT NULL,
    -- Taken and not given back, minor units.
    spent       bigint NOT NULL,
    CONSTRAINT customer_rollup_pkey PRIMARY KEY (customer_id, currency)
) WITH (fillfactor = 80);

INSERT INTO order_rollup (grain, start_time, status, currency, shard, orders, total, refunded, credited)
SELECT grain, start_time, status, currency, 0, count(*), sum(total), sum(refunded), sum(credited)
FROM orders
CROSS JOIN LATERAL (
    VALUES ('ALL', to_timestamp(0)),
        ('DAY', date_bin('1 day', create_time, to_timestamp(0))),
        ('HOUR', date_bin('1 hour', create_time, to_timestamp(0))),
        ('QUARTER_HOUR', date_bin('15 minutes', create_time, to_timestamp(0)))
) AS period (grain, start_time)
GROUP BY grain, start_time, status, currency;

INSERT INTO customer_rollup (customer_id, currency, orders, spent)
SELECT customer_id, currency, count(*), COALESCE(sum(spent), 0)
FROM orders
LEFT JOIN (
    SELECT order_id, sum(captured - refunded) AS spent FROM payment GROUP BY order_id
) AS paid USING (order_id)
WHERE customer_id IS NOT NULL
GROUP BY customer_id, currency;

-- An order without a cart, or that was not taken over, has no entry here.
ALTER TABLE orders DROP CONSTRAINT orders_cart_id_key, DROP CONSTRAINT orders_import_key;
CREATE UNIQUE INDEX orders_cart_id_key ON orders (cart_id) WHERE cart_id IS NOT NULL;
CREATE UNIQUE INDEX orders_import_key ON orders (import_source, import_external_id) WHERE import_source IS NOT NULL;
