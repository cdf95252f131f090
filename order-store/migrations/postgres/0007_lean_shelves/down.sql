ALTER TABLE stock_movement ADD CONSTRAINT stock_movement_sku_fkey FOREIGN KEY (sku) REFERENCES stock (sku);
