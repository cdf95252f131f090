-- The feed: every event says where it stands among those of all orders, so that who reads them one after the other misses none.
--
-- A number from a sequence would not do: it is drawn before the commit, and who has read up to 7 does not see 6 appear behind
-- it. The position is that of the transaction. What is below the oldest transaction that is under way
-- (pg_snapshot_xmin) can no longer change, and up to there the feed is read.
--
-- A transaction may begin early, wait for an order, and then write behind one that began later. Where an order has events
-- already, the new ones therefore stand no lower than the last of them; the statement that appends them sees to that.

-- What transactions are counted from. A database that was restored from a dump counts its transactions anew, below its own
-- history: `order-server migrate` then moves this origin.
CREATE FUNCTION feed_origin() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 0::bigint';

-- What was there before the feed stands before all else, order by order.
ALTER TABLE order_event ADD COLUMN feed_position bigint NOT NULL DEFAULT 0;
-- What is there is 0, which need not be looked at.
ALTER TABLE order_event ADD CONSTRAINT order_event_feed_position_check CHECK (feed_position >= 0) NOT VALID;
ALTER TABLE order_event ALTER COLUMN feed_position SET DEFAULT feed_origin() + pg_current_xact_id()::text::bigint;

CREATE UNIQUE INDEX order_event_feed_idx ON order_event (feed_position, order_id, revision);
