//! The limits of `order_core::limits`, as callers run into them: at the limit all is well, one above is refused.
//!
//! Not here: `total_size` and the size of an answer (door_lists), the idle life of a cart (door_journeys).

use std::collections::BTreeMap;

use order_api::{
    Date,
    prost::{Message as _, bytes::Bytes},
    v1::{
        Address, CancelOrderRequest, Contact, CreateOrderRequest, GetOrderStatsRequest, ImportOptions, ImportOrder,
        ImportOrdersRequest, ListProductsRequest, LookupOrderRequest, PaymentInstrument, PaymentMethod, Product,
        ProductUpsert, UpsertProductsRequest, import_orders_request::Message,
    },
};
use order_core::limits as most;
use order_server::auth::Role;
use order_store::testing::on_both_engines;
use tonic::Code;

use super::{
    refusal::{Door, assert_invalid, assert_refused},
    wire,
};
use crate::world::{contact, line, order_of, product, request_id};

#[tokio::test(flavor = "multi_thread")]
async fn limits() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        of_an_order(&door).await;
        of_a_product(&door).await;
        of_a_total(&door).await;
        of_identities(&door).await;
        of_pages(&door).await;
        of_statistics(&door).await;
    })
    .await;
}

/// With its tax, an order of as many units as make up the largest total is above it.
async fn of_a_total(door: &Door) {
    let mut admin = door.world.admin();
    let dear = product("dear", ("USD", most::UNIT_PRICE_MINOR_MAX / 100, 0), 10_000);
    let upsert = UpsertProductsRequest { products: vec![dear], ..Default::default() };
    admin.admin.upsert_products(upsert).await.unwrap();
    let units = most::ORDER_TOTAL_MINOR_MAX / most::UNIT_PRICE_MINOR_MAX;
    let mut ada = door.world.customer("ada");
    door.rejects(ada.orders.create_order(order_of(&[("dear", units)], None)), &["lines"]).await;
    ada.orders.create_order(order_of(&[("dear", units / 2)], None)).await.unwrap();
}

/// How a limit is reached: sets a field of an order to so many.
type Fill = fn(&mut CreateOrderRequest, usize);

/// What is limited in an order, with the path that is named.
const OF_ORDERS: &[(Fill, usize, &str)] = &[
    (|r, n| r.lines = (0..n).map(|_| line("costume", 1)).collect(), most::LINES_PER_ORDER, "lines"),
    (|r, n| r.lines[0].quantity = i32::try_from(n).unwrap(), most::QUANTITY_MAX as usize, "lines[0].quantity"),
    (|r, n| r.notes = "ß".repeat(n), most::NOTES_CHARS, "notes"),
    (|r, n| r.contact = Some(Contact { name: "ß".repeat(n), ..contact() }), most::NAME_CHARS, "contact.name"),
    (|r, n| r.contact = Some(Contact { email: email(n), ..contact() }), most::EMAIL_CHARS, "contact.email"),
    (|r, n| r.contact = Some(Contact { phone: phone(n), ..contact() }), most::PHONE_CHARS, "contact.phone"),
    (|r, n| set(r, |a| a.recipient = "ß".repeat(n)), most::NAME_CHARS, "shipping_address.recipient"),
    (|r, n| set(r, |a| a.line1 = "ß".repeat(n)), most::NAME_CHARS, "shipping_address.line1"),
    (|r, n| set(r, |a| a.line2 = "ß".repeat(n)), most::NAME_CHARS, "shipping_address.line2"),
    (|r, n| set(r, |a| a.city = "ß".repeat(n)), most::NAME_CHARS, "shipping_address.city"),
    (|r, n| set(r, |a| a.region = "ß".repeat(n)), most::NAME_CHARS, "shipping_address.region"),
    (
        |r, n| set(r, |a| (a.country_code, a.postal_code) = ("HK".into(), "9".repeat(n))),
        most::POSTAL_CODE_CHARS,
        "shipping_address.postal_code",
    ),
    (|r, n| r.metadata = (0..n).map(|k| (k.to_string(), "v".into())).collect(), most::METADATA_PAIRS, "metadata"),
    (|r, n| r.metadata = BTreeMap::from([("k".into(), "ß".repeat(n))]), most::METADATA_VALUE_CHARS, "metadata[\"k\"]"),
    (
        |r, n| r.payment = Some(PaymentInstrument { method: PaymentMethod::Upi.into(), token: "t".repeat(n) }),
        most::PAYMENT_TOKEN_CHARS,
        "payment.token",
    ),
    (|r, n| r.customer_id = "c".repeat(n), most::CUSTOMER_ID_CHARS, "customer_id"),
];

fn set(request: &mut CreateOrderRequest, change: impl FnOnce(&mut Address)) {
    change(request.shipping_address.as_mut().unwrap());
}

