//! The life of an order: cash, parcels, time limits, and two who want different things of it.

use std::time::Duration;

use order_api::v1::{self, OrderEventType as Kind, OrderState as State, OrderStatus as Word, PaymentStatus as Paid};
use order_server::workers;

use super::{
    audit::{audit, audit_settled, moved},
    kit::{ILLEGAL, at_once, on_both_engines, quiet, reason, refused, spread, times, words},
};
use crate::world::{World, card, cash, order_of};

#[tokio::test(flavor = "multi_thread")]
async fn cash_on_delivery_is_captured_at_delivery() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(cash()))).await.unwrap();
        assert_eq!(words(&order), (Word::Pending, Paid::Unpaid));
        for (word, paid) in [
            (Word::Confirmed, Paid::Unpaid),
            (Word::Processing, Paid::Unpaid),
            (Word::Shipped, Paid::Unpaid),
            (Word::Delivered, Paid::Paid),
            (Word::Completed, Paid::Paid),
        ] {
            let order = office.walk(&order.order_id, word).await.unwrap();
            assert_eq!(words(&order), (word, paid));
        }
        let order = buyer.order(&order.order_id).await;
        assert_eq!(order.payment.unwrap().captured, order.total);
        assert_eq!(moved(&database, "SALE").await, 0, "no gateway has to do with cash");
        assert_eq!(world.shelf("COSTUME").await, (99, 0));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_goes_back_after_shipping_and_the_goods_do_not() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 3)], Some(card("tok_approve")))).await.unwrap();
        office.walk(&order.order_id, Word::Shipped).await.unwrap();
        refused(buyer.cancel(&order.order_id).await, ILLEGAL);
        refused(office.walk(&order.order_id, Word::Cancelled).await, ILLEGAL);
        let order = office.walk(&order.order_id, Word::Refunded).await.unwrap();
        assert_eq!(words(&order), (Word::Refunded, Paid::Refunded));
        assert_eq!(order.payment.unwrap().refunded, order.total);
        refused(office.walk(&order.order_id, Word::Refunded).await, ILLEGAL);
        assert_eq!(moved(&database, "REFUND").await, 1);
        assert_eq!(world.shelf("COSTUME").await, (97, 0));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unpaid_orders_expire_and_free_their_goods() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("PAY_BY_MINUTES", "30")]).await;
        let buyer = world.customer("42");
        let payments = [
            None,
            Some(card("tok_decline_lost_card")),
            Some(card("tok_approve")),
            Some(cash()),
            Some(card("tok_timeout_charged")),
        ];
        let mut ids = Vec::new();
        for payment in payments {
            ids.push(buyer.create(order_of(&[("fangs", 1)], payment)).await.unwrap().order_id);
        }
        let states = async || {
            let mut states = Vec::new();
            for id in &ids {
                states.push(buyer.order(id).await.state());
            }
            states
        };
        world.clock.advance(Duration::from_secs(1800));
        workers::expire_due(&world.app).await.unwrap();
        assert_eq!(states().await, [State::Pending; 5], "the last moment still counts");

        world.clock.advance(Duration::from_secs(1));
        workers::expire_due(&world.app).await.unwrap();
        let expired = [State::Expired, State::Expired, State::Pending, State::Pending, State::Pending];
        assert_eq!(states().await, expired, "nothing is called off that is paid, paid at the door, or being paid");
        assert_eq!(world.shelf("FANGS").await, (100, 3));
        let late = buyer.order(&ids[0]).await;
        assert_eq!((late.status(), late.cancel_reason.as_str()), (Word::Cancelled, "not paid in time"));
        refused(buyer.pay(&ids[0], card("tok_approve")).await, ILLEGAL);
        workers::expire_due(&world.app).await.unwrap();
        workers::reconcile_due(&world.app).await.unwrap();
        quiet(&world).await;
        assert_eq!(buyer.order(&ids[4]).await.status(), Word::Paid);
        audit_settled(&database).await;
    })
    .await;
}

