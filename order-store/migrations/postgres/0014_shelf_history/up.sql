-- A shelf's history as a chain instead of an index, in which every movement had to find its place: the shelf, which is written anyway,
-- names its last movement, and each movement the one before it.
LOCK TABLE stock IN ACCESS EXCLUSIVE MODE;

DROP INDEX stock_movement_sku_idx;
ALTER TABLE stock ADD COLUMN last_movement_id uuid;
ALTER TABLE stock_movement ADD COLUMN previous_movement_id uuid;

-- Movements of one transaction have no order among themselves but that of their identities. These two statements also mend a history
-- that an older program has written to since.
UPDATE stock_movement AS m SET previous_movement_id = older.previous_movement_id
FROM (
    SELECT movement_id, lag(movement_id) OVER (PARTITION BY sku ORDER BY movement_id) AS previous_movement_id FROM stock_movement
) AS older
WHERE older.movement_id = m.movement_id AND older.previous_movement_id IS DISTINCT FROM m.previous_movement_id;

UPDATE stock AS s SET last_movement_id = newest.movement_id
FROM (SELECT DISTINCT ON (sku) sku, movement_id FROM stock_movement ORDER BY sku, movement_id DESC) AS newest
WHERE newest.sku = s.sku;
