//! Money that is promised first and taken later, in parts, or given up.

use order_api::v1::{OrderStatus as Word, PaymentOperationKind as Kind, PaymentStatus as Paid};
use order_store::testing::on_both_engines;
use tonic::Code;

use super::kit::{books, due_and_held, only};
use crate::{
    door_races::{
        audit::{audit_settled, moved},
        kit::{ILLEGAL, fact, refused, words},
    },
    world::{World, card, order_of},
};

const EXCEEDED: (Code, &str) = (Code::FailedPrecondition, "AMOUNT_EXCEEDED");
const DECLINED: (Code, &str) = (Code::FailedPrecondition, "PAYMENT_DECLINED");

#[tokio::test(flavor = "multi_thread")]
async fn with_capture_by_hand_money_is_promised_and_taken_in_parts() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CAPTURE_ON", "manual")]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_approve")))).await.unwrap();
        assert_eq!(words(&order), (Word::Pending, Paid::Authorized));
        assert_eq!((books(only(&order)), due_and_held(&order)), ([5998, 0, 0, 0], (0, 0)));

        let part = office.capture(&order, Some(2000)).await.unwrap();
        assert_eq!((part.payment_status(), books(only(&part))), (Paid::PartiallyPaid, [5998, 2000, 0, 0]));
        let more = refused(office.capture(&order, Some(3999)).await, EXCEEDED);
        assert_eq!((fact(&more, "requested"), fact(&more, "available")), ("39.99 USD".into(), "39.98 USD".into()));
        let all = office.capture(&order, None).await.unwrap();
        assert_eq!((all.payment_status(), books(only(&all))), (Paid::Paid, [5998, 5998, 0, 0]));
        refused(office.capture(&order, None).await, ILLEGAL);
        refused(office.void(&order).await, ILLEGAL);
        assert_eq!((moved(&database, "AUTHORIZE").await, moved(&database, "CAPTURE").await), (1, 2));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_capture_on_shipment_each_parcel_takes_what_is_in_it() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CAPTURE_ON", "ship")]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        // 3 x 49.99 + 2 x 12.50 + 8 % tax (12.00 + 2.00), shipping free: 188.97.
        let order = buyer.create(order_of(&[("costume", 3), ("fangs", 2)], Some(card("tok_approve")))).await.unwrap();
        assert_eq!((order.payment_status(), books(only(&order))), (Paid::Authorized, [18_897, 0, 0, 0]));
        let id = order.order_id.as_str();
        office.walk(id, Word::Processing).await.unwrap();

        let first = office.parcel(id, &[(1, 1)]).await;
        assert_eq!(books(only(&office.order(id).await)), [18_897, 0, 0, 0], "nothing has left");
        let order = office.ship(id, &first).await.unwrap();
        assert_eq!((order.payment_status(), books(only(&order))), (Paid::PartiallyPaid, [18_897, 5399, 0, 0]));
        let second = office.parcel(id, &[(1, 1), (2, 2)]).await;
        let order = office.ship(id, &second).await.unwrap();
        assert_eq!(books(only(&order)), [18_897, 5399 + 5399 + 2700, 0, 0]);
        // The last costume is called off: what was promised for it is given up, not taken.
        let order = office.cancel_units(id, &[(1, 1)]).await.unwrap();
        assert_eq!((order.payment_status(), books(only(&order))), (Paid::Paid, [18_897, 13_498, 0, 5399]));
        assert_eq!((moved(&database, "CAPTURE").await, moved(&database, "VOID").await), (2, 1));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shipping_is_taken_with_the_first_parcel() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CAPTURE_ON", "ship")]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        // 2 x 12.50 + 2.00 tax + 5.99 shipping.
        let order = buyer.create(order_of(&[("fangs", 2)], Some(card("tok_approve")))).await.unwrap();
        let id = order.order_id.as_str();
        office.walk(id, Word::Processing).await.unwrap();
        let taken = |order| books(only(&order))[1];
        let parcel = office.parcel(id, &[(1, 1)]).await;
        assert_eq!(taken(office.ship(id, &parcel).await.unwrap()), 1350 + 599);
        let parcel = office.parcel(id, &[(1, 1)]).await;
        assert_eq!(taken(office.ship(id, &parcel).await.unwrap()), 2700 + 599);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_is_given_up_whole_or_what_is_left_of_it() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CAPTURE_ON", "manual")]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let whole = buyer.create(order_of(&[("costume", 1)], Some(card("tok_approve")))).await.unwrap();
        let voided = office.void(&whole).await.unwrap();
        assert_eq!((voided.payment_status(), books(only(&voided))), (Paid::Voided, [5998, 0, 0, 5998]));
        assert_eq!(due_and_held(&voided), (5998, 0), "it is to be paid again");
        refused(office.void(&whole).await, ILLEGAL);
        refused(office.capture(&whole, None).await, ILLEGAL);
        let paid = buyer.pay(&whole.order_id, card("tok_approve")).await.unwrap();
        assert_eq!((paid.payments.len(), paid.payment_status()), (2, Paid::Authorized));

        let rest = buyer.create(order_of(&[("costume", 1)], Some(card("tok_approve")))).await.unwrap();
        office.capture(&rest, Some(1000)).await.unwrap();
        let voided = office.void(&rest).await.unwrap();
        assert_eq!((voided.payment_status(), books(only(&voided))), (Paid::PartiallyPaid, [5998, 1000, 0, 4998]));
        assert_eq!(due_and_held(&voided), (4998, 1000));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_capture_leaves_the_promise_as_it_was() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CAPTURE_ON", "manual")]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_capture_limit_3000")))).await.unwrap();
        assert_eq!(order.payment_status(), Paid::Authorized);
        let status = refused(office.capture(&order, None).await, DECLINED);
        assert_eq!(fact(&status, "decline_code"), "amount_limit");
        let after = office.order(&order.order_id).await;
        assert_eq!((after.payment_status(), books(only(&after))), (Paid::Authorized, [5998, 0, 0, 0]));
        for part in [3000, 2998] {
            office.capture(&order, Some(part)).await.unwrap();
        }
        let after = office.order(&order.order_id).await;
        assert_eq!((after.payment_status(), books(only(&after))), (Paid::Paid, [5998, 5998, 0, 0]));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_leaves_though_its_money_is_declined_and_the_order_shows_what_is_missing() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CAPTURE_ON", "ship")]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_capture_decline_gone")))).await.unwrap();
        let order = office.walk(&order.order_id, Word::Shipped).await.unwrap();
        assert_eq!((order.status(), books(only(&order))), (Word::Shipped, [5998, 0, 0, 0]));
        assert_eq!(only(&order).decline_code, "gone");
        refused(office.walk(&order.order_id, Word::Completed).await, ILLEGAL);
        // The shop gives the useless promise up, and the customer pays in another way.
        office.void(&order).await.unwrap();
        let paid = buyer.pay(&order.order_id, card("tok_approve")).await.unwrap();
        assert_eq!((paid.payment_status(), due_and_held(&paid)), (Paid::Paid, (0, 5998)));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorized_order_that_is_called_off_gives_the_promise_up() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CAPTURE_ON", "ship")]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_approve")))).await.unwrap();
        let order = buyer.cancel(&order.order_id).await.unwrap();
        assert_eq!((words(&order), books(only(&order))), ((Word::Cancelled, Paid::Voided), [5998, 0, 0, 5998]));
        let ledger = office.ledgers(&order.order_id).await.remove(0);
        let kinds: Vec<_> = ledger.operations.iter().map(|operation| operation.kind()).collect();
        assert_eq!(kinds, [Kind::Authorize, Kind::Void]);
        assert_eq!((moved(&database, "CAPTURE").await, moved(&database, "REFUND").await), (0, 0));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_only_takes_and_gives_up_nothing() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CAPTURE_ON", "manual")]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_approve")))).await.unwrap();
        let (order_id, payment_id) = (order.order_id.clone(), only(&order).payment_id.clone());
        let capture = order_api::v1::CapturePaymentRequest {
            order_id: order_id.clone(),
            payment_id: payment_id.clone(),
            validate_only: true,
            ..Default::default()
        };
        office.admin.clone().capture_payment(capture).await.unwrap();
        let void =
            order_api::v1::VoidPaymentRequest { order_id, payment_id, validate_only: true, ..Default::default() };
        office.admin.clone().void_payment(void).await.unwrap();
        assert_eq!(office.order(&order.order_id).await, order);
        assert_eq!((moved(&database, "CAPTURE").await, moved(&database, "VOID").await), (0, 0));
        audit_settled(&database).await;
    })
    .await;
}
