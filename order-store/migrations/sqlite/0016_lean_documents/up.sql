-- Documents have two parts, with an empty line between them: what is the order's own, and what is its goods'. PostgreSQL keeps the latter
-- apart, which here would gain nothing. All documents are rewritten, and the index over them is made anew, at once.
DROP TRIGGER order_search_changed;
-- Behind the line that is the last of the order's own.
UPDATE order_search SET document = (
    WITH RECURSIVE line_end (at, to_go) AS (
        SELECT instr(document, char(10)), (
            SELECT (coalesce(contact_email, '') <> '') + (coalesce(contact_name, '') <> '') + (coalesce(import_external_id, '') <> '')
            FROM orders WHERE orders.order_id = order_search.order_id
        )
        UNION ALL
        SELECT at + instr(substr(document, at + 1), char(10)), to_go - 1 FROM line_end WHERE to_go > 0
    )
    SELECT substr(document, 1, at) || char(10) || substr(document, at + 1) FROM line_end WHERE to_go = 0
)
WHERE EXISTS (SELECT 1 FROM orders WHERE orders.order_id = order_search.order_id);
INSERT INTO order_search_index (order_search_index) VALUES ('rebuild');
CREATE TRIGGER order_search_changed AFTER UPDATE OF document ON order_search WHEN old.document <> new.document BEGIN
    INSERT INTO order_search_index (order_search_index, rowid, document) VALUES ('delete', old.search_id, old.document);
    INSERT INTO order_search_index (rowid, document) VALUES (new.search_id, new.document);
END;
