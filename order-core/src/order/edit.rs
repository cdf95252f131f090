//! Changing what an order contains, as far as it has not been shipped. What was agreed stays as it was priced: units are called
//! off, and lines are added at the prices of today.

use super::{
    Line,
    command::{CommandKind, Edit},
    decide::Script,
    event::EventBody,
    line::{Counters, LineQuantity},
    state::State,
};
use crate::{
    error::{PriceDifference, Refusal, ResourceKind},
    limits,
    money::Money,
    payment::RefundCause,
    policy::AllocatePolicy,
};

impl Script<'_> {
    /// What was given back for goods that are not wanted any more must not pay for others.
    pub(super) fn guard_edit(&self) -> Result<(), &'static str> {
        if self.order.is_given_back() {
            return Err("its money was given back");
        }
        self.guard_unshipped()
    }

    pub(super) fn edit(&mut self, edit: &Edit) -> Result<(), Refusal> {
        self.check(CommandKind::Edit)?;
        let (due, revision) = (self.order.due(), self.order.revision);
        let cancelled = self.to_call_off(&edit.quantities)?;
        if edit.added.is_empty() && self.leaves_nothing(&cancelled) {
            return Err(self.refuse(CommandKind::Edit, "nothing of it would be left; cancel it instead"));
        }
        self.add_lines(edit)?;
        self.call_off(cancelled, RefundCause::Edit);
        let difference = self.order.due() - due;
        self.expect_difference(difference, edit.expected_difference)?;
        // An edit that asks for what is there already changes nothing.
        if self.order.revision > revision {
            self.emit(EventBody::Edited { difference });
            // What was paid may be enough now.
            self.confirm_by_policy();
        }
        Ok(())
    }

    /// The units that a line has too many.
    fn to_call_off(&self, quantities: &[LineQuantity]) -> Result<Vec<LineQuantity>, Refusal> {
        let mut wanted: Vec<LineQuantity> = Vec::with_capacity(quantities.len());
        for part in quantities {
            let line = self.line(part.line_id)?;
            let live = line.counters.ordered.saturating_sub(line.counters.cancelled);
            let Some(fewer) = live.checked_sub(part.quantity) else {
                return Err(self.refuse(CommandKind::Edit, "a line cannot grow, its price was agreed; add a line"));
            };
            if wanted.iter().any(|known| known.line_id == part.line_id) {
                return Err(Refusal::not_found(ResourceKind::OrderLine, format!("{} (named twice)", part.line_id)));
            }
            wanted.push(LineQuantity { line_id: part.line_id, quantity: fewer });
        }
        self.take(CommandKind::Edit, &wanted, |line| self.cancellable(line))
    }

    /// Before anything is called off, so that an order is never empty in between.
    fn add_lines(&mut self, edit: &Edit) -> Result<(), Refusal> {
        if edit.added.is_empty() {
            return Ok(());
        }
        if self.order.lines.len() + edit.added.len() > limits::LINES_PER_ORDER {
            return Err(self.refuse(CommandKind::Edit, "it would have more lines than an order may have"));
        }
        let total = Money::sum(edit.added.iter().map(|line| line.total), self.order.totals.total.currency());
        let total = total.and_then(|added| self.order.totals.total.checked_add(added));
        if !total.is_ok_and(|total| total.minor() <= limits::ORDER_TOTAL_MINOR_MAX) {
            return Err(self.refuse(CommandKind::Edit, "it would cost more than an order may cost"));
        }
        let next = self.order.lines.iter().map(|line| line.line_id).max().unwrap_or(0) + 1;
        let lines = edit.added.iter().zip(next..).map(|(line, line_id)| Line {
            line_id,
            counters: Counters::ordered(line.counters.ordered),
            ..line.clone()
        });
        let lines = lines.collect();
        self.emit(EventBody::LinesAdded { lines, allocate: self.allocation(), steps: edit.steps.clone() });
        Ok(())
    }

    /// What is added later is promised like what was there from the start; after confirmation, at once.
    const fn allocation(&self) -> AllocatePolicy {
        match self.order.state {
            State::Pending => self.context.policy.allocate_on,
            State::Confirmed | State::Processing | State::Cancelled | State::Expired | State::Completed => {
                AllocatePolicy::Place
            }
        }
    }

    fn expect_difference(&self, actual: i64, expected: Option<Money>) -> Result<(), Refusal> {
        let actual = Money::new(actual, self.order.totals.total.currency());
        match expected {
            Some(expected) if expected != actual => {
                Err(Refusal::PriceChanged(vec![PriceDifference { product_id: None, expected, actual }]))
            }
            Some(_) | None => Ok(()),
        }
    }
}
