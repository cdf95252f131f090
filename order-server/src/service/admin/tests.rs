//! The use cases of administrators over a database, without a server.

use std::sync::Arc;

use order_api::v1;

use super::{
    adjust_stock::adjust_stock, get_connectivity::get_connectivity, get_order_stats::get_order_stats,
    get_product::get_product, get_stock::get_stock, list_products::list_products,
    list_stock_movements::list_stock_movements, upsert_products::upsert_products,
};
use crate::{
    error::Reason,
    service::fixture::{Down, Shop, admin, product},
};

#[tokio::test]
async fn an_upsert_tells_what_it_did() {
    let shop = Shop::open().await;
    let results = shop
        .upsert(vec![
            product("costume", ("USD", 49, 990_000_000), 10),
            product("cape", ("USD", 31, 0), 10),
            product("fangs", ("USD", 12, 0), 10),
        ])
        .await;
    let outcomes: Vec<_> = results.iter().map(v1::ProductUpsertResult::outcome).collect();
    let expected =
        [v1::ProductUpsertOutcome::Unchanged, v1::ProductUpsertOutcome::Updated, v1::ProductUpsertOutcome::Created];
    assert_eq!(outcomes, expected);
    let stock = get_stock(&shop.app, v1::GetStockRequest { sku: "CAPE".into() }).await.unwrap();
    assert_eq!(stock.on_hand, 1, "initial stock is for new SKUs only");
}

#[tokio::test]
async fn validate_only_changes_nothing() {
    let shop = Shop::open().await;
    let products = vec![product("fangs", ("USD", 12, 0), 10)];
    let request = v1::UpsertProductsRequest { products, validate_only: true, ..Default::default() };
    let answer = upsert_products(&shop.app, &admin(), request).await.unwrap();
    assert_eq!(answer.results[0].outcome(), v1::ProductUpsertOutcome::Created);
    let request = v1::GetProductRequest { product_id: "fangs".into() };
    assert_eq!(get_product(&shop.app, request).await.unwrap_err().reason(), Reason::ProductNotFound);
    let adjust = |validate_only| v1::AdjustStockRequest {
        sku: "CAPE".into(),
        delta: 4,
        reason: "delivery".into(),
        validate_only,
        ..Default::default()
    };
    for validate_only in [true, false] {
        assert_eq!(adjust_stock(&shop.app, &admin(), adjust(validate_only)).await.unwrap().on_hand, 5);
    }
}

#[tokio::test]
async fn nothing_is_taken_from_an_empty_shelf() {
    let shop = Shop::open().await;
    for validate_only in [true, false] {
        let request = v1::AdjustStockRequest {
            sku: "CAPE".into(),
            delta: -2,
            reason: "lost".into(),
            validate_only,
            ..Default::default()
        };
        let refused = adjust_stock(&shop.app, &admin(), request).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::StockPromised);
    }
}

#[tokio::test]
async fn the_catalogue_is_paged_by_id() {
    let shop = Shop::open().await;
    let mut request = v1::ListProductsRequest { page_size: 3, ..Default::default() };
    let first = list_products(&shop.app, request.clone()).await.unwrap();
    request.page_token = first.next_page_token;
    let second = list_products(&shop.app, request.clone()).await.unwrap();
    let ids: Vec<_> = first.products.iter().chain(&second.products).map(|found| found.product_id.as_str()).collect();
    assert_eq!((ids, second.next_page_token.as_str()), (vec!["cape", "costume", "kimono", "retired"], ""));
    request.query = "cape".into();
    assert_eq!(list_products(&shop.app, request).await.unwrap_err().reason(), Reason::PageTokenInvalid);
}

#[tokio::test]
async fn the_history_of_a_shelf_is_paged_latest_first() {
    let shop = Shop::open().await;
    for delta in [5, -2] {
        let (sku, reason) = ("CAPE".to_owned(), "count".to_owned());
        let request = v1::AdjustStockRequest { sku, delta, reason, ..Default::default() };
        adjust_stock(&shop.app, &admin(), request).await.unwrap();
        shop.clock.advance(std::time::Duration::from_secs(1));
    }
    let mut request = v1::ListStockMovementsRequest { sku: "CAPE".into(), page_size: 2, ..Default::default() };
    let first = list_stock_movements(&shop.app, request.clone()).await.unwrap();
    request.page_token = first.next_page_token;
    let second = list_stock_movements(&shop.app, request).await.unwrap();
    let deltas: Vec<_> = first.movements.iter().chain(&second.movements).map(|found| found.on_hand_delta).collect();
    assert_eq!(deltas, [-2, 5, 1]);
    let request = v1::ListStockMovementsRequest { sku: "NOWHERE".into(), ..Default::default() };
    assert_eq!(list_stock_movements(&shop.app, request).await.unwrap_err().reason(), Reason::StockNotFound);
}

#[tokio::test]
async fn statistics_of_a_shop_without_orders_are_zeros() {
    let shop = Shop::open().await;
    let request = v1::GetOrderStatsRequest { time_zone: "Europe/Berlin".into(), ..Default::default() };
    let stats = get_order_stats(&shop.app, request).await.unwrap();
    assert_eq!((stats.total_orders, stats.daily.len(), stats.time_zone.as_str()), (0, 30, "Europe/Berlin"));
    assert!(stats.revenue.is_empty());
}

#[tokio::test]
async fn a_dependency_that_is_down_is_part_of_the_answer() {
    let mut shop = Shop::open().await;
    shop.app.catalog = Arc::new(Down("catalog"));
    let answer = get_connectivity(&shop.app).await;
    let names: Vec<_> = answer.dependencies.iter().map(|found| found.name.as_str()).collect();
    assert_eq!(names, ["database", "catalog", "inventory", "notification", "payment", "shipping"]);
    let statuses: Vec<_> = answer.dependencies.iter().map(v1::Dependency::status).collect();
    assert_eq!(statuses[..2], [v1::DependencyStatus::Connected, v1::DependencyStatus::Failed]);
    assert!(!format!("{answer:?}").contains("10.0.0.7"));
    assert_eq!(answer.summary.unwrap().failed, 1);
}
