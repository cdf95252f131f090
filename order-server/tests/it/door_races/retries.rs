//! The same request again: at the same moment, later, after a restart, with another body.

use std::collections::BTreeSet;

use order_api::v1;

use super::{
    audit::{audit, audit_settled, count, moved},
    kit::{REUSED, SHORT, at_once, checkout, fact, on_both_engines, quiet, refused, times, words},
};
use crate::world::{World, card, order_of, request_id};

fn paid_order(request_id: &str) -> v1::CreateOrderRequest {
    let request_id = request_id.to_owned();
    v1::CreateOrderRequest { request_id, ..order_of(&[("costume", 1), ("fangs", 2)], Some(card("tok_approve"))) }
}

#[tokio::test(flavor = "multi_thread")]
async fn same_key_64_concurrent() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let key = request_id();
        let answers = at_once(64, |_| {
            let (buyer, request) = (world.customer("42"), paid_order(&key));
            async move { buyer.create(request).await }
        })
        .await;
        let named: BTreeSet<_> = answers.into_iter().map(|answer| answer.unwrap().order_number).collect();
        assert_eq!(named.len(), 1, "{named:?}");
        quiet(&world).await;
        assert_eq!(world.admin().all_orders().await.len(), 1);
        assert_eq!((world.shelf("COSTUME").await, world.shelf("FANGS").await), ((100, 1), (100, 2)));
        assert_eq!(moved(&database, "SALE").await, 1);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn same_key_other_body() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, key) = (world.customer("42"), request_id());
        let first = buyer.create(paid_order(&key)).await.unwrap();
        let other = v1::CreateOrderRequest { notes: "another".to_owned(), ..paid_order(&key) };
        refused(buyer.create(other.clone()).await, REUSED);
        assert_eq!(buyer.create(paid_order(&key)).await.unwrap().order_id, first.order_id);
        // The id is the caller's own: the same one of somebody else is another one.
        let stranger = world.customer("43").create(other).await.unwrap();
        assert_ne!(stranger.order_id, first.order_id);
        // And it belongs to one method: another method's request under it is another request.
        let cancel = v1::CancelOrderRequest { order_id: first.order_id.clone(), request_id: key, ..Default::default() };
        let cancelled = buyer.orders.clone().cancel_order(cancel).await.unwrap().into_inner();
        assert_eq!(cancelled.status(), v1::OrderStatus::Refunded);
        audit_settled(&database).await;
    })
    .await;
}

/// Two bodies race for one id: one wins, and every other body is refused.
#[tokio::test(flavor = "multi_thread")]
async fn same_key_with_different_bodies_at_once_has_one_winner() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let key = request_id();
        let answers = at_once(32, |n| {
            let (buyer, notes) = (world.customer("42"), format!("body {}", n % 4));
            let request = v1::CreateOrderRequest { notes, ..paid_order(&key) };
            async move { buyer.create(request).await }
        })
        .await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (8, 24));
        let won: BTreeSet<_> = won.into_iter().map(|order| order.unwrap().order_id).collect();
        assert_eq!(won.len(), 1);
        lost.into_iter().for_each(|answer| drop(refused(answer, REUSED)));
        quiet(&world).await;
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_after_restart() {
    on_both_engines(async |database| {
        let keys: Vec<_> = (0..5).map(|_| request_id()).collect();
        let sold_out = v1::CreateOrderRequest { request_id: keys[4].clone(), ..order_of(&[("cape", 2)], None) };
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        let placed = buyer.create(paid_order(&keys[0])).await.unwrap();
        let pay = v1::PayOrderRequest {
            order_id: buyer.create(order_of(&[("fangs", 1)], None)).await.unwrap().order_id,
            payment: Some(card("tok_approve")),
            request_id: keys[1].clone(),
            ..Default::default()
        };
        buyer.orders.clone().pay_order(pay.clone()).await.unwrap();
        let cancel = v1::CancelOrderRequest {
            order_id: placed.order_id.clone(),
            reason: "too late".to_owned(),
            request_id: keys[2].clone(),
            ..Default::default()
        };
        buyer.orders.clone().cancel_order(cancel.clone()).await.unwrap();
        let add = v1::AddCartItemRequest {
            product_id: "fangs".to_owned(),
            quantity: 3,
            request_id: keys[3].clone(),
            ..Default::default()
        };
        buyer.carts.clone().add_cart_item(add.clone()).await.unwrap();
        refused(buyer.create(sold_out.clone()).await, SHORT);
        let before = (placed.order_id.clone(), buyer.history(&placed.order_id).await, moved(&database, "SALE").await);
        world.stop().await;

        let world = World::start(&database, &[]).await;
        let buyer = world.customer("42");
        // A replay shows the order as it is now, and changes nothing.
        let again = buyer.create(paid_order(&keys[0])).await.unwrap();
        assert_eq!((again.order_number, again.status), (placed.order_number, v1::OrderStatus::Refunded.into()));
        buyer.orders.clone().pay_order(pay).await.unwrap();
        buyer.orders.clone().cancel_order(cancel).await.unwrap();
        let cart = buyer.carts.clone().add_cart_item(add).await.unwrap().into_inner();
        assert_eq!(cart.items[0].quantity, 3, "it was added once");
        // What was sold out stays sold out under that id, even when there is more now.
        let more = v1::AdjustStockRequest {
            sku: "CAPE".to_owned(),
            delta: 10,
            reason: "found".to_owned(),
            ..Default::default()
        };
        world.admin().admin.adjust_stock(more).await.unwrap();
        let status = refused(buyer.create(sold_out).await, SHORT);
        assert_eq!(fact(&status, "available"), "1");
        let after = (placed.order_id.clone(), buyer.history(&placed.order_id).await, moved(&database, "SALE").await);
        assert_eq!(before, after);
        audit_settled(&database).await;
    })
    .await;
}

