//! A product service.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use order_api::integrations::v1::{
    BatchGetProductsRequest, CatalogProduct, catalog_service_client::CatalogServiceClient,
};
use order_core::{
    ids::ProductId,
    ports::{Catalog, Health, Neighbour, Unavailable},
    product::Product,
    time::Timestamp,
    violation::Violations,
};

use super::{Allowance, Remote, RemoteAddress};
use crate::{convert::product, gateways::memory::Memory};

/// Products from a service of their own, remembered for a short time.
pub struct RemoteCatalog {
    remote: Remote,
    memory: Memory,
}

impl RemoteCatalog {
    /// The catalogue at this address, whose products are good for so long. Must be called inside the runtime.
    #[must_use]
    pub fn new(address: &RemoteAddress, allowance: Allowance, good_for: Duration) -> Self {
        Self { remote: Remote::new("catalog", address, allowance), memory: Memory::new(good_for) }
    }
}

/// A product as the domain knows it; what is wrong with it otherwise.
fn read(told: CatalogProduct) -> Result<Product, String> {
    let mut violations = Violations::new();
    let CatalogProduct { product_id, sku, name, description, price, tax_class, active } = told;
    let wire =
        order_api::v1::Product { product_id, sku, name, description, price, tax_class, active, ..Default::default() };
    let draft = product::draft(wire, ("product", 0), &mut violations);
    let Some(draft) = draft.filter(|_| violations.is_empty()) else { return Err(format!("{violations:?}")) };
    draft.upsert(None, Timestamp::from_micros(0)).ok_or_else(|| "it is no product".to_owned())
}

#[async_trait]
impl Neighbour for RemoteCatalog {
    fn name(&self) -> &'static str {
        self.remote.name()
    }

    async fn check(&self) -> Result<Health, Unavailable> {
        self.remote.check().await
    }
}

#[async_trait]
impl Catalog for RemoteCatalog {
    async fn batch_get(&self, ids: &[ProductId]) -> Result<Vec<Product>, Unavailable> {
        let message = BatchGetProductsRequest { product_ids: ids.iter().map(ToString::to_string).collect() };
        let asked = Instant::now();
        let send =
            |channel, request| async move { CatalogServiceClient::new(channel).batch_get_products(request).await };
        let answer = self.remote.call(message, send).await.map_err(|failure| self.remote.nonsense(failure))?;
        let wanted: BTreeSet<_> = ids.iter().map(ProductId::as_str).collect();
        let mut found = BTreeMap::new();
        // What was not asked for is of no interest, whatever it looks like.
        for told in answer.products.into_iter().filter(|told| wanted.contains(told.product_id.as_str())) {
            let product = read(told).map_err(|what| self.remote.broken(what))?;
            if found.get(&product.id).is_some_and(|other| *other != product) {
                return Err(self
                    .remote
                    .broken(format!("it tells of the product {} twice, and differently", product.id)));
            }
            found.insert(product.id.clone(), product);
        }
        self.memory.put(found.values(), asked);
        Ok(found.into_values().collect())
    }

    fn recent(&self, ids: &[ProductId]) -> Option<Vec<Product>> {
        self.memory.get(ids)
    }
}
