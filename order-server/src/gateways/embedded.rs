//! Catalogue, inventory, shipping and notification inside this process.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use order_core::{
    ids::{ProductId, Sku},
    order::Shipment,
    ports::{Catalog, Health, Inventory, Lack, Neighbour, News, Notifier, Shipping, Unavailable},
    product::Product,
    stock::LevelQuery,
};
use order_store::{Store, StoreError};

use super::memory::Memory;

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
    memory: Memory,
}

impl EmbeddedCatalog {
    /// The catalogue of this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, memory: Memory::new(GOOD_FOR) }
    }
}

/// How long a product is remembered. Whether it has changed is told by its revision; that of a row that somebody changed by hand, or of a
/// database that was restored, may be the same as before.
const GOOD_FOR: Duration = Duration::from_secs(60);

/// Shelves from our own database.
pub struct EmbeddedInventory(pub Arc<dyn Store>);

/// Parcels as they were described to us.
pub struct EmbeddedShipping;

/// Tells nobody: there is nobody in this process who could.
pub struct NoNotifier;

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
        self.memory.put(&products, Instant::now());
        Ok(products)
    }

    fn recent(&self, ids: &[ProductId]) -> Option<Vec<Product>> {
        self.memory.get(ids)
    }

    fn keeps_revisions(&self) -> bool {
        true
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
    async fn available(&self, query: LevelQuery) -> Result<BTreeMap<Sku, i64>, Unavailable> {
        let levels = self.0.levels(query).await.map_err(database)?;
        Ok(levels.into_iter().map(|level| (level.sku.clone(), level.available())).collect())
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
impl Neighbour for NoNotifier {
    fn name(&self) -> &'static str {
        "notification"
    }

    async fn check(&self) -> Result<Health, Unavailable> {
        Ok(Health::Embedded)
    }
}

#[async_trait]
impl Notifier for NoNotifier {
    fn listens(&self) -> bool {
        false
    }

    async fn notify(&self, _news: &News) -> Result<(), Unavailable> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::fixture::Shop;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_product_is_remembered_for_a_minute() {
        let shop = Shop::open().await;
        let catalog = EmbeddedCatalog::new(Arc::clone(&shop.app.store));
        let ids = ["cape", "costume"].map(|id| ProductId::parse(id).unwrap());
        assert_eq!(catalog.recent(&ids), None, "nobody has asked for them");
        let found = catalog.batch_get(&ids).await.unwrap();
        assert_eq!(catalog.recent(&ids).unwrap().len(), 2);
        let long_ago = Instant::now().checked_sub(GOOD_FOR).expect("this machine is up for longer");
        catalog.memory.put(&found[..1], long_ago);
        assert_eq!(catalog.recent(&ids), None, "one of them is too old");
        assert_eq!(catalog.recent(std::slice::from_ref(&found[1].id)).unwrap(), [found[1].clone()]);
    }
}
