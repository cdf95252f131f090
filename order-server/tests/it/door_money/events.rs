//! What gateways tell by themselves, through RecordPaymentEvent: late, twice, in the wrong order, against what they said before.

use order_api::v1::{OrderHold, OrderStatus as Word, PaymentEventOutcome as Told, PaymentStatus as Paid};
use order_store::testing::on_both_engines;
use tonic::Code;

use super::kit::{books, declined, holds, only, succeeded, usd};
use crate::{
    door_races::{
        audit::{audit_settled, count, moved},
        kit::{reconcile, refused, words},
    },
    world::{World, card, order_of},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_answers_what_was_lost_and_counts_once() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, adapter, office) = (world.customer("42"), world.service(), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_timeout_charged")))).await.unwrap();
        assert_eq!(order.payment_status(), Paid::Pending);
        let sale = office.newest_operation(&order.order_id).await.operation_id;
        let event = succeeded("evt_1", &sale, usd(5998));
        assert_eq!(adapter.tell(event.clone()).await.unwrap(), Told::Applied);
        let paid = buyer.order(&order.order_id).await;
        assert_eq!((words(&paid), books(only(&paid))), ((Word::Paid, Paid::Paid), [5998, 5998, 0, 0]));
        assert_eq!(adapter.tell(event).await.unwrap(), Told::Duplicate);
        assert_eq!(adapter.tell(succeeded("evt_2", &sale, usd(5998))).await.unwrap(), Told::NoChange);
        assert_eq!(adapter.tell(declined("evt_2", &sale, "x")).await.unwrap(), Told::Duplicate, "the name counts");
        reconcile(&world).await;
        assert_eq!(buyer.order(&order.order_id).await, paid);
        let ledger = office.ledgers(&order.order_id).await.remove(0);
        let names: Vec<_> = ledger.events.iter().map(|event| event.event_id.as_str()).collect();
        assert_eq!(names, ["evt_1", "evt_2"]);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_may_give_the_same_name_to_their_events() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, adapter, office) = (world.customer("42"), world.service(), world.admin());
        for _ in 0..2 {
            let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_timeout_lost")))).await.unwrap();
            let sale = office.newest_operation(&order.order_id).await.operation_id;
            let event = succeeded("evt_17", &sale, usd(5998));
            assert_eq!(adapter.tell(event.clone()).await.unwrap(), Told::Applied);
            assert_eq!(adapter.tell(event).await.unwrap(), Told::Duplicate);
            assert_eq!(buyer.order(&order.order_id).await.payment_status(), Paid::Paid);
        }
        assert_eq!(count(&database, "SELECT count(*) AS n FROM payment_event").await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_amount_that_is_told_after_the_answer_puts_the_order_on_hold() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, adapter, office) = (world.customer("42"), world.service(), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_approve")))).await.unwrap();
        let sale = office.newest_operation(&order.order_id).await.operation_id;
        assert_eq!(adapter.tell(succeeded("evt_1", &sale, usd(5998))).await.unwrap(), Told::NoChange);
        assert_eq!(holds(&buyer.order(&order.order_id).await), []);
        assert_eq!(adapter.tell(succeeded("evt_2", &sale, usd(6998))).await.unwrap(), Told::NoChange);
        let held = buyer.order(&order.order_id).await;
        assert_eq!((holds(&held), books(only(&held))), (vec![OrderHold::Payment], [5998, 5998, 0, 0]));
        let nonsense = succeeded("evt_3", &sale, usd(i64::MAX / 10_000));
        refused(adapter.tell(nonsense).await, (Code::InvalidArgument, "INVALID_FIELD"));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_adapters_and_administrators_may_tell_of_payments() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_timeout_lost")))).await.unwrap();
        let sale = world.admin().newest_operation(&order.order_id).await.operation_id;
        let forged = succeeded("evt_1", &sale, usd(5998));
        refused(buyer.tell(forged.clone()).await, (Code::PermissionDenied, "ROLE_REQUIRED"));
        refused(world.guest().tell(forged).await, (Code::Unauthenticated, "TOKEN_INVALID"));
        assert_eq!(buyer.order(&order.order_id).await.payment_status(), Paid::Pending);
        let nobody = succeeded("evt_1", "018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f01", usd(5998));
        let unknown = (Code::NotFound, "PAYMENT_OPERATION_NOT_FOUND");
        refused(world.service().tell(nobody).await, unknown);
        let wrong = (Code::InvalidArgument, "INVALID_FIELD");
        for event in [succeeded("", &sale, usd(1)), succeeded("e", "x", usd(1)), declined(&"e".repeat(129), &sale, "x")]
        {
            refused(world.service().tell(event).await, wrong);
        }
        assert_eq!(count(&database, "SELECT count(*) AS n FROM payment_event").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_contradicts_itself_puts_the_order_on_hold_and_is_not_believed() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, adapter, office) = (world.customer("42"), world.service(), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_approve")))).await.unwrap();
        let sale = office.newest_operation(&order.order_id).await.operation_id;
        assert_eq!(adapter.tell(declined("evt_1", &sale, "changed_its_mind")).await.unwrap(), Told::NoChange);
        let held = buyer.order(&order.order_id).await;
        assert_eq!((holds(&held), held.payment_status()), (vec![OrderHold::Payment], Paid::Paid));
        assert_eq!(books(only(&held)), [5998, 5998, 0, 0]);
        office.release(&order.order_id, OrderHold::Payment).await.unwrap();
        office.walk(&order.order_id, Word::Shipped).await.unwrap();
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_turns_out_to_have_been_taken_after_the_order_was_called_off_goes_back() {
    on_both_engines(async |database| {
        for settings in [&[][..], &[("CAPTURE_ON", "manual")][..]] {
            let world = World::with_products(&database, settings).await;
            let (buyer, adapter, office) = (world.customer("42"), world.service(), world.admin());
            let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_timeout_charged")))).await.unwrap();
            buyer.cancel(&order.order_id).await.unwrap();
            let asked = office.newest_operation(&order.order_id).await.operation_id;
            let event = succeeded(&format!("evt_{asked}"), &asked, usd(5998));
            assert_eq!(adapter.tell(event).await.unwrap(), Told::Applied);
            let order = buyer.order(&order.order_id).await;
            let [authorized, captured, refunded, voided] = books(only(&order));
            assert_eq!((authorized, captured - refunded, authorized - captured - voided), (5998, 0, 0));
            world.stop().await;
        }
        assert_eq!((moved(&database, "REFUND").await, moved(&database, "VOID").await), (1, 1));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_two_captures_may_come_in_the_opposite_order() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CAPTURE_ON", "manual")]).await;
        let (buyer, adapter, office) = (world.customer("42"), world.service(), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_capture_timeout_charged")))).await.unwrap();
        let mut captures = Vec::new();
        for part in [2000, 3998] {
            office.capture(&order, Some(part)).await.unwrap();
            captures.push((office.newest_operation(&order.order_id).await.operation_id, part));
        }
        let pending = office.order(&order.order_id).await;
        assert_eq!((pending.payment_status(), books(only(&pending))), (Paid::Pending, [5998, 0, 0, 0]));
        for (capture, amount) in captures.iter().rev() {
            let event = succeeded(&format!("evt_{capture}"), capture, usd(*amount));
            assert_eq!(adapter.tell(event).await.unwrap(), Told::Applied);
        }
        let paid = office.order(&order.order_id).await;
        assert_eq!((paid.payment_status(), books(only(&paid))), (Paid::Paid, [5998, 5998, 0, 0]));
        reconcile(&world).await;
        assert_eq!(moved(&database, "CAPTURE").await, 2);
        audit_settled(&database).await;
    })
    .await;
}
