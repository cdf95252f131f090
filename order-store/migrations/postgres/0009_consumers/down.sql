DROP TABLE feed_consumer;
