//! `payment`, `payment_operation`, `payment_event` and `gateway_operation`.

use order_core::{
    ids::{OperationId, OrderId, PaymentId, ReturnId},
    money::Money,
    order::Order,
    payment::{Operation, OperationKind, OperationState, Outcome, Payment, PaymentMethod, RefundCause},
};

use super::{count, from_json, json, money, position, row, stored, word};
use crate::{
    error::StoreError,
    fields::{At, Id},
    store::{GatewayRecord, PaymentEvent, UnresolvedOperations},
};

row! {
    /// One way in which an order is paid.
    payment, PaymentRow {
        payment_id: Id,
        order_id: Id,
        position: i32,
        method: String,
        currency: String,
        amount: i64,
        authorized: i64,
        captured: i64,
        refunded: i64,
        voided: i64,
        auth_pending: i64,
        capture_pending: i64,
        refund_pending: i64,
        void_pending: i64,
        create_time: At,
    }
}

row! {
    /// One request to a gateway.
    payment_operation, OperationRow {
        operation_id: Id,
        payment_id: Id,
        order_id: Id,
        position: i32,
        kind: String,
        amount: i64,
        state: String,
        cause: Option<String>,
        concession: i64,
        return_id: Option<Id>,
        token: Option<String>,
        gateway_reference: Option<String>,
        reported_amount: Option<i64>,
        reported_currency: Option<String>,
        decline_code: Option<String>,
        attempts: i32,
        next_attempt_at: Option<At>,
        create_time: At,
        update_time: At,
    }
}

row! {
    /// What a gateway told us without being asked.
    payment_event, PaymentEventRow {
        event_id: String,
        operation_id: Id,
        order_id: Id,
        outcome: String,
        event_time: At,
        create_time: At,
    }
}

row! {
    /// What the simulated gateway did under a key.
    gateway_operation, GatewayRow {
        key: Id,
        kind: String,
        amount: i64,
        currency: String,
        reference: Option<String>,
        moved_amount: Option<i64>,
        moved_currency: Option<String>,
        decline_code: Option<String>,
        create_time: At,
    }
}

impl PaymentRow {
    pub(crate) fn all(order: &Order) -> Vec<Self> {
        order.payments.iter().enumerate().map(|(at, payment)| Self::new(order.id, at, payment)).collect()
    }

    fn new(order_id: OrderId, at: usize, payment: &Payment) -> Self {
        Self {
            payment_id: Id(payment.id.uuid()),
            order_id: Id(order_id.uuid()),
            position: position(at),
            method: payment.method.as_str().to_owned(),
            currency: payment.amount.currency().code().to_owned(),
            amount: payment.amount.minor(),
            authorized: payment.authorized,
            captured: payment.captured,
            refunded: payment.refunded,
            voided: payment.voided,
            auth_pending: payment.auth_pending,
            capture_pending: payment.capture_pending,
            refund_pending: payment.refund_pending,
            void_pending: payment.void_pending,
            create_time: At(payment.create_time),
        }
    }

    /// The payment with those of `operations` that are its own, which must come by position. Whether it is sound is the order's
    /// to say.
    pub(crate) fn into_payment(self, operations: &[OperationRow]) -> Result<Payment, StoreError> {
        let own = operations.iter().filter(|op| op.payment_id == self.payment_id);
        Ok(Payment {
            id: PaymentId::new(self.payment_id.0),
            method: word(&PaymentMethod::ALL, PaymentMethod::as_str, &self.method)?,
            amount: money(self.amount, &self.currency)?,
            authorized: self.authorized,
            captured: self.captured,
            refunded: self.refunded,
            voided: self.voided,
            auth_pending: self.auth_pending,
            capture_pending: self.capture_pending,
            refund_pending: self.refund_pending,
            void_pending: self.void_pending,
            operations: own.cloned().map(Operation::try_from).collect::<Result<_, _>>()?,
            create_time: self.create_time.0,
        })
    }
}

impl OperationRow {
    pub(crate) fn all(order: &Order) -> Vec<Self> {
        let of = |payment: &Payment| {
            let owner = (order.id, payment.id);
            payment.operations.iter().enumerate().map(move |(at, op)| Self::new(owner, at, op)).collect::<Vec<_>>()
        };
        order.payments.iter().flat_map(of).collect()
    }

