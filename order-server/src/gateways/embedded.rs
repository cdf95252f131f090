//! Catalogue, inventory, shipping and notification inside this process.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
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

use crate::recent::Recent;

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
    seen: Mutex<Recent<ProductId, (Product, Instant)>>,
}

impl EmbeddedCatalog {
    /// The catalogue of this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, seen: Mutex::new(Recent::new(REMEMBERED)) }
    }

    fn seen(&self) -> MutexGuard<'_, Recent<ProductId, (Product, Instant)>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a product is remembered. Whether it has changed is told by its revision; that of a row that somebody changed by hand, or of a
/// database that was restored, may be the same as before.
const GOOD_FOR: Duration = Duration::from_secs(60);

/// How many products are remembered at least, where so many are asked for.
const REMEMBERED: usize = 4096;

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
        let now = Instant::now();
        products.iter().for_each(|product| seen.put(product.id.clone(), (product.clone(), now)));
        drop(seen);
        Ok(products)
    }

    fn recent(&self, ids: &[ProductId]) -> Option<Vec<Product>> {
        let mut seen = self.seen();
        let fresh = |id| {
            let (product, at): (Product, Instant) = seen.get(id)?;
            (at.elapsed() < GOOD_FOR).then_some(product)
        };
        ids.iter().map(fresh).collect()
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
        catalog.seen().put(found[0].id.clone(), (found[0].clone(), long_ago));
        assert_eq!(catalog.recent(&ids), None, "one of them is too old");
        assert_eq!(catalog.recent(std::slice::from_ref(&found[1].id)).unwrap(), [found[1].clone()]);
    }
}
