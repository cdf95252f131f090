//! Giving money back, and giving promises up.
//!
//! What goes back is bounded by what is held, whatever is asked for and however often: amounts on their way back count as gone.

use serde::{Deserialize, Serialize};

use super::{
    Order,
    balance::Share,
    command::{CommandKind, RefundWish, ShippingRefund},
    decide::Script,
    event::EventBody,
    line::LineQuantity,
};
use crate::{
    error::{AmountLimit, Refusal},
    ids::{PaymentId, ReturnId},
    limits,
    money::Money,
    payment::{OperationKind, OperationState, Payment, PaymentMethod, RefundCause},
};

/// A line's part of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitLine {
    /// Which units.
    pub part: LineQuantity,
    /// What they are worth.
    pub share: Share,
}

/// A payment's part of a refund, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundPart {
    /// The payment that it goes back through.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: i64,
}

/// How a refund is made up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RefundSplit {
    /// What units are worth; empty where an amount was asked for.
    pub lines: Vec<SplitLine>,
    /// Of shipping and its tax, in minor units.
    pub shipping: i64,
    /// What goes back, in minor units: at most what is held.
    pub total: i64,
    /// Through which payments.
    pub parts: Vec<RefundPart>,
}

/// Under what terms money goes back.
#[derive(Debug, Clone, Copy)]
pub(super) struct RefundTerms {
    /// Why.
    pub(super) cause: RefundCause,
    /// By how much the shop lowers what it asks for, in minor units; see [`Operation`](crate::payment::Operation).
    pub(super) concession: i64,
    /// For which return.
    pub(super) return_id: Option<ReturnId>,
}

impl RefundTerms {
    pub(super) const fn because(cause: RefundCause) -> Self {
        Self { cause, concession: 0, return_id: None }
    }
}

impl Order {
    /// How a refund would be made up now.
    ///
    /// # Errors
    /// `IllegalTransition` where nothing is left to give back; `AmountExceeded`; `LineQuantityExceeded` for units that were not
    /// shipped or that were refunded before; `NotFound` for an unknown line.
    pub fn refund_split(&self, wish: &RefundWish, context: &super::Context) -> Result<RefundSplit, Refusal> {
        Script::new(self, context).split(wish)
    }

    /// Spreads an amount over the payments that hold money, oldest first.
    fn spread(&self, amount: i64) -> Vec<RefundPart> {
        let mut left = amount;
        let mut parts = Vec::new();
        for payment in self.payments.iter().filter(|payment| can_give_back(payment)) {
            let amount = payment.refundable().min(left);
            if amount > 0 {
                left -= amount;
                parts.push(RefundPart { payment_id: payment.id, amount });
            }
        }
        parts
    }
}

/// What was taken outside this service goes back outside it, too.
fn can_give_back(payment: &Payment) -> bool {
    payment.method != PaymentMethod::External && payment.refundable() > 0
}

