//! The use cases of carts over a database, without a server.

use std::sync::Arc;

use order_api::v1;

use super::{
    add_cart_item::add_cart_item, clear_cart::clear_cart, get_cart::get_cart, merge_carts::merge_carts,
    update_cart_item::update_cart_item,
};
use crate::{
    auth::Principal,
    error::{ApiError, Reason},
    service::fixture::{Down, Shop, customer, inactive, product},
};

fn item(product_id: &str, quantity: i32) -> v1::AddCartItemRequest {
    v1::AddCartItemRequest { product_id: product_id.to_owned(), quantity, ..Default::default() }
}

async fn add(shop: &Shop, product_id: &str, quantity: i32) -> v1::Cart {
    add_cart_item(&shop.app, &customer(), item(product_id, quantity)).await.unwrap()
}

async fn get(shop: &Shop, principal: &Principal, cart_token: &str) -> Result<v1::Cart, ApiError> {
    get_cart(&shop.app, principal, v1::GetCartRequest { cart_token: cart_token.to_owned() }).await
}

fn codes(cart: &v1::Cart) -> Vec<(&str, &str)> {
    cart.problems.iter().map(|problem| (problem.code.as_str(), problem.field.as_str())).collect()
}

#[tokio::test]
async fn a_cart_shows_what_it_costs_and_nothing_in_its_way() {
    let shop = Shop::open().await;
    let cart = add(&shop, "costume", 1).await;
    let amount = |money: Option<order_api::Money>| money.map(|money| (money.units, money.nanos)).unwrap();
    assert_eq!(amount(cart.tax.clone()), (4, 0));
    assert_eq!(amount(cart.total.clone()), (59, 980_000_000));
    assert_eq!((cart.items[0].available, codes(&cart)), (10, vec![]));
    assert_eq!(get(&shop, &customer(), "").await.unwrap(), cart);
}

#[tokio::test]
async fn every_problem_that_checkout_would_meet_is_named() {
    let shop = Shop::open().await;
    for name in ["costume", "cape"] {
        add(&shop, name, 2).await;
    }
    shop.upsert(vec![inactive(product("costume", ("USD", 60, 0), 0))]).await;
    let cart = get(&shop, &customer(), "").await.unwrap();
    assert_eq!(
        codes(&cart),
        [("PRODUCT_INACTIVE", "items[0].product_id"), ("INSUFFICIENT_STOCK", "items[1].quantity")]
    );
    let short = &cart.problems[1].metadata;
    assert_eq!((short["requested"].as_str(), short["available"].as_str()), ("2", "1"));
    let [seen, now] = [&cart.items[0].seen_price, &cart.items[0].unit_price].map(|price| price.clone().unwrap().units);
    assert_eq!((seen, now), (49, 60));
}

#[tokio::test]
async fn what_cannot_be_ordered_is_not_put_in() {
    let shop = Shop::open().await;
    add(&shop, "costume", 1).await;
    for (product_id, quantity, reason) in [
        ("nowhere", 1, Reason::ProductUnknown),
        ("retired", 1, Reason::ProductInactive),
        ("kimono", 1, Reason::CurrencyMismatch),
        ("costume", 10_000, Reason::CartFull),
        ("costume", 0, Reason::InvalidField),
    ] {
        let refused = add_cart_item(&shop.app, &customer(), item(product_id, quantity)).await.unwrap_err();
        assert_eq!(refused.reason(), reason, "{product_id}");
    }
}

#[tokio::test]
async fn a_neighbour_that_is_down_is_never_an_empty_cart() {
    let mut shop = Shop::open().await;
    add(&shop, "costume", 1).await;
    shop.app.inventory = Arc::new(Down("inventory"));
    assert_eq!(get(&shop, &customer(), "").await.unwrap_err().reason(), Reason::InventoryUnavailable);
    shop.app.catalog = Arc::new(Down("catalog"));
    assert_eq!(get(&shop, &customer(), "").await.unwrap_err().reason(), Reason::CatalogUnavailable);
    let refused = add_cart_item(&shop.app, &customer(), item("cape", 1)).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::CatalogUnavailable);
}