/// The customer cancels while the shop ships: one of them comes first, and the shelf knows which.
#[tokio::test(flavor = "multi_thread")]
async fn cancel_vs_ship_race() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let outcomes = spread((60, 12), |_| {
            let (buyer, office) = (buyer.clone(), office.clone());
            async move {
                let order = buyer.create(order_of(&[("fangs", 1)], Some(card("tok_approve")))).await.unwrap();
                let (id, same) = (order.order_id.clone(), order.order_id.clone());
                let cancelling = tokio::spawn(async move { buyer.cancel(&id).await });
                let shipping = tokio::spawn({
                    let office = office.clone();
                    async move { office.walk(&same, Word::Shipped).await }
                });
                let (cancelled, shipped) = (cancelling.await.unwrap(), shipping.await.unwrap());
                assert_ne!(cancelled.is_ok(), shipped.is_ok(), "{cancelled:?} {shipped:?}");
                let refused = cancelled.err().or(shipped.err()).unwrap();
                assert_eq!(reason(&refused), "ILLEGAL_TRANSITION");
                office.order(&order.order_id).await.status()
            }
        })
        .await;
        quiet(&world).await;
        let shipped = i64::try_from(outcomes.iter().filter(|word| **word == Word::Shipped).count()).unwrap();
        assert_eq!(outcomes.iter().filter(|word| **word != Word::Shipped).count() as u64, 60 - shipped.unsigned_abs());
        assert_eq!(world.shelf("FANGS").await, (100 - shipped, 0));
        assert_eq!(moved(&database, "REFUND").await, 60 - shipped);
        audit_settled(&database).await;
    })
    .await;
}

/// Eight people change one order at once: its history has every change, in one order, without a gap.
#[tokio::test(flavor = "multi_thread")]
async fn history_revisions_without_gap() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_approve")))).await.unwrap();
        at_once(40, |n| {
            let (buyer, office, order_id) = (buyer.clone(), office.clone(), order.order_id.clone());
            async move {
                let note = format!("note {n}");
                let noted = v1::AddNoteRequest { order_id: order_id.clone(), note: note.clone(), ..Default::default() };
                match n % 4 {
                    0 => drop(office.walk(&order_id, Word::Processing).await),
                    1 => drop(office.walk(&order_id, Word::Shipped).await),
                    2 => drop(office.admin.clone().add_note(noted).await.unwrap()),
                    _ => {
                        let order = Some(v1::Order { order_id, notes: note, ..Default::default() });
                        let update_mask = Some(prost_types::FieldMask { paths: vec!["notes".to_owned()] });
                        let request = v1::UpdateOrderRequest { order, update_mask, ..Default::default() };
                        drop(buyer.orders.clone().update_order(request).await.unwrap());
                    }
                }
            }
        })
        .await;
        let history = office.history(&order.order_id).await;
        let revisions: Vec<_> = history.iter().map(|event| event.revision).collect();
        assert_eq!(revisions, (1..=i64::try_from(history.len()).unwrap()).collect::<Vec<_>>());
        assert_eq!((times(&history, Kind::NoteAdded), times(&history, Kind::DetailsUpdated)), (10, 10));
        let steps = [Kind::Placed, Kind::Confirmed, Kind::ProcessingStarted, Kind::Shipped];
        assert_eq!(steps.map(|kind| times(&history, kind)), [1; 4]);
        let order = office.order(&order.order_id).await;
        assert_eq!((order.status(), order.etag), (Word::Shipped, history.len().to_string()));
        audit(&database).await;
    })
    .await;
}

/// Everybody read the same etag; one change is made, the others are told to look again.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_changes_under_one_etag_one_is_made() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        let order = buyer.create(order_of(&[("costume", 1)], None)).await.unwrap();
        let answers = at_once(32, |n| {
            let (buyer, etag) = (buyer.clone(), order.etag.clone());
            let changed = v1::Order { order_id: order.order_id.clone(), notes: format!("{n}"), ..Default::default() };
            let update_mask = Some(prost_types::FieldMask { paths: vec!["notes".to_owned()] });
            let request = v1::UpdateOrderRequest { order: Some(changed), update_mask, etag, ..Default::default() };
            async move { buyer.orders.clone().update_order(request).await }
        })
        .await;
        let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!((made.len(), refused.len()), (1, 31));
        let made = made.into_iter().next().unwrap().unwrap().into_inner();
        for status in refused.into_iter().filter_map(Result::err) {
            assert_eq!(
                (reason(&status).as_str(), super::kit::fact(&status, "etag")),
                ("ETAG_MISMATCH", made.etag.clone())
            );
        }
        assert_eq!(buyer.order(&order.order_id).await.notes, made.notes);
        audit(&database).await;
    })
    .await;
}
