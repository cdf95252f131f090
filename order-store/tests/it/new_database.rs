//! A new database on PostgreSQL: what is looked up there from its first day on keeps to its indexes. Plans are kept for as long as a
//! connection lives, and reading all of a table is cheapest while it is empty.

use std::time::Duration;

use order_core::{
    cart::CartOwner,
    discount::Redeemer,
    ids::{CouponCode, OperationId, OrderId},
    order::{Owner, Status},
    stock::LevelQuery,
};
use order_store::{
    ConnectOptions, Direction, FeedCursor, OrderFilter, OrderKey, OrderQuery, OrderSort, Request, Scope, StatsQuery,
    Store, testing::TestDatabase,
};

use crate::shop::{NOW, Shop, Wish, customer, fresh, product_id, request, sku};

/// More often than the server plans anew for each call before it considers to keep a plan.
const TIMES: usize = 8;

/// Looks up everything that is looked up by what it is called.
async fn look_up(store: &dyn Store, (id, placed): (OrderId, &Request)) {
    let me = customer("ada");
    assert_eq!(store.recall(request(fresh(), 1)).await.unwrap(), None);
    assert_eq!(store.recall(placed.clone()).await.unwrap().map(|order| order.id), Some(id));
    store.order(OrderKey::Id(id), Scope::All).await.unwrap();
    store.order(OrderKey::NumberAndEmail("SPK-2026-001001".into(), "a@example.com".into()), Scope::All).await.unwrap();
    store.events(id, 0, 50).await.unwrap();
    store.feed(FeedCursor::BEGINNING, 50).await.unwrap();
    store.customer_summary(me.clone(), NOW).await.unwrap();
    store.cart(CartOwner::Customer(me.clone()), NOW).await.unwrap();
    store.products(vec![product_id("mug"), product_id("cap")]).await.unwrap();
    store.coupon(CouponCode::parse("TEN").unwrap(), Redeemer::of_owner(&Owner::Customer(me.clone()))).await.unwrap();
    store.levels(LevelQuery { skus: vec![sku("MUG")], now: NOW, cart_id: None }).await.unwrap();
    store.due_operations(NOW, Some(id), 10).await.unwrap();
    store.due_operations(NOW, None, 10).await.unwrap();
    store.due_expiries(NOW, 10).await.unwrap();
    store.payment_events(id).await.unwrap();
    store.gateway_record(OperationId::new(fresh())).await.unwrap();
    store.stats(StatsQuery { today: NOW, month: NOW, days: Vec::new() }).await.unwrap();
    let all = || OrderFilter::of(Scope::All);
    let of_status = OrderFilter { statuses: vec![Status::Shipped], ..all() };
    for filter in [all(), OrderFilter::of(Scope::Customer(me)), of_status] {
        store.count(filter.clone(), 1_000).await.unwrap();
        let (sort, direction) = (OrderSort::CreateTime, Direction::Descending);
        store.orders(OrderQuery { filter, sort, direction, size: 50, after: None }).await.unwrap();
    }
}

/// The tables, each with how often it was read as a whole, once all who could have done so have gone: a connection tells at its end what it
/// has counted.
async fn scans(database: &TestDatabase) -> Vec<String> {
    let others =
        "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let gone = async {
        while !database.texts(others).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone).await.expect("a store that is closed leaves no connection");
    let scans = "SELECT relname || ' ' || seq_scan FROM pg_stat_user_tables
        WHERE relname <> '__diesel_schema_migrations' ORDER BY relname";
    database.texts(scans).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_database_is_read_by_its_indexes() {
    let database = TestDatabase::postgres().await;
    let shop = Shop::open(&database).await;
    let mug = shop.sell("mug", 10_000, 100).await;
    let placed = request(fresh(), 1);
    let wish = Wish { request: Some(placed.clone()), ..Wish::of(&[(&mug, 1)]).by_card() };
    let order = shop.place(wish).await.unwrap().order;
    shop.store.close().await;
    drop(shop);
    // The server knows now how little there is, and would rather read all of it.
    database.execute("ANALYZE").await.unwrap();
    let before = scans(&database).await;
    // A single connection, which keeps all the plans.
    let store = database.connect_with(&ConnectOptions { pool_size: 1, ..ConnectOptions::default() }).await;
    for _ in 0..TIMES {
        look_up(&*store, (order.id, &placed)).await;
    }
    store.close().await;
    drop(store);
    assert_eq!(scans(&database).await, before);
}
