-- Takes back everything of up.sql, in the opposite order. The extension stays: others may use it.
DROP TABLE gateway_operation;
DROP TABLE request;
DROP TABLE order_counter;
DROP TABLE order_search;
DROP TABLE order_event;
DROP TABLE shipment;
DROP TABLE payment_operation;
DROP TABLE payment;
DROP TABLE order_line;
DROP TABLE orders;
DROP TABLE cart_item;
DROP TABLE cart;
DROP TABLE stock_movement;
DROP TABLE stock;
DROP TABLE product;
