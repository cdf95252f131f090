//! One order, in the plainest terms: counters of its lines, parcels, returns, money; and the words that follow from them.

use order_api::v1::{
    FulfillmentStatus, OrderHold, OrderState, OrderStatus, PaymentStatus, ReturnStatus, ShipmentStatus,
};

use super::{
    money::{Kind, Payment},
    price::worth,
    settings::{Confirm, Settings},
    step::Units,
};

/// A refusal, by its reason.
pub(super) type Refused = &'static str;

/// The refusal of what the state does not allow.
pub(super) const ILLEGAL: Refused = "ILLEGAL_TRANSITION";

/// The refusal of more units than there are.
pub(super) const TOO_MANY: Refused = "LINE_QUANTITY_EXCEEDED";

/// A line, and where its units are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) product: usize,
    pub(super) ordered: i64,
    /// Cents.
    pub(super) total: i64,
    pub(super) cancelled: i64,
    pub(super) allocated: i64,
    pub(super) shipped: i64,
    pub(super) delivered: i64,
    pub(super) announced: i64,
    pub(super) received: i64,
    pub(super) restocked: i64,
    pub(super) written_off: i64,
    pub(super) refunded: i64,
}

impl Line {
    pub(super) const fn live(&self) -> i64 {
        self.ordered - self.cancelled
    }

    #[expect(clippy::wrong_self_convention, reason = "units that are to be shipped")]
    pub(super) const fn to_ship(&self) -> i64 {
        self.live() - self.shipped
    }

    pub(super) fn worth(&self, units: i64) -> i64 {
        worth(self.total, units, self.ordered)
    }

    /// What the customer does not owe of it.
    pub(super) fn credit(&self) -> i64 {
        self.worth(self.cancelled + self.refunded)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Parcel {
    pub(super) status: ShipmentStatus,
    pub(super) units: Units,
    /// What the carrier told.
    pub(super) news: Vec<u8>,
}

#[derive(Debug, Clone)]
pub(super) struct Return {
    pub(super) status: ReturnStatus,
    /// For each line: announced, restocked, written off.
    pub(super) units: Vec<(usize, [i64; 3])>,
}

/// An order.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) settings: Settings,
    pub(super) customer: usize,
    pub(super) coupon: Option<usize>,
    pub(super) state: OrderState,
    pub(super) holds: Vec<OrderHold>,
    pub(super) lines: Vec<Line>,
    pub(super) parcels: Vec<Parcel>,
    pub(super) returns: Vec<Return>,
    pub(super) payments: Vec<Payment>,
    /// Cents.
    pub(super) shipping: i64,
    pub(super) shipping_refunded: i64,
    /// In minutes since the beginning.
    pub(super) pay_by: Option<i64>,
}

impl Order {
    pub(super) fn total(&self) -> i64 {
        self.units(|line| line.total) + self.shipping
    }

    pub(super) fn units(&self, of: impl Fn(&Line) -> i64) -> i64 {
        self.lines.iter().map(of).sum()
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, OrderState::Pending | OrderState::Confirmed | OrderState::Processing)
    }

    pub(super) fn is_called_off(&self) -> bool {
        matches!(self.state, OrderState::Cancelled | OrderState::Expired)
    }

    pub(super) fn has_left(&self) -> bool {
        self.units(Line::to_ship) == 0
    }

    pub(super) fn has_arrived(&self) -> bool {
        self.units(Line::live) == self.units(|line| line.delivered)
    }

    pub(super) fn payment_status(&self) -> PaymentStatus {
        let captured = self.sum(Payment::captured);
        let refunded = self.sum(|payment| payment.done(&[Kind::Refund]));
        let (due, held) = (self.due(), self.held());
        if captured > 0 && (refunded < captured || due == 0) {
            return match () {
                () if refunded == captured => PaymentStatus::Refunded,
                () if self.is_called_off() && refunded > 0 => PaymentStatus::PartiallyRefunded,
                () if self.is_called_off() && captured < self.total() => PaymentStatus::PartiallyPaid,
                () if self.is_called_off() => PaymentStatus::Paid,
                () if held > due => PaymentStatus::Overpaid,
                () if held < due => PaymentStatus::PartiallyPaid,
                () if refunded > 0 => PaymentStatus::PartiallyRefunded,
                () => PaymentStatus::Paid,
            };
        }
        match self.payments.last() {
            _ if due == 0 && !self.is_called_off() => PaymentStatus::Paid,
            _ if self.is_collecting() => PaymentStatus::Pending,
            _ if self.promised() > 0 => PaymentStatus::Authorized,
            Some(last) if last.authorized() > last.captured() => PaymentStatus::Voided,
            Some(last) if last.captured() == 0 && !last.ops.is_empty() => PaymentStatus::Failed,
            _ => PaymentStatus::Unpaid,
        }
    }

    pub(super) fn fulfillment_status(&self) -> FulfillmentStatus {
        let (live, shipped) = (self.units(Line::live), self.units(|line| line.shipped));
        let (delivered, received) = (self.units(|line| line.delivered), self.units(|line| line.received));
        match () {
            () if live == 0 => FulfillmentStatus::Cancelled,
            () if received == live => FulfillmentStatus::Returned,
            () if received > 0 && delivered == live => FulfillmentStatus::PartiallyReturned,
            () if delivered == live => FulfillmentStatus::Delivered,
            () if delivered > 0 => FulfillmentStatus::PartiallyDelivered,
            () if shipped == live => FulfillmentStatus::Shipped,
            () if shipped > 0 => FulfillmentStatus::PartiallyShipped,
            () => FulfillmentStatus::Unfulfilled,
        }
    }

