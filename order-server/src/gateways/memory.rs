//! Products as somebody saw them lately.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use order_core::{ids::ProductId, product::Product};

use crate::recent::Recent;

/// How many products are remembered at least, where so many are asked for.
const REMEMBERED: usize = 4096;

/// See the module.
pub(super) struct Memory {
    good_for: Duration,
    seen: Mutex<Recent<ProductId, (Product, Instant)>>,
}

impl Memory {
    /// Products are good for so long.
    pub(super) fn new(good_for: Duration) -> Self {
        Self { good_for, seen: Mutex::new(Recent::new(REMEMBERED)) }
    }

    /// Remembers products as they were then.
    pub(super) fn put<'a>(&self, products: impl IntoIterator<Item = &'a Product>, then: Instant) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        products.into_iter().for_each(|product| seen.put(product.id.clone(), (product.clone(), then)));
    }

    /// These products, if all of them are remembered and none is too old.
    pub(super) fn get(&self, ids: &[ProductId]) -> Option<Vec<Product>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |id| {
            let (product, at): (Product, Instant) = seen.get(id)?;
            (at.elapsed() < self.good_for).then_some(product)
        };
        ids.iter().map(fresh).collect()
    }
}
