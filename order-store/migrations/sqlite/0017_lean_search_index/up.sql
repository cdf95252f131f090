-- The index says which documents have a run of three characters, and no longer where, nor how long they are: less to write for an order.
-- Documents that have all the runs of a word are looked through for the word itself.
DROP TRIGGER order_search_added;
DROP TRIGGER order_search_changed;
DROP TRIGGER order_search_removed;
DROP TABLE order_search_index;
CREATE VIRTUAL TABLE order_search_index USING fts5 (
    document, content = 'order_search', content_rowid = 'search_id', tokenize = 'trigram case_sensitive 1',
    detail = none, columnsize = 0
);
INSERT INTO order_search_index (order_search_index) VALUES ('rebuild');
CREATE TRIGGER order_search_added AFTER INSERT ON order_search BEGIN
    INSERT INTO order_search_index (rowid, document) VALUES (new.search_id, new.document);
END;
CREATE TRIGGER order_search_changed AFTER UPDATE OF document ON order_search WHEN old.document <> new.document BEGIN
    INSERT INTO order_search_index (order_search_index, rowid, document) VALUES ('delete', old.search_id, old.document);
    INSERT INTO order_search_index (rowid, document) VALUES (new.search_id, new.document);
END;
CREATE TRIGGER order_search_removed AFTER DELETE ON order_search BEGIN
    INSERT INTO order_search_index (order_search_index, rowid, document) VALUES ('delete', old.search_id, old.document);
END;
