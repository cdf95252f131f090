DROP TABLE order_rollup, customer_rollup;
DROP INDEX orders_cart_id_key, orders_import_key;
ALTER TABLE orders
    ADD CONSTRAINT orders_cart_id_key UNIQUE (cart_id),
    ADD CONSTRAINT orders_import_key UNIQUE (import_source, import_external_id);
