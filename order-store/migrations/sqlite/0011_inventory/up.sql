-- Who counts the goods of an order: this database, or an inventory service. It stays so for the order's whole life, so that goods which
-- were promised by one of them are never given back to the other.
ALTER TABLE orders ADD COLUMN stock_keeping TEXT NOT NULL DEFAULT 'EMBEDDED'
    CONSTRAINT orders_stock_keeping_is_known CHECK (stock_keeping IN ('EMBEDDED', 'REMOTE'));

-- What an inventory service is still to be asked or told. A row goes when its work is done.
CREATE TABLE inventory_operation (
    operation_id    BLOB    NOT NULL PRIMARY KEY, -- The idempotency key.
    order_id        BLOB    NOT NULL,  -- Without a foreign key: a reservation is noted down before its order is.
    -- The order's revision after the change that it follows from; what an order tells is told in this order. 0 for a reservation.
    revision        INTEGER NOT NULL,
    kind            TEXT    NOT NULL,
    -- Of a reservation: the request or the cart that it is for, where there is one. What it asked for may be what the same claimant has
    -- reserved before.
    claimant        BLOB,
    goods           TEXT    NOT NULL,  -- Units by SKU, as JSON.
    attempts        INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    create_time     INTEGER NOT NULL,
    CONSTRAINT inventory_operation_kind_is_known CHECK (kind IN ('RESERVE', 'WITHDRAW', 'RELEASE', 'COMMIT', 'RESTOCK')),
    CONSTRAINT inventory_operation_counts CHECK (attempts >= 0 AND revision >= 0)
) STRICT, WITHOUT ROWID;

-- What is due, oldest first.
CREATE INDEX inventory_operation_due ON inventory_operation (next_attempt_at);
-- Whether an order has something older to tell.
CREATE INDEX inventory_operation_of_order ON inventory_operation (order_id, revision);
-- What else a claimant has reserved.
CREATE INDEX inventory_operation_of_claimant ON inventory_operation (claimant) WHERE claimant IS NOT NULL;
