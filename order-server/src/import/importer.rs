//! The core of every import: judge, batch, write, remember what was decided.

use std::{mem, sync::Arc};

use order_core::{
    ids::OrderId,
    import_judge::{ImportOptions, Judge, RawOrder, Verdict},
    order::{Actor, Context, ImportDraft, Order, import},
    policy::Policy,
};
use order_store::{
    Direction, ImportOrder, Imported, Mode, Numbering, OrderFilter, OrderQuery, OrderSort, Scope, Store, StoreError,
};

use super::decision::{Decision, Outcome, Taken};
use crate::clock::{Clock, IdSource};

/// Orders in one transaction. Enough that its flush is a small part of the work, few enough that others wait little.
const BATCH: usize = 100;

/// Orders of one customer placed in the same microsecond; more than one is rare.
const SAME_MOMENT: u32 = 500;

/// What an import works with.
#[derive(Clone)]
pub struct Desk {
    /// Where the orders go.
    pub store: Arc<dyn Store>,
    /// How their numbers are made.
    pub numbering: Numbering,
    /// The choices of the shop.
    pub policy: Policy,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Fresh identities.
    pub ids: Arc<dyn IdSource>,
    /// Who the history says it was.
    pub actor: Actor,
}

/// One import.
pub struct Importer {
    desk: Desk,
    mode: Mode,
    judge: Judge,
    /// Accepted and not written yet, with the positions of their decisions.
    pending: Vec<(usize, ImportDraft)>,
    decisions: Vec<Decision>,
}

impl Importer {
    /// An import that has taken nothing yet. A preview is the dry run: it decides and reports, and writes nothing.
    #[must_use]
    pub fn new(desk: Desk, mode: Mode, options: ImportOptions) -> Self {
        Self { desk, mode, judge: Judge::new(options), pending: Vec::new(), decisions: Vec::new() }
    }

    /// Takes the next order. When a batch is full, it is written before this returns.
    ///
    /// # Errors
    /// The store's. What was written before stays; the import can be repeated as a whole.
    pub async fn take(&mut self, raw: &RawOrder) -> Result<(), StoreError> {
        match self.judge.judge(raw) {
            Verdict::Accept(draft) => {
                let position = self.decisions.len();
                self.decisions.push(Decision::accepted(&draft));
                self.pending.push((position, *draft));
            }
            Verdict::Refuse(rejection) => self.decisions.push(Decision::refused(&raw.external_id, rejection)),
            Verdict::Repeat { first } => {
                // Its first may still be waiting, and then has no number that could be told.
                self.flush().await?;
                self.decisions.push(self.decisions[first].repeated());
            }
        }
        if self.pending.len() < BATCH { Ok(()) } else { self.flush().await }
    }

    /// Orders taken so far.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.decisions.len()
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// The store's, as with [`take`](Self::take).
    pub async fn flush(&mut self) -> Result<(), StoreError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        // Taken out only once they are written: after an error their decisions are void.
        let orders = self.pending.iter().map(|(_, draft)| self.order(draft.clone())).collect();
        let results = match self.mode {
            Mode::Apply => self.desk.store.import(orders, self.desk.numbering.clone()).await?,
            Mode::Preview => self.rehearse(orders).await?,
        };
        for ((position, _), result) in mem::take(&mut self.pending).into_iter().zip(results) {
            let decision = &mut self.decisions[position];
            match result {
                Imported::New(order) => decision.taken = Some(Taken::of(&order)),
                Imported::Known(order) => {
                    decision.outcome = Outcome::AlreadyImported;
                    decision.taken = Some(Taken::of(&order));
                }
            }
        }
        Ok(())
    }

    /// What was decided, one decision for each order in the order of taking. After an error the decisions end before the
    /// first order that was not written.
    #[must_use]
    pub fn into_decisions(self) -> Vec<Decision> {
        let mut decisions = self.decisions;
        if let Some((waiting, _)) = self.pending.first() {
            decisions.truncate(*waiting);
        }
        decisions
    }

    fn order(&self, draft: ImportDraft) -> ImportOrder {
        let Desk { clock, ids, actor, policy, .. } = &self.desk;
        let context = Context {
            now: clock.now(),
            actor: actor.clone(),
            request_id: None,
            reason: None,
            ids: ids.seed(),
            policy: *policy,
        };
        ImportOrder { id: OrderId::new(context.ids.nth(0)), draft, context }
    }

    /// What [`order_store::OrderStore::import`] would answer.
    async fn rehearse(&self, orders: Vec<ImportOrder>) -> Result<Vec<Imported>, StoreError> {
        let mut results = Vec::with_capacity(orders.len());
        for ImportOrder { id, draft, context } in orders {
            let result = match self.known(&draft).await? {
                Some(order) => Imported::Known(Box::new(order)),
                None => {
                    let placement = import(draft, id, &context);
                    let placement = placement.map_err(|error| StoreError::Internal(format!("import: {error}")))?;
                    Imported::New(Box::new(placement.order))
                }
            };
            results.push(result);
        }
        Ok(results)
    }

    /// The order that this draft became in an earlier import: of the same customer and moment, under the same name. Should
    /// the source have changed either since, a dry run takes the order for new; the import itself does not.
    async fn known(&self, draft: &ImportDraft) -> Result<Option<Order>, StoreError> {
        let filter = OrderFilter {
            customer_id: Some(draft.customer_id.clone()),
            created_from: Some(draft.create_time),
            created_before: Some(draft.create_time.plus_micros(1)),
            ..OrderFilter::of(Scope::All)
        };
        let query = OrderQuery {
            filter,
            sort: OrderSort::CreateTime,
            direction: Direction::Descending,
            size: SAME_MOMENT,
            after: None,
        };
        let name = (&draft.source.source, &draft.source.external_id);
        let found = self.desk.store.orders(query).await?.items.into_iter();
        Ok(found
            .into_iter()
            .find(|order| order.import.as_ref().is_some_and(|import| (&import.source, &import.external_id) == name)))
    }
}
