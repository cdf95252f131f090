//! A guest whose payment was refused pays again with the address that the order was placed with.

use order_api::v1::{self, PaymentStatus as Paid};
use order_store::testing::on_both_engines;
use tonic::Code;

use crate::{
    door_input::refusal::assert_refused,
    door_races::{
        audit::{audit_settled, moved},
        kit::{REUSED, refused},
    },
    world::{World, card, order_of, request_id},
};

fn ask(order_id: &str, email: &str) -> v1::PayOrderRequest {
    v1::PayOrderRequest {
        order_id: order_id.to_owned(),
        email: email.to_owned(),
        payment: Some(card("tok_approve")),
        request_id: request_id(),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_pays_again_after_a_decline() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let mut guest = world.guest();
        let order = guest.create(order_of(&[("costume", 1)], Some(card("tok_decline_lost_card")))).await.unwrap();
        assert_eq!(order.payment_status(), Paid::Failed);
        let request = ask(&order.order_id, "ADA@Example.com");
        let paid = guest.orders.pay_order(request.clone()).await.unwrap().into_inner();
        assert_eq!(paid.payment_status(), Paid::Paid);
        assert_eq!(guest.orders.pay_order(request.clone()).await.unwrap().into_inner(), paid);
        let other = v1::PayOrderRequest { email: "eve@example.com".into(), ..request };
        refused(guest.orders.pay_order(other).await, REUSED);
        assert_eq!(moved(&database, "SALE").await, 1);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paying_fails_alike_whether_order_or_address_is_wrong() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let mut guest = world.guest();
        let order = guest.create(order_of(&[("fangs", 1)], None)).await.unwrap();
        let of_ada = world.customer("ada").create(order_of(&[("fangs", 1)], None)).await.unwrap();
        let nobody = "018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f01";
        let mut told = Vec::new();
        // The address is wrong; the order is; both are; and an order of a customer is not for guests.
        for (order_id, email) in [
            (order.order_id.as_str(), "eve@example.com"),
            (nobody, "ada@example.com"),
            (nobody, "eve@example.com"),
            (&of_ada.order_id, "ada@example.com"),
        ] {
            let answer = guest.orders.pay_order(ask(order_id, email)).await;
            let refusal = assert_refused(answer, Code::NotFound, "ORDER_NOT_FOUND");
            told.push(format!("{refusal:?}").replace(order_id, "ORDER"));
        }
        told.dedup();
        assert_eq!(told.len(), 1, "{told:#?}");
        let nameless = guest.orders.pay_order(ask(&order.order_id, "")).await;
        assert!(assert_refused(nameless, Code::InvalidArgument, "INVALID_FIELD").fields.contains("email"));
        let known = world.customer("ada").orders.pay_order(ask(&of_ada.order_id, "ada@example.com")).await;
        assert!(assert_refused(known, Code::InvalidArgument, "INVALID_FIELD").fields.contains("email"));
        assert_eq!(moved(&database, "SALE").await, 0);
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_guests_may_not_order_they_may_not_pay() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("GUEST_CHECKOUT", "off")]).await;
        let order = world.customer("ada").create(order_of(&[("fangs", 1)], None)).await.unwrap();
        let answer = world.guest().orders.pay_order(ask(&order.order_id, "ada@example.com")).await;
        assert_refused(answer, Code::Unauthenticated, "TOKEN_INVALID");
    })
    .await;
}
