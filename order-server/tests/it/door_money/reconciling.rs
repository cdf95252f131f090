//! Requests without an outcome: who looks after them, when, and for how long.

use std::time::Duration;

use order_api::v1::{
    OrderStatus as Word, PaymentOperationKind as Kind, PaymentOperationState as State, PaymentStatus as Paid,
    ReconcilePaymentsRequest,
};
use order_core::{
    ids::{OrderId, PaymentId},
    money::Money,
    order::{Command, Order, RefundWish},
    payment::OperationState,
};
use order_server::workers;
use order_store::{ChangeOrder, Mode, Scope, testing::on_both_engines};
use tonic::Code;

use super::kit::{books, only};
use crate::{
    door_races::{
        audit::{audit_settled, moved},
        kit::{quiet, reason, reconcile, refused, words},
    },
    world::{World, card, order_of},
};

/// Has a command decided and stored, and goes no further: as a process does that ends right after.
async fn stored_only(world: &World, order_id: &str, command: impl Fn(&Order) -> Command) {
    let order_id = OrderId::parse(order_id).unwrap();
    let order = world.store.order(order_store::OrderKey::Id(order_id), Scope::All).await.unwrap().unwrap();
    let (request, expected_revision, mode) = (None, None, Mode::Apply);
    let (command, context, scope) = (command(&order), world.app.system("test"), Scope::All);
    let reserved = None;
    let change = ChangeOrder { request, order_id, scope, expected_revision, command, reserved, context, mode };
    world.store.change(change).await.unwrap();
}

