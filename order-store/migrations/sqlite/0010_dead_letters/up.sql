-- Events that somebody who passes the feed on could not get rid of: they are refused again and again, and others come after them.
CREATE TABLE dead_letter (
    consumer      TEXT    NOT NULL,    -- Such as webhook.
    -- Which event.
    feed_position INTEGER NOT NULL,
    order_id      BLOB    NOT NULL,
    revision      INTEGER NOT NULL,
    reason        TEXT    NOT NULL,    -- What whoever refused it said last.
    create_time   INTEGER NOT NULL,
    PRIMARY KEY (consumer, feed_position, order_id, revision),
    CONSTRAINT dead_letter_place_is_one CHECK (feed_position >= 0 AND revision >= 1)
) STRICT, WITHOUT ROWID;
