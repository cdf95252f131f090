//! What becomes of an order when its payment is refused, gets lost, comes late, or comes too late.

use std::time::Duration;

use order_api::v1::{self, OrderEventType as Kind, OrderStatus as Word, PaymentStatus as Paid};
use order_server::workers;
use tonic::Code;

use super::{
    audit::{audit, audit_settled, events, moved},
    kit::{ILLEGAL, at_once, eventually, fact, on_both_engines, quiet, reason, reconcile, refused, times, words},
};
use crate::world::{World, card, cash, order_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_payment_leaves_an_order_that_can_be_paid_in_another_way() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_decline_expired_card")))).await.unwrap();
        assert_eq!(words(&order), (Word::Pending, Paid::Failed));
        assert_eq!(order.payment.unwrap().decline_code, "expired_card");
        assert_eq!(world.shelf("COSTUME").await, (100, 1), "it keeps its goods");

        let declined = (Code::FailedPrecondition, "PAYMENT_DECLINED");
        let status = refused(buyer.pay(&order.order_id, card("tok_decline_lost_card")).await, declined);
        assert_eq!(fact(&status, "decline_code"), "lost_card");
        refused(world.admin().walk(&order.order_id, Word::Confirmed).await, ILLEGAL);
        let paid = buyer.pay(&order.order_id, card("tok_approve")).await.unwrap();
        assert_eq!(words(&paid), (Word::Paid, Paid::Paid));
        assert_eq!(moved(&database, "SALE").await, 1);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cash_on_delivery_is_another_way_after_a_decline() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_decline_expired_card")))).await.unwrap();
        let order = buyer.pay(&order.order_id, cash()).await.unwrap();
        assert_eq!(words(&order), (Word::Pending, Paid::Unpaid), "nothing was refused about the cash");
        let order = office.walk(&order.order_id, Word::Completed).await.unwrap();
        assert_eq!(words(&order), (Word::Completed, Paid::Paid));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_whose_answer_got_lost_is_found_by_the_reconciler() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_timeout_charged")))).await.unwrap();
        assert_eq!(words(&order), (Word::Pending, Paid::Pending));
        let in_progress = (Code::FailedPrecondition, "PAYMENT_IN_PROGRESS");
        refused(buyer.pay(&order.order_id, card("tok_approve")).await, in_progress);
        refused(world.admin().walk(&order.order_id, Word::Confirmed).await, ILLEGAL);

        workers::reconcile_due(&world.app).await.unwrap();
        assert_eq!(words(&buyer.order(&order.order_id).await), (Word::Pending, Paid::Pending), "it is not due yet");
        reconcile(&world).await;
        assert_eq!(words(&buyer.order(&order.order_id).await), (Word::Paid, Paid::Paid));
        reconcile(&world).await;
        assert_eq!(moved(&database, "SALE").await, 1);
        assert_eq!(times(&buyer.history(&order.order_id).await, Kind::PaymentSucceeded), 1);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_got_lost_is_never_booked_as_paid() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_timeout_lost")))).await.unwrap();
        reconcile(&world).await;
        let order = buyer.order(&order.order_id).await;
        assert_eq!(words(&order), (Word::Pending, Paid::Pending), "it was sent again, and got lost again");
        assert_eq!(moved(&database, "SALE").await, 0);

        let order = buyer.cancel(&order.order_id).await.unwrap();
        assert_eq!(order.status(), Word::Cancelled);
        reconcile(&world).await;
        let order = buyer.order(&order.order_id).await;
        assert_eq!(words(&order), (Word::Cancelled, Paid::Failed));
        assert_eq!(order.payment.unwrap().decline_code, "never_sent");
        assert_eq!((moved(&database, "SALE").await, moved(&database, "REFUND").await), (0, 0));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_gets_lost_again_and_again_does_not_keep_the_order_from_being_paid() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_timeout_lost")))).await.unwrap();
        for _ in 0..5 {
            assert_eq!(buyer.order(&order.order_id).await.payment_status(), Paid::Pending);
            reconcile(&world).await;
        }
        assert_eq!(buyer.order(&order.order_id).await.payment_status(), Paid::Failed);
        let order = buyer.pay(&order.order_id, card("tok_approve")).await.unwrap();
        assert_eq!(words(&order), (Word::Paid, Paid::Paid));
        assert_eq!(moved(&database, "SALE").await, 1);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_cancelled_while_its_payment_is_unknown_gets_its_money_back() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        let order = buyer.create(order_of(&[("costume", 2)], Some(card("tok_timeout_charged")))).await.unwrap();
        let order = buyer.cancel(&order.order_id).await.unwrap();
        assert_eq!(words(&order), (Word::Cancelled, Paid::Pending));
        assert_eq!(world.shelf("COSTUME").await, (100, 0), "the goods are free at once");
        reconcile(&world).await;
        let order = buyer.order(&order.order_id).await;
        assert_eq!(words(&order), (Word::Refunded, Paid::Refunded));
        assert_eq!((moved(&database, "SALE").await, moved(&database, "REFUND").await), (1, 1));
        assert_eq!(order.payment.unwrap().refunded, order.total);
        audit_settled(&database).await;
    })
    .await;
}

