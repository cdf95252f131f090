//! A guest signs in: two carts become one.

use order_api::v1::{
    AddCartItemRequest, CartState, GetCartRequest, MergeCartsRequest, MergeCartsResponse, MergeOutcome,
    UpsertProductsRequest,
};
use order_store::testing::on_both_engines;
use tonic::Code;

use super::carts::{add, contents};
use crate::{
    door_input::refusal::assert_refused,
    world::{Caller, World, product, request_id},
};

/// A guest's cart with these products; its token.
async fn guest_cart(world: &World, items: &[(&str, i32)]) -> String {
    let mut guest = world.guest();
    let mut token = String::new();
    for (id, quantity) in items {
        let add = AddCartItemRequest { cart_token: token.clone(), ..add(id, *quantity) };
        let cart = guest.carts.add_cart_item(add).await.unwrap().into_inner();
        token = if token.is_empty() { cart.cart_token } else { token };
    }
    token
}

async fn merge(caller: &mut Caller, cart_token: &str) -> MergeCartsResponse {
    let request = MergeCartsRequest { cart_token: cart_token.into(), ..Default::default() };
    caller.carts.merge_carts(request).await.unwrap().into_inner()
}

fn report(merged: &MergeCartsResponse) -> Vec<(&str, MergeOutcome, i32)> {
    merged.lines.iter().map(|line| (line.product_id.as_str(), line.outcome(), line.quantity)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn merging_adds_sums_and_caps_and_doing_it_again_changes_nothing() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let mut ada = world.customer("ada");
        for (id, quantity) in [("costume", 1), ("fangs", 9_990)] {
            ada.carts.add_cart_item(add(id, quantity)).await.unwrap();
        }
        let token = guest_cart(&world, &[("cape", 1), ("costume", 2), ("fangs", 20)]).await;
        let merged = merge(&mut ada, &token).await;
        assert_eq!(
            report(&merged),
            [
                ("cape", MergeOutcome::Added, 1),
                ("costume", MergeOutcome::Summed, 3),
                ("fangs", MergeOutcome::Capped, 10_000)
            ]
        );
        let cart = merged.cart.unwrap();
        assert_eq!(contents(&cart), [("costume", 3), ("fangs", 10_000), ("cape", 1)]);
        let again = merge(&mut ada, &token).await;
        assert_eq!((again.lines.len(), again.cart.as_ref()), (0, Some(&cart)));
        let of_guest = GetCartRequest { cart_token: token.clone() };
        let shown = world.guest().carts.get_cart(of_guest).await;
        assert!(shown.map_or(true, |shown| shown.into_inner().items.is_empty()), "the items are in one cart only");
        // To anybody else the cart is gone.
        let theirs = MergeCartsRequest { cart_token: token, ..Default::default() };
        let refused = world.customer("eve").carts.merge_carts(theirs).await;
        assert_refused(refused, Code::NotFound, "CART_NOT_FOUND");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn merging_under_one_request_id_reports_the_same_twice() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let mut ada = world.customer("ada");
        let token = guest_cart(&world, &[("fangs", 2)]).await;
        let request = MergeCartsRequest { cart_token: token, request_id: request_id() };
        let first = ada.carts.merge_carts(request.clone()).await.unwrap().into_inner();
        assert_eq!(report(&first), [("fangs", MergeOutcome::Added, 2)]);
        assert_eq!(first.cart.as_ref().map(|cart| cart.state()), Some(CartState::Active));
        assert_eq!(ada.carts.merge_carts(request).await.unwrap().into_inner(), first);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn carts_in_different_currencies_both_stay_as_they_are() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let mut ada = world.customer("ada");
        let own = ada.carts.add_cart_item(add("costume", 1)).await.unwrap().into_inner();
        let token = guest_cart(&world, &[("kimono", 2)]).await;
        let of_guest = GetCartRequest { cart_token: token.clone() };
        let before = world.guest().carts.get_cart(of_guest.clone()).await.unwrap().into_inner();
        for _ in 0..2 {
            let merged = merge(&mut ada, &token).await;
            assert_eq!(report(&merged), [("kimono", MergeOutcome::SkippedCurrency, 0)]);
            assert_eq!(merged.cart.as_ref(), Some(&own));
        }
        assert_eq!(world.guest().carts.get_cart(of_guest).await.unwrap().into_inner(), before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_into_a_full_cart_is_left_out_and_said() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let products = (0..99).map(|n| product(&format!("p{n}"), ("USD", 1, 0), 1)).collect();
        let upsert = UpsertProductsRequest { products, ..Default::default() };
        world.admin().admin.upsert_products(upsert).await.unwrap();
        let mut ada = world.customer("ada");
        for n in 0..99 {
            ada.carts.add_cart_item(add(&format!("p{n}"), 1)).await.unwrap();
        }
        let token = guest_cart(&world, &[("p7", 1), ("costume", 1), ("fangs", 1)]).await;
        let merged = merge(&mut ada, &token).await;
        assert_eq!(
            report(&merged),
            [
                ("p7", MergeOutcome::Summed, 2),
                ("costume", MergeOutcome::Added, 1),
                ("fangs", MergeOutcome::SkippedFull, 0)
            ]
        );
        assert_eq!(merged.cart.unwrap().items.len(), 100);
    })
    .await;
}
