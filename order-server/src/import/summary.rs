//! The decisions of an import, counted.

use std::collections::BTreeMap;

use order_core::{currency::Currency, import_judge::RefusalReason, order::Status};

use super::decision::{Decision, Outcome};

/// How many orders went which way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Rows received; the outcomes add up to it.
    pub received: usize,
    /// Orders by outcome.
    pub outcomes: BTreeMap<Outcome, usize>,
    /// Orders among the imported ones by correction; an order with several counts under each.
    pub corrections: BTreeMap<String, usize>,
    /// Orders among the refused ones by reason.
    pub refusals: BTreeMap<RefusalReason, usize>,
    /// Orders among the imported and known ones by word, each once.
    pub statuses: BTreeMap<Status, Tally>,
}

/// A number of orders and what they add up to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Orders.
    pub orders: usize,
    /// Sums of their totals, minor units. Wide, because a sum has no limit of its own.
    pub totals: BTreeMap<Currency, i128>,
}

impl Summary {
    /// Counts.
    #[must_use]
    pub fn of(decisions: &[Decision]) -> Self {
        let mut summary = Self { received: decisions.len(), ..Self::default() };
        for decision in decisions {
            summary.count(decision);
        }
        summary
    }

    /// Orders with an outcome.
    #[must_use]
    pub fn orders(&self, outcome: Outcome) -> usize {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }

    fn count(&mut self, decision: &Decision) {
        *self.outcomes.entry(decision.outcome).or_default() += 1;
        if decision.outcome == Outcome::Imported {
            for correction in &decision.corrections {
                *self.corrections.entry(correction.clone()).or_default() += 1;
            }
        }
        if let Some(reason) = decision.reason {
            *self.refusals.entry(reason).or_default() += 1;
        }
        if let Some(taken) = decision.taken.as_ref().filter(|_| decision.outcome != Outcome::Repeated) {
            let tally = self.statuses.entry(taken.status).or_default();
            tally.orders += 1;
            *tally.totals.entry(taken.total.currency()).or_default() += i128::from(taken.total.minor());
        }
    }
}
