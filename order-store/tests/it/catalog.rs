//! Products and shelves.

use order_core::{
    error::Refusal,
    ids::IdSeed,
    product::{Product, ProductDraft},
    stock::{Adjustment, MovementKind},
};
use order_store::{
    AdjustStock, Mode, MovementQuery, ProductQuery, UpsertOutcome, UpsertProducts, testing::on_both_engines,
};

use crate::shop::{NOW, Shop, Wish, admin, fresh, product_id, refusal, sku, upsert, usd};

pub(crate) fn draft(id: &str, of_sku: &str) -> ProductDraft {
    ProductDraft {
        id: product_id(id),
        sku: sku(of_sku),
        name: format!("A good {id}"),
        description: "Glazed".to_owned(),
        price: usd(1250),
        tax_class: "standard".to_owned(),
        active: true,
        initial_stock: 7,
    }
}

pub(crate) fn adjust(name: &str, delta: i64) -> AdjustStock {
    AdjustStock {
        request: None,
        sku: sku(name),
        adjustment: Adjustment { delta, backorder_limit: None },
        reason: Some("counted".to_owned()),
        actor: admin(),
        now: NOW,
        ids: IdSeed::new(fresh()),
    }
}

const ALL: ProductQuery = ProductQuery { active: None, words: Vec::new(), size: 10, after: None };