/// The gateway takes its time; the customer cancels meanwhile. Whichever comes first, no money is kept and no goods.
#[tokio::test(flavor = "multi_thread")]
async fn late_answer_vs_cancel_race() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let orders = at_once(40, |n| {
            let (buyer, rival) = (world.customer(&format!("buyer-{n}")), world.customer(&format!("buyer-{n}")));
            let token = format!("tok_slow_{}", 40 + 4 * n);
            async move {
                let order = buyer.create(order_of(&[("fangs", 1)], None)).await.unwrap();
                let id = order.order_id.clone();
                let paying = tokio::spawn(async move { buyer.pay(&id, card(&token)).await });
                tokio::time::sleep(Duration::from_millis(100)).await;
                let cancelled = rival.cancel(&order.order_id).await.unwrap();
                assert!([Word::Cancelled, Word::Refunded].contains(&cancelled.status()));
                match paying.await.unwrap() {
                    Ok(paid) => assert_ne!(paid.status(), Word::Pending),
                    Err(status) => assert_eq!(reason(&status), "ILLEGAL_TRANSITION", "the cancellation came first"),
                }
                order.order_id
            }
        })
        .await;
        quiet(&world).await;
        for id in orders {
            let order = world.admin().order(&id).await;
            assert!([Word::Cancelled, Word::Refunded].contains(&order.status()), "{order:?}");
        }
        assert_eq!(moved(&database, "SALE").await, moved(&database, "REFUND").await);
        assert_eq!(world.shelf("FANGS").await, (100, 0));
        audit_settled(&database).await;
    })
    .await;
}

/// The answer got lost, and it is found at the very moment at which the customer cancels.
#[tokio::test(flavor = "multi_thread")]
async fn reconciler_vs_cancel_race() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        let mut orders = Vec::new();
        for n in 0..32 {
            let token = if n % 2 == 0 { "tok_timeout_charged" } else { "tok_timeout_lost" };
            orders.push(buyer.create(order_of(&[("fangs", 1)], Some(card(token)))).await.unwrap().order_id);
        }
        world.clock.advance(Duration::from_secs(60));
        // Four reconcilers, as four processes would have them, and a customer for each order.
        at_once(36, |n| {
            let (app, buyer, id) = (world.app.clone(), buyer.clone(), orders.get(n).cloned());
            async move {
                match id {
                    Some(id) => drop(buyer.cancel(&id).await.unwrap()),
                    None => workers::reconcile_due(&app).await.unwrap(),
                }
            }
        })
        .await;
        quiet(&world).await;
        reconcile(&world).await;
        reconcile(&world).await;
        assert_eq!((moved(&database, "SALE").await, moved(&database, "REFUND").await), (16, 16));
        assert_eq!(world.shelf("FANGS").await, (100, 0));
        audit_settled(&database).await;
    })
    .await;
}

