//! A gateway that moves other money than it was asked for: the order waits until somebody has looked.

use order_api::v1::{OrderHold, OrderStatus as Word, PaymentStatus as Paid};
use order_store::testing::on_both_engines;

use super::kit::{books, cents, due_and_held, holds, only, refund_of, succeeded, usd};
use crate::{
    door_races::{
        audit::{audit_settled, moved},
        kit::{ILLEGAL, refused, words},
    },
    world::{World, card, money, order_of},
};

#[tokio::test(flavor = "multi_thread")]
async fn too_much_is_seen_held_and_given_back_without_lowering_the_price() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CONFIRM_POLICY", "when_paid")]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_amount_7000")))).await.unwrap();
        let id = order.order_id.as_str();
        assert_eq!((holds(&order), order.payment_status()), (vec![OrderHold::Payment], Paid::Overpaid));
        assert_eq!(due_and_held(&order), (0, 7000));
        let sale = office.newest_operation(id).await;
        assert_eq!((cents(sale.amount.as_ref()), cents(sale.reported_amount.as_ref())), (5998, 7000));
        refused(office.walk(id, Word::Confirmed).await, ILLEGAL);
        refused(office.walk(id, Word::Shipped).await, ILLEGAL);

        let after = office.refund(refund_of(id, 1002)).await.unwrap().order.unwrap();
        assert_eq!((after.payment_status(), due_and_held(&after)), (Paid::PartiallyRefunded, (0, 5998)));
        let released = office.release(id, OrderHold::Payment).await.unwrap();
        assert_eq!((released.holds.len(), released.status()), (0, Word::Confirmed), "the policy confirms it now");
        let shipped = office.walk(id, Word::Shipped).await.unwrap();
        assert_eq!(books(only(&shipped)), [7000, 7000, 1002, 0]);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_little_is_seen_and_the_rest_is_paid_once_somebody_has_looked() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_amount_1000")))).await.unwrap();
        let id = order.order_id.as_str();
        assert_eq!((holds(&order), order.payment_status()), (vec![OrderHold::Payment], Paid::PartiallyPaid));
        refused(buyer.pay(id, card("tok_approve")).await, ILLEGAL);
        office.release(id, OrderHold::Payment).await.unwrap();
        let paid = buyer.pay(id, card("tok_approve")).await.unwrap();
        assert_eq!((words(&paid), due_and_held(&paid)), ((Word::Paid, Paid::Paid), (0, 5998)));
        assert_eq!(moved(&database, "SALE").await, 2);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_of_another_currency_counts_as_none_of_ours() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_currency_JPY")))).await.unwrap();
        assert_eq!((holds(&order), books(only(&order))), (vec![OrderHold::Payment], [0, 0, 0, 0]));
        let sale = office.newest_operation(&order.order_id).await;
        assert_eq!(sale.reported_amount, Some(money(("JPY", 5998, 0))));
        refused(office.walk(&order.order_id, Word::Confirmed).await, ILLEGAL);
        office.release(&order.order_id, OrderHold::Payment).await.unwrap();
        let paid = buyer.pay(&order.order_id, card("tok_approve")).await.unwrap();
        assert_eq!(words(&paid), (Word::Paid, Paid::Paid));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_gave_back_less_leaves_the_rest_to_be_given_back() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_refund_amount_400")))).await.unwrap();
        let after = office.refund(refund_of(&order.order_id, 1000)).await.unwrap().order.unwrap();
        assert_eq!((holds(&after), books(only(&after))), (vec![OrderHold::Payment], [5998, 5998, 400, 0]));
        assert_eq!(due_and_held(&after).1, 5598);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_another_amount_than_was_asked_for_is_booked_and_held() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], Some(card("tok_timeout_lost")))).await.unwrap();
        let sale = office.newest_operation(&order.order_id).await.operation_id;
        world.service().tell(succeeded("evt_1", &sale, usd(5999))).await.unwrap();
        let order = office.order(&order.order_id).await;
        assert_eq!((holds(&order), books(only(&order))), (vec![OrderHold::Payment], [5999, 5999, 0, 0]));
        let told = &office.ledgers(&order.order_id).await[0].events;
        assert_eq!(told.len(), 1);
    })
    .await;
}
