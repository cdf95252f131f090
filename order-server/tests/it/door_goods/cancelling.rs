//! Some units of an order are called off: by its owner or by the shop, before and after it is paid, as long as they are free.

use order_api::v1::{self, FulfillmentStatus as Goods, OrderStatus as Word, PaymentStatus as Paid};
use order_store::testing::on_both_engines;
use tonic::Code;

use super::kit::{axes, cents, confirmed, counters, money_of, movements, units, world};
use crate::{
    door_input::refusal::assert_invalid,
    door_races::kit::{ILLEGAL, fact, refused},
    world::{card, order_of},
};

const EXCEEDED: (Code, &str) = (Code::FailedPrecondition, "LINE_QUANTITY_EXCEEDED");

#[tokio::test(flavor = "multi_thread")]
async fn units_that_are_called_off_before_payment_are_not_paid() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let (ada, office) = (world.customer("ada"), world.admin());
        let order = ada.create(order_of(&[("costume", 2), ("gem", 3)], None)).await.unwrap();
        let id = order.order_id.as_str();
        assert_eq!(cents(order.total.as_ref()), 11877);
        let fewer = ada.cancel_units(id, &[(2, 1)]).await.unwrap();
        assert_eq!((cents(fewer.total.as_ref()), cents(fewer.amount_due.as_ref())), (11877, 11877 - 360));
        assert_eq!((counters(&fewer, 2), world.shelf("GEM").await), ([1, 2, 0, 0], (100, 2)));
        let fewer = office.cancel_units(id, &[(1, 1), (2, 1)]).await.unwrap();
        assert_eq!(cents(fewer.amount_due.as_ref()), 11877 - 719 - 5399);
        let paid = ada.pay(id, card("tok_approve")).await.unwrap();
        assert_eq!((axes(&paid).1, money_of(&paid)), (Paid::Paid, (5759, 0)));
        assert_eq!((world.shelf("COSTUME").await, world.shelf("GEM").await), ((100, 1), (100, 1)));
        let sent = office.walk(id, Word::Shipped).await.unwrap();
        assert_eq!(axes(&sent), (Word::Shipped, Paid::Paid, Goods::Shipped), "what was called off is not missed");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn units_that_are_called_off_after_payment_are_paid_back_to_the_cent() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let (ada, office) = (world.customer("ada"), world.admin());
        let order = confirmed(&world, &[("gem", 3), ("fangs", 1)]).await;
        let id = order.order_id.as_str();
        assert_eq!(cents(order.total.as_ref()), 1079 + 1350 + 599);
        let mut back = 0;
        for (who, share) in [(&ada, 360), (&office, 359), (&ada, 360)] {
            let fewer = who.cancel_units(id, &[(1, 1)]).await.unwrap();
            back += share;
            assert_eq!((axes(&fewer).1, money_of(&fewer)), (Paid::PartiallyRefunded, (3028, back)));
        }
        refused(ada.cancel_units(id, &[(1, 1)]).await, EXCEEDED);
        let moved = movements(&world, "GEM").await;
        let released = (v1::StockMovementKind::Released, 0, -1);
        assert_eq!(moved[2..], [released; 3]);
        // Without its last unit there is no order, and shipping is not paid for nothing.
        let gone = ada.cancel_units(id, &[(2, 1)]).await.unwrap();
        assert_eq!((axes(&gone), money_of(&gone)), ((Word::Refunded, Paid::Refunded, Goods::Cancelled), (3028, 3028)));
        assert_eq!((gone.state(), world.shelf("FANGS").await), (v1::OrderState::Cancelled, (100, 0)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn units_in_a_parcel_are_called_off_once_the_parcel_is() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let (ada, office) = (world.customer("ada"), world.admin());
        let order = confirmed(&world, &[("costume", 3)]).await;
        let id = order.order_id.as_str();
        let (sent, planned) = (office.parcel(id, &[(1, 1)]).await, office.parcel(id, &[(1, 1)]).await);
        office.ship(id, &sent).await.unwrap();
        let told = refused(ada.cancel_units(id, &[(1, 2)]).await, EXCEEDED);
        assert_eq!(["line_id", "requested", "available"].map(|name| fact(&told, name)), ["1", "2", "1"]);
        ada.cancel_units(id, &[(1, 1)]).await.unwrap();
        refused(ada.cancel_units(id, &[(1, 1)]).await, ILLEGAL);
        refused(ada.cancel(id).await, ILLEGAL);
        office.cancel_shipment(id, &planned).await.unwrap();
        let fewer = ada.cancel_units(id, &[(1, 1)]).await.unwrap();
        assert_eq!((counters(&fewer, 1), axes(&fewer).2), ([2, 0, 1, 0], Goods::Shipped));
        assert_eq!((money_of(&fewer), world.shelf("COSTUME").await), ((16197, 10798), (99, 0)));
        office.deliver(id, &sent).await.unwrap();
        let done = office.walk(id, Word::Completed).await.unwrap();
        assert_eq!(axes(&done), (Word::Completed, Paid::PartiallyRefunded, Goods::Delivered));
        // A whole order may be called off although a parcel of it is planned: the parcel goes with it.
        let other = confirmed(&world, &[("fangs", 2)]).await;
        office.create_shipment(&other.order_id, &[(1, 1)]).await.unwrap();
        let gone = ada.cancel(&other.order_id).await.unwrap();
        assert_eq!(gone.shipments[0].status(), v1::ShipmentStatus::Cancelled);
        assert_eq!((money_of(&gone).1, world.shelf("FANGS").await), (3299, (100, 0)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_a_cancellation_calls_nothing_off() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let ada = world.customer("ada");
        let order = confirmed(&world, &[("gem", 3)]).await;
        let before = ada.order(&order.order_id).await;
        let check = v1::CancelOrderRequest {
            order_id: order.order_id.clone(),
            lines: units(&[(1, 2)]),
            validate_only: true,
            ..Default::default()
        };
        let shown = ada.orders.clone().cancel_order(check.clone()).await.unwrap().into_inner();
        assert_eq!((counters(&shown, 1), cents(shown.amount_held.as_ref())), ([2, 1, 0, 0], 1678 - 719));
        assert_eq!(ada.order(&order.order_id).await, before);
        let wrong = v1::CancelOrderRequest { lines: units(&[(0, 1), (1, 10_001)]), ..check.clone() };
        let paths = ["lines[0].line_id", "lines[1].quantity"];
        assert_invalid(ada.orders.clone().cancel_order(wrong).await, &paths);
        let unknown = v1::CancelOrderRequest { lines: units(&[(7, 1)]), ..check };
        let answer = ada.orders.clone().cancel_order(unknown).await;
        refused(answer, (Code::NotFound, "ORDER_LINE_NOT_FOUND"));
    })
    .await;
}