/// Whoever asks again while the payment of the first request is still under way is shown the same order, and no second charge.
#[tokio::test(flavor = "multi_thread")]
async fn a_twin_during_a_slow_payment_sees_the_same_order_and_charges_nothing() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, key) = (world.customer("42"), request_id());
        let request = v1::CreateOrderRequest { payment: Some(card("tok_slow_400")), ..paid_order(&key) };
        let first = tokio::spawn({
            let (buyer, request) = (buyer.clone(), request.clone());
            async move { buyer.create(request).await }
        });
        super::kit::eventually("the order is there", || async { world.admin().all_orders().await.len() == 1 }).await;
        let twin = buyer.create(request).await.unwrap();
        assert_eq!(words(&twin), (v1::OrderStatus::Pending, v1::PaymentStatus::Pending));
        let first = first.await.unwrap().unwrap();
        assert_eq!(first.order_id, twin.order_id);
        assert_eq!(words(&first), (v1::OrderStatus::Paid, v1::PaymentStatus::Paid));
        let history = world.admin().history(&first.order_id).await;
        assert_eq!(times(&history, v1::OrderEventType::PaymentStarted), 1);
        audit_settled(&database).await;
    })
    .await;
}

/// The answer to a checkout got lost; meanwhile the customer went on shopping. The retry still finds its order.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_retry_of_a_checkout_finds_its_order_whatever_the_next_cart_holds() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        let etag = buyer.add("costume", 1).await.unwrap().etag;
        let request = v1::CheckoutRequest { etag, ..checkout(&request_id()) };
        let placed = buyer.checkout(request.clone()).await.unwrap();
        assert_eq!(buyer.checkout(request.clone()).await.unwrap().order_id, placed.order_id, "before the next cart");

        buyer.add("fangs", 1).await.unwrap();
        buyer.add("fangs", 1).await.unwrap();
        let retried = buyer.checkout(request.clone()).await.unwrap();
        assert_eq!(retried.order_id, placed.order_id, "with another cart, whose etag is another one");

        let clear = v1::ClearCartRequest::default();
        buyer.carts.clone().clear_cart(clear).await.unwrap();
        let retried = buyer.checkout(request.clone()).await.unwrap();
        assert_eq!(retried.order_id, placed.order_id, "with an empty cart");

        let other = v1::CheckoutRequest { notes: "another".to_owned(), ..request };
        refused(buyer.checkout(other).await, REUSED);
        audit(&database).await;
    })
    .await;
}

/// A second click on "order" is answered with the order that the first one made. Its retry, too, however late it comes: it
/// does not order what was put into the next cart.
#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_that_was_answered_with_an_earlier_order_never_makes_another() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        buyer.add("costume", 1).await.unwrap();
        let placed = buyer.checkout(checkout(&request_id())).await.unwrap();
        let second_click = checkout(&request_id());
        assert_eq!(buyer.checkout(second_click.clone()).await.unwrap().order_id, placed.order_id);
        buyer.add("fangs", 1).await.unwrap();
        assert_eq!(buyer.checkout(second_click.clone()).await.unwrap().order_id, placed.order_id);
        let other = v1::CheckoutRequest { notes: "another".to_owned(), ..second_click };
        refused(buyer.checkout(other).await, REUSED);
        assert_eq!(world.admin().all_orders().await.len(), 1);
        audit(&database).await;
    })
    .await;
}

/// A refused request leaves its id and nothing else, also when 16 of them come at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_repeated_word_for_word() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let request =
            v1::CreateOrderRequest { request_id: request_id(), ..order_of(&[("fangs", 1), ("cape", 7)], None) };
        let answers = at_once(16, |_| {
            let (buyer, request) = (world.customer("42"), request.clone());
            async move { buyer.create(request).await }
        })
        .await;
        let said: BTreeSet<_> = answers.into_iter().map(|answer| refused(answer, SHORT).message().to_owned()).collect();
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(count(&database, "SELECT count(*) AS n FROM request WHERE method = 'CreateOrder'").await, 1);
        audit(&database).await;
    })
    .await;
}
