-- A shelf's history as a chain instead of an index, in which every movement touched a page of its own: the shelf, which is written
-- anyway, names its last movement, and each movement the one before it.
ALTER TABLE stock ADD COLUMN last_movement_id BLOB
    CONSTRAINT stock_last_movement_id_is_a_uuid CHECK (length(last_movement_id) = 16);
ALTER TABLE stock_movement ADD COLUMN previous_movement_id BLOB
    CONSTRAINT stock_movement_previous_movement_id_is_a_uuid CHECK (length(previous_movement_id) = 16);

-- Movements of one transaction have no order among themselves but that of their identities. These two statements also mend a history
-- that an older program has written to since.
UPDATE stock_movement SET previous_movement_id = older.previous_movement_id
FROM (
    SELECT movement_id, lag(movement_id) OVER (PARTITION BY sku ORDER BY movement_id) AS previous_movement_id FROM stock_movement
) AS older
WHERE older.movement_id = stock_movement.movement_id AND older.previous_movement_id IS NOT stock_movement.previous_movement_id;

UPDATE stock SET last_movement_id = newest.movement_id
FROM (SELECT sku, max(movement_id) AS movement_id FROM stock_movement GROUP BY sku) AS newest
WHERE newest.sku = stock.sku;

DROP INDEX stock_movement_by_sku;
