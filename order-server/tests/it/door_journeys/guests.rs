//! Guests: a cart by its token, an order without an account, and finding it again.

use order_api::v1::{
    AddCartItemRequest, CheckoutRequest, ClearCartRequest, GetCartRequest, GetOrderRequest, LookupOrderRequest,
    OrderStatus, RemoveCartItemRequest, UpdateCartItemRequest,
};
use order_store::testing::on_both_engines;
use tonic::Code;

use super::carts::{add, checkout, contents};
use crate::{
    door_input::refusal::assert_refused,
    world::{World, card, order_of},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_shops_with_nothing_but_a_token_and_finds_the_order_again() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let (mut guest, mut other) = (world.guest(), world.guest());
        let opened = guest.carts.add_cart_item(add("costume", 2)).await.unwrap().into_inner();
        let token = opened.cart_token.clone();
        assert_eq!((token.len(), opened.guest, opened.customer_id.as_str()), (43, true, ""));
        let of_other = other.carts.add_cart_item(add("fangs", 9)).await.unwrap().into_inner();
        assert_ne!((&of_other.cart_id, &of_other.cart_token), (&opened.cart_id, &token));
        let more = AddCartItemRequest { cart_token: token.clone(), ..add("fangs", 1) };
        let cart = guest.carts.add_cart_item(more).await.unwrap().into_inner();
        assert_eq!((contents(&cart), cart.cart_token.as_str()), (vec![("costume", 2), ("fangs", 1)], ""));
        let item_id = cart.items[0].item_id.clone();
        // Another guest's item is not in this cart, whoever knows its id.
        let cart_token = of_other.cart_token.clone();
        let steal = RemoveCartItemRequest { cart_token, item_id: item_id.clone(), ..Default::default() };
        assert_refused(other.carts.remove_cart_item(steal).await, Code::NotFound, "CART_ITEM_NOT_FOUND");
        let update = UpdateCartItemRequest { cart_token: token.clone(), item_id, quantity: 1, ..Default::default() };
        guest.carts.update_cart_item(update).await.unwrap();
        let shown = guest.carts.get_cart(GetCartRequest { cart_token: token.clone() }).await.unwrap().into_inner();
        assert_eq!(contents(&shown), [("costume", 1), ("fangs", 1)]);
        let asked = CheckoutRequest { cart_token: token.clone(), ..checkout(Some(card("tok_approve"))) };
        let order = guest.carts.checkout(asked.clone()).await.unwrap().into_inner();
        assert_eq!((order.guest, order.customer_id.as_str(), order.status()), (true, "", OrderStatus::Paid));
        assert_eq!(guest.carts.checkout(asked).await.unwrap().into_inner(), order);
        for (number, email) in [
            (order.order_number.clone(), "ada@example.com"),
            (format!("  {}  ", order.order_number.to_lowercase()), "ADA@Example.COM"),
        ] {
            let lookup = LookupOrderRequest { order_number: number, email: email.into() };
            assert_eq!(other.orders.lookup_order(lookup).await.unwrap().into_inner(), order);
        }
        let clear = ClearCartRequest { cart_token: of_other.cart_token, ..Default::default() };
        assert_eq!(contents(&other.carts.clear_cart(clear).await.unwrap().into_inner()), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_an_order_up_fails_alike_whether_number_or_address_is_wrong() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let mut guest = world.guest();
        let order = guest.orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap().into_inner();
        let of_ada =
            world.customer("ada").orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap().into_inner();
        let mut told = Vec::new();
        for (number, email) in [
            // The address is wrong; the number is; both are; and an order of a customer is not for guests.
            (order.order_number.as_str(), "eve@example.com"),
            ("SPK-2026-999999", "ada@example.com"),
            ("SPK-2026-999999", "eve@example.com"),
            (&of_ada.order_number, "ada@example.com"),
        ] {
            let lookup = LookupOrderRequest { order_number: number.into(), email: email.into() };
            let refusal = assert_refused(guest.orders.lookup_order(lookup).await, Code::NotFound, "ORDER_NOT_FOUND");
            told.push(format!("{refusal:?}").replace(number, "NUMBER"));
        }
        told.dedup();
        assert_eq!(told.len(), 1, "{told:#?}");
        let read = GetOrderRequest { order_id: order.order_id };
        assert_refused(guest.orders.get_order(read).await, Code::Unauthenticated, "TOKEN_INVALID");
    })
    .await;
}
