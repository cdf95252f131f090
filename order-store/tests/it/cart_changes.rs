//! Carts: changing, merging, expiring.

use order_core::{
    cart::{CartCommand, CartOwner, CartState, GuestKey, MergeOutcome},
    error::Refusal,
    ids::IdSeed,
    money::Money,
    quantity::Quantity,
};
use order_store::{CartChange, MergeCarts, testing::on_both_engines};

use crate::shop::{NOW, Shop, cart_change, currency, customer, fresh, later, refusal, request};

pub(crate) fn guest(n: u8) -> CartOwner {
    CartOwner::Guest(GuestKey([n; 32]))
}

pub(crate) fn ada() -> CartOwner {
    CartOwner::Customer(customer("ada"))
}

pub(crate) fn merge(n: u8) -> MergeCarts {
    MergeCarts {
        request: None,
        guest: GuestKey([n; 32]),
        customer: customer("ada"),
        hold_until: None,
        now: NOW,
        ids: IdSeed::new(fresh()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_is_read_back_as_it_was_changed() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (mug, pot) = (shop.sell("mug", 1250, 10).await, shop.sell("pot", 4999, 10).await);
        for owner in [ada(), guest(1)] {
            assert_eq!(shop.store.cart(owner.clone(), NOW).await.unwrap(), None);
            shop.add(&owner, &mug, 2).await.unwrap();
            shop.add(&owner, &pot, 1).await.unwrap();
            let cart = shop.add(&owner, &mug, 1).await.unwrap();
            let units: Vec<_> = cart.items.iter().map(|i| (i.product_id.as_str(), i.quantity.get())).collect();
            assert_eq!(units, [("mug", 3), ("pot", 1)], "what is there already is added to, in its place");
            assert_eq!(cart.revision, 3);
            assert_eq!(shop.store.cart(owner.clone(), NOW).await.unwrap().unwrap(), cart);
            let out = CartCommand::SetQuantity(cart.items[0].id, None);
            let cart = shop.store.change_cart(cart_change(&owner, out)).await.unwrap();
            assert_eq!(cart.items.len(), 1);
            assert_eq!(shop.store.cart(owner.clone(), NOW).await.unwrap().unwrap(), cart);
            let empty = shop.store.change_cart(cart_change(&owner, CartCommand::Clear)).await.unwrap();
            assert_eq!((empty.items.len(), empty.currency), (0, None));
            assert_eq!(shop.store.cart(owner, NOW).await.unwrap().unwrap(), empty);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_refuses_what_its_rules_refuse_and_stays_as_it_was() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let cap = shop.sell_at("cap", Money::new(990, currency("EUR")), 10).await;
        let cart = shop.add(&ada(), &mug, 2).await.unwrap();
        assert!(matches!(refusal(shop.add(&ada(), &cap, 1).await), Refusal::CurrencyMismatch { .. }));
        let late = CartChange { expected_revision: Some(7), ..cart_change(&ada(), CartCommand::Clear) };
        assert_eq!(refusal(shop.store.change_cart(late).await), Refusal::EtagMismatch { current: 1 });
        let none = cart_change(&guest(9), CartCommand::Clear);
        assert!(matches!(refusal(shop.store.change_cart(none).await), Refusal::NotFound { .. }));
        assert_eq!(shop.store.cart(ada(), NOW).await.unwrap().unwrap(), cart);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_signs_in_takes_the_cart_along_once() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (mug, pot) = (shop.sell("mug", 1250, 10).await, shop.sell("pot", 4999, 10).await);
        shop.add(&ada(), &mug, 1).await.unwrap();
        shop.add(&guest(1), &mug, 2).await.unwrap();
        shop.add(&guest(1), &pot, 4).await.unwrap();
        let merged = shop.store.merge_carts(merge(1)).await.unwrap();
        let told: Vec<_> = merged.report.iter().map(|line| (line.outcome, line.quantity)).collect();
        assert_eq!(told, [(MergeOutcome::Summed, 3), (MergeOutcome::Added, 4)]);
        let cart = shop.store.cart(ada(), NOW).await.unwrap().unwrap();
        assert_eq!(Some(&cart), merged.cart.as_ref());
        assert_eq!(shop.store.cart(guest(1), NOW).await.unwrap(), None);
        let again = shop.store.merge_carts(merge(1)).await.unwrap();
        assert_eq!((again.cart, again.report), (Some(cart), Vec::new()));
        let eve = MergeCarts { customer: customer("eve"), ..merge(1) };
        assert!(matches!(refusal(shop.store.merge_carts(eve).await), Refusal::NotFound { .. }));
        assert!(matches!(refusal(shop.store.merge_carts(merge(2)).await), Refusal::NotFound { .. }));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_under_a_request_id_tells_its_report_again() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        shop.add(&guest(1), &mug, 2).await.unwrap();
        let merge = MergeCarts { request: Some(request(fresh(), 1)), ..merge(1) };
        let first = shop.store.merge_carts(merge.clone()).await.unwrap();
        assert_eq!(first.report.len(), 1);
        assert_eq!(shop.store.merge_carts(merge.clone()).await.unwrap(), first);
        let id = merge.request.as_ref().unwrap().key.request_id.uuid();
        let other = MergeCarts { request: Some(request(id, 2)), ..merge };
        assert_eq!(refusal(shop.store.merge_carts(other).await), Refusal::RequestIdReused);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn carts_of_two_currencies_both_stay() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let cap = shop.sell_at("cap", Money::new(990, currency("EUR")), 10).await;
        let own = shop.add(&ada(), &mug, 1).await.unwrap();
        let guests = shop.add(&guest(1), &cap, 2).await.unwrap();
        let merged = shop.store.merge_carts(merge(1)).await.unwrap();
        assert_eq!(merged.report[0].outcome, MergeOutcome::SkippedCurrency);
        assert_eq!(shop.store.cart(ada(), NOW).await.unwrap().unwrap(), own);
        assert_eq!(shop.store.cart(guest(1), NOW).await.unwrap().unwrap(), guests);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_whose_time_is_over_is_gone_swept_or_not() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let adas = shop.add(&ada(), &mug, 1).await.unwrap();
        let guests = shop.add(&guest(1), &mug, 1).await.unwrap();
        let end = adas.expire_time;
        assert_eq!(shop.store.expire_carts(end.plus_micros(-1), 10).await.unwrap(), []);
        assert_eq!(shop.store.cart(ada(), end).await.unwrap(), None);
        let one = shop.store.expire_carts(end, 1).await.unwrap();
        let other = shop.store.expire_carts(end, 10).await.unwrap();
        let mut swept = [one, other].concat();
        swept.sort();
        let mut expected = vec![adas.id, guests.id];
        expected.sort();
        assert_eq!(swept, expected);
        assert_eq!(shop.store.expire_carts(end, 10).await.unwrap(), []);
        assert!(shop.store.merge_carts(merge(1)).await.is_err());
        let fresh = shop.add(&ada(), &mug, 1).await.unwrap();
        assert_ne!(fresh.id, adas.id);
        assert_eq!(fresh.state, CartState::Active);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_in_after_the_end_opens_a_new_cart() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let old = shop.add(&ada(), &mug, 1).await.unwrap();
        let add = CartCommand::Add(Box::new(mug), Quantity::new(2).unwrap());
        let after = CartChange { now: later(31 * 86_400), ..cart_change(&ada(), add) };
        let new = shop.store.change_cart(after).await.unwrap();
        assert_ne!(new.id, old.id);
        assert_eq!(new.items[0].quantity.get(), 2);
    })
    .await;
}
