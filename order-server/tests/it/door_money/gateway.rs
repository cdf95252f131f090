//! A gateway that is slow, that answers late or not at all and tells of it by events, twice or in the opposite order.

use std::time::Duration;

use order_api::v1::{OrderStatus as Word, PaymentStatus as Paid};
use order_store::testing::on_both_engines;

use super::kit::{books, only};
use crate::{
    door_races::{
        audit::{audit_settled, count, moved},
        kit::{eventually, quiet, reconcile, words},
    },
    world::{World, card, order_of},
};

const TOLD: &str = "SELECT count(*) AS n FROM payment_event";

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_twice_after_the_answer_changes_nothing() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_twice")))).await.unwrap();
        assert_eq!(words(&order), (Word::Paid, Paid::Paid));
        quiet(&world).await;
        assert_eq!(office.ledgers(&order.order_id).await[0].events.len(), 1, "one of the two was a duplicate");
        let after = buyer.order(&order.order_id).await;
        assert_eq!((after.etag, moved(&database, "SALE").await), (order.etag, 1));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_late_is_the_answer() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CONFIRM_POLICY", "when_paid")]).await;
        let buyer = world.customer("42");
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_late_150")))).await.unwrap();
        assert_eq!(words(&order), (Word::Pending, Paid::Pending));
        quiet(&world).await;
        let paid = buyer.order(&order.order_id).await;
        assert_eq!(words(&paid), (Word::Confirmed, Paid::Paid));
        reconcile(&world).await;
        assert_eq!((buyer.order(&order.order_id).await, moved(&database, "SALE").await), (paid, 1));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_two_operations_in_the_opposite_order_change_nothing_that_was_answered() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CAPTURE_ON", "manual")]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_reversed")))).await.unwrap();
        quiet(&world).await;
        assert_eq!(count(&database, TOLD).await, 0, "the first event waits for the second");
        let paid = office.capture(&order, None).await.unwrap();
        quiet(&world).await;
        assert_eq!(count(&database, TOLD).await, 2);
        let after = office.order(&order.order_id).await;
        assert_eq!((after.etag.as_str(), books(only(&after))), (paid.etag.as_str(), [5998, 5998, 0, 0]));
        audit_settled(&database).await;
    })
    .await;
}

/// The gateway has charged and takes its time to say so. Whoever asks it by key knows before the answer is here.
#[tokio::test(flavor = "multi_thread")]
async fn a_charge_is_found_by_key_while_its_answer_is_still_on_its_way() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let request = order_of(&[("costume", 1)], Some(card("tok_charge_slow_2000")));
        let paying = tokio::spawn(async move { buyer.create(request).await.unwrap() });
        eventually("it has charged", || async { moved(&database, "SALE").await == 1 }).await;
        let order = office.all_orders().await.remove(0);
        assert_eq!(order.payment_status(), Paid::Pending);
        let asked = office.ask_gateway(&order.order_id).await.unwrap();
        assert_eq!((asked.asked, asked.settled, asked.still_unknown), (1, 1, 0));
        let known = office.order(&order.order_id).await;
        assert_eq!(words(&known), (Word::Paid, Paid::Paid));
        let answered = paying.await.unwrap();
        assert_eq!((answered.payment_status(), answered.etag), (Paid::Paid, known.etag));
        assert_eq!(moved(&database, "SALE").await, 1);
        audit_settled(&database).await;
    })
    .await;
}

/// The request is so slow that it counts as never sent, and then it arrives after all.
#[tokio::test(flavor = "multi_thread")]
async fn money_that_was_given_up_and_comes_after_all_goes_back() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let request = order_of(&[("costume", 1)], Some(card("tok_slow_3000")));
        let paying = tokio::spawn(async move { buyer.create(request).await });
        eventually("the order is there", || async { office.all_orders().await.len() == 1 }).await;
        let order = office.all_orders().await.remove(0);
        office.cancel(&order.order_id).await.unwrap();
        world.clock.advance(Duration::from_secs(60));
        let asked = office.ask_gateway(&order.order_id).await.unwrap();
        assert_eq!((asked.asked, asked.settled), (1, 1));
        let given_up = office.order(&order.order_id).await;
        assert_eq!(only(&given_up).decline_code, "never_sent");
        assert_eq!(moved(&database, "SALE").await, 0);
        drop(paying.await.unwrap());
        quiet(&world).await;
        let after = office.order(&order.order_id).await;
        assert_eq!((after.status(), books(only(&after))), (Word::Refunded, [5998, 5998, 5998, 0]));
        assert_eq!((moved(&database, "SALE").await, moved(&database, "REFUND").await), (1, 1));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_end_drops_events_that_are_not_due_and_the_next_process_asks() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_late_10000")))).await.unwrap();
        assert_eq!(order.payment_status(), Paid::Pending);
        tokio::time::timeout(Duration::from_secs(5), world.stop()).await.unwrap();
        assert_eq!(count(&database, TOLD).await, 0);
        let world = World::start(&database, &[]).await;
        reconcile(&world).await;
        assert_eq!(words(&world.admin().order(&order.order_id).await), (Word::Paid, Paid::Paid));
        audit_settled(&database).await;
    })
    .await;
}
