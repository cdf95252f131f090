//! Paying: in parts, with several cards, again after a refusal.

use order_api::v1::{self, OrderStatus as Word, PaymentStatus as Paid};
use order_store::testing::on_both_engines;
use tonic::Code;

use super::kit::{books, cents, due_and_held, usd};
use crate::{
    door_races::{
        audit::{audit_settled, moved},
        kit::{ILLEGAL, fact, reason, reconcile, refused, words},
    },
    world::{World, card, cash, money, order_of, request_id},
};

const EXCEEDED: (Code, &str) = (Code::FailedPrecondition, "AMOUNT_EXCEEDED");
const DECLINED: (Code, &str) = (Code::FailedPrecondition, "PAYMENT_DECLINED");
const IN_PROGRESS: (Code, &str) = (Code::FailedPrecondition, "PAYMENT_IN_PROGRESS");

#[tokio::test(flavor = "multi_thread")]
async fn two_cards_pay_for_one_order_and_both_get_their_money_back() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        let order = buyer.create(order_of(&[("costume", 1)], None)).await.unwrap();
        let id = order.order_id.as_str();
        let more = refused(buyer.pay_part(id, (card("tok_approve"), 5999)).await, EXCEEDED);
        assert_eq!((fact(&more, "requested"), fact(&more, "available")), ("59.99 USD".into(), "59.98 USD".into()));
        let part = buyer.pay_part(id, (card("tok_approve"), 2000)).await.unwrap();
        assert_eq!((words(&part), due_and_held(&part)), ((Word::Pending, Paid::PartiallyPaid), (3998, 2000)));
        refused(world.admin().walk(id, Word::Confirmed).await, ILLEGAL);
        let paid = buyer.pay(id, card("tok_approve")).await.unwrap();
        assert_eq!((words(&paid), due_and_held(&paid)), ((Word::Paid, Paid::Paid), (0, 5998)));
        assert_eq!(paid.payments.iter().map(books).collect::<Vec<_>>(), [[2000, 2000, 0, 0], [3998, 3998, 0, 0]]);
        refused(buyer.pay(id, card("tok_approve")).await, ILLEGAL);

        let order = buyer.cancel(id).await.unwrap();
        assert_eq!(words(&order), (Word::Refunded, Paid::Refunded));
        assert_eq!(
            order.payments.iter().map(books).collect::<Vec<_>>(),
            [[2000, 2000, 2000, 0], [3998, 3998, 3998, 0]]
        );
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_above_zero_in_the_orders_currency_and_never_cash() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        let order = buyer.create(order_of(&[("costume", 1)], None)).await.unwrap();
        let pay = |amount| v1::PayOrderRequest {
            order_id: order.order_id.clone(),
            payment: Some(card("tok_approve")),
            amount: Some(amount),
            ..Default::default()
        };
        for amount in [usd(0), money(("USD", -1, 0)), money(("JPY", 100, 0)), money(("USD", 0, 1))] {
            let status = buyer.orders.clone().pay_order(pay(amount.clone())).await.unwrap_err();
            assert!(
                ["INVALID_FIELD", "CURRENCY_MISMATCH", "AMOUNT_EXCEEDED"].contains(&reason(&status).as_str()),
                "{amount:?} {status:?}"
            );
        }
        refused(buyer.pay_part(&order.order_id, (cash(), 1000)).await, ILLEGAL);
        assert_eq!(buyer.order(&order.order_id).await, order);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_part_is_on_its_way_no_other_is_taken() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        let order = buyer.create(order_of(&[("costume", 1)], None)).await.unwrap();
        let id = order.order_id.as_str();
        let part = buyer.pay_part(id, (card("tok_timeout_charged"), 2000)).await.unwrap();
        assert_eq!((part.payment_status(), due_and_held(&part)), (Paid::Pending, (3998, 0)));
        refused(buyer.pay(id, card("tok_approve")).await, IN_PROGRESS);
        refused(buyer.pay_part(id, (card("tok_approve"), 100)).await, IN_PROGRESS);
        reconcile(&world).await;
        let paid = buyer.pay(id, card("tok_approve")).await.unwrap();
        assert_eq!((paid.payment_status(), due_and_held(&paid)), (Paid::Paid, (0, 5998)));
        assert_eq!(moved(&database, "SALE").await, 2);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_gets_the_first_answer_whatever_has_been_paid_since() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        let order = buyer.create(order_of(&[("costume", 1)], None)).await.unwrap();
        let ask = |token: &str| v1::PayOrderRequest {
            order_id: order.order_id.clone(),
            payment: Some(card(token)),
            request_id: request_id(),
            ..Default::default()
        };
        let (bad, good) = (ask("tok_decline_lost_card"), ask("tok_approve"));
        for _ in 0..2 {
            refused(buyer.orders.clone().pay_order(bad.clone()).await, DECLINED);
        }
        let paid = buyer.orders.clone().pay_order(good.clone()).await.unwrap().into_inner();
        let again = refused(buyer.orders.clone().pay_order(bad).await, DECLINED);
        assert_eq!(fact(&again, "decline_code"), "lost_card");
        assert_eq!(buyer.orders.clone().pay_order(good).await.unwrap().into_inner(), paid);
        assert_eq!((paid.payments.len(), moved(&database, "SALE").await), (2, 1));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn part_of_an_order_by_card_and_the_rest_in_cash_at_the_door() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let order = buyer.create(order_of(&[("costume", 1)], None)).await.unwrap();
        buyer.pay_part(&order.order_id, (card("tok_approve"), 998)).await.unwrap();
        let agreed = buyer.pay(&order.order_id, cash()).await.unwrap();
        assert_eq!(cents(agreed.payments[1].amount.as_ref()), 5000);
        let done = office.walk(&order.order_id, Word::Completed).await.unwrap();
        assert_eq!((words(&done), due_and_held(&done)), ((Word::Completed, Paid::Paid), (0, 5998)));
        audit_settled(&database).await;
    })
    .await;
}
