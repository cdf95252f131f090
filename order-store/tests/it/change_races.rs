//! Many changes at once: each has its own answer, and none is another's trouble.

use std::{collections::BTreeSet, time::Duration};

use order_core::{
    error::Refusal,
    ids::OrderId,
    order::{Command, Status},
    policy::AllocatePolicy,
    product::Product,
};
use order_store::{
    ChangeOrder, Effect, Scope, StatsQuery, StoreError,
    testing::{TestDatabase, on_both_engines},
};

use crate::{
    audit::verify,
    races::at_once as place_at_once,
    shop::{NOW, Shop, Wish, change, customer, fresh, refusal, request},
};

/// Carries all changes out at once.
async fn at_once(shop: &Shop, changes: Vec<ChangeOrder>) -> Vec<Result<Effect, StoreError>> {
    let tasks: Vec<_> = changes
        .into_iter()
        .map(|change| {
            let shop = shop.clone();
            tokio::spawn(async move { shop.store.change(change).await })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

/// As many orders of one each, by Ada.
async fn orders(shop: &Shop, product: &Product, count: usize) -> Vec<OrderId> {
    let placed = place_at_once(shop, (0..count).map(|_| Wish::of(&[(product, 1)])).collect()).await;
    placed.into_iter().map(|effect| effect.unwrap().order.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_changes_has_its_own_answer() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 100).await;
        let ids = orders(&shop, &mug, 64).await;
        let wanted = ids.iter().enumerate().map(|(n, id)| match n % 4 {
            0 => change(*id, Command::Cancel),
            1 => ChangeOrder { expected_revision: Some(99), ..change(*id, Command::Cancel) },
            2 => ChangeOrder { scope: Scope::Customer(customer("eve")), ..change(*id, Command::Cancel) },
            _ => change(OrderId::new(fresh()), Command::Cancel),
        });
        let results = at_once(&shop, wanted.collect()).await;
        for (n, (result, id)) in results.into_iter().zip(&ids).enumerate() {
            let status = shop.order(*id).await.status;
            match n % 4 {
                0 => assert_eq!((result.unwrap().order.id, status), (*id, Status::Cancelled)),
                1 => assert!(matches!(refusal(result), Refusal::EtagMismatch { .. })),
                _ => assert!(matches!(refusal(result), Refusal::NotFound { .. })),
            }
            assert_eq!(status == Status::Cancelled, n % 4 == 0, "{n}");
        }
        assert_eq!(shop.level("MUG").await.allocated, 48);
        assert_eq!(verify(&shop.store).await.0, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_to_one_order_are_decided_one_after_the_other() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 100).await;
        let id = orders(&shop, &mug, 1).await[0];
        let results = at_once(&shop, vec![change(id, Command::Cancel); 32]).await;
        let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), shop.order(id).await.status), (1, Status::Cancelled));
        for loser in lost {
            assert!(matches!(refusal(loser), Refusal::IllegalTransition { .. }));
        }
        assert_eq!(shop.level("MUG").await.allocated, 0);
        assert_eq!(verify(&shop.store).await.0, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_of_many_callers_counts_once() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 100).await;
        let ids = orders(&shop, &mug, 8).await;
        let named: Vec<_> = ids.iter().map(|id| (*id, fresh())).collect();
        let wanted = (0..8)
            .flat_map(|_| named.iter())
            .map(|(id, name)| ChangeOrder { request: Some(request(*name, 1)), ..change(*id, Command::Cancel) });
        let effects: Vec<_> = at_once(&shop, wanted.collect()).await.into_iter().map(Result::unwrap).collect();
        let makers: BTreeSet<_> = effects.iter().filter(|e| !e.events.is_empty()).map(|e| e.order.id).collect();
        assert_eq!(makers.len(), 8);
        assert_eq!(effects.iter().filter(|effect| !effect.events.is_empty()).count(), 8, "each once");
        assert_eq!(shop.level("MUG").await.allocated, 0);
        let (id, name) = named[0];
        let another = ChangeOrder { request: Some(request(name, 2)), ..change(id, Command::Cancel) };
        assert_eq!(refusal(shop.store.change(another).await), Refusal::RequestIdReused);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_short_for_one_order_goes_to_others_and_takes_nothing() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (mug, pot) = (shop.sell("mug", 1250, 100).await, shop.sell("pot", 4999, 5).await);
        let wishes = (0..16).map(|_| {
            let mut wish = Wish::of(&[(&mug, 3), (&pot, 1)]);
            wish.context.policy.allocate_on = AllocatePolicy::Confirm;
            wish
        });
        let placed = place_at_once(&shop, wishes.collect()).await;
        let ids: Vec<_> = placed.into_iter().map(|effect| effect.unwrap().order.id).collect();
        let results = at_once(&shop, ids.iter().map(|id| change(*id, Command::Confirm)).collect()).await;
        let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        for loser in &lost {
            assert!(matches!(loser, Err(StoreError::Refused(Refusal::InsufficientStock(_)))), "{loser:?}");
        }
        assert_eq!((won.len(), lost.len()), (5, 11));
        assert_eq!((shop.level("MUG").await.allocated, shop.level("POT").await.allocated), (15, 5));
        assert_eq!(verify(&shop.store).await.0, [], "no movement is left of those who lost");
    })
    .await;
}

