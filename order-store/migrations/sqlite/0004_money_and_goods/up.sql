-- The books in full: promises given up, partial refunds and what they are for, parcels that are planned, returns, and what
-- gateways report. Only columns and tables are added; what stands is brought to what the program derives today. The CHECKs
-- hang on the new columns, because SQLite can add none to a table.

-- What the customer was let off: units called off, returned or refunded, shipping, concessions. Minor units. What an order
-- costs now is total - credited; kept here so that revenue is a sum over one table.
ALTER TABLE orders ADD COLUMN credited INTEGER NOT NULL DEFAULT 0
    CONSTRAINT orders_credited_is_at_most_the_total CHECK (credited >= 0 AND credited <= total);
-- Of shipping and its tax.
ALTER TABLE orders ADD COLUMN shipping_refunded INTEGER NOT NULL DEFAULT 0
    CONSTRAINT orders_shipping_refunded_is_at_most_shipping
        CHECK (shipping_refunded >= 0 AND shipping_refunded <= shipping + shipping_tax);

-- Units that were shipped and that the customer does not pay for.
ALTER TABLE order_line ADD COLUMN refunded INTEGER NOT NULL DEFAULT 0
    CONSTRAINT order_line_refunded_was_shipped CHECK (refunded >= 0 AND refunded <= shipped);

-- Promises on their way to being given up: they count like what is taken.
ALTER TABLE payment ADD COLUMN void_pending INTEGER NOT NULL DEFAULT 0
    CONSTRAINT payment_promise_is_used_once
        CHECK (void_pending >= 0 AND captured + capture_pending + voided + void_pending <= authorized);

-- Why money goes back.
ALTER TABLE payment_operation ADD COLUMN cause TEXT
    CONSTRAINT payment_operation_cause_is_known CHECK (cause IN ('REQUESTED', 'CANCELLATION', 'RETURN', 'EDIT', 'LATE'));
-- Of a refund, by how much it lowers what the order costs.
ALTER TABLE payment_operation ADD COLUMN concession INTEGER NOT NULL DEFAULT 0
    CONSTRAINT payment_operation_concession_is_part_of_it CHECK (concession >= 0 AND concession <= amount);
-- The return that a refund is for.
ALTER TABLE payment_operation ADD COLUMN return_id BLOB;
-- What the gateway says it moved, where that is not what was asked.
ALTER TABLE payment_operation ADD COLUMN reported_amount INTEGER;
ALTER TABLE payment_operation ADD COLUMN reported_currency TEXT
    CONSTRAINT payment_operation_report_is_whole CHECK ((reported_amount IS NULL) = (reported_currency IS NULL));

-- JSON list of what the carrier said.
ALTER TABLE shipment ADD COLUMN carrier_events TEXT NOT NULL DEFAULT '[]';
ALTER TABLE shipment ADD COLUMN pack_time INTEGER;

-- Goods that come back.
CREATE TABLE order_return (
    return_id       BLOB    NOT NULL PRIMARY KEY,
    order_id        BLOB    NOT NULL REFERENCES orders (order_id),
    sequence        INTEGER NOT NULL,             -- 1, 2, 3 ... within the order; the end of its number.
    status          TEXT    NOT NULL,
    lines           TEXT    NOT NULL,             -- JSON: line, units requested, restocked and written off, and why.
    reason          TEXT,
    decision_reason TEXT,
    create_time     INTEGER NOT NULL,
    update_time     INTEGER NOT NULL,
    -- Also the index for the returns of an order.
    CONSTRAINT order_return_sequence_is_unique UNIQUE (order_id, sequence),
    CONSTRAINT order_return_status_is_known
        CHECK (status IN ('REQUESTED', 'APPROVED', 'REJECTED', 'RECEIVED', 'CLOSED', 'CANCELLED')),
    CONSTRAINT order_return_sequence_is_positive CHECK (sequence >= 1)
) STRICT;

-- What gateways told us without being asked. The name that they give to a message makes it count once.
CREATE TABLE payment_event (
    event_id     TEXT    NOT NULL,
    operation_id BLOB    NOT NULL REFERENCES payment_operation (operation_id),
    order_id     BLOB    NOT NULL REFERENCES orders (order_id), -- The operation's, so that an order's are read at once.
    outcome      TEXT    NOT NULL,                -- JSON: what it says.
    event_time   INTEGER NOT NULL,                -- When it happened, as the gateway says.
    create_time  INTEGER NOT NULL,
    PRIMARY KEY (operation_id, event_id)           -- Also the index for the messages about an operation; the foreign key.
) STRICT;
-- The messages about an order; the foreign key.
CREATE INDEX payment_event_by_order ON payment_event (order_id);

-- What the simulated gateway says it moved, where it was told to err.
ALTER TABLE gateway_operation ADD COLUMN moved_amount INTEGER;
ALTER TABLE gateway_operation ADD COLUMN moved_currency TEXT
    CONSTRAINT gateway_operation_word_is_whole CHECK ((moved_amount IS NULL) = (moved_currency IS NULL));

-- Until now every refund was a whole one: of an order that was called off, or one that lowered what the order costs.
UPDATE payment_operation
SET cause = CASE WHEN orders.state IN ('CANCELLED', 'EXPIRED') THEN 'CANCELLATION' ELSE 'REQUESTED' END,
    concession = CASE WHEN orders.state IN ('CANCELLED', 'EXPIRED') THEN 0 ELSE payment_operation.amount END
FROM orders
WHERE orders.order_id = payment_operation.order_id AND payment_operation.kind = 'REFUND';

-- What is due is held, whatever went back.
UPDATE orders SET status = 'PAID' WHERE state = 'PENDING' AND payment_status = 'PARTIALLY_REFUNDED';

UPDATE orders SET credited = total WHERE state IN ('CANCELLED', 'EXPIRED');
UPDATE orders
SET credited = min(orders.total, given.back)
FROM (
    SELECT order_id, sum(concession) AS back FROM payment_operation WHERE state <> 'FAILED' GROUP BY order_id
) AS given
WHERE given.order_id = orders.order_id AND given.back > 0 AND orders.state NOT IN ('CANCELLED', 'EXPIRED');

-- Statistics add up this index: with what an order costs now.
DROP INDEX orders_by_time;
CREATE INDEX orders_by_time ON orders (create_time DESC, order_id DESC, status, currency, total, refunded, credited);
