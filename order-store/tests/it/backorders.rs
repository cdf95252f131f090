//! What may be promised beyond what is there, and that only what is there leaves the house.

use order_core::{
    error::Refusal,
    order::{Command, State},
    stock::{Adjustment, MovementKind, Shortage},
};
use order_store::{AdjustStock, MovementQuery, StoreError, testing::on_both_engines};

use crate::{
    catalog::adjust,
    holds::assert_balanced,
    shop::{Shop, Wish, refusal, ship, sku},
};

fn limit(name: &str, limit: i64) -> AdjustStock {
    AdjustStock { adjustment: Adjustment { delta: 0, backorder_limit: Some(limit) }, ..adjust(name, 0) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backorder_limit_is_sold_out_to_the_last_unit_under_concurrency() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 5).await;
        let level = shop.store.adjust_stock(limit("MUG", 20)).await.unwrap();
        assert_eq!((level.backorder_limit, level.available()), (20, 25));
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let (shop, mug) = (shop.clone(), mug.clone());
                tokio::spawn(async move { shop.place(Wish::of(&[(&mug, 1)])).await })
            })
            .collect();
        let mut placed = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_effect) => placed += 1,
                Err(StoreError::Refused(Refusal::InsufficientStock(_))) => {}
                Err(error) => panic!("neither placed nor refused: {error:?}"),
            }
        }
        let level = shop.level("MUG").await;
        assert_eq!((placed, level.allocated, level.available()), (25, 25, 0));
        assert_balanced(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_in_the_house_is_shipped() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1).await;
        shop.store.adjust_stock(limit("MUG", 5)).await.unwrap();
        let order = shop.place(Wish::of(&[(&mug, 3)])).await.unwrap().order;
        shop.change(order.id, Command::Confirm).await.unwrap();
        shop.change(order.id, Command::StartProcessing).await.unwrap();
        let before = shop.order(order.id).await;
        let refused = refusal(shop.change(order.id, ship()).await);
        let shortage = Shortage { sku: sku("MUG"), requested: 3, available: 1 };
        assert_eq!(refused, Refusal::InsufficientStock(vec![shortage]));
        assert_eq!(shop.order(order.id).await, before, "nothing has changed");
        shop.store.adjust_stock(adjust("MUG", 2)).await.unwrap();
        shop.change(order.id, ship()).await.unwrap();
        let level = shop.level("MUG").await;
        assert_eq!((level.on_hand, level.allocated, level.available()), (0, 0, 5));
        assert_eq!(shop.order(order.id).await.state, State::Processing);
        assert_balanced(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_does_not_fall_below_what_is_promised_and_leaves_a_movement() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1).await;
        shop.store.adjust_stock(limit("MUG", 5)).await.unwrap();
        shop.place(Wish::of(&[(&mug, 4)])).await.unwrap();
        let refused = refusal(shop.store.adjust_stock(limit("MUG", 2)).await);
        assert_eq!(refused, Refusal::StockPromised { sku: sku("MUG"), on_hand: 1, promised: 4 });
        assert_eq!(refusal(shop.store.adjust_stock(adjust("MUG", -3)).await), refused);
        let both = AdjustStock { adjustment: Adjustment { delta: 2, backorder_limit: Some(1) }, ..limit("MUG", 0) };
        assert_eq!(shop.store.adjust_stock(both).await.unwrap().available(), 0);
        let page = shop.store.movements(MovementQuery { sku: Some(sku("MUG")), size: 9, after: None }).await.unwrap();
        let adjusted: Vec<_> = page.items.iter().filter(|m| m.kind == MovementKind::Adjusted).collect();
        assert_eq!(adjusted.iter().map(|m| m.deltas).collect::<Vec<_>>(), [[2, 0, 0], [0, 0, 0]]);
        assert!(adjusted.iter().all(|m| m.reason.as_deref() == Some("counted")));
        assert_balanced(&database).await;
    })
    .await;
}
