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
    movement_id, sku, kind, on_hand_delta, reserved_delta, allocated_delta, order_id, cart_id, reason, actor_kind, actor_id,
    create_time
)
SELECT
    movement_id, sku, kind, on_hand_delta, reserved_delta, allocated_delta, order_id, cart_id, reason, actor_kind, actor_id,
    create_time
FROM stock_movement;
DROP TABLE stock_movement;
ALTER TABLE new_stock_movement RENAME TO stock_movement;
-- The history of one shelf, newest first; also finds the movements behind the foreign key.
CREATE INDEX stock_movement_by_sku ON stock_movement (sku, movement_id DESC);
