//! Goods that come back: asked for by the customer, decided by the shop, received unit by unit.

use super::{
    command::{CommandKind, ReturnRefund, ReturnStep},
    decide::Script,
    event::EventBody,
    line::LineQuantity,
    refund::RefundTerms,
    returns::{OrderReturn, ReceivedLine, ReturnLine, ReturnStatus},
};
use crate::{
    error::{Refusal, ResourceKind},
    ids::ReturnId,
    limits,
    payment::RefundCause,
};

impl Script<'_> {
    pub(super) fn guard_request_return(&self) -> Result<(), &'static str> {
        match () {
            () if self.order.returns.len() >= limits::RETURNS_PER_ORDER => Err("it has as many returns as it may"),
            () if self.order.lines.iter().any(|line| line.counters.returnable() > 0) => Ok(()),
            () => Err("nothing has arrived that could come back"),
        }
    }

    pub(super) fn request_return(&mut self, lines: &[ReturnLine]) -> Result<(), Refusal> {
        self.check(CommandKind::RequestReturn)?;
        let wanted: Vec<_> = lines.iter().map(|line| part(line.line_id, line.requested)).collect();
        let taken = self.take(CommandKind::RequestReturn, &wanted, |line| line.counters.returnable())?;
        if taken.is_empty() {
            return Err(self.refuse(CommandKind::RequestReturn, "no units were named"));
        }
        let order_return = OrderReturn {
            id: ReturnId::new(self.mint(0)),
            sequence: u32::try_from(self.order.returns.len()).map_or(u32::MAX, |count| count + 1),
            status: ReturnStatus::Requested,
            lines: taken.into_iter().map(|taken| requested(taken, lines)).collect(),
            reason: self.context.reason.clone(),
            decision_reason: None,
            create_time: self.context.now,
            update_time: self.context.now,
        };
        self.emit(EventBody::ReturnRequested { order_return });
        Ok(())
    }

    /// Carries out a step of a return. A step that was taken before changes nothing.
    pub(super) fn step_return(&mut self, id: ReturnId, step: &ReturnStep) -> Result<(), Refusal> {
        let found = self.order.returns.iter().find(|order_return| order_return.id == id).cloned();
        let order_return = found.ok_or_else(|| Refusal::not_found(ResourceKind::Return, id))?;
        match step {
            ReturnStep::Cancel => self.cancel_return(&order_return),
            ReturnStep::Approve => self.approve(&order_return),
            ReturnStep::Reject => self.reject(&order_return),
            ReturnStep::Receive { lines, refund } => self.receive(&order_return, (lines, *refund)),
            ReturnStep::Close => self.close_return(&order_return),
        }
    }

    fn refuse_return(&self, order_return: &OrderReturn, why: &str) -> Refusal {
        let reason = format!("return {} is {}: {why}", order_return.sequence, order_return.status);
        self.refuse(CommandKind::Return, &reason)
    }

    fn cancel_return(&mut self, order_return: &OrderReturn) -> Result<(), Refusal> {
        match order_return.status {
            ReturnStatus::Requested | ReturnStatus::Approved => {
                self.emit(EventBody::ReturnCancelled { return_id: order_return.id });
                Ok(())
            }
            ReturnStatus::Cancelled => Ok(()),
            ReturnStatus::Received | ReturnStatus::Rejected | ReturnStatus::Closed => {
                Err(self.refuse_return(order_return, "it cannot be cancelled any more"))
            }
        }
    }

    fn approve(&mut self, order_return: &OrderReturn) -> Result<(), Refusal> {
        match order_return.status {
            ReturnStatus::Requested => {
                self.emit(EventBody::ReturnApproved { return_id: order_return.id });
                Ok(())
            }
            ReturnStatus::Approved => Ok(()),
            ReturnStatus::Received | ReturnStatus::Rejected | ReturnStatus::Closed | ReturnStatus::Cancelled => {
                Err(self.refuse_return(order_return, "it has been decided"))
            }
        }
    }

    fn reject(&mut self, order_return: &OrderReturn) -> Result<(), Refusal> {
        match order_return.status {
            ReturnStatus::Requested => {
                self.emit(EventBody::ReturnRejected { return_id: order_return.id });
                Ok(())
            }
            ReturnStatus::Rejected => Ok(()),
            ReturnStatus::Approved | ReturnStatus::Received | ReturnStatus::Closed | ReturnStatus::Cancelled => {
                Err(self.refuse_return(order_return, "it has been decided"))
            }
        }
    }

    fn receive(
        &mut self,
        order_return: &OrderReturn,
        (lines, refund): (&[ReceivedLine], ReturnRefund),
    ) -> Result<(), Refusal> {
        match order_return.status {
            ReturnStatus::Approved | ReturnStatus::Received => {}
            ReturnStatus::Requested => return Err(self.refuse_return(order_return, "approve it first")),
            ReturnStatus::Rejected | ReturnStatus::Closed | ReturnStatus::Cancelled => {
                return Err(self.refuse_return(order_return, "nothing is awaited under it"));
            }
        }
        let lines = merged(lines);
        if lines.is_empty() {
            return Err(self.refuse_return(order_return, "no units were named"));
        }
        for line in &lines {
            self.check_received(order_return, line)?;
        }
        self.emit(EventBody::ReturnReceived { return_id: order_return.id, lines: lines.clone() });
        match refund {
            ReturnRefund::GiveBack => self.refund_received(order_return.id, &lines),
            ReturnRefund::Skip => Ok(()),
        }
    }

    fn check_received(&self, order_return: &OrderReturn, line: &ReceivedLine) -> Result<(), Refusal> {
        let ReceivedLine { line_id, .. } = *line;
        let awaited = order_return.lines.iter().find(|awaited| awaited.line_id == line_id);
        let available = awaited.ok_or_else(|| Refusal::not_found(ResourceKind::OrderLine, line_id))?.outstanding();
        let requested = line.quantity();
        if requested > available {
            return Err(Refusal::LineQuantityExceeded { command: CommandKind::Return, line_id, requested, available });
        }
        Ok(())
    }

    /// The customer does not pay for what came back. Units whose money went back before are not paid back again.
    fn refund_received(&mut self, return_id: ReturnId, lines: &[ReceivedLine]) -> Result<(), Refusal> {
        let mut parts = Vec::new();
        for line in lines {
            let counters = self.line(line.line_id)?.counters;
            let quantity = line.quantity().min(counters.received_unrefunded());
            if quantity > 0 {
                parts.push(part(line.line_id, quantity));
            }
        }
        if parts.is_empty() {
            return Ok(());
        }
        let excess = self.order.excess();
        self.emit(EventBody::LinesRefunded { lines: self.shares(&parts)?, shipping: 0 });
        let amount = self.order.excess() - excess;
        let terms = RefundTerms { return_id: Some(return_id), ..RefundTerms::because(RefundCause::Return) };
        self.enqueue_refunds(amount, terms);
        self.tidy_promises();
        Ok(())
    }

    fn close_return(&mut self, order_return: &OrderReturn) -> Result<(), Refusal> {
        match order_return.status {
            ReturnStatus::Approved | ReturnStatus::Received => {
                self.emit(EventBody::ReturnClosed { return_id: order_return.id });
                Ok(())
            }
            ReturnStatus::Closed => Ok(()),
            ReturnStatus::Requested => Err(self.refuse_return(order_return, "approve or reject it")),
            ReturnStatus::Rejected | ReturnStatus::Cancelled => Err(self.refuse_return(order_return, "it is over")),
        }
    }
}

const fn part(line_id: u32, quantity: u32) -> LineQuantity {
    LineQuantity { line_id, quantity }
}

fn requested(taken: LineQuantity, asked: &[ReturnLine]) -> ReturnLine {
    let reason = asked.iter().find(|line| line.line_id == taken.line_id).map(|line| line.reason.clone());
    ReturnLine {
        line_id: taken.line_id,
        requested: taken.quantity,
        restocked: 0,
        written_off: 0,
        reason: reason.unwrap_or_default(),
    }
}

/// Each line once, those without units left out.
fn merged(lines: &[ReceivedLine]) -> Vec<ReceivedLine> {
    let mut merged: Vec<ReceivedLine> = Vec::with_capacity(lines.len());
    for line in lines.iter().filter(|line| line.quantity() > 0) {
        match merged.iter_mut().find(|known| known.line_id == line.line_id) {
            Some(known) => {
                known.restocked = known.restocked.saturating_add(line.restocked);
                known.written_off = known.written_off.saturating_add(line.written_off);
            }
            None => merged.push(*line),
        }
    }
    merged
}
