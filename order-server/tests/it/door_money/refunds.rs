//! Money goes back: by amount, by units, with shipping; to the cent, and never more than was paid.

use order_api::v1::{self, OrderStatus as Word, PaymentStatus as Paid, RefundOrderRequest, RefundOrderResponse};
use order_store::testing::on_both_engines;
use tonic::Code;

use super::kit::{books, cents, due_and_held, only, refund_of, refund_units, usd};
use crate::{
    door_input::refusal::assert_refused,
    door_races::{
        audit::{audit, audit_settled, moved},
        kit::{ILLEGAL, REUSED, fact, reconcile, refused, words},
    },
    world::{Caller, World, card, cash, order_of, request_id},
};

const EXCEEDED: (Code, &str) = (Code::FailedPrecondition, "AMOUNT_EXCEEDED");
const TOO_MANY: (Code, &str) = (Code::FailedPrecondition, "LINE_QUANTITY_EXCEEDED");

/// Asks what a refund would come to, has it done, and sees that it came to just that.
async fn as_previewed(office: &Caller, request: RefundOrderRequest) -> RefundOrderResponse {
    let before = office.order(&request.order_id).await;
    let preview = RefundOrderRequest { validate_only: true, ..request.clone() };
    let preview = office.refund(preview).await.unwrap();
    assert_eq!(office.order(&request.order_id).await, before, "a check changes nothing");
    let done = office.refund(request).await.unwrap();
    assert_eq!((&done.split, &done.payments), (&preview.split, &preview.payments));
    let total = cents(done.split.as_ref().unwrap().total.as_ref());
    assert_eq!(done.payments.iter().map(|part| cents(part.amount.as_ref())).sum::<i64>(), total);
    let (held, after) = (due_and_held(&before).1, done.order.as_ref().unwrap());
    assert_eq!(due_and_held(after).1, held - total);
    done
}

