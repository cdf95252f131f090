-- Requests stand in the order in which they came, with an index over their keys, which are random. The oldest are the first ones then, and
-- are found without a look at all others; and what is written at random places is a third as long.
CREATE TABLE new_request (
    principal   TEXT    NOT NULL,                 -- Who.
    method      TEXT    NOT NULL,
    request_id  BLOB    NOT NULL,
    body_hash   BLOB    NOT NULL,                 -- SHA-256: the same id with another body is refused.
    outcome     TEXT    NOT NULL,                 -- JSON: what it made, or why it was refused.
    create_time INTEGER NOT NULL,
    PRIMARY KEY (principal, method, request_id),
    CONSTRAINT request_id_is_a_uuid CHECK (length(request_id) = 16),
    CONSTRAINT request_body_hash_is_a_digest CHECK (length(body_hash) = 32)
) STRICT;
INSERT INTO new_request (principal, method, request_id, body_hash, outcome, create_time)
SELECT principal, method, request_id, body_hash, outcome, create_time FROM request ORDER BY create_time;
DROP TABLE request;
ALTER TABLE new_request RENAME TO request;
