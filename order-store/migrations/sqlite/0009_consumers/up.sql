-- Those who pass the feed on: how far each has come. One process at a time works for each of them, for as long as its lease holds.
CREATE TABLE feed_consumer (
    name          TEXT    NOT NULL PRIMARY KEY,    -- Such as notification.
    -- Behind which event it goes on.
    feed_position INTEGER NOT NULL,
    order_id      BLOB    NOT NULL,
    revision      INTEGER NOT NULL,
    -- The process that works for it, and until when nobody else may.
    holder        BLOB,
    lease_until   INTEGER,
    update_time   INTEGER NOT NULL,
    CONSTRAINT feed_consumer_place_is_one CHECK (feed_position >= 0 AND revision >= 0),
    CONSTRAINT feed_consumer_lease_is_whole CHECK ((holder IS NULL) = (lease_until IS NULL))
) STRICT, WITHOUT ROWID;
