//! The payment ledger: what was promised, taken and given back, and every request that was sent to a gateway.
//!
//! A request is written down before it is sent and its outcome afterwards; between the two its amount is *pending*, and
//! pending amounts count against every bound. So no two requests together can take or return more than they may, whatever
//! the order in which their answers arrive.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{OperationId, PaymentId},
    money::Money,
    time::Timestamp,
};

/// How a customer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentMethod {
    /// A credit card, by token.
    CreditCard,
    /// A debit card, by token.
    DebitCard,
    /// Unified Payments Interface.
    Upi,
    /// A bank's own page.
    NetBanking,
    /// A stored-value wallet.
    Wallet,
    /// Cash handed over at the door; captured on delivery.
    CashOnDelivery,
    /// Settled outside this service; only imported orders have it.
    External,
}

impl PaymentMethod {
    /// All methods, for tables and tests.
    pub const ALL: [Self; 7] = [
        Self::CreditCard,
        Self::DebitCard,
        Self::Upi,
        Self::NetBanking,
        Self::Wallet,
        Self::CashOnDelivery,
        Self::External,
    ];

    /// The word that is stored and logged.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreditCard => "CREDIT_CARD",
            Self::DebitCard => "DEBIT_CARD",
            Self::Upi => "UPI",
            Self::NetBanking => "NET_BANKING",
            Self::Wallet => "WALLET",
            Self::CashOnDelivery => "CASH_ON_DELIVERY",
            Self::External => "EXTERNAL",
        }
    }

    /// Whether a gateway moves the money.
    #[must_use]
    pub const fn needs_gateway(self) -> bool {
        match self {
            Self::CreditCard | Self::DebitCard | Self::Upi | Self::NetBanking | Self::Wallet => true,
            Self::CashOnDelivery | Self::External => false,
        }
    }
}

/// What a gateway is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OperationKind {
    /// Authorise and capture in one step.
    Sale,
    /// Promise the money.
    Authorize,
    /// Take promised money.
    Capture,
    /// Give taken money back.
    Refund,
    /// Give a promise up.
    Void,
}

impl OperationKind {
    /// All kinds, for tables and tests.
    pub const ALL: [Self; 5] = [Self::Sale, Self::Authorize, Self::Capture, Self::Refund, Self::Void];

    /// The word that is stored and logged.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sale => "SALE",
            Self::Authorize => "AUTHORIZE",
            Self::Capture => "CAPTURE",
            Self::Refund => "REFUND",
            Self::Void => "VOID",
        }
    }
}

/// Where a request to a gateway stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OperationState {
    /// Written down, not sent.
    Initial,
    /// About to be sent, or sent; the answer is not known yet.
    Sent,
    /// Done.
    Succeeded,
    /// Refused by the gateway; nothing moved.
    Failed,
    /// The answer got lost: it may have been done. Only the reconciler resolves it, by asking.
    Unknown,
}

impl OperationState {
    /// All states, for tables and tests.
    pub const ALL: [Self; 5] = [Self::Initial, Self::Sent, Self::Succeeded, Self::Failed, Self::Unknown];

    /// The word that is stored and logged.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "INITIAL",
            Self::Sent => "SENT",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Whether the outcome is still to come.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Initial | Self::Sent | Self::Unknown => true,
            Self::Succeeded | Self::Failed => false,
        }
    }
}

/// One request to a gateway. Its id is the gateway's idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Identity and idempotency key.
    pub id: OperationId,
    /// What is asked.
    pub kind: OperationKind,
    /// Minor units of the payment's currency, positive.
    pub amount: i64,
    /// Where it stands.
    pub state: OperationState,
    /// The payment instrument, as the gateway's token: never a card number. Absent for refunds and cash.
    pub token: Option<String>,
    /// The gateway's name for what it did.
    pub gateway_reference: Option<String>,
    /// Why it was refused.
    pub decline_code: Option<String>,
    /// How often it was sent or asked after.
    pub attempts: u32,
    /// When the reconciler looks at it next; absent once it is closed.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was written down.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
}

/// One way in which an order is paid, with its amounts in minor units of `amount`'s currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Identity.
    pub id: PaymentId,
    /// How.
    pub method: PaymentMethod,
    /// What it is to bring in.
    pub amount: Money,
    /// Promised by the gateway so far.
    pub authorized: i64,
    /// Taken so far.
    pub captured: i64,
    /// Given back so far.
    pub refunded: i64,
    /// Promises given up so far.
    pub voided: i64,
    /// On its way to being promised.
    pub auth_pending: i64,
    /// On its way to being taken.
    pub capture_pending: i64,
    /// On its way back.
    pub refund_pending: i64,
    /// The requests, oldest first.
    pub operations: Vec<Operation>,
    /// When it was opened.
    pub create_time: Timestamp,
}

impl Payment {
    /// A payment of which nothing has happened yet.
    #[must_use]
    pub const fn open(id: PaymentId, method: PaymentMethod, amount: Money, now: Timestamp) -> Self {
        Self {
            id,
            method,
            amount,
            authorized: 0,
            captured: 0,
            refunded: 0,
            voided: 0,
            auth_pending: 0,
            capture_pending: 0,
            refund_pending: 0,
            operations: Vec::new(),
            create_time: now,
        }
    }

