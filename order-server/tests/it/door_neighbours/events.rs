//! What the tests of those share whom events are passed on to.

use std::collections::BTreeMap;

use order_api::v1;
use order_store::testing::TestDatabase;

use crate::{
    door_races::{kit::eventually, process::Process},
    world::{card, order_of, product},
};

/// A process with these settings, with goods on the shelf.
pub(super) async fn process(database: &TestDatabase, settings: &[(&str, &str)]) -> Process {
    let process = Process::start(database, settings).await;
    let products = vec![product("fangs", ("USD", 10, 0), 1000)];
    let request = v1::UpsertProductsRequest { products, ..Default::default() };
    process.admin().admin.upsert_products(request).await.unwrap();
    process
}

/// Waits until somebody works for a consumer: it begins with what happens from then on.
pub(super) async fn working(database: &TestDatabase, name: &str) {
    let held = format!("SELECT name FROM feed_consumer WHERE name = '{name}' AND holder IS NOT NULL");
    eventually("somebody works for it", || async { database.texts(&held).await.len() == 1 }).await;
}

/// So many orders, paid and called off.
pub(super) async fn lives(process: &Process, count: usize) -> Vec<String> {
    let mut orders = Vec::new();
    let mut ada = process.customer("ada");
    for _ in 0..count {
        let order =
            ada.orders.create_order(order_of(&[("fangs", 1)], Some(card("tok_ok")))).await.unwrap().into_inner();
        let cancel = v1::CancelOrderRequest { order_id: order.order_id.clone(), ..Default::default() };
        ada.orders.cancel_order(cancel).await.unwrap();
        orders.push(order.order_id);
    }
    orders
}

/// The revisions of the histories of these orders, once nothing more happens to them.
pub(super) async fn histories(process: &Process, orders: &[String]) -> BTreeMap<String, Vec<i64>> {
    let mut histories = BTreeMap::new();
    for order_id in orders {
        let request = v1::ListOrderEventsRequest { order_id: order_id.clone(), page_size: 500, ..Default::default() };
        let mut admin = process.admin();
        eventually("its refund is decided", || {
            let (mut admin, request) = (admin.clone(), request.clone());
            async move {
                let events = admin.orders.list_order_events(request).await.unwrap().into_inner().events;
                events.iter().any(|event| event.r#type() == v1::OrderEventType::RefundSucceeded)
            }
        })
        .await;
        let events = admin.orders.list_order_events(request).await.unwrap().into_inner().events;
        histories.insert(order_id.clone(), events.iter().map(|event| event.revision).collect());
    }
    histories
}
