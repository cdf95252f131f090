DROP INDEX order_search_document_idx;
CREATE INDEX order_search_document_idx ON order_search USING gin (document gin_trgm_ops) WITH (gin_pending_list_limit = 16384);
CREATE INDEX order_line_sku_idx ON order_line (sku);
CREATE INDEX order_line_product_id_idx ON order_line (product_id);
