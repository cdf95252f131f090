DROP TABLE inventory_operation;
ALTER TABLE orders DROP COLUMN stock_keeping;