#[tokio::test]
async fn nobody_s_cart_is_empty_and_not_stored() {
    let shop = Shop::open().await;
    for principal in [customer(), Principal::Guest] {
        let cart = get(&shop, &principal, "").await.unwrap();
        assert_eq!((cart.cart_id.as_str(), cart.etag.as_str(), codes(&cart)), ("", "", vec![("CART_EMPTY", "")]));
        assert_eq!(cart.guest, principal == Principal::Guest);
    }
}

#[tokio::test]
async fn a_guest_gets_a_token_once_and_needs_it_from_then_on() {
    let shop = Shop::open().await;
    let first = add_cart_item(&shop.app, &Principal::Guest, item("costume", 1)).await.unwrap();
    let token = first.cart_token.clone();
    let again = v1::AddCartItemRequest { cart_token: token.clone(), ..item("costume", 1) };
    let cart = add_cart_item(&shop.app, &Principal::Guest, again).await.unwrap();
    assert_eq!((cart.cart_token.as_str(), cart.cart_id.as_str()), ("", first.cart_id.as_str()));
    assert_eq!(get(&shop, &Principal::Guest, &token).await.unwrap().items[0].quantity, 2);
    // A token of the right form that leads nowhere opens no cart.
    let made_up = "A".repeat(token.len());
    assert_eq!(get(&shop, &Principal::Guest, &made_up).await.unwrap_err().reason(), Reason::CartNotFound);
    let lost = v1::AddCartItemRequest { cart_token: made_up, ..item("costume", 1) };
    let refused = add_cart_item(&shop.app, &Principal::Guest, lost).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::CartNotFound);
}

#[tokio::test]
async fn a_repeated_request_adds_once() {
    let shop = Shop::open().await;
    let request_id = "018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f01".to_owned();
    let request = |quantity| v1::AddCartItemRequest { request_id: request_id.clone(), ..item("costume", quantity) };
    for _ in 0..2 {
        let cart = add_cart_item(&shop.app, &customer(), request(3)).await.unwrap();
        assert_eq!(cart.items[0].quantity, 3);
    }
    let refused = add_cart_item(&shop.app, &customer(), request(4)).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::RequestIdReused);
}

#[tokio::test]
async fn a_stale_etag_is_refused_with_the_current_one() {
    let shop = Shop::open().await;
    let stale = add(&shop, "costume", 1).await;
    let current = add(&shop, "costume", 1).await;
    let request = v1::ClearCartRequest { etag: stale.etag, ..Default::default() };
    let refused = clear_cart(&shop.app, &customer(), request).await.unwrap_err();
    assert_eq!((refused.reason(), &refused.metadata()["etag"]), (Reason::EtagMismatch, &current.etag));
}

#[tokio::test]
async fn quantity_zero_removes_an_item() {
    let shop = Shop::open().await;
    let cart = add(&shop, "costume", 1).await;
    let request = v1::UpdateCartItemRequest { item_id: cart.items[0].item_id.clone(), ..Default::default() };
    let cart = update_cart_item(&shop.app, &customer(), request.clone()).await.unwrap();
    assert_eq!((cart.items.len(), codes(&cart)), (0, vec![("CART_EMPTY", "")]));
    let refused = update_cart_item(&shop.app, &customer(), request).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::CartItemNotFound);
}

#[tokio::test]
async fn a_guest_s_cart_is_merged_once() {
    let shop = Shop::open().await;
    add(&shop, "costume", 1).await;
    let guest = add_cart_item(&shop.app, &Principal::Guest, item("costume", 2)).await.unwrap();
    let request = v1::MergeCartsRequest { cart_token: guest.cart_token, ..Default::default() };
    let merged = merge_carts(&shop.app, &customer(), request.clone()).await.unwrap();
    assert_eq!(merged.lines[0].outcome(), v1::MergeOutcome::Summed);
    let again = merge_carts(&shop.app, &customer(), request.clone()).await.unwrap();
    assert_eq!((again.lines.len(), again.cart.unwrap().items[0].quantity), (0, 3));
    let service = Principal::Service { id: "web".to_owned() };
    assert_eq!(merge_carts(&shop.app, &service, request).await.unwrap_err().reason(), Reason::RoleRequired);
}
