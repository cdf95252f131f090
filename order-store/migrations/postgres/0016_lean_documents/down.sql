SET LOCAL lock_timeout = '1s';
CREATE OR REPLACE FUNCTION take_in_search_documents() RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER AS $$
    SELECT CASE WHEN pg_catalog.pg_try_advisory_xact_lock(7310093211452883202)
        THEN pg_catalog.gin_clean_pending_list('order_search_document_idx'::pg_catalog.regclass) END
$$;
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION take_in_search_documents() SET search_path = %I, pg_temp', current_schema());
END $$;
DROP TABLE search_line;
DROP INDEX order_search_document_idx;
UPDATE order_search SET document = replace(document, E'\n\n', E'\n');
CREATE INDEX order_search_document_idx
    ON order_search USING gin (document gin_trgm_ops, string_to_array(document, E'\n')) WITH (gin_pending_list_limit = 16384);
