//! `payment`, `payment_operation` and `gateway_operation`.

use order_core::{
    ids::{OperationId, OrderId, PaymentId},
    order::Order,
    payment::{Operation, OperationKind, OperationState, Outcome, Payment, PaymentMethod},
};

use super::{count, money, position, row, stored, word};
use crate::{
    error::StoreError,
    fields::{At, Id},
    store::GatewayRecord,
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
        token: Option<String>,
        gateway_reference: Option<String>,
        decline_code: Option<String>,
        attempts: i32,
        next_attempt_at: Option<At>,
        create_time: At,
        update_time: At,
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
            create_time: At(payment.create_time),
        }
    }

    /// The payment with those of `operations` that are its own, which must come by position.
    pub(crate) fn into_payment(self, operations: &[OperationRow]) -> Result<Payment, StoreError> {
        let own = operations.iter().filter(|op| op.payment_id == self.payment_id);
        let payment = Payment {
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
            operations: own.cloned().map(Operation::try_from).collect::<Result<_, _>>()?,
            create_time: self.create_time.0,
        };
        if payment.is_sound() { Ok(payment) } else { Err(StoreError::corrupt(format!("payment {}", payment.id))) }
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
            token: operation.token.clone(),
            gateway_reference: operation.gateway_reference.clone(),
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
            token: row.token,
            gateway_reference: row.gateway_reference,
            decline_code: row.decline_code,
            attempts: count(row.attempts)?,
            next_attempt_at: row.next_attempt_at.map(|at| at.0),
            create_time: row.create_time.0,
            update_time: row.update_time.0,
        })
    }
}

impl GatewayRow {
    pub(crate) fn new(record: &GatewayRecord) -> Self {
        let (reference, decline_code) = match &record.outcome {
            Outcome::Succeeded { reference } => (Some(reference.clone()), None),
            Outcome::Failed { code } => (None, Some(code.clone())),
        };
        Self {
            key: Id(record.key.uuid()),
            kind: record.kind.as_str().to_owned(),
            amount: record.amount.minor(),
            currency: record.amount.currency().code().to_owned(),
            reference,
            decline_code,
            create_time: At(record.time),
        }
    }
}

impl TryFrom<GatewayRow> for GatewayRecord {
    type Error = StoreError;

    fn try_from(row: GatewayRow) -> Result<Self, StoreError> {
        let outcome = match (row.reference, row.decline_code) {
            (Some(reference), None) => Outcome::Succeeded { reference },
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
