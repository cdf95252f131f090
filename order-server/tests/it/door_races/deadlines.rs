//! Callers who give little time.

use std::time::Duration;

use order_api::v1;
use tonic::{Code, Request};

use super::{
    audit::{audit, audit_settled},
    kit::{on_both_engines, quiet, reconcile},
};
use crate::world::{World, card, order_of, request_id};

fn hurried(request: v1::CreateOrderRequest, timeout: Duration) -> Request<v1::CreateOrderRequest> {
    let mut request = Request::new(request);
    request.set_timeout(timeout);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn deadline_expired_not_executed() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        let order = order_of(&[("fangs", 1), ("costume", 1)], Some(card("tok_approve")));

        // Less than the way back takes: there is no point in beginning.
        for micros in [1, 100, 1_000, 4_000, 5_000] {
            let request = hurried(order.clone(), Duration::from_micros(micros));
            let code = buyer.orders.clone().create_order(request).await.unwrap_err().code();
            assert!(matches!(code, Code::DeadlineExceeded | Code::Cancelled), "{code:?}");
        }
        assert_eq!(world.admin().all_orders().await.len(), 0);
        assert_eq!(world.shelf("FANGS").await, (100, 0));

        // Some time, and less than a call takes, or more: an order or none, never half of one.
        let mut requests = Vec::new();
        for tenths in 55..105 {
            let request = v1::CreateOrderRequest { request_id: request_id(), ..order.clone() };
            let timeout = Duration::from_micros(tenths * if tenths % 2 == 0 { 100 } else { 200 });
            let answer = buyer.orders.clone().create_order(hurried(request.clone(), timeout)).await;
            if let Err(status) = &answer {
                assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled), "{status:?}");
            }
            requests.push((request, answer.is_ok()));
        }
        quiet(&world).await;
        audit(&database).await;
        let placed = world.admin().all_orders().await;
        assert!(placed.iter().all(|order| order.lines.len() == 2 && !order.order_number.is_empty()));
        assert!(requests.iter().filter(|(_, answered)| *answered).count() <= placed.len());
        for (request, _) in requests {
            buyer.create(request).await.unwrap();
        }
        assert_eq!(world.admin().all_orders().await.len(), 50, "a retry finds the order, or places the only one");
        reconcile(&world).await;
        audit_settled(&database).await;
        assert!(world.admin().all_orders().await.iter().all(|order| order.status() == v1::OrderStatus::Paid));
    })
    .await;
}
