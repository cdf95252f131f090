-- The books in full: promises given up, partial refunds and what they are for, parcels that are planned, returns, and what
-- gateways report. Only columns and tables are added; what stands is brought to what the program derives today.

ALTER TABLE orders
    -- What the customer was let off: units called off, returned or refunded, shipping, concessions. Minor units. What an order
    -- costs now is total - credited; kept here so that revenue is a sum over one table.
    ADD COLUMN credited bigint NOT NULL DEFAULT 0,
    -- Of shipping and its tax.
    ADD COLUMN shipping_refunded bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT orders_credited_check CHECK (credited >= 0 AND credited <= total),
    ADD CONSTRAINT orders_shipping_refunded_check
        CHECK (shipping_refunded >= 0 AND shipping_refunded <= shipping + shipping_tax);

ALTER TABLE order_line
    -- Units that were shipped and that the customer does not pay for.
    ADD COLUMN refunded integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT order_line_refunded_check CHECK (refunded >= 0 AND refunded <= shipped);

ALTER TABLE payment
    -- Promises on their way to being given up: they count like what is taken.
    ADD COLUMN void_pending bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT payment_void_pending_check
        CHECK (void_pending >= 0 AND captured + capture_pending + voided + void_pending <= authorized);

ALTER TABLE payment_operation
    -- Why money goes back.
    ADD COLUMN cause text COLLATE "C",
    -- Of a refund, by how much it lowers what the order costs.
    ADD COLUMN concession bigint NOT NULL DEFAULT 0,
    -- The return that a refund is for.
    ADD COLUMN return_id uuid,
    -- What the gateway says it moved, where that is not what was asked.
    ADD COLUMN reported_amount bigint,
    ADD COLUMN reported_currency text COLLATE "C",
    ADD CONSTRAINT payment_operation_cause_check
        CHECK (cause IN ('REQUESTED', 'CANCELLATION', 'RETURN', 'EDIT', 'LATE')),
    ADD CONSTRAINT payment_operation_concession_check CHECK (concession >= 0 AND concession <= amount),
    ADD CONSTRAINT payment_operation_reported_check CHECK ((reported_amount IS NULL) = (reported_currency IS NULL));

ALTER TABLE shipment
    -- JSON list of what the carrier said.
    ADD COLUMN carrier_events text NOT NULL DEFAULT '[]',
    ADD COLUMN pack_time timestamptz;

-- Goods that come back.
CREATE TABLE order_return (
    return_id       uuid NOT NULL,
    order_id        uuid NOT NULL,
    -- 1, 2, 3 ... within the order; the end of its number.
    sequence        integer NOT NULL,
    status          text COLLATE "C" NOT NULL,
    -- JSON list of line, units requested, restocked and written off, and why.
    lines           text NOT NULL,
    reason          text,
    decision_reason text,
    create_time     timestamptz NOT NULL,
    update_time     timestamptz NOT NULL,
    CONSTRAINT order_return_pkey PRIMARY KEY (return_id),
    -- Also the index for the returns of an order.
    CONSTRAINT order_return_sequence_key UNIQUE (order_id, sequence),
    CONSTRAINT order_return_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (order_id),
    CONSTRAINT order_return_status_check
        CHECK (status IN ('REQUESTED', 'APPROVED', 'REJECTED', 'RECEIVED', 'CLOSED', 'CANCELLED')),
    CONSTRAINT order_return_sequence_check CHECK (sequence >= 1)
);

-- What gateways told us without being asked. The name that they give to a message makes it count once for its operation: two
-- gateways may use the same names.
CREATE TABLE payment_event (
    event_id     text COLLATE "C" NOT NULL,
    operation_id uuid NOT NULL,
    -- The operation's, repeated, so that an order's events are read at once.
    order_id     uuid NOT NULL,
    -- JSON: what it says.
    outcome      text NOT NULL,
    -- When it happened, as the gateway says.
    event_time   timestamptz NOT NULL,
    create_time  timestamptz NOT NULL,
    -- Also the index for the foreign key and for the messages about an operation.
    CONSTRAINT payment_event_pkey PRIMARY KEY (operation_id, event_id),
    CONSTRAINT payment_event_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES payment_operation (operation_id),
    CONSTRAINT payment_event_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (order_id)
);
-- The messages about an order; the foreign key.
CREATE INDEX payment_event_order_id_idx ON payment_event (order_id);

ALTER TABLE gateway_operation
    -- What the simulated gateway says it moved, where it was told to err.
    ADD COLUMN moved_amount bigint,
    ADD COLUMN moved_currency text COLLATE "C",
    ADD CONSTRAINT gateway_operation_moved_check CHECK ((moved_amount IS NULL) = (moved_currency IS NULL));

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
SET credited = least(orders.total, given.back)
FROM (
    SELECT order_id, sum(concession) AS back FROM payment_operation WHERE state <> 'FAILED' GROUP BY order_id
) AS given
WHERE given.order_id = orders.order_id AND given.back > 0 AND orders.state NOT IN ('CANCELLED', 'EXPIRED');
