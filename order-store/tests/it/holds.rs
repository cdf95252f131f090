//! What carts hold, and that nobody can sell it meanwhile or for longer.

use order_core::{
    cart::{Cart, CartCommand, CartOwner, GuestKey},
    error::Refusal,
    ids::IdSeed,
    order::Command,
    policy::{AllocatePolicy, Policy},
    quantity::Quantity,
    stock::{LevelQuery, MovementKind, Shortage},
    time::Timestamp,
};
use order_store::{
    CartChange, MergeCarts, Movement, MovementQuery, StoreError, SweepReservations,
    testing::{TestDatabase, on_both_engines},
};

use crate::{
    cart_changes::{ada, guest, merge},
    shop::{HOLD_SECONDS, NOW, Shop, Wish, cart_change, customer, fresh, holding, later, refusal, request, sku},
};

/// Shelves that are not the sum of their movements, or of which not so much is reserved as carts hold.
const UNBALANCED: &str = "SELECT s.sku FROM stock AS s WHERE
     s.on_hand <> (SELECT COALESCE(sum(m.on_hand_delta), 0) FROM stock_movement AS m WHERE m.sku = s.sku)
     OR s.allocated <> (SELECT COALESCE(sum(m.allocated_delta), 0) FROM stock_movement AS m WHERE m.sku = s.sku)
     OR s.reserved <> (SELECT COALESCE(sum(m.reserved_delta), 0) FROM stock_movement AS m WHERE m.sku = s.sku)
     OR s.reserved <> (SELECT COALESCE(sum(r.quantity), 0) FROM reservation AS r WHERE r.sku = s.sku)";

/// Holds whose cart's movements say otherwise.
const UNTOLD: &str = "SELECT r.sku FROM reservation AS r WHERE r.quantity <>
     (SELECT sum(m.reserved_delta) FROM stock_movement AS m WHERE m.sku = r.sku AND m.cart_id = r.cart_id)";

pub(crate) async fn assert_balanced(database: &TestDatabase) {
    for query in [UNBALANCED, UNTOLD] {
        assert_eq!(database.texts(query).await, Vec::<String>::new());
    }
}

fn buyer(name: &str) -> CartOwner {
    CartOwner::Customer(customer(name))
}

/// When a hold made at [`NOW`] ends.
fn end() -> Timestamp {
    later(HOLD_SECONDS)
}

fn short(name: &str, (requested, available): (i64, i64)) -> Refusal {
    Refusal::InsufficientStock(vec![Shortage { sku: sku(name), requested, available }])
}

/// Reserved and allocated, as stored.
async fn stored(database: &TestDatabase, name: &str) -> (i64, i64) {
    let query =
        format!("SELECT CAST(reserved AS text) || ' ' || CAST(allocated AS text) FROM stock WHERE sku = '{name}'");
    let found = database.texts(&query).await.remove(0);
    let (reserved, allocated) = found.split_once(' ').unwrap();
    (reserved.parse().unwrap(), allocated.parse().unwrap())
}

/// The history of a shelf, in no order that matters: kinds and units that were held or given back.
async fn held_and_returned(shop: &Shop, name: &str) -> (i64, i64) {
    let page = shop.store.movements(MovementQuery { sku: Some(sku(name)), size: 500, after: None }).await.unwrap();
    let sum = |kind| page.items.iter().filter(|m: &&Movement| m.kind == kind).map(|m| m.deltas[1]).sum();
    (sum(MovementKind::Reserved), sum(MovementKind::Unreserved))
}