impl Script<'_> {
    pub(super) fn guard_refund(&self) -> Result<(), &'static str> {
        match () {
            () if self.order.refundable() <= 0 => Err("no money is left to give back"),
            () if self.is_crowded() => Err("it has as many payment operations as it may"),
            () => Ok(()),
        }
    }

    /// Each operation is read with the order. What has to go back for the books to balance is never kept from it; the bound is
    /// for what people ask for.
    pub(super) fn is_crowded(&self) -> bool {
        self.order.payments.iter().map(|payment| payment.operations.len()).sum::<usize>()
            >= limits::OPERATIONS_PER_ORDER
    }

    pub(super) fn refund(&mut self, wish: &RefundWish) -> Result<(), Refusal> {
        let split = self.split(wish)?;
        let concession = match wish {
            RefundWish::Lines { .. } => 0,
            RefundWish::All | RefundWish::Amount(_) => self.concession(split.total),
        };
        if !split.lines.is_empty() || split.shipping > 0 {
            self.emit(EventBody::LinesRefunded { lines: split.lines.clone(), shipping: split.shipping });
        }
        self.enqueue_refunds(split.total, RefundTerms { concession, ..RefundTerms::because(RefundCause::Requested) });
        Ok(())
    }

    /// What was paid too much goes back first; the rest lowers the price, unless what is due is neither held nor promised: then
    /// money goes back and stays owed.
    fn concession(&self, amount: i64) -> i64 {
        if self.order.is_covered() { (amount - self.order.excess()).max(0) } else { 0 }
    }

    fn split(&self, wish: &RefundWish) -> Result<RefundSplit, Refusal> {
        self.check(CommandKind::Refund)?;
        let available = self.order.refundable();
        let mut split = RefundSplit::default();
        match wish {
            RefundWish::All => split.total = available,
            RefundWish::Amount(amount) => split.total = self.within(*amount, (AmountLimit::Refundable, available))?,
            RefundWish::Lines { lines, shipping } => {
                let shipped = |line: &super::Line| line.counters.shipped.saturating_sub(line.counters.refunded);
                let parts = self.take(CommandKind::Refund, lines, shipped)?;
                split.shipping = self.shipping_left(*shipping);
                split.lines = self.shares(&parts)?;
                let worth = split.lines.iter().map(|line| line.share.total).fold(split.shipping, i64::saturating_add);
                split.total = worth.min(available);
                if worth == 0 {
                    return Err(self.refuse(CommandKind::Refund, "nothing was paid for that"));
                }
            }
        }
        split.parts = self.order.spread(split.total);
        Ok(split)
    }

    fn shipping_left(&self, wish: ShippingRefund) -> i64 {
        let totals = &self.order.totals;
        match wish {
            ShippingRefund::Keep => 0,
            ShippingRefund::GiveBack => {
                totals.shipping.minor() + totals.shipping_tax.minor() - self.order.shipping_refunded
            }
        }
    }

    /// What units are worth. Lines are credited unit by unit in one sequence, so that all parts together are what was paid.
    pub(super) fn shares(&self, parts: &[LineQuantity]) -> Result<Vec<SplitLine>, Refusal> {
        let rounding = self.order.rounding();
        let share = |part: &LineQuantity| {
            let share = self.line(part.line_id)?.share_of_next(part.quantity, rounding);
            Ok(SplitLine { part: *part, share })
        };
        parts.iter().map(share).collect()
    }

    /// An amount in the order's currency, above zero and not more than there is.
    pub(super) fn within(&self, amount: Money, (limit, available): (AmountLimit, i64)) -> Result<i64, Refusal> {
        let currency = self.order.totals.total.currency();
        if amount.currency() != currency {
            return Err(Refusal::CurrencyMismatch {
                cart: currency.to_string(),
                product: amount.currency().to_string(),
            });
        }
        if amount.minor() <= 0 || amount.minor() > available {
            let available = Money::new(available, currency);
            return Err(Refusal::AmountExceeded { limit, requested: amount, available });
        }
        Ok(amount.minor())
    }

    /// Gives back so much of what is held, as far as it goes.
    pub(super) fn give_back(&mut self, amount: i64, cause: RefundCause) {
        self.enqueue_refunds(amount, RefundTerms::because(cause));
    }

    /// Gives back all that is held, and gives up all that is promised.
    pub(super) fn give_all_back(&mut self, cause: RefundCause) {
        self.give_back(self.order.refundable(), cause);
        self.void_all(cause);
    }

    pub(super) fn enqueue_refunds(&mut self, amount: i64, terms: RefundTerms) {
        let mut concession = terms.concession;
        for RefundPart { payment_id, amount } in self.order.spread(amount) {
            let mut operation = self.operation((OperationKind::Refund, OperationState::Initial), amount, None);
            operation.cause = Some(terms.cause);
            operation.return_id = terms.return_id;
            operation.concession = concession.min(amount);
            concession -= operation.concession;
            self.start(payment_id, operation);
        }
    }

    /// Gives up what is promised and not taken, of all payments.
    pub(super) fn void_all(&mut self, cause: RefundCause) {
        let promised: Vec<_> = self.order.payments.iter().filter(|p| p.capturable() > 0).map(|p| p.id).collect();
        for payment_id in promised {
            self.give_up(payment_id, cause);
        }
    }

    /// Once all that is due is held and nothing is left to ship, nobody needs a promise any more.
    pub(super) fn tidy_promises(&mut self) {
        if self.order.has_left() && self.order.to_capture() == 0 {
            self.void_all(RefundCause::Cancellation);
        }
    }
}
