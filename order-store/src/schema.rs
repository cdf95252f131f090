//! The tables, once for both engines. What they mean is written in the migrations.

use diesel::{allow_tables_to_appear_in_same_query, joinable, table};

table! {
    use diesel::sql_types::{BigInt, Bool, Text};
    use crate::sql_types::Instant;

    product (product_id) {
        product_id -> Text,
        sku -> Text,
        name -> Text,
        description -> Text,
        price -> BigInt,
        currency -> Text,
        tax_class -> Text,
        active -> Bool,
        revision -> BigInt,
        create_time -> Instant,
        update_time -> Instant,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::Uuid;

    stock (sku) {
        sku -> Text,
        on_hand -> BigInt,
        reserved -> BigInt,
        allocated -> BigInt,
        backorder_limit -> BigInt,
        last_movement_id -> Nullable<Uuid>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::{Instant, Uuid};

    stock_movement (movement_id) {
        movement_id -> Uuid,
        sku -> Text,
        kind -> Text,
        on_hand_delta -> BigInt,
        reserved_delta -> BigInt,
        allocated_delta -> BigInt,
        order_id -> Nullable<Uuid>,
        cart_id -> Nullable<Uuid>,
        reason -> Nullable<Text>,
        actor_kind -> Text,
        actor_id -> Text,
        create_time -> Instant,
        previous_movement_id -> Nullable<Uuid>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::sql_types::{Instant, Uuid};

    reservation (cart_id, sku) {
        cart_id -> Uuid,
        sku -> Text,
        quantity -> BigInt,
        expire_time -> Instant,
    }
}

table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::sql_types::{Instant, Uuid};

    cart (cart_id) {
        cart_id -> Uuid,
        customer_id -> Nullable<Text>,
        guest_key -> Nullable<Binary>,
        state -> Text,
        order_id -> Nullable<Uuid>,
        merged_into -> Nullable<Uuid>,
        currency -> Nullable<Text>,
        revision -> BigInt,
        create_time -> Instant,
        update_time -> Instant,
        expire_time -> Instant,
    }
}

table! {
    use diesel::sql_types::{BigInt, Integer, Text};
    use crate::sql_types::{Instant, Uuid};

    cart_item (cart_id, item_id) {
        cart_id -> Uuid,
        item_id -> Uuid,
        position -> Integer,
        product_id -> Text,
        sku -> Text,
        quantity -> Integer,
        seen_price -> BigInt,
        seen_currency -> Text,
        seen_time -> Instant,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::{Instant, Uuid};

    orders (order_id) {
        order_id -> Uuid,
        order_number -> Text,
        customer_id -> Nullable<Text>,
        cart_id -> Nullable<Uuid>,
        state -> Text,
        payment_status -> Text,
        fulfillment_status -> Text,
        status -> Text,
        holds -> Text,
        currency -> Text,
        subtotal -> BigInt,
        discount -> BigInt,
        tax -> BigInt,
        shipping -> BigInt,
        shipping_tax -> BigInt,
        total -> BigInt,
        refunded -> BigInt,
        credited -> BigInt,
        shipping_refunded -> BigInt,
        contact_name -> Nullable<Text>,
        contact_email -> Nullable<Text>,
        contact_phone -> Nullable<Text>,
        shipping_address -> Nullable<Text>,
        billing_address -> Nullable<Text>,
        notes -> Text,
        metadata -> Text,
        explanation -> Text,
        cancel_reason -> Nullable<Text>,
        pay_by -> Nullable<Instant>,
        import_source -> Nullable<Text>,
        import_external_id -> Nullable<Text>,
        import_detail -> Nullable<Text>,
        coupon_code -> Nullable<Text>,
        stock_keeping -> Text,
        create_time -> Instant,
        update_time -> Instant,
        revision -> BigInt,
    }
}

table! {
    use diesel::sql_types::{BigInt, Integer, Text};
    use crate::sql_types::Uuid;

    order_line (order_id, line_id) {
        order_id -> Uuid,
        line_id -> Integer,
        product_id -> Text,
        sku -> Text,
        name -> Text,
        unit_price -> BigInt,
        subtotal -> BigInt,
        discount -> BigInt,
        tax -> BigInt,
        total -> BigInt,
        tax_rate -> Text,
        tax_class -> Text,
        ordered -> Integer,
        cancelled -> Integer,
        allocated -> Integer,
        shipped -> Integer,
        delivered -> Integer,
        return_requested -> Integer,
        return_received -> Integer,
        restocked -> Integer,
        written_off -> Integer,
        refunded -> Integer,
    }
}

table! {
    use diesel::sql_types::{BigInt, Integer, Text};
    use crate::sql_types::{Instant, Uuid};

    payment (payment_id) {
        payment_id -> Uuid,
        order_id -> Uuid,
        position -> Integer,
        method -> Text,
        currency -> Text,
        amount -> BigInt,
        authorized -> BigInt,
        captured -> BigInt,
        refunded -> BigInt,
        voided -> BigInt,
        auth_pending -> BigInt,
        capture_pending -> BigInt,
        refund_pending -> BigInt,
        void_pending -> BigInt,
        create_time -> Instant,
    }
}

table! {
    use diesel::sql_types::{BigInt, Integer, Nullable, Text};
    use crate::sql_types::{Instant, Uuid};

    payment_operation (operation_id) {
        operation_id -> Uuid,
        payment_id -> Uuid,
        order_id -> Uuid,
        position -> Integer,
        kind -> Text,
        amount -> BigInt,
        state -> Text,
        cause -> Nullable<Text>,
        concession -> BigInt,
        return_id -> Nullable<Uuid>,
        token -> Nullable<Text>,
        gateway_reference -> Nullable<Text>,
        reported_amount -> Nullable<BigInt>,
        reported_currency -> Nullable<Text>,
        decline_code -> Nullable<Text>,
        attempts -> Integer,
        next_attempt_at -> Nullable<Instant>,
        create_time -> Instant,
        update_time -> Instant,
    }
}

table! {
    use diesel::sql_types::{Integer, Nullable, Text};
    use crate::sql_types::{Instant, Uuid};

    shipment (shipment_id) {
        shipment_id -> Uuid,
        order_id -> Uuid,
        sequence -> Integer,
        status -> Text,
        carrier -> Nullable<Text>,
        tracking_number -> Nullable<Text>,
        tracking_url -> Nullable<Text>,
        estimated_delivery -> Nullable<Instant>,
        lines -> Text,
        carrier_events -> Text,
        pack_time -> Nullable<Instant>,
        ship_time -> Nullable<Instant>,
        deliver_time -> Nullable<Instant>,
        create_time -> Instant,
    }
}

table! {
    use diesel::sql_types::{Integer, Nullable, Text};
    use crate::sql_types::{Instant, Uuid};

    order_return (return_id) {
        return_id -> Uuid,
        order_id -> Uuid,
        sequence -> Integer,
        status -> Text,
        lines -> Text,
        reason -> Nullable<Text>,
        decision_reason -> Nullable<Text>,
        create_time -> Instant,
        update_time -> Instant,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::{Instant, Uuid};

    feed_consumer (name) {
        name -> Text,
        feed_position -> BigInt,
        order_id -> Uuid,
        revision -> BigInt,
        holder -> Nullable<Uuid>,
        lease_until -> Nullable<Instant>,
        update_time -> Instant,
    }
}

table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::sql_types::{Instant, Uuid};

    dead_letter (consumer, feed_position, order_id, revision) {
        consumer -> Text,
        feed_position -> BigInt,
        order_id -> Uuid,
        revision -> BigInt,
        reason -> Text,
        create_time -> Instant,
    }
}

table! {
    use diesel::sql_types::{BigInt, Integer, Nullable, Text};
    use crate::sql_types::{Instant, Uuid};

    inventory_operation (operation_id) {
        operation_id -> Uuid,
        order_id -> Uuid,
        revision -> BigInt,
        kind -> Text,
        claimant -> Nullable<Uuid>,
        goods -> Text,
        attempts -> Integer,
        next_attempt_at -> Instant,
        create_time -> Instant,
    }
}

table! {
    use diesel::sql_types::Text;
    use crate::sql_types::{Instant, Uuid};

    payment_event (operation_id, event_id) {
        event_id -> Text,
        operation_id -> Uuid,
        order_id -> Uuid,
        outcome -> Text,
        event_time -> Instant,
        create_time -> Instant,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::{Instant, Uuid};

    order_event (order_id, revision) {
        order_id -> Uuid,
        revision -> BigInt,
        kind -> Text,
        actor_kind -> Text,
        actor_id -> Text,
        request_id -> Nullable<Uuid>,
        reason -> Nullable<Text>,
        create_time -> Instant,
        status_after -> Text,
        payload -> Text,
        feed_position -> BigInt,
    }
}

table! {
    use diesel::sql_types::Text;
    use crate::sql_types::Uuid;

    order_search (order_id) {
        order_id -> Uuid,
        document -> Text,
    }
}

table! {
    use diesel::sql_types::Text;

    // On PostgreSQL only.
    search_line (line) {
        line -> Text,
    }
}

table! {
    use diesel::sql_types::{BigInt, Integer, Text};
    use crate::sql_types::Instant;

    order_rollup (grain, start_time, status, currency, shard) {
        grain -> Text,
        start_time -> Instant,
        status -> Text,
        currency -> Text,
        shard -> Integer,
        orders -> BigInt,
        total -> BigInt,
        refunded -> BigInt,
        credited -> BigInt,
    }
}

table! {
    use diesel::sql_types::{BigInt, Text};

    customer_rollup (customer_id, currency) {
        customer_id -> Text,
        currency -> Text,
        orders -> BigInt,
        spent -> BigInt,
    }
}

table! {
    use diesel::sql_types::{BigInt, Integer, Text};

    order_counter (prefix, year) {
        prefix -> Text,
        year -> Integer,
        value -> BigInt,
    }
}

table! {
    use diesel::sql_types::{Binary, Text};
    use crate::sql_types::{Instant, Uuid};

    request (principal, method, request_id) {
        principal -> Text,
        method -> Text,
        request_id -> Uuid,
        body_hash -> Binary,
        outcome -> Text,
        create_time -> Instant,
    }
}

table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use crate::sql_types::Instant;

    coupon (coupon_code) {
        coupon_code -> Text,
        kind -> Text,
        rate -> Nullable<Text>,
        amount -> Nullable<BigInt>,
        cap -> Nullable<BigInt>,
        minimum_subtotal -> Nullable<BigInt>,
        currency -> Nullable<Text>,
        product_ids -> Text,
        valid_from -> Nullable<Instant>,
        valid_until -> Nullable<Instant>,
        total_limit -> Nullable<Integer>,
        per_customer_limit -> Nullable<Integer>,
        redeemed -> Integer,
        active -> Bool,
        revision -> BigInt,
        create_time -> Instant,
        update_time -> Instant,
    }
}

table! {
    use diesel::sql_types::Text;
    use crate::sql_types::{Instant, Uuid};

    coupon_redemption (order_id) {
        order_id -> Uuid,
        coupon_code -> Text,
        redeemer -> Text,
        create_time -> Instant,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::sql_types::{Instant, Uuid};

    gateway_operation (key) {
        key -> Uuid,
        kind -> Text,
        amount -> BigInt,
        currency -> Text,
        reference -> Nullable<Text>,
        moved_amount -> Nullable<BigInt>,
        moved_currency -> Nullable<Text>,
        decline_code -> Nullable<Text>,
        create_time -> Instant,
    }
}

joinable!(order_line -> orders (order_id));
allow_tables_to_appear_in_same_query!(
    orders,
    order_line,
    order_search,
    payment,
    payment_operation,
    payment_event,
    shipment,
    order_return,
    order_event
);