    pub(super) fn word(&self) -> OrderStatus {
        let paid = self.payment_status();
        match self.state {
            OrderState::Expired => OrderStatus::Cancelled,
            _ if paid == PaymentStatus::Refunded => OrderStatus::Refunded,
            OrderState::Cancelled => OrderStatus::Cancelled,
            OrderState::Completed => OrderStatus::Completed,
            _ if self.has_arrived() && self.units(Line::live) > 0 => OrderStatus::Delivered,
            _ if self.units(|line| line.shipped) > 0 => OrderStatus::Shipped,
            OrderState::Processing => OrderStatus::Processing,
            OrderState::Confirmed => OrderStatus::Confirmed,
            _ if [PaymentStatus::Paid, PaymentStatus::Overpaid, PaymentStatus::PartiallyRefunded].contains(&paid) => {
                OrderStatus::Paid
            }
            OrderState::Unspecified | OrderState::Pending => OrderStatus::Pending,
        }
    }

    fn can_be_confirmed(&self) -> bool {
        !self.is_given_back()
            && !self.holds.contains(&OrderHold::Payment)
            && (self.is_covered() || self.cash_awaited().is_some())
    }

    /// Confirms what the shop need not confirm. Not where stock is lacking.
    pub(super) fn confirm_by_policy(&mut self) {
        let promised = self.lines.iter().all(|line| line.allocated == line.to_ship());
        if self.settings.confirm == Confirm::WhenPaid
            && promised
            && self.state == OrderState::Pending
            && self.can_be_confirmed()
        {
            self.state = OrderState::Confirmed;
        }
    }

    fn confirm(&mut self) -> Result<(), Refused> {
        self.require(self.state == OrderState::Pending && self.can_be_confirmed())?;
        for line in &mut self.lines {
            line.allocated = line.to_ship();
        }
        self.state = OrderState::Confirmed;
        Ok(())
    }

    fn start_processing(&mut self) -> Result<(), Refused> {
        self.require(self.state == OrderState::Confirmed && self.holds.is_empty())?;
        self.state = OrderState::Processing;
        Ok(())
    }

    fn complete(&mut self) -> Result<(), Refused> {
        let settled = !self.awaits_answers() && self.held() >= self.due() && self.promised() == 0;
        self.require(self.is_open() && self.state != OrderState::Pending && self.has_arrived() && settled)?;
        self.state = OrderState::Completed;
        Ok(())
    }

    pub(super) fn hold(&mut self, hold: OrderHold) -> Result<(), Refused> {
        self.require(self.is_open())?;
        if !self.holds.contains(&hold) {
            self.holds.push(hold);
        }
        Ok(())
    }

    pub(super) fn release(&mut self, hold: OrderHold) {
        if self.holds.contains(&hold) {
            self.holds.retain(|held| *held != hold);
            self.confirm_by_policy();
        }
    }

    /// Calls off what is left of it, and gives its money back.
    pub(super) fn close(&mut self, state: OrderState) {
        self.state = state;
        for line in &mut self.lines {
            line.cancelled = line.ordered;
            line.allocated = 0;
        }
        for parcel in self.parcels.iter_mut().filter(|parcel| parcel.is_open()) {
            parcel.status = ShipmentStatus::Cancelled;
        }
        self.give_back(self.held(), 0);
        self.void_all();
    }

    pub(super) fn cancel(&mut self) -> Result<(), Refused> {
        self.require(self.is_open() && self.units(|line| line.shipped) == 0)?;
        self.close(OrderState::Cancelled);
        Ok(())
    }

    pub(super) fn is_overdue(&self, now: i64) -> bool {
        self.state == OrderState::Pending
            && self.pay_by.is_some_and(|pay_by| now > pay_by)
            && self.due() > 0
            && self.held() == 0
            && self.promised() == 0
            && !self.awaits_answers()
    }

    /// Every step on the way to a word.
    pub(super) fn walk(&mut self, wanted: OrderStatus) -> Result<(), Refused> {
        self.require(self.word() != wanted)?;
        match wanted {
            OrderStatus::Cancelled => self.cancel(),
            OrderStatus::Refunded if self.held() == 0 => Err(ILLEGAL),
            OrderStatus::Refunded if self.is_open() && self.units(|line| line.shipped) == 0 => self.cancel(),
            OrderStatus::Refunded => self.refund_amount(self.held()),
            OrderStatus::Pending | OrderStatus::Paid | OrderStatus::Unspecified => Err(ILLEGAL),
            OrderStatus::Confirmed
            | OrderStatus::Processing
            | OrderStatus::Shipped
            | OrderStatus::Delivered
            | OrderStatus::Completed => self.forward(wanted),
        }
    }

    fn forward(&mut self, wanted: OrderStatus) -> Result<(), Refused> {
        let (from, to) = (rank(self.word()), rank(wanted));
        self.require(from < to && to.is_some() && from.is_some())?;
        if self.state == OrderState::Pending {
            self.confirm()?;
        }
        if to >= rank(OrderStatus::Processing) && self.word() == OrderStatus::Confirmed {
            self.start_processing()?;
        }
        if to >= rank(OrderStatus::Shipped) && !self.has_left() {
            self.ship_all()?;
        }
        if to >= rank(OrderStatus::Delivered) {
            self.deliver_all();
        }
        if to >= rank(OrderStatus::Completed) {
            self.complete()?;
        }
        self.require(self.word() == wanted)
    }
}

/// How far along the main road a word is.
fn rank(word: OrderStatus) -> Option<usize> {
    use OrderStatus::{Completed, Confirmed, Delivered, Paid, Pending, Processing, Shipped};
    [Pending, Paid, Confirmed, Processing, Shipped, Delivered, Completed].iter().position(|known| *known == word)
}
