//! Everything wrong at once: a caller hears of every mistake in one answer.

use std::collections::BTreeMap;

use order_api::{
    Date,
    v1::{
        Address, AdjustStockRequest, AdminServiceListOrdersRequest, Contact, CreateOrderRequest, GetOrderStatsRequest,
        OrderLineInput, PaymentInstrument, TrackingInput, UpdateOrderStatusRequest,
    },
};
use order_store::testing::on_both_engines;

use super::{
    cases::checkout_like,
    refusal::{Door, assert_invalid},
};
use crate::world::{address, money};

/// An order with a mistake in every field, and their paths. The first six are not part of a checkout.
fn order_of_mistakes() -> (CreateOrderRequest, Vec<&'static str>) {
    let long = || "x".repeat(201);
    let expected_unit_price = Some(money(("USD", 1, -1)));
    let discount = Some(money(("USD", -1, 0)));
    let request = CreateOrderRequest {
        lines: vec![OrderLineInput { product_id: "a b".into(), quantity: 0, expected_unit_price, discount }],
        customer_id: "a b".into(),
        contact: Some(Contact { name: String::new(), email: "nobody".into(), phone: "call me".into() }),
        shipping_address: Some(Address {
            recipient: long(),
            line1: String::new(),
            line2: long(),
            city: "\0".into(),
            region: long(),
            country_code: "Atlantis".into(),
            ..address()
        }),
        billing_address: Some(Address { postal_code: "x".into(), ..address() }),
        payment: Some(PaymentInstrument { method: 0, token: "4111111111111111".into() }),
        expected_total: Some(money(("USD", 59, 1))),
        discount: Some(money(("EUR", 1, 0))),
        coupon_code: "10 %".into(),
        notes: "my card is 4111 1111 1111 1111".into(),
        metadata: BTreeMap::from([(String::new(), "v".to_owned()), ("key".to_owned(), "x".repeat(513))]),
        request_id: "not a uuid".into(),
        ..Default::default()
    };
    let paths = vec![
        "lines[0].product_id",
        "lines[0].quantity",
        "lines[0].expected_unit_price",
        "lines[0].discount",
        "customer_id",
        "discount.currency_code",
        "contact.name",
        "contact.email",
        "contact.phone",
        "shipping_address.recipient",
        "shipping_address.line1",
        "shipping_address.line2",
        "shipping_address.city",
        "shipping_address.region",
        "shipping_address.country_code",
        "billing_address.postal_code",
        "payment.method",
        "payment.token",
        "expected_total.nanos",
        "coupon_code",
        "notes",
        "metadata[\"\"]",
        "metadata[\"key\"]",
        "request_id",
    ];
    (request, paths)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_of_an_order_is_told_at_once() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let (request, paths) = order_of_mistakes();
        let mut ada = door.world.customer("ada");
        door.rejects(ada.orders.create_order(request.clone()), &paths).await;
        let mut checkout = checkout_like(request);
        checkout.etag = "garbage".into();
        let paths: Vec<_> = paths.into_iter().skip(6).chain(["etag"]).collect();
        door.rejects(ada.carts.checkout(checkout), &paths).await;
        let nothing = CreateOrderRequest::default();
        door.rejects(ada.orders.create_order(nothing), &["lines", "contact", "shipping_address"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_mistakes_that_their_list_has_to_end_are_still_bad_input() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let line = OrderLineInput { product_id: "a b".into(), quantity: -1, ..Default::default() };
        let (request, _) = order_of_mistakes();
        let request = CreateOrderRequest { lines: vec![line; 100], ..request };
        let before = door.footprint().await;
        let told = super::refusal::Refusal::of(door.world.customer("ada").orders.create_order(request).await);
        assert_eq!((told.code, told.reason.as_str()), (tonic::Code::InvalidArgument, "INVALID_FIELD"));
        // What fits into a trailer of 8 KiB, which is as much as other clients take.
        assert!(told.fields.len() > 30 && told.fields.contains("lines[0].product_id"), "{:?}", told.fields);
        assert_eq!(door.footprint().await, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_of_an_administrator_is_told_at_once() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut admin = door.world.admin();
        let walk = UpdateOrderStatusRequest {
            order_id: "42".into(),
            status: 77,
            reason: "x".repeat(501),
            tracking: Some(TrackingInput {
                carrier: "x".repeat(101),
                tracking_number: "x".repeat(65),
                tracking_url: "javascript:alert(1)".into(),
                estimated_delivery: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: -1 }),
            }),
            etag: "garbage".into(),
            request_id: "garbage".into(),
            ..Default::default()
        };
        let paths = [
            "order_id",
            "status",
            "reason",
            "tracking.carrier",
            "tracking.tracking_number",
            "tracking.tracking_url",
            "tracking.estimated_delivery",
            "etag",
            "request_id",
        ];
        door.rejects(admin.admin.update_order_status(walk), &paths).await;
        let adjust = AdjustStockRequest { request_id: "garbage".into(), ..Default::default() };
        door.rejects(admin.admin.adjust_stock(adjust), &["sku", "delta", "reason", "request_id"]).await;
        let stats = GetOrderStatsRequest {
            time_zone: "Mars/Olympus_Mons".into(),
            start_date: Some(Date { year: 2026, month: 2, day: 30 }),
            end_date: Some(Date { year: 2026, month: 0, day: 1 }),
        };
        assert_invalid(admin.admin.get_order_stats(stats).await, &["time_zone", "start_date", "end_date"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_of_a_filter_is_told_at_once() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let request = AdminServiceListOrdersRequest {
            page_size: -1,
            order_by: "name; DROP TABLE orders".into(),
            status: vec![0, 1, 99],
            payment_status: vec![-1],
            fulfillment_status: vec![i32::MAX],
            create_time_from: time(10),
            create_time_to: time(10),
            min_total: Some(money(("USD", 2, 0))),
            max_total: Some(money(("USD", 1, 0))),
            query: "x".repeat(201),
            customer_id: "a b".into(),
            email: "nobody".into(),
            product_id: "a b".into(),
            sku: "a b".into(),
            ..Default::default()
        };
        let paths = [
            "page_size",
            "order_by",
            "status[0]",
            "status[2]",
            "payment_status[0]",
            "fulfillment_status[0]",
            "create_time_to",
            "max_total",
            "query",
            "customer_id",
            "email",
            "product_id",
            "sku",
        ];
        assert_invalid(door.world.admin().admin.list_orders(request).await, &paths);
        let request = AdminServiceListOrdersRequest {
            status: vec![1; 17],
            create_time_from: time(i64::MAX),
            create_time_to: time(i64::MIN),
            min_total: Some(money(("USD", 1, 0))),
            max_total: Some(money(("EUR", 1, 0))),
            query: "a\0b".into(),
            ..Default::default()
        };
        let paths = ["status", "create_time_from", "create_time_to", "max_total.currency_code", "query"];
        assert_invalid(door.world.admin().admin.list_orders(request).await, &paths);
    })
    .await;
}
