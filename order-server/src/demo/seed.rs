//! Puts the demo catalogue on the shelves.

use std::collections::BTreeMap;

use order_core::{
    currency::Currency,
    ids::{IdSeed, ProductId, Sku},
    money::Money,
    order::Actor,
    product::ProductDraft,
    time::Timestamp,
};
use order_store::{Mode, ProductQuery, Store, StoreError, UpsertProducts};

use super::products::{DemoProduct, PRODUCTS};

/// What [`seed`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seeded {
    /// The catalogue was empty and has the demo products now.
    Added(usize),
    /// The catalogue has products, and nothing was changed.
    NotEmpty,
}

/// Fills an empty catalogue with [`PRODUCTS`]. A catalogue that holds anything at all is left as it is; two processes that
/// begin together add each product once.
///
/// # Errors
/// The store's.
pub async fn seed(store: &dyn Store, now: Timestamp, ids: IdSeed) -> Result<Seeded, StoreError> {
    let any = ProductQuery { active: None, words: Vec::new(), size: 1, after: None };
    if !store.product_page(any).await?.items.is_empty() {
        return Ok(Seeded::NotEmpty);
    }
    let drafts = PRODUCTS.iter().map(draft).collect();
    let upsert = UpsertProducts {
        request: None,
        drafts,
        expected: BTreeMap::new(),
        mode: Mode::Apply,
        actor: Actor::System("demo".to_owned()),
        now,
        ids,
    };
    let added = store.upsert_products(upsert).await?;
    Ok(Seeded::Added(added.len()))
}

fn draft(product: &DemoProduct) -> ProductDraft {
    const VALID: &str = "the table is tested";
    ProductDraft {
        id: ProductId::parse(product.id).expect(VALID),
        sku: Sku::parse(product.sku).expect(VALID),
        name: product.name.to_owned(),
        description: product.description.to_owned(),
        price: Money::new(product.price_cents, Currency::parse("USD").expect("it is in the list of ISO 4217")),
        tax_class: "standard".to_owned(),
        active: true,
        initial_stock: product.stock,
    }
}

#[cfg(test)]
mod tests {
    use order_core::{limits, stock::LevelQuery};
    use order_store::testing::TestDatabase;

    use super::*;
    use crate::clock::{IdSource as _, RandomIds};

    #[test]
    fn every_product_of_the_table_is_valid() {
        for product in PRODUCTS {
            let draft = draft(product);
            assert!((1..=limits::UNIT_PRICE_MINOR_MAX).contains(&draft.price.minor()), "{}", product.id);
            assert!(draft.name.chars().count() <= limits::NAME_CHARS, "{}", product.id);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn only_an_empty_catalogue_is_filled() {
        let database = TestDatabase::sqlite().await;
        let store = database.connect().await;
        let seeded = || seed(store.as_ref(), Timestamp::UNIX_EPOCH, RandomIds.seed());
        assert_eq!(seeded().await, Ok(Seeded::Added(PRODUCTS.len())));
        assert_eq!(seeded().await, Ok(Seeded::NotEmpty));
        let skus = PRODUCTS.iter().map(|product| Sku::parse(product.sku).unwrap()).collect();
        let levels = LevelQuery { skus, now: Timestamp::UNIX_EPOCH, cart_id: None };
        let on_hand: i64 = store.levels(levels).await.unwrap().iter().map(|level| level.on_hand).sum();
        assert_eq!(on_hand, PRODUCTS.iter().map(|product| product.stock).sum::<i64>());
        store.close().await;
    }
}
