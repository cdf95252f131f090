//! Rows for tests, valid and told apart by a number.

use order_core::{ids::OrderId, time::Timestamp};
use uuid::Uuid;

use crate::{
    fields::{At, Id},
    rows::{CartItemRow, CartRow, LineRow, OperationRow, OrderRow, OrderRows, PaymentRow, ProductRow, ShipmentRow},
};

pub(super) const fn at(seconds: i64) -> At {
    At(Timestamp::from_micros(1_790_000_000_000_000 + seconds * 1_000_000))
}

pub(super) fn id(n: u128) -> Id {
    Id(Uuid::from_u128(n))
}

pub(super) fn order_id(n: u128) -> OrderId {
    OrderId::new(Uuid::from_u128(n))
}

pub(super) fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub(super) fn order_row(n: u128) -> OrderRow {
    OrderRow {
        order_id: id(n),
        order_number: format!("SPK-2026-{n:06}"),
        customer_id: text("me"),
        cart_id: Some(id(n + 1_000)),
        state: "PENDING".into(),
        payment_status: "UNPAID".into(),
        fulfillment_status: "UNFULFILLED".into(),
        status: "PENDING".into(),
        holds: "[]".into(),
        currency: "USD".into(),
        subtotal: 4_999,
        discount: 0,
        tax: 400,
        shipping: 599,
        shipping_tax: 0,
        total: 5_998,
        refunded: 0,
        credited: 0,
        shipping_refunded: 0,
        contact_name: text("Me"),
        contact_email: text("me@example.com"),
        contact_phone: None,
        shipping_address: None,
        billing_address: None,
        notes: String::new(),
        metadata: "{}".into(),
        explanation: "{}".into(),
        cancel_reason: None,
        pay_by: Some(at(60)),
        import_source: None,
        import_external_id: None,
        import_detail: None,
        coupon_code: None,
        stock_keeping: "EMBEDDED".into(),
        create_time: at(i64::try_from(n).unwrap()),
        update_time: at(0),
        revision: 1,
    }
}

pub(super) fn line_row(n: u128) -> LineRow {
    LineRow {
        order_id: id(n),
        line_id: 1,
        product_id: "p".into(),
        sku: "A".into(),
        name: "Name".into(),
        unit_price: 4_999,
        subtotal: 4_999,
        discount: 0,
        tax: 400,
        total: 5_399,
        tax_rate: "0.08".into(),
        tax_class: "standard".into(),
        ordered: 1,
        cancelled: 0,
        allocated: 1,
        shipped: 0,
        delivered: 0,
        return_requested: 0,
        return_received: 0,
        restocked: 0,
        written_off: 0,
        refunded: 0,
    }
}

pub(super) fn payment_row(n: u128) -> PaymentRow {
    PaymentRow {
        payment_id: id(n + 2_000),
        order_id: id(n),
        position: 0,
        method: "CREDIT_CARD".into(),
        currency: "USD".into(),
        amount: 5_998,
        authorized: 5_998,
        captured: 5_998,
        refunded: 98,
        voided: 0,
        auth_pending: 0,
        capture_pending: 0,
        refund_pending: 0,
        void_pending: 0,
        create_time: at(0),
    }
}

pub(super) fn operation_row(n: u128) -> OperationRow {
    OperationRow {
        operation_id: id(n + 3_000),
        payment_id: id(n + 2_000),
        order_id: id(n),
        position: 0,
        kind: "SALE".into(),
        amount: 5_998,
        state: "SENT".into(),
        cause: None,
        concession: 0,
        return_id: None,
        token: text("tok"),
        gateway_reference: None,
        reported_amount: None,
        reported_currency: None,
        decline_code: None,
        attempts: 1,
        next_attempt_at: Some(at(10)),
        create_time: at(0),
        update_time: at(0),
    }
}

pub(super) fn shipment_row(n: u128) -> ShipmentRow {
    ShipmentRow {
        shipment_id: id(n + 4_000),
        order_id: id(n),
        sequence: 1,
        status: "SHIPPED".into(),
        carrier: None,
        tracking_number: None,
        tracking_url: None,
        estimated_delivery: None,
        lines: "[]".into(),
        carrier_events: "[]".into(),
        pack_time: None,
        ship_time: Some(at(5)),
        deliver_time: None,
        create_time: at(5),
    }
}

pub(super) fn order_rows(n: u128) -> OrderRows {
    OrderRows {
        order: order_row(n),
        lines: vec![line_row(n), LineRow { line_id: 2, ..line_row(n) }],
        payments: vec![payment_row(n)],
        operations: vec![operation_row(n)],
        shipments: Vec::new(),
        returns: Vec::new(),
    }
}

pub(super) fn cart_row(n: u128) -> CartRow {
    CartRow {
        cart_id: id(n),
        customer_id: text("me"),
        guest_key: None,
        state: "ACTIVE".into(),
        order_id: None,
        merged_into: None,
        currency: text("USD"),
        revision: 1,
        create_time: at(0),
        update_time: at(0),
        expire_time: at(100),
    }
}

pub(super) fn item_row(cart: u128, n: u128, position: i32) -> CartItemRow {
    CartItemRow {
        cart_id: id(cart),
        item_id: id(n),
        position,
        product_id: "p".into(),
        sku: "A".into(),
        quantity: 1,
        seen_price: 1,
        seen_currency: "USD".into(),
        seen_time: at(0),
    }
}

pub(super) fn product_row(id: &str, sku: &str, name: &str) -> ProductRow {
    ProductRow {
        product_id: id.into(),
        sku: sku.into(),
        name: name.into(),
        description: String::new(),
        price: 1,
        currency: "USD".into(),
        tax_class: "standard".into(),
        active: true,
        revision: 1,
        create_time: at(0),
        update_time: at(0),
    }
}