    /// The bounds of the ledger; the same rules are CHECKs in both databases.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let parts = [
            self.authorized,
            self.captured,
            self.refunded,
            self.voided,
            self.auth_pending,
            self.capture_pending,
            self.refund_pending,
        ];
        parts.iter().all(|part| *part >= 0)
            && self.captured.saturating_add(self.capture_pending) <= self.authorized
            && self.refunded.saturating_add(self.refund_pending) <= self.captured
            && self.voided <= self.authorized.saturating_sub(self.captured)
    }

    /// Minor units that could be given back now.
    #[must_use]
    pub const fn refundable(&self) -> i64 {
        self.captured.saturating_sub(self.refunded).saturating_sub(self.refund_pending)
    }

    /// The requests whose outcome is still to come.
    pub fn open_operations(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().filter(|op| op.state.is_open())
    }

    /// Whether money may be on its way in.
    #[must_use]
    pub fn is_collecting(&self) -> bool {
        self.auth_pending > 0 || self.capture_pending > 0
    }

    /// Writes a request down: its amount becomes pending.
    pub(crate) fn begin(&mut self, operation: Operation) {
        match operation.kind {
            OperationKind::Sale | OperationKind::Authorize => self.auth_pending += operation.amount,
            OperationKind::Capture => self.capture_pending += operation.amount,
            OperationKind::Refund => self.refund_pending += operation.amount,
            OperationKind::Void => {}
        }
        self.operations.push(operation);
    }

    /// Books an outcome: what was pending has happened, or has not.
    pub(crate) fn settle(&mut self, id: OperationId, outcome: &Outcome, now: Timestamp) {
        let Some(position) = self.operations.iter().position(|op| op.id == id) else { return };
        let operation = &mut self.operations[position];
        operation.state = match outcome {
            Outcome::Succeeded { .. } => OperationState::Succeeded,
            Outcome::Failed { .. } => OperationState::Failed,
        };
        operation.next_attempt_at = None;
        operation.update_time = now;
        let (kind, amount) = (operation.kind, operation.amount);
        match kind {
            OperationKind::Sale | OperationKind::Authorize => self.auth_pending -= amount,
            OperationKind::Capture => self.capture_pending -= amount,
            OperationKind::Refund => self.refund_pending -= amount,
            OperationKind::Void => {}
        }
        match outcome {
            Outcome::Succeeded { reference } => {
                self.operations[position].gateway_reference = Some(reference.clone());
                self.book(kind, amount);
            }
            Outcome::Failed { code } => self.operations[position].decline_code = Some(code.clone()),
        }
    }

    const fn book(&mut self, kind: OperationKind, amount: i64) {
        match kind {
            OperationKind::Sale => {
                self.authorized += amount;
                self.captured += amount;
            }
            OperationKind::Authorize => self.authorized += amount,
            OperationKind::Capture => self.captured += amount,
            OperationKind::Refund => self.refunded += amount,
            OperationKind::Void => self.voided += amount,
        }
    }
}

/// How a request to a gateway ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Succeeded {
        /// The gateway's name for it.
        reference: String,
    },
    /// Refused; nothing moved.
    Failed {
        /// The gateway's code, e.g. `insufficient_funds`.
        code: String,
    },
}

/// When the reconciler should look after a request that was sent `attempts` times: at once if it was never sent, otherwise
/// after the gateway's deadline, doubling from 15 seconds up to ten minutes.
#[must_use]
pub fn retry_at(now: Timestamp, attempts: u32) -> Timestamp {
    let Some(doublings) = attempts.checked_sub(1) else { return now };
    let seconds = (15_i64 << doublings.min(10)).min(600);
    now.plus_micros(seconds * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency;

    const NOW: Timestamp = Timestamp::from_micros(0);

    fn payment() -> Payment {
        let amount = Money::new(5998, Currency::parse("USD").unwrap());
        Payment::open(PaymentId::new(uuid::Uuid::nil()), PaymentMethod::CreditCard, amount, NOW)
    }

    fn operation(n: u128, kind: OperationKind, amount: i64) -> Operation {
        Operation {
            id: OperationId::new(uuid::Uuid::from_u128(n)),
            kind,
            amount,
            state: OperationState::Sent,
            token: None,
            gateway_reference: None,
            decline_code: None,
            attempts: 1,
            next_attempt_at: None,
            create_time: NOW,
            update_time: NOW,
        }
    }

    fn done() -> Outcome {
        Outcome::Succeeded { reference: "ref".into() }
    }

    #[test]
    fn a_sale_promises_and_takes_and_a_refund_gives_back() {
        let mut ledger = payment();
        let sale = operation(1, OperationKind::Sale, 5998);
        let refund = operation(2, OperationKind::Refund, 5998);
        ledger.begin(sale.clone());
        assert!(ledger.is_collecting() && ledger.is_sound());
        ledger.settle(sale.id, &done(), NOW);
        assert_eq!((ledger.captured, ledger.refundable()), (5998, 5998));
        ledger.begin(refund.clone());
        assert_eq!(ledger.refundable(), 0, "what is on its way back cannot be given back again");
        ledger.settle(refund.id, &done(), NOW);
        assert_eq!((ledger.refunded, ledger.refund_pending), (5998, 0));
        assert!(ledger.is_sound());
    }

    #[test]
    fn a_declined_request_moves_nothing() {
        let mut ledger = payment();
        let sale = operation(1, OperationKind::Sale, 5998);
        ledger.begin(sale.clone());
        ledger.settle(sale.id, &Outcome::Failed { code: "insufficient_funds".into() }, NOW);
        assert_eq!((ledger.authorized, ledger.captured, ledger.auth_pending), (0, 0, 0));
        assert_eq!(ledger.operations[0].decline_code.as_deref(), Some("insufficient_funds"));
    }
}
