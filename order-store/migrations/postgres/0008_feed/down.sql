DROP INDEX order_event_feed_idx;
ALTER TABLE order_event DROP COLUMN feed_position;
DROP FUNCTION feed_origin();
