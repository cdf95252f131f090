-- Four entries less to write for an order of two lines. Whoever wants the orders with a product or a SKU looks them up in the index over
-- search documents, which hold both as lines of their own, and then at the lines of those orders. Unlike an entry in an index of rows,
-- that is not the work of the transaction that places an order. The index is built anew for it.

-- A survey that is under way reads these tables; who places orders must not wait behind this for long.
SET LOCAL lock_timeout = '1s';
DROP INDEX order_line_sku_idx;
DROP INDEX order_line_product_id_idx;
DROP INDEX order_search_document_idx;
CREATE INDEX order_search_document_idx
    ON order_search USING gin (document gin_trgm_ops, string_to_array(document, E'\n')) WITH (gin_pending_list_limit = 16384);
