//! Adding and changing products and shelves.

use std::collections::BTreeMap;

use order_core::{
    error::{Refusal, ResourceKind},
    ids::{ProductId, Sku},
    product::{Product, ProductDraft},
    stock::{LevelQuery, MovementKind, StockChange, StockLevel},
};

use super::{
    holds, requests,
    shelf::{self, Locking, Shelves},
};
use crate::{
    backend::WriteWork,
    error::StoreError,
    request::RequestOutcome,
    rows::{MovementCause, ProductRow, StockRow},
    statements::{Done, Read, Write},
    store::{AdjustStock, Mode, UpsertOutcome, UpsertProducts, Upserted},
};

impl WriteWork for UpsertProducts {
    type Output = Result<Vec<Upserted>, Refusal>;
    const NAME: &'static str = "upsert_products";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let request = match self.mode {
            Mode::Apply => self.request.as_ref(),
            Mode::Preview => None,
        };
        match requests::claim(tx, request, &RequestOutcome::Done).await? {
            requests::Claim::Ours => {}
            requests::Claim::Replay(RequestOutcome::Refused(refusal)) => return Ok(Err(refusal)),
            requests::Claim::Replay(_done) => return Ok(Ok(self.current(tx).await?)),
            requests::Claim::Reused => return Ok(Err(Refusal::RequestIdReused)),
        }
        let result = self.carry_out(tx).await?;
        requests::settle(tx, request, result).await
    }
}

impl UpsertProducts {
    /// The products as a repeated request finds them.
    async fn current<T: Read>(&self, tx: &mut T) -> Done<Vec<Upserted>> {
        let ids: Vec<_> = self.drafts.iter().map(|draft| draft.id.clone()).collect();
        let mut known = by_id(tx.products(&ids).await?)?;
        let found = ids.iter().filter_map(|id| known.remove(id));
        Ok(found.map(|product| Upserted { product, outcome: UpsertOutcome::Unchanged }).collect())
    }

    async fn carry_out<T: Write>(&self, tx: &mut T) -> Done<Result<Vec<Upserted>, Refusal>> {
        let mut ids: Vec<ProductId> = self.drafts.iter().map(|draft| draft.id.clone()).collect();
        let mut skus: Vec<Sku> = self.drafts.iter().map(|draft| draft.sku.clone()).collect();
        ids.sort();
        skus.sort();
        let known = by_id(tx.lock_products(&ids, &skus).await?)?;
        if let Some(refusal) = self.stale(&known).or_else(|| self.taken_sku(&known)) {
            return Ok(Err(refusal));
        }
        let upserted: Vec<_> = self.drafts.iter().filter_map(|draft| self.upserted(draft, &known)).collect();
        if self.mode == Mode::Apply {
            let changed = upserted.iter().filter(|upserted| upserted.outcome != UpsertOutcome::Unchanged);
            let rows: Vec<_> = changed.map(|upserted| ProductRow::from(&upserted.product)).collect();
            if !rows.is_empty() {
                tx.put_products(&rows).await?;
            }
            self.open_shelves(tx).await?;
        }
        Ok(Ok(upserted))
    }

    fn upserted(&self, draft: &ProductDraft, known: &BTreeMap<ProductId, Product>) -> Option<Upserted> {
        let before = known.get(&draft.id);
        match (draft.upsert(before, self.now), before) {
            (Some(product), None) => Some(Upserted { product, outcome: UpsertOutcome::Created }),
            (Some(product), Some(_)) => Some(Upserted { product, outcome: UpsertOutcome::Updated }),
            (None, before) => before.cloned().map(|product| Upserted { product, outcome: UpsertOutcome::Unchanged }),
        }
    }

    /// A product that has changed since the caller saw it. One that is already as it should be has nothing to lose, whatever
    /// the caller saw: that is how a repeated request finds it.
    fn stale(&self, known: &BTreeMap<ProductId, Product>) -> Option<Refusal> {
        let stale = |draft: &ProductDraft| {
            let product = known.get(&draft.id);
            let current = product.map_or(0, |product| product.revision);
            let expected = *self.expected.get(&draft.id)?;
            let differs = expected != current && draft.upsert(product, self.now).is_some();
            differs.then_some(Refusal::EtagMismatch { current })
        };
        self.drafts.iter().find_map(stale)
    }

