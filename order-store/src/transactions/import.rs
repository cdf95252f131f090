//! Taking orders over from another system.

use std::collections::{BTreeMap, BTreeSet};

use order_core::order::{Order, import};

use super::place::insert;
use crate::{
    backend::WriteWork,
    error::StoreError,
    rows::OrderRows,
    statements::{Done, Write},
    store::{ImportOrder, Imported, Numbering},
};

/// Orders of one source to be taken over in one transaction.
pub(super) struct ImportBatch {
    pub(super) orders: Vec<ImportOrder>,
    pub(super) numbering: Numbering,
}

impl WriteWork for ImportBatch {
    type Output = Vec<Imported>;
    const NAME: &'static str = "import";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let mut known = self.known(tx).await?;
        let mut new = Vec::new();
        let mut names = BTreeSet::new();
        for order in self.orders.iter().filter(|order| !known.contains_key(&name(order))) {
            if names.insert(name(order)) {
                let placement = import(order.draft.clone(), order.id, &order.context);
                let placement = placement.map_err(|error| StoreError::Internal(format!("import: {error}")))?;
                new.push(placement);
            }
        }
        let mut fresh = insert(tx, new, &self.numbering).await?.into_iter();
        let mut answers = Vec::with_capacity(self.orders.len());
        for order in &self.orders {
            let answer = match known.get(&name(order)) {
                Some(order) => Imported::Known(Box::new(order.clone())),
                None => {
                    let order = fresh.next().expect("the first of each unknown name was inserted, in this order");
                    known.extend(origin(&order).map(|origin| (origin, order.clone())));
                    Imported::New(Box::new(order))
                }
            };
            answers.push(answer);
        }
        Ok(answers)
    }
}

impl ImportBatch {
    /// Those that were taken over before, by source and name.
    async fn known<T: Write>(&self, tx: &mut T) -> Done<BTreeMap<(String, String), Order>> {
        let mut names: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for order in &self.orders {
            let source = &order.draft.source;
            names.entry(&source.source).or_default().push(source.external_id.clone());
        }
        let mut known = BTreeMap::new();
        for (source, external_ids) in names {
            let rows = tx.orders_by_import(source, &external_ids).await?;
            for order in rows.into_iter().map(OrderRows::into_order) {
                let order = order?;
                known.extend(origin(&order).map(|origin| (origin, order)));
            }
        }
        Ok(known)
    }
}

/// Source and name of an order that was taken over.
fn origin(order: &Order) -> Option<(String, String)> {
    order.import.as_ref().map(|import| (import.source.clone(), import.external_id.clone()))
}

fn name(order: &ImportOrder) -> (String, String) {
    (order.draft.source.source.clone(), order.draft.source.external_id.clone())
}
