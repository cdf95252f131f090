ALTER TABLE gateway_operation DROP COLUMN moved_amount, DROP COLUMN moved_currency;
DROP TABLE payment_event;
DROP TABLE order_return;
ALTER TABLE shipment DROP COLUMN carrier_events, DROP COLUMN pack_time;
ALTER TABLE payment_operation
    DROP COLUMN cause, DROP COLUMN concession, DROP COLUMN return_id, DROP COLUMN reported_amount, DROP COLUMN reported_currency;
ALTER TABLE payment DROP COLUMN void_pending;
ALTER TABLE order_line DROP COLUMN refunded;
ALTER TABLE orders DROP COLUMN credited, DROP COLUMN shipping_refunded;
