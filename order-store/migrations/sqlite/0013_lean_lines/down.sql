CREATE INDEX order_line_by_product ON order_line (product_id);
CREATE INDEX order_line_by_sku ON order_line (sku);
