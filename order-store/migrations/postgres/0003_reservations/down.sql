-- Holds are given back, and it is as if there had been none. Where more is promised than is there, the old rule cannot hold:
-- the CHECK fails, and nothing is taken back.
DROP TABLE reservation;
DELETE FROM stock_movement WHERE kind IN ('RESERVED', 'UNRESERVED');
ALTER TABLE stock_movement
    DROP COLUMN cart_id,
    DROP CONSTRAINT stock_movement_kind_check,
    ADD CONSTRAINT stock_movement_kind_check
        CHECK (kind IN ('RECEIVED', 'RESERVED', 'ALLOCATED', 'RELEASED', 'SHIPPED', 'ADJUSTED', 'RETURNED'));
UPDATE stock SET reserved = 0 WHERE reserved <> 0;
ALTER TABLE stock
    DROP CONSTRAINT stock_promised_check,
    DROP COLUMN backorder_limit,
    ADD CONSTRAINT stock_promised_check CHECK (allocated + reserved <= on_hand);
