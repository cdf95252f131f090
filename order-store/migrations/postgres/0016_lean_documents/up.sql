-- What documents say of goods is no longer cut into threes of letters for every order: product names, products and SKUs are few, and each
-- line of them is cut once, in a table of its own. Whoever searches finds the lines that hold a word there, and the orders by these. That
-- halves what an order costs the search index, which is the largest part of what it costs the database.
--
-- Documents have two parts, with an empty line between them: what is the order's own, and what is its goods'. All of them are rewritten.
-- No order is placed meanwhile. What an older program writes beside it has no second part; once there is none any more, the UPDATE, for
-- documents without an empty line, and the INSERT, with ON CONFLICT DO NOTHING, mend that.

-- A survey that is under way reads these tables: then this fails, and is to be tried again.
SET LOCAL lock_timeout = '1s';
DROP INDEX order_search_document_idx;
UPDATE order_search SET document = array_to_string(parts.lines[:parts.own], E'\n') || E'\n\n' || array_to_string(parts.lines[parts.own + 1:], E'\n')
    FROM (
        SELECT order_id, array_remove(string_to_array(document, E'\n'), '') AS lines,
            1 + (contact_email <> '' AND contact_email IS NOT NULL)::int + (contact_name <> '' AND contact_name IS NOT NULL)::int
                + (import_external_id <> '' AND import_external_id IS NOT NULL)::int AS own
        FROM order_search JOIN orders USING (order_id)
    ) AS parts WHERE order_search.order_id = parts.order_id;
CREATE INDEX order_search_document_idx ON order_search USING gin (
    split_part(document, E'\n\n', 1) gin_trgm_ops, string_to_array(split_part(document, E'\n\n', 2), E'\n')
) WITH (gin_pending_list_limit = 16384);

-- Every line of the second part of any document. None is ever taken out; none is about a person.
CREATE TABLE search_line (
    line text COLLATE "C" NOT NULL,
    CONSTRAINT search_line_pkey PRIMARY KEY (line)
);
INSERT INTO search_line
    SELECT DISTINCT unnest(string_to_array(split_part(document, E'\n\n', 2), E'\n')) FROM order_search;
CREATE INDEX search_line_idx ON search_line USING gin (line gin_trgm_ops);

-- New lines stand on a list, too, until they are taken in.
CREATE OR REPLACE FUNCTION take_in_search_documents() RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER AS $$
    SELECT CASE WHEN pg_catalog.pg_try_advisory_xact_lock(7310093211452883202)
        THEN pg_catalog.gin_clean_pending_list('order_search_document_idx'::pg_catalog.regclass)
            + pg_catalog.gin_clean_pending_list('search_line_idx'::pg_catalog.regclass) END
$$;
-- It means the indexes beside it, whatever its caller's search path.
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION take_in_search_documents() SET search_path = %I, pg_temp', current_schema());
END $$;
-- Not of new, empty tables: the server would plan for no row at all.
DO $$ BEGIN
    IF EXISTS (SELECT FROM order_search) THEN
        ANALYZE order_search, search_line;
    END IF;
END $$;
