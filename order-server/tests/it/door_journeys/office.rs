//! The administrator's side: walking orders, and whether everything is reachable.

use order_api::v1::{
    self, AddNoteRequest, DependencyKind, DependencyStatus, GetConnectivityRequest, GetOrderRequest, Order, OrderStatus,
};
use order_store::testing::on_both_engines;
use tonic::Code;

use super::orders::walk;
use crate::{
    door_input::refusal::assert_refused,
    world::{World, card, order_of},
};

const ROAD: [OrderStatus; 5] = [
    OrderStatus::Confirmed,
    OrderStatus::Processing,
    OrderStatus::Shipped,
    OrderStatus::Delivered,
    OrderStatus::Completed,
];

async fn paid(world: &World) -> Order {
    let request = order_of(&[("fangs", 1)], Some(card("tok_approve")));
    world.customer("ada").orders.create_order(request).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_walked_step_by_step_or_all_the_way() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let mut admin = world.admin();
        let mut one = paid(&world).await;
        for status in ROAD {
            one = admin.admin.update_order_status(walk(&one.order_id, status)).await.unwrap().into_inner();
            assert_eq!(one.status(), status);
        }
        let other = paid(&world).await;
        let other = admin.admin.update_order_status(walk(&other.order_id, OrderStatus::Completed)).await.unwrap();
        let other = other.into_inner();
        assert_eq!((other.status(), other.state()), (OrderStatus::Completed, v1::OrderState::Completed));
        // However it was walked, the same steps were taken.
        assert_eq!((&one.etag, &one.lines), (&other.etag, &other.lines));
        assert_eq!(world.shelf("FANGS").await, (98, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_that_are_offered_are_those_that_are_accepted() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let mut admin = world.admin();
        let all = (1..=9).map(|word| OrderStatus::try_from(word).unwrap());
        let starts = [None, Some(OrderStatus::Confirmed), Some(OrderStatus::Shipped), Some(OrderStatus::Completed)];
        for start in starts.into_iter().chain([Some(OrderStatus::Cancelled)]) {
            for wanted in all.clone() {
                let mut order = paid(&world).await;
                if let Some(start) = start {
                    order = admin.admin.update_order_status(walk(&order.order_id, start)).await.unwrap().into_inner();
                }
                let read = GetOrderRequest { order_id: order.order_id.clone() };
                let before = admin.admin.get_order(read.clone()).await.unwrap().into_inner();
                let offered = before.next_statuses().any(|word| word == wanted);
                let answer = admin.admin.update_order_status(walk(&order.order_id, wanted)).await;
                if offered {
                    let reached = answer.unwrap().into_inner().status();
                    // Money that was taken makes a cancelled order a refunded one.
                    let expected = if wanted == OrderStatus::Cancelled { OrderStatus::Refunded } else { wanted };
                    assert_eq!(reached, expected, "from {start:?}");
                } else {
                    assert_refused(answer, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
                    assert_eq!(
                        admin.admin.get_order(read).await.unwrap().into_inner(),
                        before,
                        "{start:?} to {wanted:?}"
                    );
                }
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_part_of_the_history_and_of_nothing_else() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let before = paid(&world).await;
        let note = AddNoteRequest { order_id: before.order_id.clone(), note: "call back".into(), ..Default::default() };
        let after = world.admin().admin.add_note(note).await.unwrap().into_inner();
        assert_ne!(after.etag, before.etag);
        let etag = before.etag.clone();
        assert_eq!(Order { etag, next_statuses: Vec::new(), ..after }, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connectivity_names_the_database_and_every_neighbour() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let answer = world.admin().admin.get_connectivity(GetConnectivityRequest {}).await.unwrap().into_inner();
        let found: Vec<_> = answer.dependencies.iter().map(|d| (d.name.as_str(), d.kind(), d.status())).collect();
        let embedded = DependencyStatus::Embedded;
        assert_eq!(
            found,
            [
                ("database", DependencyKind::Database, DependencyStatus::Connected),
                ("catalog", DependencyKind::Catalog, embedded),
                ("inventory", DependencyKind::Inventory, embedded),
                ("notification", DependencyKind::Notification, embedded),
                ("payment", DependencyKind::Payment, embedded),
                ("shipping", DependencyKind::Shipping, embedded),
            ]
        );
        assert!(answer.dependencies[0].latency.is_some());
        assert!(answer.dependencies.iter().all(|d| d.last_error.is_empty() && d.last_check_time.is_some()));
        assert_eq!(answer.summary, Some(v1::ConnectivitySummary { total: 6, connected: 6, failed: 0 }));
    })
    .await;
}