fn paid_by(order: &Order) -> PaymentId {
    order.payments[0].id
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unknown_is_asked_after_with_growing_pauses_and_by_nobody_else() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_timeout_lost")))).await.unwrap();
        let id = order.order_id.as_str();
        for (pause, attempts) in [(15, 1), (30, 2), (60, 3), (120, 4), (240, 5)] {
            let lost = office.newest_operation(id).await;
            assert_eq!((lost.state(), lost.attempts), (State::Unknown, attempts));
            let due = lost.next_attempt_time.unwrap().seconds;
            world.clock.advance(Duration::from_secs(pause - 1));
            workers::reconcile_due(&world.app).await.unwrap();
            assert_eq!(office.newest_operation(id).await, lost, "it is not due for another second");
            world.clock.advance(Duration::from_secs(1));
            assert_eq!(due, world.app.clock.now().micros() / 1_000_000);
            workers::reconcile_due(&world.app).await.unwrap();
            quiet(&world).await;
        }
        let given_up = office.newest_operation(id).await;
        assert_eq!((given_up.state(), given_up.decline_code.as_str()), (State::Failed, "never_sent"));
        assert_eq!(moved(&database, "SALE").await, 0);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_by_hand_does_not_wait_and_sends_nothing_that_is_not_due() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let charged = buyer.create(order_of(&[("costume", 1)], Some(card("tok_timeout_charged")))).await.unwrap();
        let lost = buyer.create(order_of(&[("costume", 1)], Some(card("tok_timeout_lost")))).await.unwrap();

        let all = office.admin.clone().reconcile_payments(ReconcilePaymentsRequest::default()).await.unwrap();
        assert_eq!(all.into_inner().asked, 0, "nothing is due");
        let asked = office.ask_gateway(&charged.order_id).await.unwrap();
        assert_eq!((asked.asked, asked.settled, asked.still_unknown, asked.open_order_ids.len()), (1, 1, 0, 0));
        assert_eq!(office.order(&charged.order_id).await.payment_status(), Paid::Paid);
        let before = office.newest_operation(&lost.order_id).await;
        let asked = office.ask_gateway(&lost.order_id).await.unwrap();
        assert_eq!((asked.asked, asked.settled, asked.still_unknown), (1, 0, 1));
        assert_eq!(asked.open_order_ids, std::slice::from_ref(&lost.order_id));
        assert_eq!(office.newest_operation(&lost.order_id).await, before);
        assert_eq!(office.ask_gateway(&charged.order_id).await.unwrap().asked, 0);

        let nobody = office.ask_gateway("018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f01").await;
        refused(nobody, (Code::NotFound, "ORDER_NOT_FOUND"));
        refused(office.ask_gateway("x").await, (Code::InvalidArgument, "INVALID_FIELD"));
        refused(buyer.ask_gateway(&lost.order_id).await, (Code::PermissionDenied, "ROLE_REQUIRED"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_wrote_down_and_did_not_send_is_sent_once_by_another() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CAPTURE_ON", "manual")]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let mut orders = Vec::new();
        for _ in 0..3 {
            orders.push(buyer.create(order_of(&[("fangs", 1)], Some(card("tok_approve")))).await.unwrap().order_id);
        }
        office.capture(&office.order(&orders[2]).await, None).await.unwrap();
        let capture = |order: &Order| Command::Capture { payment_id: paid_by(order), amount: None };
        stored_only(&world, &orders[0], capture).await;
        stored_only(&world, &orders[1], |order| Command::Void(paid_by(order))).await;
        let refund =
            |order: &Order| Command::Refund(RefundWish::Amount(Money::new(100, order.totals.total.currency())));
        stored_only(&world, &orders[2], refund).await;
        let waiting = world.store.unresolved_operations().await.unwrap();
        assert_eq!(
            waiting.iter().map(|found| (found.state, found.count)).collect::<Vec<_>>(),
            [(OperationState::Initial, 3)]
        );
        workers::reconcile_due(&world.app).await.unwrap();
        assert_eq!(
            world.store.unresolved_operations().await.unwrap(),
            waiting,
            "whoever wrote them down is about to send them"
        );
        world.clock.advance(Duration::from_secs(2));
        // Several processes find them at the same moment.
        let looks = (0..4).map(|_| {
            let app = world.app.clone();
            tokio::spawn(async move { workers::reconcile_due(&app).await.unwrap() })
        });
        for look in looks.collect::<Vec<_>>() {
            look.await.unwrap();
        }
        quiet(&world).await;
        let mut all = Vec::new();
        for id in &orders {
            all.push(books(only(&office.order(id).await)));
        }
        assert_eq!(all, [[1949, 1949, 0, 0], [1949, 0, 0, 1949], [1949, 1949, 100, 0]]);
        for (kind, times) in [("CAPTURE", 2), ("VOID", 1), ("REFUND", 1)] {
            assert_eq!(moved(&database, kind).await, times, "{kind}");
        }
        assert_eq!(world.store.unresolved_operations().await.unwrap(), []);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_that_was_not_sent_before_the_order_was_called_off_never_is() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CAPTURE_ON", "manual")]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_approve")))).await.unwrap();
        let capture = |order: &Order| Command::Capture { payment_id: paid_by(order), amount: None };
        stored_only(&world, &order.order_id, capture).await;
        let cancelled = buyer.cancel(&order.order_id).await.unwrap();
        assert_eq!(cancelled.status(), Word::Cancelled);
        reconcile(&world).await;
        let order = office.order(&order.order_id).await;
        assert_eq!((words(&order), books(only(&order))), ((Word::Cancelled, Paid::Voided), [5998, 0, 0, 5998]));
        assert_eq!((moved(&database, "CAPTURE").await, moved(&database, "VOID").await), (0, 1));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_that_gets_lost_again_and_again_is_given_up_and_its_promise_is_kept() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CAPTURE_ON", "manual")]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_capture_timeout_lost")))).await.unwrap();
        office.capture(&order, None).await.unwrap();
        for _ in 0..5 {
            let lost = office.newest_operation(&order.order_id).await;
            assert_eq!((lost.kind(), lost.state()), (Kind::Capture, State::Unknown));
            reconcile(&world).await;
        }
        let after = office.order(&order.order_id).await;
        assert_eq!((after.payment_status(), only(&after).decline_code.as_str()), (Paid::Authorized, "never_sent"));
        let voided = office.void(&order).await.unwrap();
        assert_eq!(books(only(&voided)), [5998, 0, 0, 5998]);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_void_that_gets_lost_is_sent_for_as_long_as_it_takes_and_nothing_is_taken_meanwhile() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CAPTURE_ON", "manual")]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_void_timeout_lost")))).await.unwrap();
        office.void(&order).await.unwrap();
        for _ in 0..8 {
            reconcile(&world).await;
            let lost = office.newest_operation(&order.order_id).await;
            assert_eq!((lost.kind(), lost.state()), (Kind::Void, State::Unknown));
            let status = office.capture(&order, None).await.unwrap_err();
            assert_eq!(reason(&status), "ILLEGAL_TRANSITION");
        }
        let unresolved = world.store.unresolved_operations().await.unwrap();
        let [void] = unresolved.as_slice() else { panic!("{unresolved:?}") };
        assert_eq!((void.state, void.count, void.oldest), (OperationState::Unknown, 1, crate::world::START));
        assert_eq!((moved(&database, "VOID").await, moved(&database, "CAPTURE").await), (0, 0));
    })
    .await;
}
