//! A customer's cart: filled, changed, checked out, left alone.

use std::time::Duration;

use order_api::v1::{
    self, AddCartItemRequest, Cart, CartState, CheckoutRequest, ClearCartRequest, GetCartRequest,
    RemoveCartItemRequest, UpdateCartItemRequest, UpsertProductsRequest,
};
use order_store::testing::on_both_engines;
use tonic::Code;

use crate::{
    door_input::refusal::{Door, assert_refused},
    world::{Caller, World, address, card, contact, money, product},
};

pub(super) fn add(product_id: &str, quantity: i32) -> AddCartItemRequest {
    AddCartItemRequest { product_id: product_id.into(), quantity, ..Default::default() }
}

pub(super) fn checkout(payment: Option<v1::PaymentInstrument>) -> CheckoutRequest {
    CheckoutRequest { contact: Some(contact()), shipping_address: Some(address()), payment, ..Default::default() }
}

/// Products and quantities.
pub(super) fn contents(cart: &Cart) -> Vec<(&str, i32)> {
    cart.items.iter().map(|item| (item.product_id.as_str(), item.quantity)).collect()
}

/// The reasons and places of what stands in the way.
fn problems(cart: &Cart) -> Vec<(&str, &str)> {
    cart.problems.iter().map(|problem| (problem.code.as_str(), problem.field.as_str())).collect()
}

/// Subtotal, tax, shipping and total of a cart in dollars.
#[track_caller]
fn assert_costs(cart: &Cart, cents: [i64; 4]) {
    let amount = |cents: i64| Some(money(("USD", cents / 100, i32::try_from(cents % 100).unwrap() * 10_000_000)));
    let costs = [&cart.subtotal, &cart.tax, &cart.shipping, &cart.total];
    assert_eq!(costs.map(Clone::clone), cents.map(amount));
}

