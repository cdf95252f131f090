//! Calling an order off, or some units of it. Stock that was promised is free again, and money that was paid goes back, in the
//! same transaction.

use super::{
    command::CommandKind,
    decide::Script,
    event::EventBody,
    line::{Line, LineQuantity},
};
use crate::{error::Refusal, payment::RefundCause};

impl Script<'_> {
    pub(super) fn guard_cancel(&self) -> Result<(), &'static str> {
        let shipped = self.order.lines.iter().any(|line| line.counters.shipped > 0);
        if shipped { Err("some of it has been shipped") } else { Ok(()) }
    }

    pub(super) fn cancel(&mut self) -> Result<(), Refusal> {
        self.check(CommandKind::Cancel)?;
        self.emit(EventBody::Cancelled);
        self.give_all_back(RefundCause::Cancellation);
        Ok(())
    }

    /// Something is left that has neither been shipped nor put into a parcel.
    pub(super) fn guard_unshipped(&self) -> Result<(), &'static str> {
        match () {
            () if !self.order.lines.iter().any(|line| self.cancellable(line) > 0) => {
                Err("nothing is left that is neither shipped nor in a shipment")
            }
            // Unit by unit, each with a refund of its own, it could be made to grow without end. As a whole it can be called off.
            () if self.is_crowded() => Err("it has as many payment operations as it may"),
            () => Ok(()),
        }
    }

    /// Units that can be called off: what is in a parcel can once the parcel is called off.
    pub(super) fn cancellable(&self, line: &Line) -> u32 {
        line.counters.to_ship().saturating_sub(self.planned(line.line_id))
    }

    pub(super) fn cancel_lines(&mut self, wanted: &[LineQuantity]) -> Result<(), Refusal> {
        self.check(CommandKind::CancelLines)?;
        let lines = self.take(CommandKind::CancelLines, wanted, |line| self.cancellable(line))?;
        if self.leaves_nothing(&lines) {
            return self.cancel();
        }
        self.call_off(lines, RefundCause::Cancellation);
        // What was paid may be enough now.
        self.confirm_by_policy();
        Ok(())
    }

    /// Whether an order without these units would be empty.
    pub(super) fn leaves_nothing(&self, lines: &[LineQuantity]) -> bool {
        let among = |line_id| lines.iter().find(|part| part.line_id == line_id).map_or(0, |part| part.quantity);
        self.order.lines.iter().all(|line| line.counters.cancelled + among(line.line_id) == line.counters.ordered)
    }

    /// Calls units off that were found to be free for it, those without promised stock first.
    pub(super) fn call_off(&mut self, lines: Vec<LineQuantity>, cause: RefundCause) {
        if lines.is_empty() {
            return;
        }
        let excess = self.order.excess();
        let released = self.quantities(|line| {
            let wanted = lines.iter().find(|part| part.line_id == line.line_id).map_or(0, |part| part.quantity);
            wanted.saturating_sub(line.counters.to_allocate())
        });
        self.emit(EventBody::LinesCancelled { lines, released });
        self.give_back(self.order.excess() - excess, cause);
        self.tidy_promises();
    }
}
