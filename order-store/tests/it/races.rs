//! Many callers at once.

use std::{collections::BTreeSet, time::Duration};

use order_core::{
    cart::CartOwner,
    error::Refusal,
    order::{Command, State},
};
use order_store::{Effect, StoreError, testing::on_both_engines};

use crate::shop::{NOW, Shop, Wish, customer, fresh};

/// Places all wishes at once.
pub(crate) async fn at_once(shop: &Shop, wishes: Vec<Wish>) -> Vec<Result<Effect, StoreError>> {
    let tasks: Vec<_> = wishes
        .into_iter()
        .map(|wish| {
            let shop = shop.clone();
            tokio::spawn(async move { shop.place(wish).await })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

/// What went wrong, as opposed to what was refused.
pub(crate) fn failures(results: &[Result<Effect, StoreError>]) -> Vec<&StoreError> {
    let errors = results.iter().filter_map(|result| result.as_ref().err());
    errors.filter(|error| !matches!(error, StoreError::Refused(_))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn last_unit_race() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1).await;
        let results = at_once(&shop, (0..64).map(|_| Wish::of(&[(&mug, 1)])).collect()).await;
        let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        for loser in lost {
            assert!(matches!(loser, Err(StoreError::Refused(Refusal::InsufficientStock(_)))), "{loser:?}");
        }
        assert_eq!(shop.level("MUG").await.available(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hot_sku_exact_sellout() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 40).await;
        let results = at_once(&shop, (0..64).map(|_| Wish::of(&[(&mug, 1)])).collect()).await;
        assert_eq!(failures(&results), Vec::<&StoreError>::new());
        let placed = results.iter().filter_map(|result| result.as_ref().ok());
        let numbers: BTreeSet<_> = placed.map(|effect| effect.order.number.clone().unwrap().to_string()).collect();
        assert_eq!((numbers.len(), shop.level("MUG").await.allocated), (40, 40));
        assert_eq!(numbers.last().unwrap(), "SPK-2026-001040", "no number is missing and none came twice");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn same_key_64_concurrent() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 100).await;
        let id = fresh();
        let results = at_once(&shop, (0..64).map(|_| Wish::of(&[(&mug, 1)]).under(id)).collect()).await;
        let orders: BTreeSet<_> = results.iter().map(|r| r.as_ref().unwrap().order.id).collect();
        assert_eq!(orders.len(), 1);
        let makers = results.iter().filter(|r| !r.as_ref().unwrap().events.is_empty()).count();
        assert_eq!((makers, shop.level("MUG").await.allocated), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reversed_sku_order_no_deadlock() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (mug, pot) = (shop.sell("mug", 1250, 1000).await, shop.sell("pot", 4999, 1000).await);
        let wishes = (0..64).map(|n| match n % 2 {
            0 => Wish::of(&[(&mug, 1), (&pot, 1)]),
            _ => Wish::of(&[(&pot, 1), (&mug, 1)]),
        });
        let results = at_once(&shop, wishes.collect()).await;
        assert_eq!(failures(&results), Vec::<&StoreError>::new());
        assert_eq!((shop.level("MUG").await.allocated, shop.level("POT").await.allocated), (64, 64));
    })
    .await;
}

/// What only the database objects to, on SQLite and on PostgreSQL.
const NO_POISON: [&str; 2] = [
    "CREATE TRIGGER no_poison BEFORE INSERT ON orders WHEN NEW.customer_id = 'poison' \
     BEGIN SELECT RAISE(ABORT, 'poison'); END",
    "ALTER TABLE orders ADD CONSTRAINT no_poison CHECK (customer_id <> 'poison')",
];

#[tokio::test(flavor = "multi_thread")]
async fn poison_order_isolated() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1000).await;
        // The connections have sent everything before, by ones and by many: then COMMIT is sent with what it commits.
        for orders in [64, 1, 1, 1, 1] {
            let results = at_once(&shop, (0..orders).map(|_| Wish::of(&[(&mug, 1)])).collect()).await;
            assert_eq!(failures(&results), Vec::<&StoreError>::new());
        }
        let [sqlite, postgresql] = NO_POISON;
        database.execute(if shop.store.engine() == "sqlite" { sqlite } else { postgresql }).await.unwrap();
        let wishes = (0..64).map(|n| Wish::of(&[(&mug, 1)]).by(if n % 16 == 7 { "poison" } else { "ada" }));
        let results = at_once(&shop, wishes.collect()).await;
        for (n, result) in results.iter().enumerate() {
            match n % 16 {
                7 => assert!(matches!(result, Err(StoreError::Internal(_))), "{result:?}"),
                _ => assert!(result.is_ok(), "{result:?}"),
            }
        }
        assert_eq!(shop.level("MUG").await.allocated, 68 + 60);
        let numbers = database.texts("SELECT order_number FROM orders ORDER BY order_number").await;
        assert_eq!((numbers.len(), numbers[127].as_str()), (128, "SPK-2026-001128"), "no number is missing");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn carts_that_changed_do_not_keep_others_from_ordering() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1000).await;
        let mut wishes = Vec::new();
        for n in 0..48 {
            let name = format!("buyer-{n}");
            let owner = CartOwner::Customer(customer(&name));
            let cart = shop.add(&owner, &mug, 1).await.unwrap();
            if n % 3 == 1 {
                // After it was priced.
                shop.add(&owner, &mug, 1).await.unwrap();
            }
            wishes.push(Wish::of(&[(&mug, 1)]).by(&name).out_of(&cart).under(fresh()));
        }
        let results = at_once(&shop, wishes).await;
        for (n, result) in results.iter().enumerate() {
            match n % 3 {
                1 => assert_eq!(result, &Err(StoreError::Refused(Refusal::PricingStale))),
                _ => assert!(result.is_ok(), "{result:?}"),
            }
        }
        assert_eq!(shop.level("MUG").await.allocated, 32);
        let kept = database.texts("SELECT principal FROM request WHERE method = 'Test'").await;
        assert_eq!(kept.len(), 32, "what is priced anew comes again under the same request id");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_cart_checked_out_by_many_is_one_order() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 100).await;
        let cart = shop.add(&CartOwner::Customer(customer("ada")), &mug, 2).await.unwrap();
        let results = at_once(&shop, (0..16).map(|_| Wish::of(&[(&mug, 2)]).out_of(&cart)).collect()).await;
        let orders: BTreeSet<_> = results.iter().map(|r| r.as_ref().unwrap().order.id).collect();
        assert_eq!((orders.len(), shop.level("MUG").await.allocated), (1, 2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_add_item_no_lost_lines() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 100).await;
        let ada = CartOwner::Customer(customer("ada"));
        let tasks: Vec<_> = (0..40)
            .map(|_| {
                let (shop, ada, mug) = (shop.clone(), ada.clone(), mug.clone());
                tokio::spawn(async move { shop.add(&ada, &mug, 1).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let cart = shop.store.cart(ada, NOW).await.unwrap().unwrap();
        assert_eq!(
            (cart.items[0].quantity.get(), cart.revision),
            (40, 40),
            "even where the cart was opened by many at once"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn double_cancel_gives_the_stock_back_once() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 100).await;
        for _ in 0..20 {
            let id = shop.place(Wish::of(&[(&mug, 2)])).await.unwrap().order.id;
            let twice = [shop.clone(), shop.clone()]
                .map(|shop| tokio::spawn(async move { shop.change(id, Command::Cancel).await }));
            let mut done = 0;
            for task in twice {
                done += usize::from(task.await.unwrap().is_ok_and(|effect| !effect.events.is_empty()));
            }
            assert_eq!((done, shop.order(id).await.state), (1, State::Cancelled));
        }
        assert_eq!(shop.level("MUG").await.allocated, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_futures_leave_nothing_open() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1000).await;
        let mut wishes = Vec::new();
        for n in 0..60_u64 {
            let id = fresh();
            let placing = shop.place(Wish::of(&[(&mug, 1)]).under(id));
            let placed = tokio::time::timeout(Duration::from_micros(n * 100), placing).await;
            wishes.push((id, placed.is_ok()));
        }
        // Whoever went away finds out by asking again, and the shelf agrees with what was done.
        for (id, _) in &wishes {
            shop.place(Wish::of(&[(&mug, 1)]).under(*id)).await.unwrap();
        }
        assert_eq!(shop.level("MUG").await.allocated, 60);
        assert!(wishes.iter().any(|(_, answered)| !answered), "some of them did go away");
        shop.store.close().await;
        let reopened = Shop::open(&database).await;
        let locked = tokio::time::timeout(Duration::from_secs(5), reopened.place(Wish::of(&[(&mug, 1)]))).await;
        assert!(locked.is_ok_and(|placed| placed.is_ok()), "no lock is left behind");
    })
    .await;
}
