-- Those who pass the feed on: how far each has come. One process at a time works for each of them, for as long as its lease holds.
CREATE TABLE feed_consumer (
    -- Such as notification.
    name          text COLLATE "C" NOT NULL,
    -- Behind which event it goes on.
    feed_position bigint NOT NULL,
    order_id      uuid NOT NULL,
    revision      bigint NOT NULL,
    -- The process that works for it, and until when nobody else may.
    holder        uuid,
    lease_until   timestamptz,
    update_time   timestamptz NOT NULL,
    CONSTRAINT feed_consumer_pkey PRIMARY KEY (name),
    CONSTRAINT feed_consumer_place_check CHECK (feed_position >= 0 AND revision >= 0),
    CONSTRAINT feed_consumer_lease_check CHECK ((holder IS NULL) = (lease_until IS NULL))
);
