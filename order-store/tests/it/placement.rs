//! Placing orders.

use order_core::{
    cart::{CartCommand, CartOwner, CartState},
    error::Refusal,
    order::{EventBody, Owner, PaymentStatus, Status},
    policy::AllocatePolicy,
    product::Product,
    stock::{MovementKind, Shortage},
};
use order_store::{MovementQuery, Numbering, OrderKey, Scope, StoreError, testing::on_both_engines};

use crate::shop::{NOW, Shop, Wish, cart_change, customer, fresh, product_id, refusal, sku};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_placed_is_read_back_the_same() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (mug, pot) = (shop.sell("mug", 1250, 10).await, shop.sell("pot", 4999, 3).await);
        let placed = shop.place(Wish::of(&[(&mug, 2), (&pot, 1)]).by_card()).await.unwrap();
        assert_eq!(placed.order.number.as_ref().unwrap().as_str(), "SPK-2026-001001");
        assert_eq!(placed.order.payment_status, PaymentStatus::Pending);
        assert_eq!(shop.order(placed.order.id).await, placed.order);
        let history = shop.store.events(placed.order.id, 0, 100).await.unwrap();
        assert_eq!(history.items, placed.events);
        assert!(matches!(history.items[0].body, EventBody::Placed { .. }));
        assert!(!history.more);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_promises_its_stock_and_leaves_a_movement() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let placed = shop.place(Wish::of(&[(&mug, 2), (&mug, 3)])).await.unwrap();
        let level = shop.level("MUG").await;
        assert_eq!((level.on_hand, level.allocated), (10, 5), "two lines of one SKU are one demand");
        let query = MovementQuery { sku: Some(sku("MUG")), size: 10, after: None };
        let movements = shop.store.movements(query).await.unwrap().items;
        let told: Vec<_> = movements.iter().map(|m| (m.kind, m.deltas, m.order_id)).collect();
        let expected =
            [(MovementKind::Allocated, [0, 0, 5], Some(placed.order.id)), (MovementKind::Received, [10, 0, 0], None)];
        assert!(told.iter().all(|movement| expected.contains(movement)) && told.len() == 2, "{told:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shortage_takes_nothing_and_names_everything_that_is_short() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (mug, pot, urn) =
            (shop.sell("mug", 1250, 10).await, shop.sell("pot", 4999, 3).await, shop.sell("urn", 9999, 0).await);
        let refused = refusal(shop.place(Wish::of(&[(&mug, 2), (&pot, 4), (&urn, 1)])).await);
        let short = |name: &str, requested, available| Shortage { sku: sku(name), requested, available };
        assert_eq!(refused, Refusal::InsufficientStock(vec![short("POT", 4, 3), short("URN", 1, 0)]));
        assert_eq!(shop.level("MUG").await.allocated, 0);
        let next = shop.place(Wish::of(&[(&mug, 10)])).await.unwrap();
        assert_eq!(next.order.number.unwrap().as_str(), "SPK-2026-001001", "a refusal uses no number up");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_stock_is_promised_on_confirmation_placing_only_looks() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 3).await;
        let mut wish = Wish::of(&[(&mug, 3)]);
        wish.context.policy.allocate_on = AllocatePolicy::Confirm;
        let mut other = Wish::of(&[(&mug, 4)]);
        other.context.policy.allocate_on = AllocatePolicy::Confirm;
        shop.place(wish).await.unwrap();
        assert_eq!(shop.level("MUG").await.allocated, 0);
        assert!(matches!(refusal(shop.place(other).await), Refusal::InsufficientStock(_)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_have_no_gaps_and_begin_anew_with_year_and_prefix() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 100).await;
        let number = |wish: Wish| async {
            let placed = shop.place(wish).await.unwrap();
            placed.order.number.unwrap().as_str().to_owned()
        };
        let wish = || Wish::of(&[(&mug, 1)]);
        assert_eq!(number(wish()).await, "SPK-2026-001001");
        assert!(shop.place(Wish::of(&[(&mug, 1000)])).await.is_err());
        assert_eq!(number(wish()).await, "SPK-2026-001002");
        assert_eq!(number(wish().at(NOW.plus_seconds(366 * 86_400))).await, "SPK-2027-001001");
        let web = Wish { numbering: Numbering { prefix: "WEB".to_owned(), first: 1 }, ..wish() };
        assert_eq!(number(web).await, "WEB-2026-000001");
        assert_eq!(number(wish()).await, "SPK-2026-001003");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_is_consumed_once_and_then_gives_its_order() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let ada = CartOwner::Customer(customer("ada"));
        let cart = shop.add(&ada, &mug, 2).await.unwrap();
        let placed = shop.place(Wish::of(&[(&mug, 2)]).out_of(&cart)).await.unwrap();
        let again = shop.place(Wish::of(&[(&mug, 2)]).out_of(&cart)).await.unwrap();
        assert_eq!((again.order.id, again.events.len()), (placed.order.id, 0));
        assert_eq!(shop.level("MUG").await.allocated, 2);
        let ordered = shop.store.cart(ada.clone(), NOW).await.unwrap().unwrap();
        assert_eq!(ordered.state, CartState::Ordered(placed.order.id));
        let fresh = shop.add(&ada, &mug, 1).await.unwrap();
        assert_ne!(fresh.id, cart.id, "what is put in next goes into a new cart");
        assert_eq!(shop.store.cart(ada, NOW).await.unwrap().unwrap(), fresh);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_that_changed_since_it_was_priced_is_not_ordered() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let ada = CartOwner::Customer(customer("ada"));
        let priced = shop.add(&ada, &mug, 2).await.unwrap();
        let changed = shop.add(&ada, &mug, 1).await.unwrap();
        let id = fresh();
        let refused = shop.place(Wish::of(&[(&mug, 2)]).out_of(&priced).under(id)).await;
        assert_eq!(refused, Err(StoreError::Refused(Refusal::PricingStale)));
        assert_eq!(shop.level("MUG").await.allocated, 0);
        let placed = shop.place(Wish::of(&[(&mug, 3)]).out_of(&changed).under(id)).await;
        assert!(placed.is_ok(), "the request id is free for the next try: {placed:?}");
        let closed = shop.store.change_cart(cart_change(&ada, CartCommand::Clear)).await;
        assert!(matches!(refusal(closed), Refusal::NotFound { .. } | Refusal::CartClosed { .. }));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_without_stock_stays_as_it_is() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1).await;
        let ada = CartOwner::Customer(customer("ada"));
        let cart = shop.add(&ada, &mug, 2).await.unwrap();
        let refused = refusal(shop.place(Wish::of(&[(&mug, 2)]).out_of(&cart)).await);
        assert!(matches!(refused, Refusal::InsufficientStock(_)));
        assert_eq!(shop.store.cart(ada, NOW).await.unwrap().unwrap(), cart);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_the_orders_of_another() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let id = shop.place(Wish::of(&[(&mug, 1)]).by("ada")).await.unwrap().order.id;
        let seen_by = |scope| shop.store.order(OrderKey::Id(id), scope);
        assert!(seen_by(Scope::All).await.unwrap().is_some());
        assert!(seen_by(Scope::Customer(customer("ada"))).await.unwrap().is_some());
        assert_eq!(seen_by(Scope::Customer(customer("eve"))).await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_finds_the_order_by_number_and_address_and_only_a_guest() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let guests = shop.place(Wish::of(&[(&mug, 1)]).by_guest("Guest.One@example.com")).await.unwrap().order;
        let adas = shop.place(Wish::of(&[(&mug, 1)]).by("ada")).await.unwrap().order;
        assert_eq!(guests.owner, Owner::Guest);
        let find = |order: &order_core::order::Order, email: &str| {
            let number = order.number.as_ref().unwrap().to_string();
            shop.store.order(OrderKey::NumberAndEmail(number, email.to_owned()), Scope::All)
        };
        assert_eq!(find(&guests, "guest.one@example.com").await.unwrap().map(|order| order.id), Some(guests.id));
        assert_eq!(find(&guests, "other@example.com").await.unwrap(), None);
        assert_eq!(find(&adas, "ada@example.com").await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_outlives_the_process_that_placed_it() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let id = fresh();
        let placed = shop.place(Wish::of(&[(&mug, 1)]).under(id)).await.unwrap().order;
        shop.store.close().await;
        let reopened = Shop::open(&database).await;
        assert_eq!(reopened.order(placed.id).await, placed);
        let replay = reopened.place(Wish::of(&[(&mug, 1)]).under(id)).await.unwrap();
        assert_eq!((replay.order.id, replay.order.status), (placed.id, Status::Pending));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_placed_only_if_its_products_are_as_they_were_priced() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (mug, pot) = (shop.sell("mug", 1250, 100).await, shop.sell("pot", 4999, 100).await);
        shop.place(Wish::of(&[(&mug, 1), (&pot, 1)]).still_so()).await.unwrap();
        let newer = shop.sell("mug", 1300, 0).await;
        assert_eq!(newer.revision, mug.revision + 1);
        let id = fresh();
        let stale = || Wish::of(&[(&pot, 1), (&mug, 1)]).still_so();
        assert_eq!(refusal(shop.place(stale().under(id)).await), Refusal::PricingStale);
        // Nothing of it is kept: the same request comes again with the price of now.
        let placed = shop.place(Wish::of(&[(&pot, 1), (&newer, 1)]).still_so().under(id)).await.unwrap().order;
        let replay = shop.place(stale().under(id)).await.unwrap();
        assert_eq!((replay.order.id, replay.events.len()), (placed.id, 0), "what was placed is not compared any more");
        let gone = Product { id: product_id("nothing"), ..mug.clone() };
        assert_eq!(refusal(shop.place(Wish::of(&[(&gone, 1)]).still_so()).await), Refusal::PricingStale);
        let level = shop.level("MUG").await;
        assert_eq!((level.allocated, shop.level("POT").await.allocated), (2, 2), "what is stale takes nothing");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_orders_that_come_together_only_the_stale_ones_are_priced_anew() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (mug, pot) = (shop.sell("mug", 1250, 1000).await, shop.sell("pot", 4999, 1000).await);
        shop.sell("mug", 1300, 0).await;
        let place = |n: usize| {
            let product = if n.is_multiple_of(3) { &mug } else { &pot };
            shop.place(Wish::of(&[(product, 1)]).still_so().under(fresh()))
        };
        for (n, result) in futures_util::future::join_all((0..60).map(place)).await.into_iter().enumerate() {
            match result {
                Ok(_) => assert_ne!(n % 3, 0),
                Err(error) => assert_eq!((error, n % 3), (StoreError::Refused(Refusal::PricingStale), 0)),
            }
        }
        let left = database.texts("SELECT CAST(COUNT(*) AS text) FROM request").await;
        assert_eq!((left, shop.level("POT").await.allocated), (vec!["40".to_owned()], 40));
    })
    .await;
}
