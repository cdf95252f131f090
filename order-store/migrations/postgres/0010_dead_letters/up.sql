-- Events that somebody who passes the feed on could not get rid of: they are refused again and again, and others come after them.
CREATE TABLE dead_letter (
    -- Such as webhook.
    consumer      text COLLATE "C" NOT NULL,
    -- Which event.
    feed_position bigint NOT NULL,
    order_id      uuid NOT NULL,
    revision      bigint NOT NULL,
    -- What whoever refused it said last.
    reason        text NOT NULL,
    create_time   timestamptz NOT NULL,
    CONSTRAINT dead_letter_pkey PRIMARY KEY (consumer, feed_position, order_id, revision),
    CONSTRAINT dead_letter_place_check CHECK (feed_position >= 0 AND revision >= 1)
);
