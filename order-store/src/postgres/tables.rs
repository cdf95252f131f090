//! The columns of the rows that are written in batches. A test holds them against the schema.

use super::sql::columns;

columns! {
    ProductRow in product, key (product_id):
    product_id, sku, name, description, price, currency, tax_class, active, revision, create_time, update_time,
}

columns! { StockRow in stock, key (sku): sku, on_hand, reserved, allocated, backorder_limit, last_movement_id }

columns! { ReservationRow in reservation, key (cart_id, sku): cart_id, sku, quantity, expire_time }

columns! {
    MovementRow in stock_movement, key (movement_id):
    movement_id, sku, kind, on_hand_delta, reserved_delta, allocated_delta, order_id, cart_id, reason, actor_kind,
    actor_id, create_time, previous_movement_id,
}

columns! {
    CartRow in cart, key (cart_id):
    cart_id, customer_id, guest_key, state, order_id, merged_into, currency, revision, create_time, update_time, expire_time,
}

columns! {
    CartItemRow in cart_item, key (cart_id, item_id):
    cart_id, item_id, position, product_id, sku, quantity, seen_price, seen_currency, seen_time,
}

columns! {
    OrderRow in orders, key (order_id):
    order_id, order_number, customer_id, cart_id, state, payment_status, fulfillment_status, status, holds, currency,
    subtotal, discount, tax, shipping, shipping_tax, total, refunded, credited, shipping_refunded, contact_name, contact_email, contact_phone,
    shipping_address, billing_address, notes, metadata, explanation, cancel_reason, pay_by, import_source,
    import_external_id, import_detail, coupon_code, stock_keeping, create_time, update_time, revision,
}

columns! {
    LineRow in order_line, key (order_id, line_id):
    order_id, line_id, product_id, sku, name, unit_price, subtotal, discount, tax, total, tax_rate, tax_class, ordered,
    cancelled, allocated, shipped, delivered, return_requested, return_received, restocked, written_off,
    refunded,
}

columns! {
    PaymentRow in payment, key (payment_id):
    payment_id, order_id, position, method, currency, amount, authorized, captured, refunded, voided, auth_pending,
    capture_pending, refund_pending, void_pending, create_time,
}

columns! {
    OperationRow in payment_operation, key (operation_id):
    operation_id, payment_id, order_id, position, kind, amount, state, cause, concession, return_id, token,
    gateway_reference, reported_amount, reported_currency, decline_code, attempts,
    next_attempt_at, create_time, update_time,
}

columns! {
    ShipmentRow in shipment, key (shipment_id):
    shipment_id, order_id, sequence, status, carrier, tracking_number, tracking_url, estimated_delivery, lines,
    carrier_events, pack_time, ship_time,
    deliver_time, create_time,
}

columns! {
    ReturnRow in order_return, key (return_id):
    return_id, order_id, sequence, status, lines, reason, decision_reason, create_time, update_time,
}

columns! {
    PaymentEventRow in payment_event, key (operation_id, event_id):
    event_id, operation_id, order_id, outcome, event_time, create_time,
}

columns! {
    EventRow in order_event, key (order_id, revision):
    order_id, revision, kind, actor_kind, actor_id, request_id, reason, create_time, status_after, payload,
}

columns! {
    ConsumerRow in feed_consumer, key (name):
    name, feed_position, order_id, revision, holder, lease_until, update_time,
}

columns! {
    DeadLetterRow in dead_letter, key (consumer, feed_position, order_id, revision):
    consumer, feed_position, order_id, revision, reason, create_time,
}

columns! {
    InventoryRow in inventory_operation, key (operation_id):
    operation_id, order_id, revision, kind, claimant, goods, attempts, next_attempt_at, create_time,
}

columns! {
    OrderRollupRow in order_rollup, key (grain, start_time, status, currency, shard):
    grain, start_time, status, currency, shard, orders, total, refunded, credited,
}

columns! {
    CustomerRollupRow in customer_rollup, key (customer_id, currency): customer_id, currency, orders, spent,
}

columns! { SearchRow in order_search, key (order_id): order_id, document }

columns! { SearchLineRow in search_line, key (line): line }

columns! {
    RequestRow in request, key (principal, method, request_id):
    principal, method, request_id, body_hash, outcome, create_time,
}

columns! {
    CouponRow in coupon, key (coupon_code):
    coupon_code, kind, rate, amount, cap, minimum_subtotal, currency, product_ids, valid_from, valid_until, total_limit,
    per_customer_limit, redeemed, active, revision, create_time, update_time,
}

columns! {
    RedemptionRow in coupon_redemption, key (order_id): order_id, coupon_code, redeemer, create_time
}

columns! {
    GatewayRow in gateway_operation, key (key):
    key, kind, amount, currency, reference, moved_amount, moved_currency, decline_code, create_time,
}
