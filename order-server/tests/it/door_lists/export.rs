//! `ExportOrders` and `BatchUpdateOrderStatus` at the public door.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use order_api::v1::{self, OrderStatus, export_orders_response::Message, order_status_result::Result as Outcome};
use order_store::testing::on_both_engines;
use tonic::{Code, Streaming};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::{
    door_races::kit::eventually,
    world::{Caller, World, card, order_of, product},
};

async fn export(mut caller: Caller) -> Streaming<v1::ExportOrdersResponse> {
    caller.admin.export_orders(v1::ExportOrdersRequest {}).await.unwrap().into_inner()
}

/// All orders, and the end.
async fn whole(mut stream: Streaming<v1::ExportOrdersResponse>) -> (Vec<v1::Order>, v1::ExportEnd) {
    let mut orders = Vec::new();
    loop {
        match stream.message().await.unwrap().expect("it tells its end").message.unwrap() {
            Message::Order(order) => orders.push(order),
            Message::End(end) => {
                assert_eq!(stream.message().await.unwrap(), None);
                assert_eq!(i64::try_from(orders.len()).unwrap(), end.order_count);
                return (orders, end);
            }
        }
    }
}

/// A copy of what somebody who reads a history needs to know of an order: the newest revision, and the word.
type Copy = BTreeMap<String, (i64, i32)>;

/// The same as it is, from the histories.
async fn truth(world: &World, orders: &BTreeSet<String>) -> Copy {
    let mut truth = Copy::new();
    for order_id in orders {
        let request = v1::ListOrderEventsRequest { order_id: order_id.clone(), page_size: 500, ..Default::default() };
        let events = world.admin().orders.list_order_events(request).await.unwrap().into_inner().events;
        let last = events.last().unwrap();
        truth.insert(order_id.clone(), (last.revision, last.status_after));
    }
    truth
}

async fn place(caller: &mut Caller) -> v1::Order {
    caller.orders.create_order(order_of(&[("fangs", 1)], Some(card("tok_ok")))).await.unwrap().into_inner()
}

/// Orders that are placed, and partly called off, until somebody says that it is enough.
async fn live(world: &World, (enough, count): (&AtomicBool, &AtomicUsize)) -> BTreeSet<String> {
    let mut placed = BTreeSet::new();
    let mut ada = world.customer("ada");
    while !enough.load(Ordering::Relaxed) {
        let order_id = place(&mut ada).await.order_id;
        if placed.len() % 2 == 0 {
            let cancel = v1::CancelOrderRequest { order_id: order_id.clone(), ..Default::default() };
            ada.orders.cancel_order(cancel).await.unwrap();
        }
        placed.insert(order_id);
        count.fetch_add(1, Ordering::Relaxed);
    }
    placed
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_and_the_feed_behind_it_make_an_exact_copy() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let plenty = v1::UpsertProductsRequest {
            products: vec![v1::ProductUpsert { initial_stock: None, ..product("fangs", ("USD", 12, 500_000_000), 0) }],
            ..Default::default()
        };
        world.admin().admin.upsert_products(plenty).await.unwrap();
        let stock = v1::AdjustStockRequest {
            sku: "FANGS".into(),
            delta: 10_000,
            reason: "a delivery".into(),
            ..Default::default()
        };
        world.admin().admin.adjust_stock(stock).await.unwrap();
        let (enough, count) = (AtomicBool::new(false), AtomicUsize::new(0));
        let exporting = async {
            // Some before it, and some after.
            let more = async |than: usize| {
                eventually("orders are placed", || async { count.load(Ordering::Relaxed) > than + 10 }).await;
            };
            more(0).await;
            let (orders, end) = whole(export(world.service()).await).await;
            more(count.load(Ordering::Relaxed)).await;
            enough.store(true, Ordering::Relaxed);
            (orders, end)
        };
        let (one, other, (exported, end)) =
            tokio::join!(live(&world, (&enough, &count)), live(&world, (&enough, &count)), exporting);
        let placed: BTreeSet<_> = one.union(&other).cloned().collect();
        assert!(!exported.is_empty() && exported.len() < placed.len(), "{} of {}", exported.len(), placed.len());
        assert!(exported.is_sorted_by_key(|order| order.order_id.clone()));
        crate::door_races::kit::quiet(&world).await;
        database.feed_is_whole().await;

        let mut copy = Copy::new();
        for order in &exported {
            copy.insert(order.order_id.clone(), (order.etag.parse().unwrap(), order.status));
        }
        let request = v1::WatchOrdersRequest { cursor: end.cursor, heartbeat_seconds: 1, ..Default::default() };
        let mut stream = world.service().orders.watch_orders(request).await.unwrap().into_inner();
        stream.message().await.unwrap().unwrap();
        while let Some(event) = stream.message().await.unwrap().unwrap().event {
            let known = copy.entry(event.order_id).or_default();
            if event.revision > known.0 {
                assert_eq!(event.revision, known.0 + 1, "none is missing");
                *known = (event.revision, event.status_after);
            }
        }
        assert_eq!(copy, truth(&world, &placed).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_export_at_a_time_and_nobody_but_the_shop_may() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let refused = world.customer("ada").admin.export_orders(v1::ExportOrdersRequest {}).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        let (none, end) = whole(export(world.admin()).await).await;
        assert_eq!((none.len(), end.order_count), (0, 0));
        let mut ada = world.customer("ada");
        for _ in 0..3 {
            place(&mut ada).await;
        }
        // Somebody who takes nothing: the second order waits for room.
        let (sender, orders) = tokio::sync::mpsc::channel(1);
        let store = Arc::clone(&world.store);
        let first = tokio::spawn(async move { store.export(sender).await });
        eventually("it is under way", || async { orders.len() == 1 }).await;
        let second = export(world.admin()).await.message().await.unwrap_err();
        assert_eq!((second.code(), reason(&second).as_str()), (Code::ResourceExhausted, "OVERLOADED"));
        drop(orders);
        first.await.unwrap().unwrap_err();
        eventually("the place is free", || async { export(world.admin()).await.message().await.is_ok() }).await;
    })
    .await;
}

