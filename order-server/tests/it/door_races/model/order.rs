//! One order, in the plainest terms.

use order_api::v1::{OrderState, OrderStatus, PaymentStatus};

use super::step::Lines;

/// A refusal, by its reason.
pub(super) type Refused = &'static str;

/// The refusal of what the state does not allow.
pub(super) const ILLEGAL: Refused = "ILLEGAL_TRANSITION";

/// A way in which an order was to be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Money {
    /// Cash that has not changed hands.
    Awaited,
    /// It was charged, and the answer got lost.
    AnswerLost,
    /// It never arrived, and was sent so many times.
    RequestLost { sends: u32 },
    /// Refused.
    Failed,
    /// Taken.
    Taken,
    /// Taken and given back.
    GivenBack,
}

impl Money {
    pub(super) const fn is_unknown(self) -> bool {
        matches!(self, Self::AnswerLost | Self::RequestLost { .. })
    }
}

/// One attempt at paying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Payment {
    pub(super) cash: bool,
    pub(super) money: Money,
}

/// An order.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) customer: usize,
    pub(super) lines: Lines,
    /// Cents.
    pub(super) total: i64,
    pub(super) state: OrderState,
    pub(super) shipped: bool,
    pub(super) delivered: bool,
    pub(super) payments: Vec<Payment>,
    /// Minutes.
    pub(super) pay_by: Option<i64>,
}

impl Order {
    pub(super) fn has(&self, money: Money) -> bool {
        self.payments.iter().any(|payment| payment.money == money)
    }

    pub(super) fn is_collecting(&self) -> bool {
        self.payments.iter().any(|payment| payment.money.is_unknown())
    }

    fn last(&self) -> Option<Payment> {
        self.payments.last().copied()
    }

    pub(super) fn payment_status(&self) -> PaymentStatus {
        match () {
            () if self.has(Money::Taken) => PaymentStatus::Paid,
            () if self.has(Money::GivenBack) => PaymentStatus::Refunded,
            () if self.is_collecting() => PaymentStatus::Pending,
            () if self.last().is_some_and(|last| last.money == Money::Failed) => PaymentStatus::Failed,
            () => PaymentStatus::Unpaid,
        }
    }

    /// Whether the latest attempt was refused by the gateway.
    pub(super) fn is_declined(&self) -> bool {
        self.last().is_some_and(|last| last.money == Money::Failed)
    }

    pub(super) fn word(&self) -> OrderStatus {
        let refunded = self.payment_status() == PaymentStatus::Refunded;
        match self.state {
            _ if refunded => OrderStatus::Refunded,
            OrderState::Cancelled | OrderState::Expired => OrderStatus::Cancelled,
            OrderState::Completed => OrderStatus::Completed,
            _ if self.delivered => OrderStatus::Delivered,
            _ if self.shipped => OrderStatus::Shipped,
            OrderState::Processing => OrderStatus::Processing,
            OrderState::Confirmed => OrderStatus::Confirmed,
            OrderState::Pending if self.payment_status() == PaymentStatus::Paid => OrderStatus::Paid,
            OrderState::Pending | OrderState::Unspecified => OrderStatus::Pending,
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.state, OrderState::Pending | OrderState::Confirmed | OrderState::Processing)
    }

    pub(super) fn is_called_off(&self) -> bool {
        matches!(self.state, OrderState::Cancelled | OrderState::Expired)
    }

    pub(super) fn can_be_confirmed(&self) -> bool {
        let at_the_door = self.last().is_some_and(|last| last.cash);
        let paid = self.payment_status();
        paid == PaymentStatus::Paid || (paid == PaymentStatus::Unpaid && at_the_door)
    }

    fn give_money_back(&mut self) {
        for payment in self.payments.iter_mut().filter(|payment| payment.money == Money::Taken) {
            payment.money = Money::GivenBack;
        }
    }

    pub(super) fn cancel(&mut self) -> Result<(), Refused> {
        if !self.is_open() || self.shipped {
            return Err(ILLEGAL);
        }
        self.state = OrderState::Cancelled;
        self.give_money_back();
        Ok(())
    }

    pub(super) fn refund(&mut self) -> Result<(), Refused> {
        match () {
            () if !self.has(Money::Taken) => Err(ILLEGAL),
            () if self.is_open() && !self.shipped => self.cancel(),
            () => {
                self.give_money_back();
                Ok(())
            }
        }
    }

    /// Every step of the main road up to a word.
    pub(super) fn forward(&mut self, wanted: OrderStatus) -> Result<(), Refused> {
        let (Some(from), Some(to)) = (rank(self.word()), rank(wanted)) else { return Err(ILLEGAL) };
        if to <= from {
            return Err(ILLEGAL);
        }
        if self.state == OrderState::Pending {
            if !self.can_be_confirmed() {
                return Err(ILLEGAL);
            }
            self.state = OrderState::Confirmed;
        }
        if to >= 3 && self.word() == OrderStatus::Confirmed {
            self.state = OrderState::Processing;
        }
        self.shipped |= to >= 4;
        if to >= 5 && !self.delivered {
            self.delivered = true;
            // Cash changes hands at the door.
            if let Some(Payment { cash: true, money }) = self.payments.last_mut().filter(|p| p.money == Money::Awaited)
            {
                *money = Money::Taken;
            }
        }
        if to == 6 {
            if !matches!(self.payment_status(), PaymentStatus::Paid) {
                return Err(ILLEGAL);
            }
            self.state = OrderState::Completed;
        }
        Ok(())
    }
}

const fn rank(word: OrderStatus) -> Option<u8> {
    match word {
        OrderStatus::Pending => Some(0),
        OrderStatus::Paid => Some(1),
        OrderStatus::Confirmed => Some(2),
        OrderStatus::Processing => Some(3),
        OrderStatus::Shipped => Some(4),
        OrderStatus::Delivered => Some(5),
        OrderStatus::Completed => Some(6),
        OrderStatus::Cancelled | OrderStatus::Refunded | OrderStatus::Unspecified => None,
    }
}
