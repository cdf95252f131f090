DROP TABLE order_rollup;
DROP TABLE customer_rollup;
DROP INDEX orders_by_time;
CREATE INDEX orders_by_time ON orders (create_time DESC, order_id DESC, status, currency, total, refunded, credited);