fn reason(status: &tonic::Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

fn update(order_id: &str, status: OrderStatus) -> v1::UpdateOrderStatusRequest {
    let request_id = Uuid::from_u128(request_id_of(order_id)).to_string();
    v1::UpdateOrderStatusRequest {
        order_id: order_id.to_owned(),
        status: status.into(),
        request_id,
        ..Default::default()
    }
}

/// A request id that belongs to the order.
fn request_id_of(order_id: &str) -> u128 {
    Uuid::parse_str(order_id).map_or(7, |id| id.as_u128() ^ 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_a_result_for_each_order_and_can_be_sent_again() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let mut ada = world.customer("ada");
        let orders = [place(&mut ada).await, place(&mut ada).await, place(&mut ada).await];
        let unknown = Uuid::from_u128(5).to_string();
        let requests = vec![
            update(&orders[0].order_id, OrderStatus::Confirmed),
            update(&unknown, OrderStatus::Confirmed),
            update(&orders[1].order_id, OrderStatus::Pending),
            update("7", OrderStatus::Confirmed),
            update(&orders[2].order_id, OrderStatus::Shipped),
        ];
        let batch = v1::BatchUpdateOrderStatusRequest { requests };
        let mut office = world.admin().admin;
        let results = office.batch_update_order_status(batch.clone()).await.unwrap().into_inner().results;
        let asked: Vec<_> = batch.requests.iter().map(|request| request.order_id.clone()).collect();
        assert_eq!(results.iter().map(|result| result.order_id.clone()).collect::<Vec<_>>(), asked);
        let said: Vec<_> = results
            .iter()
            .map(|result| match result.result.as_ref().unwrap() {
                Outcome::Updated(updated) => (0, updated.status().as_str_name().to_owned()),
                Outcome::Refusal(refusal) => (refusal.code, refusal.reason.clone()),
            })
            .collect();
        let expected = [
            (0, "ORDER_STATUS_CONFIRMED"),
            (5, "ORDER_NOT_FOUND"),
            (9, "ILLEGAL_TRANSITION"),
            (3, "INVALID_FIELD"),
            (0, "ORDER_STATUS_SHIPPED"),
        ];
        assert_eq!(said, expected.map(|(code, text)| (code, text.to_owned())));
        let again = office.batch_update_order_status(batch.clone()).await.unwrap().into_inner().results;
        assert_eq!(again, results, "a retry has no second effect");
        for (order, status) in [(&orders[0], OrderStatus::Confirmed), (&orders[2], OrderStatus::Shipped)] {
            let request = v1::GetOrderRequest { order_id: order.order_id.clone() };
            assert_eq!(ada.orders.get_order(request).await.unwrap().into_inner().status(), status);
        }

        let one = batch.requests[0].clone();
        let many = (0..101).map(|n| update(&Uuid::from_u128(n).to_string(), OrderStatus::Confirmed)).collect();
        for (requests, field) in
            [(vec![], "requests"), (many, "requests"), (vec![one.clone(), one], "requests[1].order_id")]
        {
            let request = v1::BatchUpdateOrderStatusRequest { requests };
            let refused = office.batch_update_order_status(request).await.unwrap_err();
            assert_eq!(refused.get_error_details().bad_request().unwrap().field_violations[0].field, field);
        }
    })
    .await;
}
