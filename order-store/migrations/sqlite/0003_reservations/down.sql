-- Holds are given back, and it is as if there had been none. Where more is promised than is there, the old rule cannot hold:
-- the CHECK fails, and nothing is taken back. Both tables are built anew, as on the way up.
DROP TABLE reservation;

CREATE TABLE new_stock (
    sku       TEXT    NOT NULL PRIMARY KEY,
    on_hand   INTEGER NOT NULL,                   -- There.
    reserved  INTEGER NOT NULL,                   -- Held for carts.
    allocated INTEGER NOT NULL,                   -- Promised to orders that have not shipped.
    CONSTRAINT stock_is_not_negative CHECK (on_hand >= 0 AND reserved >= 0 AND allocated >= 0),
    CONSTRAINT stock_promises_what_is_there CHECK (reserved + allocated <= on_hand)
) STRICT, WITHOUT ROWID;
INSERT INTO new_stock (sku, on_hand, reserved, allocated) SELECT sku, on_hand, 0, allocated FROM stock;
DROP TABLE stock;
ALTER TABLE new_stock RENAME TO stock;

CREATE TABLE new_stock_movement (
    movement_id     BLOB    NOT NULL PRIMARY KEY,
    sku             TEXT    NOT NULL REFERENCES stock (sku),
    kind            TEXT    NOT NULL,
    on_hand_delta   INTEGER NOT NULL,
    reserved_delta  INTEGER NOT NULL,
    allocated_delta INTEGER NOT NULL,
    order_id        BLOB,                         -- For which order, if for one.
    reason          TEXT,
    actor_kind      TEXT    NOT NULL,
    actor_id        TEXT    NOT NULL,
    create_time     INTEGER NOT NULL,
    CONSTRAINT stock_movement_id_is_a_uuid CHECK (length(movement_id) = 16),
    CONSTRAINT stock_movement_kind_is_known CHECK (
        kind IN ('RECEIVED', 'RESERVED', 'ALLOCATED', 'RELEASED', 'SHIPPED', 'ADJUSTED', 'RETURNED')
    ),
    CONSTRAINT stock_movement_actor_is_known CHECK (actor_kind IN ('CUSTOMER', 'GUEST', 'ADMIN', 'SERVICE', 'SYSTEM'))
) STRICT;
INSERT INTO new_stock_movement (
    movement_id, sku, kind, on_hand_delta, reserved_delta, allocated_delta, order_id, reason, actor_kind, actor_id, create_time
)
SELECT
    movement_id, sku, kind, on_hand_delta, reserved_delta, allocated_delta, order_id, reason, actor_kind, actor_id, create_time
FROM stock_movement
WHERE kind NOT IN ('RESERVED', 'UNRESERVED');
DROP TABLE stock_movement;
ALTER TABLE new_stock_movement RENAME TO stock_movement;
-- The history of one shelf, newest first; also finds the movements behind the foreign key.
CREATE INDEX stock_movement_by_sku ON stock_movement (sku, movement_id DESC);
