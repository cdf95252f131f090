//! The payment ledger: what was promised, taken and given back, and every request that was sent to a gateway.
//!
//! A request is written down before it is sent and its outcome afterwards; between the two its amount is *pending*, and
//! pending amounts count against every bound. So no two requests together can take or return more than they may, whatever
//! the order in which their answers arrive.

mod method;
mod operation;

use serde::{Deserialize, Serialize};

pub use self::{
    method::PaymentMethod,
    operation::{Operation, OperationKind, OperationState, Outcome, RefundCause, retry_at},
};
use crate::{
    ids::{OperationId, PaymentId},
    money::Money,
    time::Timestamp,
};

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
    /// On its way to being given up.
    #[serde(default)]
    pub void_pending: i64,
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
            void_pending: 0,
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
            self.void_pending,
        ];
        parts.iter().all(|part| *part >= 0)
            && self.spoken_for() <= i128::from(self.authorized)
            && i128::from(self.refunded) + i128::from(self.refund_pending) <= i128::from(self.captured)
    }

    /// What is taken or given up of the promise, or on its way to be.
    fn spoken_for(&self) -> i128 {
        [self.captured, self.capture_pending, self.voided, self.void_pending].map(i128::from).iter().sum()
    }

    /// Minor units of the promise that could be taken or given up now.
    #[must_use]
    pub const fn capturable(&self) -> i64 {
        self.authorized
            .saturating_sub(self.captured)
            .saturating_sub(self.capture_pending)
            .saturating_sub(self.voided)
            .saturating_sub(self.void_pending)
    }

    /// Minor units promised and not yet taken, those on their way to be taken included.
    #[must_use]
    pub const fn promised(&self) -> i64 {
        self.capturable().saturating_add(self.capture_pending)
    }

    /// Minor units taken, neither given back nor on their way back.
    #[must_use]
    pub const fn held(&self) -> i64 {
        self.refundable()
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

    /// The token of the instrument, as it was given when the payment began.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.operations.iter().find_map(|op| op.token.as_deref())
    }

    /// Under which name the gateway knows the money that was promised or taken.
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        let collected = |op: &&Operation| matches!(op.kind, OperationKind::Sale | OperationKind::Authorize);
        self.operations.iter().filter(collected).find_map(|op| op.gateway_reference.as_deref())
    }

    /// Minor units that requests of a kind have moved so far.
    pub(crate) const fn moved(&self, kind: OperationKind) -> i64 {
        match kind {
            OperationKind::Authorize => self.authorized,
            OperationKind::Sale | OperationKind::Capture => self.captured,
            OperationKind::Refund => self.refunded,
            OperationKind::Void => self.voided,
        }
    }

    const fn pending_mut(&mut self, kind: OperationKind) -> &mut i64 {
        match kind {
            OperationKind::Sale | OperationKind::Authorize => &mut self.auth_pending,
            OperationKind::Capture => &mut self.capture_pending,
            OperationKind::Refund => &mut self.refund_pending,
            OperationKind::Void => &mut self.void_pending,
        }
    }

    /// Writes a request down: its amount becomes pending.
    pub(crate) fn begin(&mut self, operation: Operation) {
        *self.pending_mut(operation.kind) += operation.amount;
        self.operations.push(operation);
    }

    /// Books an outcome: what was pending has happened, or has not. A request that counted as refused may turn out to have been
    /// carried out after all; then nothing of it is pending any more, and it is booked all the same.
    pub(crate) fn settle(&mut self, id: OperationId, outcome: &Outcome, now: Timestamp) {
        let Some(position) = self.operations.iter().position(|op| op.id == id) else { return };
        let operation = &mut self.operations[position];
        let (kind, amount, was_open) = (operation.kind, operation.amount, operation.state.is_open());
        operation.state = outcome.state();
        operation.next_attempt_at = None;
        operation.update_time = now;
        match outcome {
            Outcome::Succeeded { reference, moved } => {
                let asked = Money::new(amount, self.amount.currency());
                operation.gateway_reference = Some(reference.clone());
                operation.reported = moved.filter(|moved| *moved != asked);
                operation.decline_code = None;
            }
            Outcome::Failed { code } => operation.decline_code = Some(code.clone()),
        }
        if was_open {
            *self.pending_mut(kind) -= amount;
        }
        if let Outcome::Succeeded { moved, .. } = outcome {
            self.book(kind, self.counted(moved.as_ref(), amount));
        }
    }

    /// What of a gateway's word can stand in this ledger: other currencies cannot, and neither can less than nothing.
    fn counted(&self, moved: Option<&Money>, asked: i64) -> i64 {
        match moved {
            None => asked,
            Some(moved) if moved.currency() == self.amount.currency() => moved.minor().max(0),
            Some(_) => 0,
        }
    }

    /// Keeps the ledger's bounds whatever a gateway says: more taken than was promised counts as promised; more given back than
    /// was taken cannot be booked, and stays visible in what the operation reports.
    fn book(&mut self, kind: OperationKind, amount: i64) {
        match kind {
            OperationKind::Sale => {
                self.authorized = self.authorized.saturating_add(amount);
                self.captured = self.captured.saturating_add(amount);
            }
            OperationKind::Authorize => self.authorized = self.authorized.saturating_add(amount),
            OperationKind::Capture => {
                self.captured = self.captured.saturating_add(amount);
                self.authorized = self.authorized.max(i64::try_from(self.spoken_for()).unwrap_or(i64::MAX));
            }
            OperationKind::Refund => self.refunded += amount.min(self.refundable()),
            OperationKind::Void => self.voided += amount.min(self.capturable()),
        }
    }
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
            cause: None,
            concession: 0,
            return_id: None,
            token: None,
            gateway_reference: None,
            reported: None,
            decline_code: None,
            attempts: 1,
            next_attempt_at: None,
            create_time: NOW,
            update_time: NOW,
        }
    }

    fn done() -> Outcome {
        Outcome::succeeded("ref")
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

    #[test]
    fn a_promise_is_taken_in_parts_and_the_rest_given_up() {
        let mut ledger = payment();
        let parts =
            [(1, OperationKind::Authorize, 5998), (2, OperationKind::Capture, 2000), (3, OperationKind::Void, 3998)];
        let asked = parts.map(|(n, kind, amount)| operation(n, kind, amount));
        ledger.begin(asked[0].clone());
        ledger.settle(asked[0].id, &done(), NOW);
        assert_eq!((ledger.capturable(), ledger.held()), (5998, 0));
        ledger.begin(asked[1].clone());
        assert_eq!((ledger.capturable(), ledger.promised()), (3998, 5998));
        ledger.begin(asked[2].clone());
        assert_eq!(ledger.capturable(), 0, "what is being given up cannot be taken");
        ledger.settle(asked[2].id, &done(), NOW);
        ledger.settle(asked[1].id, &done(), NOW);
        assert_eq!((ledger.captured, ledger.voided, ledger.promised()), (2000, 3998, 0));
        assert!(ledger.is_sound());
    }

    #[test]
    fn whatever_a_gateway_says_the_bounds_hold() {
        let usd = Currency::parse("USD").unwrap();
        let says =
            |minor, currency| Outcome::Succeeded { reference: "r".into(), moved: Some(Money::new(minor, currency)) };
        for kind in OperationKind::ALL {
            for word in [says(-5, usd), says(0, usd), says(i64::MAX, usd), says(7, Currency::parse("JPY").unwrap())] {
                let mut ledger = payment();
                let sale = operation(1, OperationKind::Authorize, 5998);
                ledger.begin(sale.clone());
                ledger.settle(sale.id, &done(), NOW);
                let asked = operation(2, kind, 100);
                if kind == OperationKind::Refund {
                    let capture = operation(3, OperationKind::Capture, 500);
                    ledger.begin(capture.clone());
                    ledger.settle(capture.id, &done(), NOW);
                }
                ledger.begin(asked.clone());
                ledger.settle(asked.id, &word, NOW);
                assert!(ledger.is_sound(), "{kind:?} {word:?} {ledger:?}");
                assert!(ledger.operations.iter().any(|op| op.reported.is_some()));
            }
        }
    }

    #[test]
    fn a_request_that_counted_as_refused_is_booked_when_it_turns_out_to_have_been_carried_out() {
        let mut ledger = payment();
        let sale = operation(1, OperationKind::Sale, 5998);
        ledger.begin(sale.clone());
        ledger.settle(sale.id, &Outcome::Failed { code: "never_sent".into() }, NOW);
        ledger.settle(sale.id, &done(), NOW);
        assert_eq!((ledger.captured, ledger.auth_pending), (5998, 0));
        assert!(ledger.is_sound());
    }
}
