-- Who counts the goods of an order: this database, or an inventory service. It stays so for the order's whole life, so that goods which
-- were promised by one of them are never given back to the other.
ALTER TABLE orders ADD COLUMN stock_keeping text COLLATE "C" NOT NULL DEFAULT 'EMBEDDED'
    CONSTRAINT orders_stock_keeping_check CHECK (stock_keeping IN ('EMBEDDED', 'REMOTE'));

-- What an inventory service is still to be asked or told. A row goes when its work is done.
CREATE TABLE inventory_operation (
    -- The idempotency key.
    operation_id    uuid NOT NULL,
    -- Without a foreign key: a reservation is noted down before its order is.
    order_id        uuid NOT NULL,
    -- The order's revision after the change that it follows from; what an order tells is told in this order. 0 for a reservation.
    revision        bigint NOT NULL,
    kind            text COLLATE "C" NOT NULL,
    -- Of a reservation: the request or the cart that it is for, where there is one. What it asked for may be what the same claimant has
    -- reserved before.
    claimant        uuid,
    -- Units by SKU, as JSON.
    goods           text NOT NULL,
    attempts        integer NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    create_time     timestamptz NOT NULL,
    CONSTRAINT inventory_operation_pkey PRIMARY KEY (operation_id),
    CONSTRAINT inventory_operation_kind_check CHECK (kind IN ('RESERVE', 'WITHDRAW', 'RELEASE', 'COMMIT', 'RESTOCK')),
    CONSTRAINT inventory_operation_count_check CHECK (attempts >= 0 AND revision >= 0)
);

-- What is due, oldest first.
CREATE INDEX inventory_operation_due_idx ON inventory_operation (next_attempt_at);
-- Whether an order has something older to tell.
CREATE INDEX inventory_operation_order_idx ON inventory_operation (order_id, revision);
-- What else a claimant has reserved.
CREATE INDEX inventory_operation_claimant_idx ON inventory_operation (claimant) WHERE claimant IS NOT NULL;