    /// A SKU of a draft that belongs to another product, even to one that gives it up in the same call: rows are written one
    /// after the other.
    fn taken_sku(&self, known: &BTreeMap<ProductId, Product>) -> Option<Refusal> {
        let holder =
            |draft: &ProductDraft| known.values().find(|product| product.sku == draft.sku && product.id != draft.id);
        let taken = self.drafts.iter().find_map(holder)?;
        Some(Refusal::SkuTaken { sku: taken.sku.clone(), product_id: taken.id.clone() })
    }

    /// New SKUs get a shelf, and what was received with them a movement.
    async fn open_shelves<T: Write>(&self, tx: &mut T) -> Done {
        let mut drafts: Vec<_> = self.drafts.iter().collect();
        drafts.sort_by(|a, b| a.sku.cmp(&b.sku));
        let received = |draft: &&ProductDraft| StockChange {
            sku: draft.sku.clone(),
            kind: MovementKind::Received,
            quantity: draft.initial_stock,
        };
        let changes: Vec<_> = drafts.iter().filter(|draft| draft.initial_stock > 0).map(received).collect();
        let cause = MovementCause {
            order_id: None,
            cart_id: None,
            reason: Some("initial stock"),
            actor: &self.actor,
            time: self.now,
        };
        let mut last = shelf::LastMovements::new();
        let mut movements = shelf::movements(&changes, ((cause, self.ids), 0), &mut last);
        let row = |draft: &&ProductDraft| {
            let level = StockLevel { on_hand: draft.initial_stock, ..StockLevel::empty(draft.sku.clone()) };
            StockRow::new(&level, last.get(&draft.sku).copied())
        };
        let added = tx.insert_stock(&drafts.iter().map(row).collect::<Vec<_>>()).await?;
        movements.retain(|movement| added.contains(&movement.sku));
        tx.insert_movements(&movements).await
    }
}

fn by_id(rows: Vec<ProductRow>) -> Result<BTreeMap<ProductId, Product>, StoreError> {
    let products = rows.into_iter().map(Product::try_from);
    products.map(|product| product.map(|product| (product.id.clone(), product))).collect()
}

impl WriteWork for AdjustStock {
    type Output = Result<StockLevel, Refusal>;
    const NAME: &'static str = "adjust_stock";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let request = self.request.as_ref();
        match requests::claim(tx, request, &RequestOutcome::Done).await? {
            requests::Claim::Ours => {}
            requests::Claim::Replay(RequestOutcome::Refused(refusal)) => return Ok(Err(refusal)),
            requests::Claim::Replay(_done) => return self.current(tx).await,
            requests::Claim::Reused => return Ok(Err(Refusal::RequestIdReused)),
        }
        let result = self.carry_out(tx).await?;
        requests::settle(tx, request, result).await
    }
}

impl AdjustStock {
    async fn current<T: Read>(&self, tx: &mut T) -> Done<Result<StockLevel, Refusal>> {
        let query = LevelQuery { skus: vec![self.sku.clone()], now: self.now, cart_id: None };
        let level = holds::levels(tx, &query).await?.pop();
        Ok(level.ok_or_else(|| Refusal::not_found(ResourceKind::Stock, &self.sku)))
    }

    async fn carry_out<T: Write>(&self, tx: &mut T) -> Done<Result<StockLevel, Refusal>> {
        let skus = std::iter::once(self.sku.clone()).collect();
        let mut shelves = Shelves::lock(tx, &skus, Locking { carts: &[], now: self.now, ids: self.ids }).await?;
        let Some(level) = shelves.levels.get_mut(&self.sku) else {
            return Ok(Err(Refusal::not_found(ResourceKind::Stock, &self.sku)));
        };
        let next = match level.adjusted(self.adjustment) {
            Ok(next) => next,
            Err(refusal) => return Ok(Err(refusal)),
        };
        *level = next.clone();
        let quantity = self.adjustment.delta;
        let change = StockChange { sku: self.sku.clone(), kind: MovementKind::Adjusted, quantity };
        let reason = self.reason.as_deref();
        let cause = MovementCause { order_id: None, cart_id: None, reason, actor: &self.actor, time: self.now };
        shelves.record(&[change], (cause, self.ids));
        shelves.write(tx).await?;
        Ok(Ok(next))
    }
}