/// What a refund came to, and its lines, each with amount and tax.
fn split(done: &RefundOrderResponse) -> (i64, Vec<(i64, i64)>) {
    let split = done.split.as_ref().unwrap();
    let line = |line: &v1::RefundSplitLine| (cents(line.amount.as_ref()), cents(line.tax.as_ref()));
    (cents(split.total.as_ref()), split.lines.iter().map(line).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_go_back_until_nothing_is_left() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_approve")))).await.unwrap();
        let id = order.order_id.as_str();
        let part = as_previewed(&office, refund_of(id, 1000)).await.order.unwrap();
        assert_eq!((part.payment_status(), books(only(&part))), (Paid::PartiallyRefunded, [5998, 5998, 1000, 0]));
        assert_eq!(due_and_held(&part), (0, 4998), "the price was lowered: nothing is due for it");
        let more = refused(office.refund(refund_of(id, 4999)).await, EXCEEDED);
        assert_eq!((fact(&more, "requested"), fact(&more, "available")), ("49.99 USD".into(), "49.98 USD".into()));
        let rest = RefundOrderRequest { order_id: id.to_owned(), ..Default::default() };
        let all = as_previewed(&office, rest.clone()).await;
        assert_eq!(split(&all), (4998, vec![]));
        assert_eq!(books(only(&all.order.unwrap())), [5998, 5998, 5998, 0]);
        refused(office.refund(rest).await, ILLEGAL);
        assert_eq!(moved(&database, "REFUND").await, 2);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn units_refunded_one_by_one_add_up_to_what_was_paid_for_the_line() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        // 7 x 49.99 + 27.99 tax: a unit is worth 53.988...
        let order = buyer.create(order_of(&[("costume", 7)], Some(card("tok_approve")))).await.unwrap();
        let id = order.order_id.as_str();
        refused(office.refund(refund_units(id, &[(1, 1)])).await, TOO_MANY);
        office.walk(id, Word::Shipped).await.unwrap();
        let mut sums = (0, 0);
        for quantity in [1, 2, 1, 3] {
            let (total, lines) = split(&as_previewed(&office, refund_units(id, &[(1, quantity)])).await);
            assert_eq!(lines[0].0, total);
            sums = (sums.0 + total, sums.1 + lines[0].1);
        }
        assert_eq!(sums, (37_792, 2799));
        refused(office.refund(refund_units(id, &[(1, 1)])).await, ILLEGAL);
        let order = office.order(id).await;
        assert_eq!((order.status(), books(only(&order))), (Word::Refunded, [37_792, 37_792, 37_792, 0]));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shipping_goes_back_once_with_units_or_alone() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("fangs", 2)], Some(card("tok_approve")))).await.unwrap();
        let id = order.order_id.as_str();
        office.walk(id, Word::Shipped).await.unwrap();
        let with_unit = RefundOrderRequest { include_shipping: true, ..refund_units(id, &[(1, 1)]) };
        let done = as_previewed(&office, with_unit).await;
        assert_eq!(split(&done), (1350 + 599, vec![(1350, 100)]));
        assert_eq!(cents(done.split.unwrap().shipping.as_ref()), 599);
        let alone = RefundOrderRequest { include_shipping: true, ..refund_units(id, &[]) };
        refused(office.refund(alone).await, ILLEGAL);
        let again = RefundOrderRequest { include_shipping: true, ..refund_units(id, &[(1, 1)]) };
        assert_eq!(split(&as_previewed(&office, again).await), (1350, vec![(1350, 100)]));
        assert_eq!(due_and_held(&office.order(id).await), (0, 0));

        let order = buyer.create(order_of(&[("fangs", 1)], Some(card("tok_approve")))).await.unwrap();
        let alone = RefundOrderRequest { include_shipping: true, ..refund_units(&order.order_id, &[]) };
        assert_eq!(split(&as_previewed(&office, alone).await), (599, vec![]));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_goes_back_through_the_payments_that_brought_the_money_oldest_first() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], None)).await.unwrap();
        buyer.pay_part(&order.order_id, (card("tok_approve"), 2000)).await.unwrap();
        buyer.pay(&order.order_id, card("tok_approve")).await.unwrap();
        let done = as_previewed(&office, refund_of(&order.order_id, 2500)).await;
        let parts: Vec<_> = done.payments.iter().map(|part| cents(part.amount.as_ref())).collect();
        assert_eq!(parts, [2000, 500]);
        let refunded = |order: &v1::Order| order.payments.iter().map(|paid| books(paid)[2]).collect::<Vec<_>>();
        assert_eq!(refunded(&done.order.unwrap()), [2000, 500]);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_refund_shows_the_first_split_and_moves_nothing() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 3)], Some(card("tok_approve")))).await.unwrap();
        office.walk(&order.order_id, Word::Shipped).await.unwrap();
        let request = RefundOrderRequest { request_id: request_id(), ..refund_units(&order.order_id, &[(1, 1)]) };
        let first = office.refund(request.clone()).await.unwrap();
        office.refund(refund_of(&order.order_id, 123)).await.unwrap();
        let again = office.refund(request.clone()).await.unwrap();
        assert_eq!((&again.split, &again.payments), (&first.split, &first.payments));
        assert_eq!(books(only(&again.order.unwrap()))[2], 5399 + 123, "the order is as it is now");
        refused(office.refund(RefundOrderRequest { include_shipping: true, ..request }).await, REUSED);
        assert_eq!(moved(&database, "REFUND").await, 2);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_capture_takes_nothing_more() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CAPTURE_ON", "manual")]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_capture_limit_3000")))).await.unwrap();
        let capture = |amount| v1::CapturePaymentRequest {
            order_id: order.order_id.clone(),
            payment_id: only(&order).payment_id.clone(),
            amount: Some(usd(amount)),
            request_id: request_id(),
            ..Default::default()
        };
        let (good, bad) = (capture(2000), capture(3001));
        let first = office.admin.clone().capture_payment(good.clone()).await.unwrap().into_inner();
        assert_eq!(office.admin.clone().capture_payment(good.clone()).await.unwrap().into_inner(), first);
        for _ in 0..2 {
            let declined = office.admin.clone().capture_payment(bad.clone()).await;
            assert_refused(declined, Code::FailedPrecondition, "PAYMENT_DECLINED");
        }
        office.capture(&order, Some(1000)).await.unwrap();
        let again = office.admin.clone().capture_payment(bad).await;
        assert_refused(again, Code::FailedPrecondition, "PAYMENT_DECLINED");
        let again = office.admin.clone().capture_payment(good).await.unwrap().into_inner();
        assert_eq!(books(only(&again)), [5998, 3000, 0, 0]);
        assert_eq!(moved(&database, "CAPTURE").await, 2);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_is_declined_can_be_tried_again() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_refund_limit_3000")))).await.unwrap();
        let id = order.order_id.as_str();
        let declined = office.refund(refund_of(id, 5998)).await.unwrap().order.unwrap();
        assert_eq!(declined.payment_status(), Paid::Paid, "nothing went back, and the price is what it was");
        assert_eq!((only(&declined).decline_code.as_str(), due_and_held(&declined)), ("amount_limit", (0, 5998)));
        for part in [3000, 2998] {
            office.refund(refund_of(id, part)).await.unwrap();
        }
        let order = office.order(id).await;
        assert_eq!((words(&order).1, books(only(&order))), (Paid::Refunded, [5998, 5998, 5998, 0]));
        assert_eq!(moved(&database, "REFUND").await, 2);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_refund_of_a_cancellation_that_is_declined_stays_visible_and_can_be_done_by_hand() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_refund_limit_3000")))).await.unwrap();
        let order = buyer.cancel(&order.order_id).await.unwrap();
        assert_eq!((order.status(), due_and_held(&order)), (Word::Cancelled, (0, 5998)));
        for part in [3000, 2998] {
            office.refund(refund_of(&order.order_id, part)).await.unwrap();
        }
        assert_eq!(words(&office.order(&order.order_id).await), (Word::Refunded, Paid::Refunded));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_whose_answer_is_lost_counts_as_gone_until_it_is_known() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        for token in ["tok_refund_timeout_charged", "tok_refund_timeout_lost"] {
            let order = buyer.create(order_of(&[("costume", 1)], Some(card(token)))).await.unwrap();
            let id = order.order_id.as_str();
            let order = office.refund(refund_of(id, 4000)).await.unwrap().order.unwrap();
            assert_eq!((books(only(&order))[2], cents(only(&order).refund_pending.as_ref())), (0, 4000));
            refused(office.refund(refund_of(id, 1999)).await, EXCEEDED);
            office.refund(refund_of(id, 1998)).await.unwrap();
            audit(&database).await;
        }
        reconcile(&world).await;
        assert_eq!(moved(&database, "REFUND").await, 2, "the lost ones were sent again, and got lost again");
        for _ in 0..8 {
            reconcile(&world).await;
        }
        let open = "SELECT count(*) AS n FROM payment_operation WHERE state = 'UNKNOWN' AND kind = 'REFUND'";
        assert_eq!(
            crate::door_races::audit::count(&database, open).await,
            2,
            "money is given back for as long as it takes"
        );
        audit(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_in_cash_is_given_back_in_cash_without_a_gateway() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(cash()))).await.unwrap();
        refused(office.refund(refund_of(&order.order_id, 1)).await, ILLEGAL);
        office.walk(&order.order_id, Word::Delivered).await.unwrap();
        let order = as_previewed(&office, refund_of(&order.order_id, 998)).await.order.unwrap();
        assert_eq!(books(only(&order)), [5998, 5998, 998, 0]);
        assert_eq!(moved(&database, "REFUND").await, 0);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 2)], Some(card("tok_approve")))).await.unwrap();
        let order = office.walk(&order.order_id, Word::Shipped).await.unwrap();
        let id = order.order_id.as_str();
        let both = RefundOrderRequest { amount: Some(usd(1)), ..refund_units(id, &[(1, 1)]) };
        let shipping = RefundOrderRequest { include_shipping: true, ..refund_of(id, 1) };
        for request in [both, shipping, refund_units(id, &[(1, 0)]), refund_units(id, &[(1, 1), (1, 1)])] {
            assert_refused(office.admin.clone().refund_order(request).await, Code::InvalidArgument, "INVALID_FIELD");
        }
        let nobody = "018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f01";
        refused(office.refund(refund_of(nobody, 1)).await, (Code::NotFound, "ORDER_NOT_FOUND"));
        refused(office.refund(refund_units(id, &[(2, 1)])).await, (Code::NotFound, "ORDER_LINE_NOT_FOUND"));
        refused(office.refund(refund_units(id, &[(1, 3)])).await, TOO_MANY);
        let stale = RefundOrderRequest { etag: "1".into(), ..refund_of(id, 1) };
        assert!(office.refund(stale).await.is_err());
        let forbidden = (Code::PermissionDenied, "ROLE_REQUIRED");
        refused(buyer.refund(refund_of(id, 1)).await, forbidden);
        refused(world.service().refund(refund_of(id, 1)).await, forbidden);
        assert_eq!(office.order(id).await.etag, order.etag);
        assert_eq!(moved(&database, "REFUND").await, 0);
        audit_settled(&database).await;
    })
    .await;
}