async fn show(caller: &mut Caller) -> Cart {
    caller.carts.get_cart(GetCartRequest::default()).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_fills_a_cart_and_orders_what_is_in_it() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let mut ada = world.customer("ada");
        let empty = show(&mut ada).await;
        assert_eq!(
            (empty.cart_id.as_str(), empty.state(), problems(&empty)),
            ("", CartState::Active, vec![("CART_EMPTY", "")])
        );
        let cart = ada.carts.add_cart_item(add("costume", 1)).await.unwrap().into_inner();
        assert_eq!((contents(&cart), problems(&cart)), (vec![("costume", 1)], vec![]));
        assert_eq!((cart.customer_id.as_str(), cart.guest, cart.cart_token.as_str()), ("ada", false, ""));
        // The worked example: 8 % of 49.99 is 4.00, and up to 50.00 shipping costs 5.99.
        assert_costs(&cart, [4_999, 400, 599, 5_998]);
        ada.carts.add_cart_item(add("fangs", 3)).await.unwrap();
        let cart = ada.carts.add_cart_item(add("costume", 2)).await.unwrap().into_inner();
        assert_eq!(contents(&cart), [("costume", 3), ("fangs", 3)]);
        assert_costs(&cart, [18_747, 1_500, 0, 20_247]);
        let [costume, fangs] = cart.items.try_into().unwrap();
        let set = |item: &v1::CartItem, quantity| UpdateCartItemRequest {
            item_id: item.item_id.clone(),
            quantity,
            ..Default::default()
        };
        ada.carts.update_cart_item(set(&costume, 1)).await.unwrap();
        let remove = RemoveCartItemRequest { item_id: fangs.item_id.clone(), ..Default::default() };
        let cart = ada.carts.remove_cart_item(remove).await.unwrap().into_inner();
        assert_costs(&cart, [4_999, 400, 599, 5_998]);
        assert_eq!(show(&mut ada).await, cart);
        let asked = CheckoutRequest {
            expected_total: Some(money(("USD", 59, 980_000_000))),
            etag: cart.etag.clone(),
            ..checkout(Some(card("tok_approve")))
        };
        let order = ada.carts.checkout(asked.clone()).await.unwrap().into_inner();
        assert_eq!((order.status(), &order.total), (v1::OrderStatus::Paid, &cart.total));
        assert_eq!(order.order_number, "SPK-2026-001001");
        // Once more, and it is the same order; the next cart is empty.
        assert_eq!(ada.carts.checkout(asked).await.unwrap().into_inner(), order);
        assert_eq!(contents(&show(&mut ada).await), []);
        assert_eq!(world.shelf("COSTUME").await, (100, 1));
        let cart = ada.carts.add_cart_item(add("fangs", 1)).await.unwrap().into_inner();
        assert_eq!(contents(&cart), [("fangs", 1)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_a_cart_changes_its_etag() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let mut ada = world.customer("ada");
        let first = ada.carts.add_cart_item(add("costume", 1)).await.unwrap().into_inner();
        let with = |etag: &str| AddCartItemRequest { etag: etag.into(), ..add("fangs", 1) };
        let second = ada.carts.add_cart_item(with(&first.etag)).await.unwrap().into_inner();
        assert_refused(ada.carts.add_cart_item(with(&first.etag)).await, Code::Aborted, "ETAG_MISMATCH");
        let none = UpdateCartItemRequest { item_id: second.items[0].item_id.clone(), ..Default::default() };
        let third = ada.carts.update_cart_item(none).await.unwrap().into_inner();
        assert_eq!(contents(&third), [("fangs", 1)], "a quantity of 0 removes the item");
        let clear = ClearCartRequest { etag: third.etag.clone(), ..Default::default() };
        let fourth = ada.carts.clear_cart(clear).await.unwrap().into_inner();
        assert_eq!((contents(&fourth), problems(&fourth)), (vec![], vec![("CART_EMPTY", "")]));
        let etags = [first.etag, second.etag, third.etag, fourth.etag];
        assert!((1..4).all(|n| !etags[..n].contains(&etags[n])), "{etags:?}");
        // An empty cart has no currency: the next item sets it.
        let yen = ada.carts.add_cart_item(add("kimono", 1)).await.unwrap().into_inner();
        assert_eq!(yen.currency_code, "JPY");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_says_what_checkout_would_refuse() {
    on_both_engines(|database| async move {
        let door = Door { world: World::with_products(&database, &[]).await, database };
        let (mut ada, mut admin) = (door.world.customer("ada"), door.world.admin());
        for (id, quantity) in [("costume", 1), ("cape", 3), ("fangs", 1)] {
            ada.carts.add_cart_item(add(id, quantity)).await.unwrap();
        }
        let cart = show(&mut ada).await;
        assert_eq!(problems(&cart), [("INSUFFICIENT_STOCK", "items[1].quantity")]);
        let facts = ["sku", "requested", "available"].map(|name| cart.problems[0].metadata[name].as_str());
        assert_eq!((facts, cart.items[1].available), (["CAPE", "3", "1"], 1));
        door.refuses(ada.carts.checkout(checkout(None)), (Code::Aborted, "INSUFFICIENT_STOCK")).await;
        // The catalogue moves on: one becomes dearer, one is withdrawn, one is sold in another currency.
        let mut withdrawn = product("cape", ("USD", 30, 0), 1);
        withdrawn.product.as_mut().unwrap().active = false;
        let products =
            vec![product("costume", ("USD", 59, 0), 1), withdrawn, product("fangs", ("EUR", 12, 500_000_000), 1)];
        admin.admin.upsert_products(UpsertProductsRequest { products, ..Default::default() }).await.unwrap();
        let cart = show(&mut ada).await;
        assert_eq!(
            problems(&cart),
            [
                ("PRODUCT_INACTIVE", "items[1].product_id"),
                ("CURRENCY_MISMATCH", "items[2].product_id"),
                ("INSUFFICIENT_STOCK", "items[1].quantity")
            ]
        );
        let item = &cart.items[0];
        let prices = [&item.seen_price, &item.unit_price].map(Clone::clone);
        assert_eq!(prices, [Some(money(("USD", 49, 990_000_000))), Some(money(("USD", 59, 0)))]);
        door.refuses(ada.carts.checkout(checkout(None)), (Code::FailedPrecondition, "CURRENCY_MISMATCH")).await;
        let remove = |n: usize| RemoveCartItemRequest { item_id: cart.items[n].item_id.clone(), ..Default::default() };
        ada.carts.remove_cart_item(remove(2)).await.unwrap();
        door.refuses(ada.carts.checkout(checkout(None)), (Code::FailedPrecondition, "PRODUCT_INACTIVE")).await;
        ada.carts.remove_cart_item(remove(1)).await.unwrap();
        assert_eq!(problems(&show(&mut ada).await), []);
        let order = ada.carts.checkout(checkout(None)).await.unwrap().into_inner();
        assert_eq!(order.subtotal, Some(money(("USD", 59, 0))), "what is charged is the price at checkout");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn carts_expire_when_nobody_comes_back_for_thirty_days() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let (mut ada, mut guest) = (world.customer("ada"), world.guest());
        let days = |days: u64| Duration::from_secs(days * 86_400);
        let second = Duration::from_secs(1);
        let opened = ada.carts.add_cart_item(add("costume", 1)).await.unwrap().into_inner();
        let token = guest.carts.add_cart_item(add("fangs", 1)).await.unwrap().into_inner().cart_token;
        let of_guest = GetCartRequest { cart_token: token.clone() };
        world.clock.advance(days(20));
        // Whoever changes it keeps it; looking does not.
        let kept = ada.carts.add_cart_item(add("costume", 1)).await.unwrap().into_inner();
        assert_eq!(kept.cart_id, opened.cart_id);
        guest.carts.get_cart(of_guest.clone()).await.unwrap();
        world.clock.advance(days(10) - second);
        guest.carts.get_cart(of_guest.clone()).await.unwrap();
        world.clock.advance(second);
        assert_refused(guest.carts.get_cart(of_guest).await, Code::NotFound, "CART_NOT_FOUND");
        let late = AddCartItemRequest { cart_token: token.clone(), ..add("fangs", 1) };
        assert_refused(guest.carts.add_cart_item(late).await, Code::NotFound, "CART_NOT_FOUND");
        let late = CheckoutRequest { cart_token: token, ..checkout(None) };
        assert_refused(guest.carts.checkout(late).await, Code::NotFound, "CART_NOT_FOUND");
        assert_eq!(contents(&show(&mut ada).await), [("costume", 2)]);
        world.clock.advance(days(20));
        assert_eq!(contents(&show(&mut ada).await), []);
        assert_refused(ada.carts.checkout(checkout(None)).await, Code::FailedPrecondition, "CART_EMPTY");
        let next = ada.carts.add_cart_item(add("fangs", 1)).await.unwrap().into_inner();
        assert_ne!(next.cart_id, opened.cart_id);
        assert_eq!(contents(&next), [("fangs", 1)]);
        // Whether or not the sweeper has been there makes no difference.
        world.store.expire_carts(world.app.clock.now(), 100).await.unwrap();
        assert_eq!(show(&mut ada).await, next);
    })
    .await;
}
