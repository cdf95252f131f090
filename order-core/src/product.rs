//! Products: what the catalogue knows of a thing that can be bought.

use crate::{
    ids::{ProductId, Sku},
    money::Money,
    time::Timestamp,
};

/// A product as it is now. Orders copy what they need of it; nothing that was bought changes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Identity.
    pub id: ProductId,
    /// What is counted on the shelf when it is sold.
    pub sku: Sku,
    /// For people, at most [`limits::NAME_CHARS`](crate::limits) characters.
    pub name: String,
    /// For people; may be empty.
    pub description: String,
    /// Of one unit, not negative.
    pub price: Money,
    /// Which tax rules apply; `standard` unless said otherwise.
    pub tax_class: String,
    /// Whether it is for sale.
    pub active: bool,
    /// 1 at first, one more with each change: the etag.
    pub revision: i64,
    /// When it was added.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
}

/// A product to be added or changed, valid by construction of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductDraft {
    /// Identity.
    pub id: ProductId,
    /// What is counted.
    pub sku: Sku,
    /// For people.
    pub name: String,
    /// For people.
    pub description: String,
    /// Of one unit.
    pub price: Money,
    /// Tax class.
    pub tax_class: String,
    /// Whether it is for sale.
    pub active: bool,
    /// Units received when the SKU is new; ignored for a SKU that has a level already, so that a repeated upsert adds nothing.
    pub initial_stock: i64,
}

impl ProductDraft {
    /// The product after this draft is written over `current`, or `None` where nothing would change.
    #[must_use]
    pub fn upsert(&self, current: Option<&Product>, now: Timestamp) -> Option<Product> {
        let next = Product {
            id: self.id.clone(),
            sku: self.sku.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            price: self.price,
            tax_class: self.tax_class.clone(),
            active: self.active,
            revision: current.map_or(1, |p| p.revision + 1),
            create_time: current.map_or(now, |p| p.create_time),
            update_time: now,
        };
        let same =
            current.is_some_and(|p| Product { revision: p.revision, update_time: p.update_time, ..next.clone() } == *p);
        (!same).then_some(next)
    }
}
