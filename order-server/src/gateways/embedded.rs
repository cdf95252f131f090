//! Catalogue, inventory, shipping and notification inside this process.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use order_core::{
    ids::{OrderId, ProductId},
    order::Shipment,
    ports::{Catalog, Health, Inventory, Lack, Neighbour, NotificationKind, Notifier, Shipping, Unavailable},
    product::Product,
    stock::{LevelQuery, StockLevel},
};
use order_store::{Store, StoreError};

/// What is embedded fails only as our own database fails, and callers should hear just that.
pub(super) fn database(error: StoreError) -> Unavailable {
    let lack = match error {
        StoreError::DeadlineExceeded => Lack::TimeOver,
        StoreError::Overloaded { .. } => Lack::Overloaded,
        StoreError::Refused(_)
        | StoreError::Unavailable(_)
        | StoreError::UnknownOutcome(_)
        | StoreError::Contended(_)
        | StoreError::Corrupt(_)
        | StoreError::Internal(_) => Lack::Down,
    };
    Unavailable { neighbour: "database", lack, detail: error.to_string() }
}

/// Products from our own database, and what was seen of them lately.
pub struct EmbeddedCatalog {
    store: Arc<dyn Store>,
    seen: Mutex<Seen>,
}

impl EmbeddedCatalog {
    /// The catalogue of this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, seen: Mutex::default() }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many products are remembered at least, where so many are asked for: those that are were asked for last. At most twice as many.
const REMEMBERED: usize = 4096;

/// Products as they were seen, in two halves: what is asked for is among the newer ones, and when those are as many as are to be
/// remembered, the older ones are forgotten.
#[derive(Default)]
struct Seen {
    newer: HashMap<ProductId, Product>,
    older: HashMap<ProductId, Product>,
}

impl Seen {
    fn put(&mut self, product: Product) {
        if self.newer.len() >= REMEMBERED {
            self.older = mem::take(&mut self.newer);
        }
        self.older.remove(&product.id);
        self.newer.insert(product.id.clone(), product);
    }

    fn get(&mut self, id: &ProductId) -> Option<Product> {
        if let Some(product) = self.newer.get(id) {
            return Some(product.clone());
        }
        let product = self.older.get(id)?.clone();
        self.put(product.clone());
        Some(product)
    }
}

/// Shelves from our own database.
pub struct EmbeddedInventory(pub Arc<dyn Store>);

/// Parcels as they were described to us.
pub struct EmbeddedShipping;

/// Tells nobody; writes a line to the log, so that what would be told can be seen.
pub struct LoggingNotifier;

#[async_trait]
impl Neighbour for EmbeddedCatalog {
    fn name(&self) -> &'static str {
        "catalog"
    }

    async fn check(&self) -> Result<Health, Unavailable> {
        self.store.ping().await.map(|()| Health::Embedded).map_err(database)
    }
}

#[async_trait]
impl Catalog for EmbeddedCatalog {
    async fn batch_get(&self, ids: &[ProductId]) -> Result<Vec<Product>, Unavailable> {
        let products = self.store.products(ids.to_vec()).await.map_err(database)?;
        let mut seen = self.seen();
        products.iter().cloned().for_each(|product| seen.put(product));
        drop(seen);
        Ok(products)
    }

    fn recent(&self, ids: &[ProductId]) -> Option<Vec<Product>> {
        let mut seen = self.seen();
        ids.iter().map(|id| seen.get(id)).collect()
    }
}

#[async_trait]
impl Neighbour for EmbeddedInventory {
    fn name(&self) -> &'static str {
        "inventory"
    }

    async fn check(&self) -> Result<Health, Unavailable> {
        self.0.ping().await.map(|()| Health::Embedded).map_err(database)
    }
}

#[async_trait]
impl Inventory for EmbeddedInventory {
    async fn levels(&self, query: LevelQuery) -> Result<Vec<StockLevel>, Unavailable> {
        self.0.levels(query).await.map_err(database)
    }
}

#[async_trait]
impl Neighbour for EmbeddedShipping {
    fn name(&self) -> &'static str {
        "shipping"
    }

    async fn check(&self) -> Result<Health, Unavailable> {
        Ok(Health::Embedded)
    }
}

#[async_trait]
impl Shipping for EmbeddedShipping {
    async fn describe(&self, shipment: &Shipment) -> Result<Shipment, Unavailable> {
        Ok(shipment.clone())
    }
}

#[async_trait]
impl Neighbour for LoggingNotifier {
    fn name(&self) -> &'static str {
        "notification"
    }

    async fn check(&self) -> Result<Health, Unavailable> {
        Ok(Health::Embedded)
    }
}

#[async_trait]
impl Notifier for LoggingNotifier {
    async fn notify(&self, order_id: OrderId, kind: NotificationKind) -> Result<(), Unavailable> {
        tracing::debug!(%order_id, ?kind, "a customer would be told");
        Ok(())
    }
}