    fn new((order_id, payment_id): (OrderId, PaymentId), at: usize, operation: &Operation) -> Self {
        Self {
            operation_id: Id(operation.id.uuid()),
            payment_id: Id(payment_id.uuid()),
            order_id: Id(order_id.uuid()),
            position: position(at),
            kind: operation.kind.as_str().to_owned(),
            amount: operation.amount,
            state: operation.state.as_str().to_owned(),
            cause: operation.cause.map(|cause| cause.as_str().to_owned()),
            concession: operation.concession,
            return_id: operation.return_id.map(|id| Id(id.uuid())),
            token: operation.token.clone(),
            gateway_reference: operation.gateway_reference.clone(),
            reported_amount: operation.reported.map(Money::minor),
            reported_currency: operation.reported.map(|money| money.currency().code().to_owned()),
            decline_code: operation.decline_code.clone(),
            attempts: stored(operation.attempts),
            next_attempt_at: operation.next_attempt_at.map(At),
            create_time: At(operation.create_time),
            update_time: At(operation.update_time),
        }
    }
}

impl TryFrom<OperationRow> for Operation {
    type Error = StoreError;

    fn try_from(row: OperationRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: OperationId::new(row.operation_id.0),
            kind: word(&OperationKind::ALL, OperationKind::as_str, &row.kind)?,
            amount: row.amount,
            state: word(&OperationState::ALL, OperationState::as_str, &row.state)?,
            cause: row.cause.map(|cause| word(&RefundCause::ALL, RefundCause::as_str, &cause)).transpose()?,
            concession: row.concession,
            return_id: row.return_id.map(|id| ReturnId::new(id.0)),
            token: row.token,
            gateway_reference: row.gateway_reference,
            reported: moved(row.reported_amount, row.reported_currency)?,
            decline_code: row.decline_code,
            attempts: count(row.attempts)?,
            next_attempt_at: row.next_attempt_at.map(|at| at.0),
            create_time: row.create_time.0,
            update_time: row.update_time.0,
        })
    }
}

/// Open operations: their state, how many, and since when the oldest is there.
pub(crate) type UnresolvedRow = (String, i64, Option<At>);

impl TryFrom<UnresolvedRow> for UnresolvedOperations {
    type Error = StoreError;

    fn try_from((state, count, oldest): UnresolvedRow) -> Result<Self, StoreError> {
        Ok(Self {
            state: word(&OperationState::ALL, OperationState::as_str, &state)?,
            count: u32::try_from(count).unwrap_or(u32::MAX),
            oldest: oldest.ok_or_else(|| StoreError::corrupt("operations without a time"))?.0,
        })
    }
}

impl GatewayRow {
    pub(crate) fn new(record: &GatewayRecord) -> Self {
        let (reference, moved, decline_code) = match &record.outcome {
            Outcome::Succeeded { reference, moved } => (Some(reference.clone()), *moved, None),
            Outcome::Failed { code } => (None, None, Some(code.clone())),
        };
        Self {
            key: Id(record.key.uuid()),
            kind: record.kind.as_str().to_owned(),
            amount: record.amount.minor(),
            currency: record.amount.currency().code().to_owned(),
            reference,
            moved_amount: moved.map(Money::minor),
            moved_currency: moved.map(|money| money.currency().code().to_owned()),
            decline_code,
            create_time: At(record.time),
        }
    }
}

impl TryFrom<GatewayRow> for GatewayRecord {
    type Error = StoreError;

    fn try_from(row: GatewayRow) -> Result<Self, StoreError> {
        let outcome = match (row.reference, row.decline_code) {
            (Some(reference), None) => {
                Outcome::Succeeded { reference, moved: moved(row.moved_amount, row.moved_currency)? }
            }
            (None, Some(code)) => Outcome::Failed { code },
            (Some(_), Some(_)) | (None, None) => return Err(StoreError::corrupt("gateway outcome")),
        };
        Ok(Self {
            key: OperationId::new(row.key.0),
            kind: word(&OperationKind::ALL, OperationKind::as_str, &row.kind)?,
            amount: money(row.amount, &row.currency)?,
            outcome,
            time: row.create_time.0,
        })
    }
}

impl PaymentEventRow {
    pub(crate) fn new(order_id: OrderId, event: &PaymentEvent) -> Self {
        Self {
            event_id: event.event_id.clone(),
            operation_id: Id(event.operation_id.uuid()),
            order_id: Id(order_id.uuid()),
            outcome: json(&event.outcome),
            event_time: At(event.event_time),
            create_time: At(event.create_time),
        }
    }
}

impl TryFrom<PaymentEventRow> for PaymentEvent {
    type Error = StoreError;

    fn try_from(row: PaymentEventRow) -> Result<Self, StoreError> {
        Ok(Self {
            event_id: row.event_id,
            operation_id: OperationId::new(row.operation_id.0),
            outcome: from_json(&row.outcome)?,
            event_time: row.event_time.0,
            create_time: row.create_time.0,
        })
    }
}

fn moved(amount: Option<i64>, currency: Option<String>) -> Result<Option<Money>, StoreError> {
    amount.zip(currency).map(|(amount, currency)| money(amount, &currency)).transpose()
}
