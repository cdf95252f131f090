//! What an order costs now, what of it is paid, and what is to go back: one place for all that money decisions rest on.
//!
//! An order's total never changes for what is taken off it later. What the customer owes is the total less what was credited:
//! the shares of units that were called off, returned or refunded, shipping that was refunded, and concessions. Shares of units
//! are differences of running totals, so that any sequence of parts adds up to the whole.

use serde::{Deserialize, Serialize};

use super::{Line, Order, State};
use crate::{
    apportion::{UnitShare, cumulative_share},
    payment::{OperationKind, OperationState, Payment, PaymentMethod},
    rounding::Rounding,
};

/// What the next units of a line are worth, in minor units, and how that is made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Share {
    /// What the customer paid for them: subtotal less discount, plus tax where prices do not contain it.
    pub total: i64,
    /// Of the line's tax.
    pub tax: i64,
    /// Of the line's discount.
    pub discount: i64,
}

impl Line {
    /// What the next `units` that are credited are worth. Counted in one sequence over all ways of crediting a unit.
    #[must_use]
    pub fn share_of_next(&self, units: u32, rounding: Rounding) -> Share {
        let before = self.counters.credited();
        let part = |whole: i64| share(whole, (self.counters.ordered, before, units), rounding);
        Share { total: part(self.total.minor()), tax: part(self.tax.minor()), discount: part(self.discount.minor()) }
    }

    /// What of this line the customer does not owe.
    fn credit(&self, rounding: Rounding) -> i64 {
        share(self.total.minor(), (self.counters.ordered, 0, self.counters.credited()), rounding)
    }

    /// What the units that were shipped are worth.
    fn shipped_value(&self, rounding: Rounding) -> i64 {
        share(self.total.minor(), (self.counters.ordered, 0, self.counters.shipped), rounding)
    }
}

fn share(total_minor: i64, (of, before, now): (u32, u32, u32), rounding: Rounding) -> i64 {
    let now = now.min(of.saturating_sub(before));
    cumulative_share(UnitShare { total_minor, of, before, now }, rounding).unwrap_or(0)
}

impl Order {
    /// How shares of this order are rounded: as its prices were.
    #[must_use]
    pub fn rounding(&self) -> Rounding {
        self.explanation.rounding
    }

    /// Whether it was called off or has expired.
    #[must_use]
    pub const fn is_called_off(&self) -> bool {
        match self.state {
            State::Cancelled | State::Expired => true,
            State::Pending | State::Confirmed | State::Processing | State::Completed => false,
        }
    }

    fn sum(&self, part: impl Fn(&Payment) -> i64) -> i64 {
        self.payments.iter().map(part).fold(0, i64::saturating_add)
    }

    /// What the order costs now, in minor units, never negative. Nothing once it was called off.
    #[must_use]
    pub fn due(&self) -> i64 {
        if self.is_called_off() {
            return 0;
        }
        let lines = self.lines.iter().map(|line| line.credit(self.rounding())).fold(0, i64::saturating_add);
        let credited = lines.saturating_add(self.shipping_refunded).saturating_add(self.conceded());
        self.totals.total.minor().saturating_sub(credited).max(0)
    }

    /// What the shop let the customer off, other than units and shipping.
    fn conceded(&self) -> i64 {
        let standing = |state| match state {
            OperationState::Initial | OperationState::Sent | OperationState::Succeeded | OperationState::Unknown => {
                true
            }
            OperationState::Failed => false,
        };
        let operations = self.payments.iter().flat_map(|payment| &payment.operations);
        let refunds = operations.filter(|op| op.kind == OperationKind::Refund && standing(op.state));
        refunds.map(|op| op.concession).fold(0, i64::saturating_add)
    }

    /// What was taken and is neither given back nor on its way back.
    #[must_use]
    pub fn money_held(&self) -> i64 {
        self.sum(Payment::held)
    }

    /// What gateways have promised and not handed over.
    #[must_use]
    pub fn money_promised(&self) -> i64 {
        self.sum(Payment::promised)
    }

    /// What is still to be paid: neither held, nor promised, nor on its way in.
    #[must_use]
    pub fn missing(&self) -> i64 {
        let coming = self.money_promised().saturating_add(self.sum(|payment| payment.auth_pending));
        self.due().saturating_sub(self.money_held()).saturating_sub(coming).max(0)
    }

    /// What is held beyond what is due.
    #[must_use]
    pub fn excess(&self) -> i64 {
        self.money_held().saturating_sub(self.due()).max(0)
    }

    /// What could be given back through this service.
    #[must_use]
    pub fn refundable(&self) -> i64 {
        self.sum(|payment| if payment.method == PaymentMethod::External { 0 } else { payment.refundable() })
    }

    /// What of the promised money is due and not being taken yet.
    #[must_use]
    pub fn to_capture(&self) -> i64 {
        self.due().saturating_sub(self.money_held()).saturating_sub(self.sum(|payment| payment.capture_pending)).max(0)
    }

    /// What the shop may take for goods that have left: their value, and the whole of what is due once nothing is left to
    /// ship. Shipping is taken with the first parcel.
    #[must_use]
    pub fn to_capture_for_shipped(&self) -> i64 {
        if self.has_left() {
            return self.to_capture();
        }
        let goods = self.lines.iter().map(|line| line.shipped_value(self.rounding())).fold(0, i64::saturating_add);
        let shipping = self.totals.shipping.minor().saturating_add(self.totals.shipping_tax.minor());
        let taken = self.sum(|payment| payment.captured.saturating_add(payment.capture_pending));
        let earned = if goods > 0 { goods.saturating_add(shipping) } else { 0 };
        earned.saturating_sub(taken).clamp(0, self.to_capture())
    }

    /// The payment at the door that is still to be made. Agreed until it is made: what was tried in another way meanwhile, and
    /// refused, does not undo it. What is to be paid then is what is [`missing`](Self::missing).
    #[must_use]
    pub fn cash_awaited(&self) -> Option<&Payment> {
        let awaited = |payment: &&Payment| {
            payment.method == PaymentMethod::CashOnDelivery && payment.captured < payment.amount.minor()
        };
        self.payments.iter().rfind(awaited)
    }

    /// Whether all money that was taken went back or is on its way, and none is due.
    #[must_use]
    pub fn is_given_back(&self) -> bool {
        self.sum(|payment| payment.captured) > 0 && self.money_held() == 0 && self.due() == 0
    }

    /// Whether nothing is to be shipped any more, or is on its way.
    #[must_use]
    pub fn has_arrived(&self) -> bool {
        self.lines.iter().all(|line| line.counters.delivered + line.counters.cancelled == line.counters.ordered)
    }

    /// Whether nothing is left to be shipped.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.lines.iter().all(|line| line.counters.to_ship() == 0)
    }

    /// Whether what is due is held or promised.
    #[must_use]
    pub fn is_covered(&self) -> bool {
        self.money_held().saturating_add(self.money_promised()) >= self.due()
    }
}
