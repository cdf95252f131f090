SET LOCAL lock_timeout = '1s';
DROP TABLE search_line;
DROP INDEX order_search_document_idx;
UPDATE order_search SET document = replace(document, E'\n\n', E'\n');
CREATE INDEX order_search_document_idx
    ON order_search USING gin (document gin_trgm_ops, string_to_array(document, E'\n')) WITH (gin_pending_list_limit = 16384);