fn names(products: &[Product]) -> Vec<&str> {
    products.iter().map(|product| product.id.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upsert_adds_changes_and_leaves_alone() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let first = shop.upsert(vec![draft("mug", "MUG"), draft("pot", "POT")]).await.unwrap();
        assert_eq!(names(&first), ["mug", "pot"]);
        let dearer = ProductDraft { price: usd(1300), initial_stock: 500, ..draft("mug", "MUG") };
        let second = shop.upsert(vec![draft("pot", "POT"), dearer]).await.unwrap();
        assert_eq!(names(&second), ["pot", "mug"]);
        let revisions: Vec<_> = second.iter().map(|product| product.revision).collect();
        assert_eq!(revisions, [1, 2], "what is as it should be keeps its revision");
        assert_eq!(shop.level("MUG").await.on_hand, 7, "a repeated upsert adds no stock");
        let mut stored =
            shop.store.products(vec![product_id("mug"), product_id("no"), product_id("pot")]).await.unwrap();
        stored.sort_by(|a, b| b.id.cmp(&a.id));
        assert_eq!(stored, second);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upsert_says_what_became_of_each_product_and_a_preview_writes_nothing() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        shop.upsert(vec![draft("mug", "MUG"), draft("pot", "POT")]).await.unwrap();
        let dearer = ProductDraft { price: usd(1300), ..draft("mug", "MUG") };
        let drafts = vec![draft("urn", "URN"), dearer, draft("pot", "POT")];
        let preview = UpsertProducts { mode: Mode::Preview, ..upsert(drafts.clone()) };
        let shown = shop.store.upsert_products(preview).await.unwrap();
        let outcomes: Vec<_> = shown.iter().map(|upserted| upserted.outcome).collect();
        assert_eq!(outcomes, [UpsertOutcome::Created, UpsertOutcome::Updated, UpsertOutcome::Unchanged]);
        let stored = shop.store.product_page(ALL).await.unwrap().items;
        assert_eq!((names(&stored), stored[0].price), (vec!["mug", "pot"], usd(1250)));
        assert_eq!(shop.level_at("URN", NOW).await, None);
        assert_eq!(shop.store.upsert_products(upsert(drafts)).await.unwrap(), shown);
        assert_eq!(shop.store.product_page(ALL).await.unwrap().items.len(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_that_changed_since_it_was_seen_is_not_overwritten() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        shop.upsert(vec![draft("mug", "MUG")]).await.unwrap();
        let dearer = |price| ProductDraft { price: usd(price), ..draft("mug", "MUG") };
        let seen = |revision, draft| UpsertProducts {
            expected: [(product_id("mug"), revision)].into(),
            ..upsert(vec![draft])
        };
        shop.store.upsert_products(seen(1, dearer(1300))).await.unwrap();
        for stale in [0, 1, 3] {
            let refused = refusal(shop.store.upsert_products(seen(stale, dearer(1400))).await);
            assert_eq!(refused, Refusal::EtagMismatch { current: 2 });
        }
        shop.store.upsert_products(seen(2, dearer(1400))).await.unwrap();
        let missing = UpsertProducts { expected: [(product_id("pot"), 1)].into(), ..upsert(vec![draft("pot", "POT")]) };
        assert_eq!(refusal(shop.store.upsert_products(missing).await), Refusal::EtagMismatch { current: 0 });
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sku_belongs_to_one_product() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        shop.upsert(vec![draft("mug", "MUG")]).await.unwrap();
        let refused = refusal(shop.upsert(vec![draft("pot", "POT"), draft("cup", "MUG")]).await);
        assert_eq!(refused, Refusal::SkuTaken { sku: sku("MUG"), product_id: product_id("mug") });
        assert_eq!(shop.store.products(vec![product_id("pot")]).await.unwrap(), [], "all or none");
        assert_eq!(shop.level_at("POT", NOW).await, None);
        shop.upsert(vec![draft("mug", "MUG-2")]).await.unwrap();
        assert_eq!(shop.level("MUG").await.on_hand, 7, "the goods stay on their shelf");
        shop.upsert(vec![draft("cup", "MUG")]).await.unwrap();
        assert_eq!(shop.level("MUG").await.on_hand, 7);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_is_paged_by_id() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let drafts = ["c", "a", "d", "B", "e"].map(|id| draft(id, &format!("SKU-{id}")));
        shop.upsert(drafts.to_vec()).await.unwrap();
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = shop.store.product_page(ProductQuery { size: 2, after, ..ALL }).await.unwrap();
            assert!(page.items.len() <= 2);
            seen.extend(page.items.iter().map(|product| product.id.to_string()));
            after = page.items.last().map(|product| product.id.clone());
            if !page.more {
                break;
            }
        }
        assert_eq!(seen, ["B", "a", "c", "d", "e"], "byte by byte on both engines");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_is_searched_by_id_sku_and_name() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let plate = ProductDraft { name: "Käse-Teller 100%_rund".to_owned(), active: false, ..draft("p-1", "PLATE") };
        shop.upsert(vec![draft("mug", "MUG"), plate]).await.unwrap();
        for (words, expected) in [
            (vec!["good"], vec!["mug"]),
            (vec!["p-1"], vec!["p-1"]),
            (vec!["plat", "teller"], vec!["p-1"]),
            (vec!["käse"], vec!["p-1"]),
            (vec!["100%_"], vec!["p-1"]),
            (vec!["0__r"], vec![]),
            (vec!["mug", "teller"], vec![]),
            (vec!["u"], vec!["mug", "p-1"]),
        ] {
            let words: Vec<_> = words.into_iter().map(str::to_owned).collect();
            let page = shop.store.product_page(ProductQuery { words: words.clone(), ..ALL }).await.unwrap();
            assert_eq!(names(&page.items), expected, "{words:?}");
        }
        for (active, expected) in [(Some(true), vec!["mug"]), (Some(false), vec!["p-1"]), (None, vec!["mug", "p-1"])] {
            let page = shop.store.product_page(ProductQuery { active, ..ALL }).await.unwrap();
            assert_eq!(names(&page.items), expected);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shelf_never_holds_less_than_is_promised() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        shop.place(Wish::of(&[(&mug, 4)])).await.unwrap();
        assert_eq!(shop.store.adjust_stock(adjust("MUG", -6)).await.unwrap().on_hand, 4);
        let refused = refusal(shop.store.adjust_stock(adjust("MUG", -1)).await);
        assert_eq!(refused, Refusal::StockPromised { sku: sku("MUG"), on_hand: 4, promised: 4 });
        assert!(matches!(refusal(shop.store.adjust_stock(adjust("NONE", 1)).await), Refusal::NotFound { .. }));
        assert_eq!(shop.store.adjust_stock(adjust("MUG", 3)).await.unwrap(), shop.level("MUG").await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shelf_is_the_sum_of_its_movements_newest_first() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        shop.sell("pot", 4999, 1).await;
        shop.sell("mug", 1250, 10).await;
        for delta in [5, -2, 1] {
            shop.store.adjust_stock(adjust("MUG", delta)).await.unwrap();
        }
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let query = MovementQuery { sku: Some(sku("MUG")), size: 2, after };
            let page = shop.store.movements(query).await.unwrap();
            after = page.items.last().map(|movement| movement.id);
            seen.extend(page.items);
            if !page.more {
                break;
            }
        }
        let deltas: Vec<_> = seen.iter().map(|movement| movement.deltas[0]).collect();
        assert_eq!(deltas, [1, -2, 5, 10]);
        assert_eq!(shop.level("MUG").await.on_hand, deltas.iter().sum::<i64>());
        assert_eq!((seen[0].kind, seen[0].reason.as_deref()), (MovementKind::Adjusted, Some("counted")));
        let all = shop.store.movements(MovementQuery { sku: None, size: 10, after: None }).await.unwrap();
        assert_eq!(all.items.len(), 5);
    })
    .await;
}
