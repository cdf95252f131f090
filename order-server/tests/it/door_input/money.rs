//! Amounts that are no money: too fine, of mixed signs, negative, beyond all bounds, or in no currency.

use order_api::v1::{
    AdminServiceListOrdersRequest, CreateOrderRequest, ListOrdersRequest, OrderLineInput, Product, ProductUpsert,
    QuoteOrderRequest, UpsertProductsRequest,
};
use order_store::testing::on_both_engines;

use super::{cases::rejects_both_ways, refusal::Door};
use crate::world::{money, order_of, product};

/// Amounts, and the part of the message that is to blame; an empty one is the whole.
const WRONG: &[((&str, i64, i32), &str)] = &[
    // Finer than a cent, however little.
    (("USD", 59, 980_000_001), ".nanos"),
    (("USD", 0, 1), ".nanos"),
    (("USD", 0, 1_000_000), ".nanos"),
    // More than a unit.
    (("USD", 59, 1_000_000_000), ".nanos"),
    (("USD", 59, i32::MAX), ".nanos"),
    (("USD", -59, i32::MIN), ".nanos"),
    // In two directions.
    (("USD", 1, -10_000_000), ""),
    (("USD", -1, 10_000_000), ""),
    // Negative.
    (("USD", -1, 0), ""),
    (("USD", 0, -10_000_000), ""),
    // Beyond all bounds.
    (("USD", i64::MAX, 0), ".units"),
    (("USD", i64::MIN, 0), ".units"),
    // In no currency.
    (("", 1, 0), ".currency_code"),
    (("usd", 1, 0), ".currency_code"),
    (("US", 1, 0), ".currency_code"),
    (("USDX", 1, 0), ".currency_code"),
    (("ZZZ", 1, 0), ".currency_code"),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_expected_total_that_is_no_money_is_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        for (amount, part) in WRONG {
            let spoil = |request: &mut CreateOrderRequest| request.expected_total = Some(money(*amount));
            rejects_both_ways(&door, spoil, &[&format!("expected_total{part}")]).await;
        }
        // The currency of the order is another one.
        let mut ada = door.world.customer("ada");
        let request =
            CreateOrderRequest { expected_total: Some(money(("EUR", 59, 0))), ..order_of(&[("costume", 1)], None) };
        door.rejects(ada.orders.create_order(request), &["expected_total.currency_code"]).await;
        for code in ["usd", "ZZZ", "dollars", "$"] {
            let request = CreateOrderRequest { currency_code: code.into(), ..order_of(&[("costume", 1)], None) };
            door.rejects(ada.orders.create_order(request), &["currency_code"]).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expected_price_that_is_no_money_is_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut ada = door.world.customer("ada");
        for (amount, part) in WRONG {
            let lines = vec![OrderLineInput {
                product_id: "costume".into(),
                quantity: 1,
                expected_unit_price: Some(money(*amount)),
                ..Default::default()
            }];
            let path = format!("lines[0].expected_unit_price{part}");
            let request = CreateOrderRequest { lines: lines.clone(), ..order_of(&[], None) };
            door.rejects(ada.orders.create_order(request), &[&path]).await;
            let request = QuoteOrderRequest { lines, ..Default::default() };
            door.rejects(ada.orders.quote_order(request), &[&path]).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_price_that_is_no_money_is_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut admin = door.world.admin();
        let yen = (("JPY", 4000, 500_000_000), ".nanos");
        for (amount, part) in WRONG.iter().chain([&yen]) {
            let ProductUpsert { product: Some(mut wrong), initial_stock } = product("mask", *amount, 1) else {
                continue;
            };
            wrong.price = Some(money(*amount));
            let products =
                vec![product("hat", ("USD", 1, 0), 1), ProductUpsert { product: Some(wrong), initial_stock }];
            let request = UpsertProductsRequest { products, ..Default::default() };
            let path = format!("products[1].product.price{part}");
            door.rejects(admin.admin.upsert_products(request), &[&path]).await;
        }
        let free = ProductUpsert {
            product: Some(Product { price: None, ..product("mask", ("USD", 1, 0), 1).product.unwrap() }),
            initial_stock: None,
        };
        let request = UpsertProductsRequest { products: vec![free], ..Default::default() };
        door.rejects(admin.admin.upsert_products(request), &["products[0].product.price"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_by_total_that_is_no_money_is_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let (mut ada, mut admin) = (door.world.customer("ada"), door.world.admin());
        for (amount, part) in WRONG {
            let [min_total, max_total] = [Some(money(*amount)), Some(money(*amount))];
            let paths = [format!("min_total{part}"), format!("max_total{part}")];
            let paths = [paths[0].as_str(), paths[1].as_str()];
            let request =
                ListOrdersRequest { min_total: min_total.clone(), max_total: max_total.clone(), ..Default::default() };
            door.rejects(ada.orders.list_orders(request), &paths).await;
            let request = AdminServiceListOrdersRequest { min_total, max_total, ..Default::default() };
            door.rejects(admin.admin.list_orders(request), &paths).await;
        }
    })
    .await;
}
