//! Products and shelves.

use std::collections::BTreeMap;

use async_trait::async_trait;
use order_core::{
    ids::{IdSeed, ProductId, Sku},
    order::Actor,
    product::{Product, ProductDraft},
    stock::{Adjustment, LevelQuery, StockLevel},
    time::Timestamp,
};

use crate::{
    error::StoreError,
    query::{Movement, MovementQuery, Page, ProductQuery},
    request::Request,
    store::Mode,
};

/// Products to add or change.
#[derive(Debug, Clone)]
pub struct UpsertProducts {
    /// Idempotency, where the caller asked for it.
    pub request: Option<Request>,
    /// At most 500, each id and each SKU at most once.
    pub drafts: Vec<ProductDraft>,
    /// The revisions that the caller saw of products that must not have changed since; 0 for one that must be new.
    pub expected: BTreeMap<ProductId, i64>,
    /// For real?
    pub mode: Mode,
    /// Who.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
    /// Where new identities come from.
    pub ids: IdSeed,
}

/// What an upsert did to one product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpsertOutcome {
    /// It is new.
    Created,
    /// It was changed.
    Updated,
    /// It was as it should be.
    Unchanged,
}

/// A product after an upsert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upserted {
    /// As it is now.
    pub product: Product,
    /// What was done to it.
    pub outcome: UpsertOutcome,
}

/// A shelf counted anew, goods received, or another backorder limit.
#[derive(Debug, Clone)]
pub struct AdjustStock {
    /// Idempotency, where the caller asked for it.
    pub request: Option<Request>,
    /// Which SKU.
    pub sku: Sku,
    /// What changes.
    pub adjustment: Adjustment,
    /// Why.
    pub reason: Option<String>,
    /// Who.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
    /// Where new identities come from.
    pub ids: IdSeed,
}

/// Products and shelves.
#[async_trait]
pub trait CatalogStore: Send + Sync {
    /// Adds or changes products, all or none. A new SKU gets a shelf with the draft's initial stock; a product that is as it
    /// should be keeps its revision; a repeated request finds
    /// all of them so.
    ///
    /// # Errors
    /// Refused with `SkuTaken`, `EtagMismatch`, `RequestIdReused`.
    async fn upsert_products(&self, upsert: UpsertProducts) -> Result<Vec<Upserted>, StoreError>;

    /// The products of these ids that exist, in any order.
    ///
    /// # Errors
    /// None of its own.
    async fn products(&self, ids: Vec<ProductId>) -> Result<Vec<Product>, StoreError>;

    /// A page of the catalogue.
    ///
    /// # Errors
    /// None of its own.
    async fn product_page(&self, query: ProductQuery) -> Result<Page<Product>, StoreError>;

    /// Changes what is on a shelf or may be promised beyond it, and keeps the movement.
    ///
    /// # Errors
    /// Refused with `NotFound`, `StockPromised` (less could then be promised than is), `RequestIdReused`.
    async fn adjust_stock(&self, adjust: AdjustStock) -> Result<StockLevel, StoreError>;

    /// The levels of those SKUs that exist, in any order, from one snapshot.
    ///
    /// # Errors
    /// None of its own.
    async fn levels(&self, query: LevelQuery) -> Result<Vec<StockLevel>, StoreError>;

    /// A page of the shelves' history.
    ///
    /// # Errors
    /// None of its own.
    async fn movements(&self, query: MovementQuery) -> Result<Page<Movement>, StoreError>;
}