/// What only the database objects to, on SQLite and on PostgreSQL.
const NO_POISON: [&str; 2] = [
    "CREATE TRIGGER no_poison BEFORE UPDATE ON orders WHEN NEW.customer_id = 'poison' \
     BEGIN SELECT RAISE(ABORT, 'poison'); END",
    "ALTER TABLE orders ADD CONSTRAINT no_poison CHECK (customer_id <> 'poison') NOT VALID",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_the_database_refuses_is_no_trouble_to_others() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 100).await;
        let wishes = (0..64).map(|n| Wish::of(&[(&mug, 1)]).by(if n % 16 == 7 { "poison" } else { "ada" }));
        let placed = place_at_once(&shop, wishes.collect()).await;
        let ids: Vec<_> = placed.into_iter().map(|effect| effect.unwrap().order.id).collect();
        let [sqlite, postgresql] = NO_POISON;
        database.execute(if shop.store.engine() == "sqlite" { sqlite } else { postgresql }).await.unwrap();
        let named = |id: &OrderId| ChangeOrder { request: Some(request(fresh(), 1)), ..change(*id, Command::Cancel) };
        let results = at_once(&shop, ids.iter().map(named).collect()).await;
        for (n, result) in results.iter().enumerate() {
            match n % 16 {
                7 => assert!(matches!(result, Err(StoreError::Internal(_))), "{result:?}"),
                _ => assert!(result.is_ok(), "{result:?}"),
            }
        }
        assert_eq!(shop.level("MUG").await.allocated, 4);
        assert_eq!(verify(&shop.store).await.0, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_follow_every_change_of_a_batch() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 100).await;
        let ids = orders(&shop, &mug, 48).await;
        let wanted = ids
            .iter()
            .enumerate()
            .map(|(n, id)| change(*id, if n % 3 == 0 { Command::Cancel } else { Command::Confirm }));
        for result in at_once(&shop, wanted.collect()).await {
            result.unwrap();
        }
        if shop.store.engine() == "postgresql" {
            // Each row tells which transaction wrote it.
            let writers = database.texts("SELECT DISTINCT CAST(xmin AS text) FROM orders").await;
            assert!(writers.len() < 24, "they share transactions: {}", writers.len());
        }
        let stats = shop.store.stats(StatsQuery { today: NOW, month: NOW, days: Vec::new() }).await.unwrap();
        let of = |status: Status| stats.by_status.get(&status).copied().unwrap_or_default();
        assert_eq!((of(Status::Cancelled), of(Status::Confirmed), of(Status::Pending)), (16, 32, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_somebody_else_has_locked_is_waited_for_and_holds_nobody_up() {
    let database = TestDatabase::postgres().await;
    let shop = Shop::open(&database).await;
    let mug = shop.sell("mug", 1250, 100).await;
    let ids = orders(&shop, &mug, 64).await;
    let held = ids[7];
    let lock = format!(
        "BEGIN; SELECT 1 FROM orders WHERE order_id = '{}' FOR UPDATE; SELECT pg_sleep(4); COMMIT",
        held.uuid()
    );
    let sleeping = "SELECT CAST(pid AS text) FROM pg_stat_activity \
                    WHERE wait_event = 'PgSleep' AND datname = current_database()";
    tokio::join!(async { database.execute(&lock).await.unwrap() }, async {
        while database.texts(sleeping).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let cancel = |id: OrderId, name| ChangeOrder { request: Some(request(name, 1)), ..change(id, Command::Cancel) };
        let name = fresh();
        // The one that is held, twice under one request id, and later once more.
        let patient = at_once(&shop, vec![cancel(held, name), cancel(held, name)]);
        let others = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let others = ids.iter().filter(|id| **id != held).map(|id| cancel(*id, fresh()));
            for result in at_once(&shop, others.collect()).await {
                assert_eq!(result.unwrap().order.status, Status::Cancelled);
            }
            assert_eq!(database.texts(sleeping).await.len(), 1, "nobody waited for the one that is held");
            at_once(&shop, vec![cancel(held, name)]).await
        };
        let (patient, late) = tokio::join!(patient, others);
        let effects: Vec<_> = patient.into_iter().chain(late).map(Result::unwrap).collect();
        assert!(effects.iter().all(|effect| effect.order.status == Status::Cancelled));
        assert_eq!(effects.iter().filter(|effect| !effect.events.is_empty()).count(), 1, "once");
    },);
    assert_eq!(shop.level("MUG").await.allocated, 0);
    assert_eq!(verify(&shop.store).await.0, []);
}
