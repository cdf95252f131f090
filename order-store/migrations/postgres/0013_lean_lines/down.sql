CREATE INDEX order_line_sku_idx ON order_line (sku);
CREATE INDEX order_line_product_id_idx ON order_line (product_id);
