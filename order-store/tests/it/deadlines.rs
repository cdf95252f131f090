//! Deadlines, closing, and the small runtime.

use std::time::{Duration, Instant};

use order_store::{ConnectOptions, StoreError, deadline, testing::on_both_engines};

use crate::shop::{Shop, Wish, fresh};

#[tokio::test(flavor = "multi_thread")]
async fn deadline_expired_not_executed() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let id = fresh();
        let late = deadline::within(Instant::now(), shop.place(Wish::of(&[(&mug, 1)]).under(id))).await;
        assert_eq!(late, Err(StoreError::DeadlineExceeded));
        assert_eq!(deadline::within(Instant::now(), shop.store.ping()).await, Err(StoreError::DeadlineExceeded));
        assert_eq!(shop.level("MUG").await.allocated, 0);
        let in_time = Instant::now() + Duration::from_secs(60);
        let placed = deadline::within(in_time, shop.place(Wish::of(&[(&mug, 1)]).under(id))).await.unwrap();
        assert!(!placed.events.is_empty(), "the request id was not used up");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_has_done_what_it_was_given_and_takes_nothing_new() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1000).await;
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let (shop, mug) = (shop.clone(), mug.clone());
                tokio::spawn(async move { shop.place(Wish::of(&[(&mug, 1)])).await })
            })
            .collect();
        tokio::task::yield_now().await;
        shop.store.close().await;
        let refused = shop.place(Wish::of(&[(&mug, 1)])).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        let mut placed = 0;
        for task in tasks {
            placed += i64::from(task.await.unwrap().is_ok());
        }
        assert_eq!(Shop::open(&database).await.level("MUG").await.allocated, placed, "what was acknowledged is there");
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn the_store_works_on_a_runtime_of_one_thread() {
    on_both_engines(|database| async move {
        let options = ConnectOptions { pool_size: 2, reader_threads: 1, ..ConnectOptions::default() };
        let shop = Shop { store: database.connect_with(&options).await };
        let mug = shop.sell("mug", 1250, 100).await;
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let (shop, mug) = (shop.clone(), mug.clone());
                tokio::spawn(async move { shop.place(Wish::of(&[(&mug, 1)])).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(shop.level("MUG").await.allocated, 20);
        shop.store.close().await;
    })
    .await;
}