/// An address of so many characters.
fn email(chars: usize) -> String {
    let (local, label) = ("a".repeat(64), "b".repeat(63));
    let rest = "c".repeat(chars - 64 - 1 - 2 * 64);
    format!("{local}@{label}.{label}.{rest}")
}

/// A telephone number of so many characters, as some people like them.
fn phone(chars: usize) -> String {
    format!("+1 555 010 4477{}5", " ".repeat(chars - 16))
}

async fn of_an_order(door: &Door) {
    let mut service = door.world.service();
    for (fill, limit, path) in OF_ORDERS {
        let filled = |n| {
            let mut request = CreateOrderRequest { validate_only: true, ..order_of(&[("costume", 1)], None) };
            fill(&mut request, n);
            request
        };
        let within = service.orders.create_order(filled(*limit)).await;
        assert!(within.is_ok(), "{path}: {within:?}");
        door.rejects(service.orders.create_order(filled(limit + 1)), &[path]).await;
    }
    let key = |n| BTreeMap::from([("k".repeat(n), "v".to_owned())]);
    let labelled = |metadata| CreateOrderRequest { validate_only: true, metadata, ..order_of(&[("costume", 1)], None) };
    service.orders.create_order(labelled(key(most::METADATA_KEY_CHARS))).await.unwrap();
    let path = format!("metadata[{:?}]", "k".repeat(most::METADATA_KEY_CHARS));
    door.rejects(service.orders.create_order(labelled(key(most::METADATA_KEY_CHARS + 1))), &[&path]).await;
    let placed = service.orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap().into_inner();
    let cancel = |chars| CancelOrderRequest {
        order_id: placed.order_id.clone(),
        reason: "ß".repeat(chars),
        validate_only: true,
        ..Default::default()
    };
    service.orders.cancel_order(cancel(most::REASON_CHARS)).await.unwrap();
    door.rejects(service.orders.cancel_order(cancel(most::REASON_CHARS + 1)), &["reason"]).await;
}

async fn of_a_product(door: &Door) {
    type Fill = fn(&mut Product, usize);
    let cases: [(Fill, usize, &str); 5] = [
        (|p, n| p.product_id = "p".repeat(n), most::PRODUCT_ID_CHARS, "product_id"),
        (|p, n| p.sku = "S".repeat(n), most::SKU_CHARS, "sku"),
        (|p, n| p.tax_class = "t".repeat(n), most::TAX_CLASS_CHARS, "tax_class"),
        (|p, n| p.name = "ß".repeat(n), most::NAME_CHARS, "name"),
        (|p, n| p.description = "ß".repeat(n), most::DESCRIPTION_CHARS, "description"),
    ];
    let mut admin = door.world.admin();
    let upsert = |products| UpsertProductsRequest { products, validate_only: true, ..Default::default() };
    for (fill, limit, name) in cases {
        let filled = |n| {
            let mut product = product("mask", ("USD", 1, 0), 1).product.unwrap();
            fill(&mut product, n);
            upsert(vec![ProductUpsert { product: Some(product), initial_stock: None }])
        };
        admin.admin.upsert_products(filled(limit)).await.unwrap();
        door.rejects(admin.admin.upsert_products(filled(limit + 1)), &[&format!("products[0].product.{name}")]).await;
    }
    let price = |minor: i64| {
        let nanos = i32::try_from(minor % 100).unwrap() * 10_000_000;
        upsert(vec![product("mask", ("USD", minor / 100, nanos), 1)])
    };
    admin.admin.upsert_products(price(most::UNIT_PRICE_MINOR_MAX)).await.unwrap();
    let above = price(most::UNIT_PRICE_MINOR_MAX + 1);
    door.rejects(admin.admin.upsert_products(above), &["products[0].product.price"]).await;
    let stock = |units| upsert(vec![product("mask", ("USD", 1, 0), units)]);
    admin.admin.upsert_products(stock(most::STOCK_UNITS_MAX)).await.unwrap();
    let above = stock(most::STOCK_UNITS_MAX + 1);
    door.rejects(admin.admin.upsert_products(above), &["products[0].initial_stock"]).await;
    let many = |n: usize| (0..n).map(|n| product(&format!("p{n:04}"), ("USD", 1, 0), 1)).collect::<Vec<_>>();
    door.rejects(admin.admin.upsert_products(upsert(many(most::UPSERT_PRODUCTS + 1))), &["products"]).await;
    let all = UpsertProductsRequest { products: many(most::UPSERT_PRODUCTS), ..Default::default() };
    assert_eq!(admin.admin.upsert_products(all).await.unwrap().into_inner().results.len(), most::UPSERT_PRODUCTS);
}

