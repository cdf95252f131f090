CREATE TABLE old_order_event (
    order_id     BLOB    NOT NULL REFERENCES orders (order_id),
    revision     INTEGER NOT NULL,                -- 1, 2, 3 ... without gap per order.
    kind         TEXT    NOT NULL,
    actor_kind   TEXT    NOT NULL,
    actor_id     TEXT    NOT NULL,
    request_id   BLOB,
    reason       TEXT,
    create_time  INTEGER NOT NULL,
    status_after TEXT    NOT NULL,
    payload      TEXT    NOT NULL,                -- JSON.
    PRIMARY KEY (order_id, revision),
    CONSTRAINT order_event_revision_is_positive CHECK (revision >= 1),
    CONSTRAINT order_event_actor_is_known CHECK (actor_kind IN ('CUSTOMER', 'GUEST', 'ADMIN', 'SERVICE', 'SYSTEM')),
    CONSTRAINT order_event_status_is_known CHECK (
        status_after IN (
            'PENDING', 'PAID', 'CONFIRMED', 'PROCESSING', 'SHIPPED', 'DELIVERED', 'COMPLETED', 'CANCELLED', 'REFUNDED'
        )
    )
) STRICT;

INSERT INTO old_order_event
SELECT order_id, revision, kind, actor_kind, actor_id, request_id, reason, create_time, status_after, payload
FROM order_event
ORDER BY feed_position;

DROP TABLE order_event;
ALTER TABLE old_order_event RENAME TO order_event;
