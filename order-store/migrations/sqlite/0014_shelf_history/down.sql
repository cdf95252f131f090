CREATE INDEX stock_movement_by_sku ON stock_movement (sku, movement_id DESC);
ALTER TABLE stock_movement DROP COLUMN previous_movement_id;
ALTER TABLE stock DROP COLUMN last_movement_id;