async fn of_identities(door: &Door) {
    let mut guest = door.world.guest();
    let lookup = |chars| LookupOrderRequest { order_number: "9".repeat(chars), email: "ada@example.com".into() };
    let unknown = guest.orders.lookup_order(lookup(most::ORDER_NUMBER_CHARS)).await;
    assert_refused(unknown, Code::NotFound, "ORDER_NOT_FOUND");
    assert_invalid(guest.orders.lookup_order(lookup(most::ORDER_NUMBER_CHARS + 1)).await, &["order_number"]);
    let named = |request_id| CreateOrderRequest { request_id, ..order_of(&[("fangs", 1)], None) };
    let id = request_id();
    assert_eq!(id.len(), most::REQUEST_ID_CHARS);
    door.rejects(guest.orders.create_order(named(format!("{id}0"))), &["request_id"]).await;
    guest.orders.create_order(named(id)).await.unwrap();
}

/// The catalogue holds more products by now than a page may.
async fn of_pages(door: &Door) {
    let mut admin = door.world.admin();
    for (asked, given) in
        [(0, most::PAGE_DEFAULT), (7, 7), (500, 500), (501, most::PAGE_MAX), (i32::MAX, most::PAGE_MAX)]
    {
        let request = ListProductsRequest { page_size: asked, ..Default::default() };
        let page = admin.admin.list_products(request).await.unwrap().into_inner();
        assert_eq!(page.products.len(), given as usize, "asked for {asked}");
        assert!(!page.next_page_token.is_empty());
    }
    let request = ListProductsRequest { page_size: -1, ..Default::default() };
    assert_invalid(admin.admin.list_products(request).await, &["page_size"]);
    let search = |chars| ListProductsRequest { query: "ß".repeat(chars), ..Default::default() };
    assert!(admin.admin.list_products(search(most::QUERY_CHARS)).await.unwrap().into_inner().products.is_empty());
    assert_invalid(admin.admin.list_products(search(most::QUERY_CHARS + 1)).await, &["query"]);
}

async fn of_statistics(door: &Door) {
    let mut admin = door.world.admin();
    let days = |day| GetOrderStatsRequest {
        start_date: Some(Date { year: 2024, month: 1, day }),
        end_date: Some(Date { year: 2025, month: 12, day: 31 }),
        ..Default::default()
    };
    let stats = admin.admin.get_order_stats(days(1)).await.unwrap().into_inner();
    assert_eq!(stats.daily.len(), most::STATS_DAYS);
    let above = GetOrderStatsRequest { start_date: Some(Date { year: 2023, month: 12, day: 31 }), ..days(1) };
    assert_invalid(admin.admin.get_order_stats(above).await, &["end_date"]);
    let reversed = GetOrderStatsRequest { end_date: Some(Date { year: 2023, month: 12, day: 31 }), ..days(1) };
    assert_invalid(admin.admin.get_order_stats(reversed).await, &["end_date"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_more_than_a_mebibyte_is_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let channel = wire::connect(&door.world).await;
        // A field that nobody knows is skipped, so that a good order can have any size.
        let sized = |bytes: usize| {
            let mut message = order_of(&[("fangs", 1)], None).encode_to_vec();
            let padding = bytes - message.len() - 5;
            // Field 1 000 of wire type 2, and its length in three bytes.
            message.extend([0xc2, 0x3e]);
            let low = |shift: usize| u8::try_from(padding >> shift & 0x7f).unwrap();
            message.extend([low(0) | 0x80, low(7) | 0x80, low(14)]);
            message.resize(bytes, b'x');
            Bytes::from(message)
        };
        let create = |message| {
            let who = Some(("ada", Role::Customer));
            wire::call((&door.world, &channel), who, ("/orders.v1.OrderService/CreateOrder", message))
        };
        let told =
            door.refuses(create(sized(most::MESSAGE_BYTES_IN + 1)), (Code::InvalidArgument, "MESSAGE_TOO_LARGE"));
        assert_eq!(told.await.facts(["max"]), ["1048576"]);
        create(sized(most::MESSAGE_BYTES_IN)).await.unwrap();
        assert_eq!(door.world.shelf("FANGS").await, (100, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_stream_of_too_many_orders_is_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let stream = |orders: usize| {
            let options = ImportOptions { source: "shop".into(), dry_run: true, ..Default::default() };
            let first = ImportOrdersRequest { message: Some(Message::Options(options)) };
            let order = |n: usize| {
                let order = ImportOrder { external_id: n.to_string(), ..Default::default() };
                ImportOrdersRequest { message: Some(Message::Order(order)) }
            };
            tokio_stream::iter(std::iter::once(first).chain((0..orders).map(order)))
        };
        let mut admin = door.world.admin();
        let answer = admin.admin.import_orders(stream(most::IMPORT_ORDERS_PER_STREAM)).await.unwrap().into_inner();
        assert_eq!(usize::try_from(answer.received), Ok(most::IMPORT_ORDERS_PER_STREAM));
        let above = stream(most::IMPORT_ORDERS_PER_STREAM + 1);
        door.rejects(admin.admin.import_orders(above), &["order"]).await;
    })
    .await;
}
