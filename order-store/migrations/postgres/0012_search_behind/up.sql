-- Taking documents into the search index is no longer the work of those who write them.
--
-- What is written stands on the index's list until somebody takes it in, and whoever searches reads that list as well. With 256 kB of it
-- that was every second batch of orders, under the locks of its shelves, and a quarter of the database's time. The program does it once a
-- second instead, for all at once. Beyond this limit, which takes seconds of the greatest load, a transaction does it after all: where
-- no program does, such as an older one, and then everybody waits for a part of a second.

-- A survey that is under way reads that index; who places orders must not wait behind this for long.
SET LOCAL lock_timeout = '1s';
ALTER INDEX order_search_document_idx SET (gin_pending_list_limit = 16384);

-- Only the owner of an index may ask for that, and the program may be somebody else. While somebody is at it, others need not wait: NULL.
CREATE FUNCTION take_in_search_documents() RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER AS $$
    SELECT CASE WHEN pg_catalog.pg_try_advisory_xact_lock(7310093211452883202)
        THEN pg_catalog.gin_clean_pending_list('order_search_document_idx'::pg_catalog.regclass) END
$$;
-- It means the index beside it, whatever its caller's search path.
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION take_in_search_documents() SET search_path = %I, pg_temp', current_schema());
END $$;