fn set(cart: &Cart, (line, units): (usize, Option<i32>)) -> CartChange {
    let quantity = units.map(|units| Quantity::new(units).unwrap());
    let command = CartCommand::SetQuantity(cart.items[line].id, quantity);
    holding(NOW, cart_change(&cart.owner, command))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cart_holds_nobody_else_gets() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 5).await;
        shop.hold(&ada(), &mug, 4).await.unwrap();
        let level = shop.level("MUG").await;
        assert_eq!((level.on_hand, level.reserved, level.available()), (5, 4, 1));
        assert_eq!(refusal(shop.place(Wish::of(&[(&mug, 2)]).by("eve")).await), short("MUG", (2, 1)));
        assert_eq!(refusal(shop.hold(&buyer("eve"), &mug, 2).await), short("MUG", (2, 1)));
        assert_eq!(shop.store.cart(buyer("eve"), NOW).await.unwrap(), None, "a cart that cannot hold is not opened");
        shop.place(Wish::of(&[(&mug, 1)]).by("eve")).await.unwrap();
        assert_balanced(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_holds_what_is_in_it_anew_with_every_change() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (mug, pot) = (shop.sell("mug", 1250, 5).await, shop.sell("pot", 4999, 5).await);
        shop.hold(&ada(), &mug, 3).await.unwrap();
        let cart = shop.hold_at(later(60), (&ada(), &pot, 2)).await.unwrap();
        assert_eq!((stored(&database, "MUG").await, stored(&database, "POT").await), ((3, 0), (2, 0)));
        let held = shop.level_at("MUG", end()).await.unwrap();
        assert_eq!(held.reserved, 3, "the hold goes on with the cart");
        assert_eq!(shop.level_at("MUG", end().plus_seconds(60)).await.unwrap().reserved, 0);
        let refused = refusal(shop.store.change_cart(set(&cart, (0, Some(6)))).await);
        assert_eq!(refused, short("MUG", (6, 5)));
        let stays = shop.store.cart(ada(), NOW).await.unwrap().unwrap();
        assert_eq!((stays.revision, stored(&database, "MUG").await), (cart.revision, (3, 0)));
        shop.store.change_cart(set(&cart, (0, Some(1)))).await.unwrap();
        assert_eq!(stored(&database, "MUG").await, (1, 0));
        shop.store.change_cart(set(&cart, (0, None))).await.unwrap();
        assert_eq!((stored(&database, "MUG").await, stored(&database, "POT").await), ((0, 0), (2, 0)));
        shop.store.change_cart(holding(NOW, cart_change(&ada(), CartCommand::Clear))).await.unwrap();
        assert_eq!(stored(&database, "POT").await, (0, 0));
        assert_eq!(held_and_returned(&shop, "MUG").await, (3, -3));
        assert_balanced(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_uses_its_own_hold() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 2).await;
        let cart = shop.hold(&ada(), &mug, 2).await.unwrap();
        let seen = LevelQuery { skus: vec![sku("MUG")], now: NOW, cart_id: Some(cart.id) };
        assert_eq!(shop.store.levels(seen).await.unwrap()[0].available(), 2, "as the cart sees it");
        shop.place(Wish::of(&[(&mug, 2)]).out_of(&cart)).await.unwrap();
        assert_eq!(stored(&database, "MUG").await, (0, 2));
        assert_eq!(database.texts("SELECT sku FROM reservation").await, Vec::<String>::new());
        let page = shop.store.movements(MovementQuery { sku: Some(sku("MUG")), size: 10, after: None }).await.unwrap();
        let returned = page.items.iter().find(|m| m.kind == MovementKind::Unreserved).unwrap();
        assert!(
            returned.cart_id == Some(cart.id) && returned.order_id.is_some(),
            "it says which cart became which order"
        );
        assert_balanced(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_refused_leaves_its_cart_what_it_holds() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (mug, pot) = (shop.sell("mug", 1250, 2).await, shop.sell("pot", 4999, 0).await);
        let cart = shop.hold(&ada(), &mug, 2).await.unwrap();
        // The catalogue may have given the product another SKU since: what is ordered is not what is held.
        let refused = refusal(shop.place(Wish::of(&[(&mug, 2), (&pot, 1)]).out_of(&cart)).await);
        assert_eq!(refused, short("POT", (1, 0)));
        assert_eq!(stored(&database, "MUG").await, (2, 0));
        assert_balanced(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_without_a_cart_does_not_touch_its_customers_hold() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 2).await;
        shop.hold(&ada(), &mug, 2).await.unwrap();
        assert_eq!(refusal(shop.place(Wish::of(&[(&mug, 1)])).await), short("MUG", (1, 0)));
        assert_eq!(stored(&database, "MUG").await, (2, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_that_is_promised_on_confirmation_is_no_longer_held_by_the_cart() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 2).await;
        let cart = shop.hold(&ada(), &mug, 2).await.unwrap();
        let mut wish = Wish::of(&[(&mug, 2)]).out_of(&cart);
        wish.context.policy = Policy { allocate_on: AllocatePolicy::Confirm, ..Policy::default() };
        let order = shop.place(wish).await.unwrap().order;
        assert_eq!(stored(&database, "MUG").await, (0, 0));
        shop.hold(&buyer("eve"), &mug, 1).await.unwrap();
        assert!(matches!(refusal(shop.change(order.id, Command::Confirm).await), Refusal::InsufficientStock(_)));
        let confirm = order_store::ChangeOrder {
            context: crate::shop::context(end()),
            ..crate::shop::change(order.id, Command::Confirm)
        };
        shop.store.change(confirm).await.unwrap();
        assert_eq!(stored(&database, "MUG").await, (0, 2), "eve's hold is over, and nobody swept");
        assert_balanced(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_has_expired_is_anybodys_without_a_sweeper() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1).await;
        shop.hold(&ada(), &mug, 1).await.unwrap();
        let before = end().plus_micros(-1);
        assert!(shop.place(Wish::of(&[(&mug, 1)]).by("eve").at(before)).await.is_err());
        assert_eq!(shop.level_at("MUG", before).await.unwrap().available(), 0);
        assert_eq!(shop.level_at("MUG", end()).await.unwrap().available(), 1, "who looks does not count it");
        assert_eq!(stored(&database, "MUG").await, (1, 0), "and looking gives nothing back");
        shop.hold_at(end(), (&buyer("eve"), &mug, 1)).await.unwrap();
        assert_eq!(stored(&database, "MUG").await, (1, 0), "eve's now");
        shop.place(Wish::of(&[(&mug, 1)]).by("joe").at(end().plus_seconds(HOLD_SECONDS))).await.unwrap();
        assert_eq!(stored(&database, "MUG").await, (0, 1));
        let page = shop.store.movements(MovementQuery { sku: Some(sku("MUG")), size: 10, after: None }).await.unwrap();
        let expired = page.items.iter().filter(|m| m.reason.as_deref() == Some("the hold expired")).count();
        assert_eq!(expired, 2);
        assert_balanced(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_whose_goods_were_sold_can_still_be_made_smaller() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (mug, pot) = (shop.sell("mug", 1250, 1).await, shop.sell("pot", 4999, 1).await);
        shop.hold(&ada(), &mug, 1).await.unwrap();
        let cart = shop.hold(&ada(), &pot, 1).await.unwrap();
        shop.place(Wish::of(&[(&mug, 1), (&pot, 1)]).by("eve").at(end())).await.unwrap();
        let smaller = CartChange { now: end(), ..set(&cart, (0, None)) };
        let cart = shop.store.change_cart(smaller).await.unwrap();
        assert_eq!((cart.items.len(), stored(&database, "POT").await), (1, (0, 1)));
        let more = shop.hold_at(end(), (&ada(), &pot, 1)).await;
        assert_eq!(refusal(more), short("POT", (2, 0)));
        assert_balanced(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_signs_in_takes_the_hold_along() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 5).await;
        shop.hold(&ada(), &mug, 2).await.unwrap();
        shop.hold(&guest(1), &mug, 3).await.unwrap();
        let until = Some(later(60 + HOLD_SECONDS));
        let merged =
            shop.store.merge_carts(MergeCarts { now: later(60), hold_until: until, ..merge(1) }).await.unwrap();
        let owners = database.texts("SELECT CAST(quantity AS text) FROM reservation").await;
        assert_eq!((owners, stored(&database, "MUG").await), (vec!["5".to_owned()], (5, 0)), "one hold, of all of it");
        assert_balanced(&database).await;
        let cart = merged.cart.unwrap();
        shop.place(Wish::of(&[(&mug, 5)]).out_of(&cart).at(end())).await.unwrap();
        assert_eq!(stored(&database, "MUG").await, (0, 5));
        assert_balanced(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_is_not_refused_for_what_was_sold_meanwhile() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 2).await;
        shop.hold(&guest(1), &mug, 1).await.unwrap();
        shop.place(Wish::of(&[(&mug, 2)]).by("eve").at(end())).await.unwrap();
        let late = MergeCarts { now: end(), hold_until: Some(end().plus_seconds(1)), ..merge(1) };
        let cart = shop.store.merge_carts(late).await.unwrap().cart.unwrap();
        assert_eq!((cart.items.len(), stored(&database, "MUG").await), (1, (0, 2)));
        assert_balanced(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_again_holds_once() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 5).await;
        let add = CartCommand::Add(Box::new(mug), Quantity::new(2).unwrap());
        let id = fresh();
        for _ in 0..3 {
            let change = CartChange { request: Some(request(id, 1)), ..cart_change(&ada(), add.clone()) };
            shop.store.change_cart(CartChange { ids: IdSeed::new(fresh()), ..holding(NOW, change) }).await.unwrap();
        }
        assert_eq!((stored(&database, "MUG").await, held_and_returned(&shop, "MUG").await), ((2, 0), (2, 0)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweeper_gives_back_what_has_expired_and_nothing_else() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (mug, pot) = (shop.sell("mug", 1250, 9).await, shop.sell("pot", 4999, 9).await);
        for n in 1..=3 {
            shop.hold(&guest(n), &mug, 1).await.unwrap();
            shop.hold(&guest(n), &pot, 1).await.unwrap();
        }
        shop.hold_at(later(60), (&ada(), &mug, 1)).await.unwrap();
        let sweep = async |now, most| {
            let sweep = SweepReservations { now, most, ids: IdSeed::new(fresh()) };
            shop.store.sweep_reservations(sweep).await.unwrap()
        };
        assert_eq!(sweep(end().plus_micros(-1), 100).await, 0);
        let mut swept = Vec::new();
        while swept.last() != Some(&0) {
            swept.push(sweep(end(), 1).await);
        }
        assert_eq!(swept, [3, 3, 0], "all of a shelf at once, one shelf after the other");
        assert_eq!((stored(&database, "MUG").await, stored(&database, "POT").await), ((1, 0), (0, 0)));
        assert_balanced(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_carts_exactly_one_holds_the_last_unit() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1).await;
        for round in 0..3 {
            // Each round comes when the hold of the one before is over, and nobody has swept.
            let now = later(round * HOLD_SECONDS);
            let tasks: Vec<_> = (0..64_u8)
                .map(|n| {
                    let (shop, mug) = (shop.clone(), mug.clone());
                    tokio::spawn(async move { shop.hold_at(now, (&guest(n), &mug, 1)).await })
                })
                .collect();
            let mut won = 0;
            for task in tasks {
                match task.await.unwrap() {
                    Ok(_cart) => won += 1,
                    Err(StoreError::Refused(Refusal::InsufficientStock(_))) => {}
                    Err(error) => panic!("neither held nor refused: {error:?}"),
                }
            }
            assert_eq!((won, stored(&database, "MUG").await), (1, (1, 0)), "round {round}");
            assert_balanced(&database).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn carts_checkouts_merges_and_sweeps_at_once_balance_and_never_block_each_other_for_good() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (mug, pot) = (shop.sell("mug", 1250, 40).await, shop.sell("pot", 4999, 40).await);
        let tasks: Vec<_> = (0..48_u8)
            .map(|n| {
                let (shop, mug, pot) = (shop.clone(), mug.clone(), pot.clone());
                tokio::spawn(async move { a_visit(&shop, (n, [mug, pot])).await })
            })
            .collect();
        for task in tasks {
            match task.await.unwrap() {
                Ok(()) | Err(StoreError::Refused(_)) => {}
                Err(error) => panic!("neither done nor refused: {error:?}"),
            }
        }
        for name in ["MUG", "POT"] {
            let level = shop.level(name).await;
            assert!(level.is_sound() && level.allocated > 0, "{level:?}");
        }
        assert_balanced(&database).await;
    })
    .await;
}

/// What one of many customers does, or a sweeper.
async fn a_visit(shop: &Shop, (n, [mug, pot]): (u8, [order_core::product::Product; 2])) -> Result<(), StoreError> {
    let (first, second) = if n % 2 == 0 { (&mug, &pot) } else { (&pot, &mug) };
    let owner = guest(n);
    let now = later(i64::from(n % 4) * HOLD_SECONDS);
    if n % 6 == 5 {
        let sweep = SweepReservations { now, most: 100, ids: IdSeed::new(fresh()) };
        return shop.store.sweep_reservations(sweep).await.map(drop);
    }
    shop.hold_at(now, (&owner, first, 1)).await?;
    let cart = shop.hold_at(now, (&owner, second, 2)).await?;
    match n % 6 {
        0 | 1 => {
            let wish = Wish::of(&[(first, 1), (second, 2)]).by_guest("g@example.com").out_of(&cart).at(now);
            shop.place(wish).await.map(drop)
        }
        2 => {
            let hold_until = Some(now.plus_seconds(HOLD_SECONDS));
            let customer = customer(&format!("ada-{}", n % 3));
            let merge = MergeCarts { guest: GuestKey([n; 32]), customer, now, hold_until, ..merge(n) };
            shop.store.merge_carts(merge).await.map(drop)
        }
        3 => shop.store.change_cart(holding(now, cart_change(&owner, CartCommand::Clear))).await.map(drop),
        _ => Ok(()),
    }
}