/// Several processes find the same lost charge at the same moment: it is booked once.
#[tokio::test(flavor = "multi_thread")]
async fn many_reconcilers_book_one_outcome() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CONFIRM_POLICY", "when_paid")]).await;
        let buyer = world.customer("42");
        for _ in 0..10 {
            buyer.create(order_of(&[("fangs", 1)], Some(card("tok_timeout_charged")))).await.unwrap();
        }
        world.clock.advance(Duration::from_secs(60));
        at_once(8, |_| {
            let app = world.app.clone();
            async move { workers::reconcile_due(&app).await.unwrap() }
        })
        .await;
        quiet(&world).await;
        for (kind, expected) in [("PAYMENT_SUCCEEDED", 10), ("CONFIRMED", 10), ("REFUND_STARTED", 0)] {
            assert_eq!(events(&database, kind).await, expected, "{kind}");
        }
        audit_settled(&database).await;
    })
    .await;
}

/// The process ends while a gateway is at it: an orderly end waits for the answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_end_waits_for_payments_under_way() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        let paying =
            tokio::spawn(async move { buyer.create(order_of(&[("costume", 1)], Some(card("tok_slow_300")))).await });
        let office = world.admin();
        eventually("the order is there", || async { office.all_orders().await.len() == 1 }).await;
        paying.abort();
        world.stop().await;
        audit_settled(&database).await;
        assert_eq!(moved(&database, "SALE").await, 1);

        let world = World::start(&database, &[]).await;
        let order = world.admin().all_orders().await.remove(0);
        assert_eq!(words(&order), (Word::Paid, Paid::Paid));
        audit(&database).await;
    })
    .await;
}

/// Paid in the same moment in which its time is over: it is either paid or expired, never both, and no money is kept.
#[tokio::test(flavor = "multi_thread")]
async fn pay_vs_expiry_race() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("PAY_BY_MINUTES", "30")]).await;
        let buyer = world.customer("42");
        let mut orders = Vec::new();
        for _ in 0..30 {
            orders.push(buyer.create(order_of(&[("fangs", 1)], None)).await.unwrap().order_id);
        }
        world.clock.advance(Duration::from_secs(1801));
        at_once(32, |n| {
            let (app, buyer, id) = (world.app.clone(), buyer.clone(), orders.get(n).cloned());
            async move {
                match id {
                    None => workers::expire_due(&app).await.unwrap(),
                    Some(id) => match buyer.pay(&id, card("tok_approve")).await {
                        Ok(order) => assert_eq!(order.status(), Word::Paid),
                        Err(status) => assert_eq!(reason(&status), "ILLEGAL_TRANSITION"),
                    },
                }
            }
        })
        .await;
        quiet(&world).await;
        workers::expire_due(&world.app).await.unwrap();
        let paid = world.admin().all_orders().await.into_iter().filter(|order| order.status() == Word::Paid);
        let paid = i64::try_from(paid.count()).unwrap();
        assert_eq!(events(&database, "EXPIRED").await, 30 - paid);
        assert_eq!((moved(&database, "SALE").await, moved(&database, "REFUND").await), (paid, 0));
        assert_eq!(world.shelf("FANGS").await, (100, paid));
        audit_settled(&database).await;
    })
    .await;
}

/// What a customer sees of a payment is what the ledger holds.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_of_a_payment_adds_up_at_every_step() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        let units = |amount: Option<order_api::Money>| amount.map(|m| (m.units, m.nanos)).unwrap();
        let ledger = |order: &v1::Order| {
            let payment = order.payment.clone().unwrap();
            [payment.amount, payment.authorized, payment.captured, payment.refunded].map(units)
        };
        let (all, none) = ((59, 980_000_000), (0, 0));
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_timeout_charged")))).await.unwrap();
        assert_eq!(ledger(&order), [all, none, none, none]);
        assert_eq!(order.payment.unwrap().pending_operations.len(), 1);
        reconcile(&world).await;
        assert_eq!(ledger(&buyer.order(&order.order_id).await), [all, all, all, none]);
        let order = buyer.cancel(&order.order_id).await.unwrap();
        assert_eq!(ledger(&order), [all, all, all, all]);
        assert!(order.payment.unwrap().pending_operations.is_empty());
        audit_settled(&database).await;
    })
    .await;
}
