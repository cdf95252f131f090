-- What carts hold for a time, and what may be promised beyond what is there.
--
-- SQLite cannot change a CHECK, so both tables are built anew: new table, copy, drop, rename, which is the way its manual
-- gives. Foreign keys are not enforced meanwhile (see migrate.rs), or dropping the shelves would fail on their movements.

-- Goods on their way to us may be promised before they arrive, so many units of a SKU. The default stays, so that a process of
-- the version before goes on adding shelves while this one takes over.
CREATE TABLE new_stock (
    sku             TEXT    NOT NULL PRIMARY KEY,
    on_hand         INTEGER NOT NULL,             -- There.
    reserved        INTEGER NOT NULL,             -- Held for carts: the sum of the reservations.
    allocated       INTEGER NOT NULL,             -- Promised to orders that have not shipped.
    backorder_limit INTEGER NOT NULL DEFAULT 0,   -- How many more than there are may be promised.
    CONSTRAINT stock_is_not_negative CHECK (
        on_hand >= 0 AND reserved >= 0 AND allocated >= 0 AND backorder_limit >= 0
    ),
    CONSTRAINT stock_promises_what_is_there_or_on_its_way CHECK (reserved + allocated <= on_hand + backorder_limit)
) STRICT, WITHOUT ROWID;
INSERT INTO new_stock (sku, on_hand, reserved, allocated) SELECT sku, on_hand, reserved, allocated FROM stock;
DROP TABLE stock;
ALTER TABLE new_stock RENAME TO stock;

-- A hold that is given back is a movement of its own; RELEASED is of what was promised to orders.
CREATE TABLE new_stock_movement (
    movement_id     BLOB    NOT NULL PRIMARY KEY,
    sku             TEXT    NOT NULL REFERENCES stock (sku),
    kind            TEXT    NOT NULL,
    on_hand_delta   INTEGER NOT NULL,
    reserved_delta  INTEGER NOT NULL,
    allocated_delta INTEGER NOT NULL,
    order_id        BLOB,                         -- For which order, if for one.
    cart_id         BLOB,                         -- For which cart, if for one's hold.
    reason          TEXT,
    actor_kind      TEXT    NOT NULL,
    actor_id        TEXT    NOT NULL,
    create_time     INTEGER NOT NULL,
    CONSTRAINT stock_movement_id_is_a_uuid CHECK (length(movement_id) = 16),
    CONSTRAINT stock_movement_kind_is_known CHECK (
        kind IN ('RECEIVED', 'RESERVED', 'ALLOCATED', 'RELEASED', 'SHIPPED', 'ADJUSTED', 'RETURNED', 'UNRESERVED')
    ),
    CONSTRAINT stock_movement_actor_is_known CHECK (actor_kind IN ('CUSTOMER', 'GUEST', 'ADMIN', 'SERVICE', 'SYSTEM'))
) STRICT;
INSERT INTO new_stock_movement (
    movement_id, sku, kind, on_hand_delta, reserved_delta, allocated_delta, order_id, reason, actor_kind, actor_id, create_time
)
SELECT
    movement_id, sku, kind, on_hand_delta, reserved_delta, allocated_delta, order_id, reason, actor_kind, actor_id, create_time
FROM stock_movement;
DROP TABLE stock_movement;
ALTER TABLE new_stock_movement RENAME TO stock_movement;
-- The history of one shelf, newest first; also finds the movements behind the foreign key.
CREATE INDEX stock_movement_by_sku ON stock_movement (sku, movement_id DESC);

-- What each cart holds. The rows of a SKU add up to what its shelf has reserved, and are written under the shelf's lock only.
-- Neither key cascades: a cart or a shelf that went away with its holds would leave the sum wrong.
CREATE TABLE reservation (
    cart_id     BLOB    NOT NULL REFERENCES cart (cart_id),
    sku         TEXT    NOT NULL REFERENCES stock (sku),
    quantity    INTEGER NOT NULL,                 -- Units.
    expire_time INTEGER NOT NULL,                 -- From then on whoever claims stock of the SKU gives it back first.
    PRIMARY KEY (cart_id, sku),
    CONSTRAINT reservation_quantity_is_positive CHECK (quantity > 0)
) STRICT, WITHOUT ROWID;
-- What has expired on the shelves that somebody claims.
CREATE INDEX reservation_by_sku ON reservation (sku, expire_time);
-- Which to sweep.
CREATE INDEX reservation_by_expiry ON reservation (expire_time);
