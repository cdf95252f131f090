-- Taking documents into the search index is no longer the work of those who write them.
--
-- What is written stands on the index's list until somebody takes it in, and whoever searches reads that list as well. With 256 kB of it
-- that was every second batch of orders, under the locks of its shelves, and a quarter of the database's time. The program does it once a
-- second instead, for all at once. This is where a transaction does it after all, because no program does.
ALTER INDEX order_search_document_idx SET (gin_pending_list_limit = 32768);

-- Only the owner of an index may ask for that, and the program may be somebody else. Where several processes ask, one does it and the others have
-- nothing to do: NULL.
CREATE FUNCTION take_in_search_documents() RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT CASE WHEN pg_catalog.pg_try_advisory_xact_lock(7310093211452883202)
        THEN pg_catalog.gin_clean_pending_list('order_search_document_idx'::pg_catalog.regclass) END
$$;
