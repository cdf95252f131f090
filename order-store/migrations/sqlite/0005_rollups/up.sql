-- Sums that are kept with the orders, so that statistics cost the same however many orders there are; and smaller index entries
-- for every order that is placed.

-- Orders by the time of placing, word and currency. Every order is counted once in each grain, in the transaction that places or
-- changes it.
CREATE TABLE order_rollup (
    -- ALL for all times, or how long a period is: DAY, HOUR or QUARTER_HOUR, in UTC.
    grain      TEXT NOT NULL
        CONSTRAINT order_rollup_grain_is_known CHECK (grain IN ('ALL', 'DAY', 'HOUR', 'QUARTER_HOUR')),
    -- When the period begins; 1970 for all times.
    start_time INTEGER NOT NULL,
    status     TEXT NOT NULL,
    currency   TEXT NOT NULL,
    -- As on PostgreSQL, where transactions that use different shards do not wait for each other.
    shard      INTEGER NOT NULL,
    orders     INTEGER NOT NULL,
    -- Minor units, as in orders.
    total      INTEGER NOT NULL,
    refunded   INTEGER NOT NULL,
    credited   INTEGER NOT NULL,
    PRIMARY KEY (grain, start_time, status, currency, shard)
) STRICT, WITHOUT ROWID;

-- What one customer has ordered, by currency.
CREATE TABLE customer_rollup (
    customer_id TEXT NOT NULL,
    currency    TEXT NOT NULL,
    orders      INTEGER NOT NULL,
    -- Taken and not given back, minor units.
    spent       INTEGER NOT NULL,
    PRIMARY KEY (customer_id, currency)
) STRICT, WITHOUT ROWID;

-- A day has 86 400 000 000 microseconds. Times before 1970 are rounded down, too.
INSERT INTO order_rollup (grain, start_time, status, currency, shard, orders, total, refunded, credited)
SELECT grain,
    CASE WHEN micros = 0 THEN 0 ELSE create_time - ((create_time % micros) + micros) % micros END AS start_time,
    status, currency, 0, COUNT(*), SUM(total), SUM(refunded), SUM(credited)
FROM orders
CROSS JOIN (
    SELECT 'ALL' AS grain, 0 AS micros
    UNION ALL SELECT 'DAY', 86400000000
    UNION ALL SELECT 'HOUR', 3600000000
    UNION ALL SELECT 'QUARTER_HOUR', 900000000
)
GROUP BY grain, 2, status, currency;

INSERT INTO customer_rollup (customer_id, currency, orders, spent)
SELECT o.customer_id, o.currency, COUNT(*), COALESCE(SUM(paid.spent), 0)
FROM orders AS o
LEFT JOIN (
    SELECT order_id, SUM(captured - refunded) AS spent FROM payment GROUP BY order_id
) AS paid ON paid.order_id = o.order_id
WHERE o.customer_id IS NOT NULL
GROUP BY o.customer_id, o.currency;

-- Nothing is added up over it any more.
DROP INDEX orders_by_time;
CREATE INDEX orders_by_time ON orders (create_time DESC, order_id DESC);
