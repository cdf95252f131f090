DROP TRIGGER order_search_changed;
UPDATE order_search SET document = replace(document, char(10) || char(10), char(10));
INSERT INTO order_search_index (order_search_index) VALUES ('rebuild');
CREATE TRIGGER order_search_changed AFTER UPDATE OF document ON order_search WHEN old.document <> new.document BEGIN
    INSERT INTO order_search_index (order_search_index, rowid, document) VALUES ('delete', old.search_id, old.document);
    INSERT INTO order_search_index (rowid, document) VALUES (new.search_id, new.document);
END;
