//! Money that a payment service moves.

use neighbour_sim::{Fault, Neighbours, Service};
use order_api::v1;
use order_store::testing::{TestDatabase, on_both_engines};

use super::{BAD_DAYS, neighbours, world};
use crate::{
    door_races::kit::{eventually, quiet, reconcile},
    world::{World, card, order_of, request_id},
};

async fn paid_by(world: &World, token: &str) -> v1::Order {
    let request = v1::CreateOrderRequest { request_id: request_id(), ..order_of(&[("fangs", 2)], Some(card(token))) };
    world.customer("ada").orders.create_order(request).await.unwrap().into_inner()
}

async fn get(world: &World, order: &v1::Order) -> v1::Order {
    let request = v1::GetOrderRequest { order_id: order.order_id.clone() };
    world.customer("ada").orders.get_order(request).await.unwrap().into_inner()
}

/// What was moved, and how often: the kinds, in any order.
fn moved(around: &Neighbours) -> Vec<&'static str> {
    let mut kinds: Vec<_> = around.payments().into_iter().map(|(kind, _)| kind).collect();
    kinds.sort_unstable();
    kinds
}

/// Looks after requests until nothing is open, as the reconciler does all day.
async fn settled(world: &World, order: &v1::Order, status: v1::PaymentStatus) {
    eventually("it is settled without anybody doing anything", || async {
        reconcile(world).await;
        get(world, order).await.payment_status() == status
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_taken_and_given_back_by_the_payment_service() {
    on_both_engines(|database| async move {
        let around = neighbours().await;
        let world = world(&database, &around, &[("PAYMENT_URL", "")]).await;
        let order = paid_by(&world, "tok_ok").await;
        assert_eq!(order.payment_status(), v1::PaymentStatus::Paid);
        let (kind, sale) = around.payments().remove(0);
        assert_eq!((kind, sale.moved), ("SALE", order.total.clone()));
        let request = v1::ListPaymentsRequest { order_id: order.order_id.clone(), ..Default::default() };
        let ledger = world.admin().admin.list_payments(request).await.unwrap().into_inner().payments.remove(0);
        let operation = &ledger.operations[0];
        assert_eq!((&operation.operation_id, &operation.gateway_reference), (&sale.idempotency_key, &sale.reference));
        let cancel = v1::CancelOrderRequest { order_id: order.order_id.clone(), ..Default::default() };
        world.customer("ada").orders.cancel_order(cancel).await.unwrap();
        quiet(&world).await;
        assert_eq!(get(&world, &order).await.payment_status(), v1::PaymentStatus::Refunded);
        assert_eq!(moved(&around), ["REFUND", "SALE"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_is_declined_leaves_the_order_to_be_paid_otherwise() {
    let database = TestDatabase::sqlite().await;
    let around = neighbours().await;
    let world = world(&database, &around, &[("PAYMENT_URL", "")]).await;
    let order = paid_by(&world, "tok_decline_insufficient_funds").await;
    assert_eq!((order.status(), order.payment_status()), (v1::OrderStatus::Pending, v1::PaymentStatus::Failed));
    assert_eq!(order.payments[0].decline_code, "insufficient_funds");
    let pay = v1::PayOrderRequest {
        order_id: order.order_id.clone(),
        payment: Some(card("tok_ok")),
        request_id: request_id(),
        ..Default::default()
    };
    let order = world.customer("ada").orders.pay_order(pay).await.unwrap().into_inner();
    assert_eq!(order.payment_status(), v1::PaymentStatus::Paid);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_its_bad_days_an_order_waits_for_its_money_and_pays_once() {
    on_both_engines(|database| async move {
        let around = neighbours().await;
        let world = world(&database, &around, &[("PAYMENT_URL", "")]).await;
        for (n, fault) in BAD_DAYS.into_iter().chain([Fault::Wrong]).enumerate() {
            around.befall(Service::Payment, fault);
            let order = paid_by(&world, "tok_ok").await;
            let seen = (order.status(), order.payment_status());
            assert_eq!(seen, (v1::OrderStatus::Pending, v1::PaymentStatus::Pending), "{fault:?}");
            around.heal(Service::Payment);
            settled(&world, &order, v1::PaymentStatus::Paid).await;
            let sales = around.payments();
            assert_eq!(sales.len(), n + 1, "{fault:?}: taken once");
            assert!(sales.iter().all(|(kind, sale)| *kind == "SALE" && sale.moved == order.total), "{fault:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_its_bad_days_money_goes_back_once() {
    let database = TestDatabase::sqlite().await;
    let around = neighbours().await;
    let world = world(&database, &around, &[("PAYMENT_URL", "")]).await;
    for (n, fault) in BAD_DAYS.into_iter().enumerate() {
        let order = paid_by(&world, "tok_ok").await;
        if order.payment_status() != v1::PaymentStatus::Paid {
            // It is still left alone for what befell it before.
            settled(&world, &order, v1::PaymentStatus::Paid).await;
        }
        around.befall(Service::Payment, fault);
        let cancel = v1::CancelOrderRequest { order_id: order.order_id.clone(), ..Default::default() };
        world.customer("ada").orders.cancel_order(cancel).await.unwrap();
        quiet(&world).await;
        assert_eq!(get(&world, &order).await.payment_status(), v1::PaymentStatus::Paid, "{fault:?}");
        around.heal(Service::Payment);
        settled(&world, &order, v1::PaymentStatus::Refunded).await;
        assert_eq!(moved(&around).iter().filter(|kind| **kind == "REFUND").count(), n + 1, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_as_events_as_well_counts_once() {
    let database = TestDatabase::sqlite().await;
    let around = neighbours().await;
    let world = world(&database, &around, &[("PAYMENT_URL", "")]).await;
    around.befall(Service::Payment, Fault::Lost);
    let order = paid_by(&world, "tok_ok").await;
    let (_, sale) = around.payments().remove(0);
    for event_id in ["evt_1", "evt_1", "evt_2"] {
        let succeeded = v1::PaymentSucceeded { amount: sale.moved.clone(), reference: sale.reference.clone() };
        let event = v1::RecordPaymentEventRequest {
            event_id: event_id.into(),
            operation_id: sale.idempotency_key.clone(),
            answer: Some(v1::record_payment_event_request::Answer::Succeeded(succeeded)),
            event_time: order.create_time,
        };
        world.service().admin.record_payment_event(event).await.unwrap();
    }
    around.heal(Service::Payment);
    settled(&world, &order, v1::PaymentStatus::Paid).await;
    let payment = get(&world, &order).await.payments.remove(0);
    assert_eq!(payment.captured, order.total);
    assert_eq!(moved(&around), ["SALE"]);
}
