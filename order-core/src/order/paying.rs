//! What commands do to an order's money: paying, giving back, and booking what a gateway says.

use super::{State, command::CommandKind, decide::Script, event::EventBody, state::PaymentStatus};
use crate::{
    error::Refusal,
    ids::{OperationId, PaymentId},
    limits,
    payment::{Operation, OperationKind, OperationState, Outcome, PaymentMethod, retry_at},
};

impl Script<'_> {
    /// Cash changes hands with the last parcel.
    pub(super) fn collect_cash(&mut self) {
        let Some(payment) = self.order.payment() else { return };
        if payment.method != PaymentMethod::CashOnDelivery || payment.captured > 0 {
            return;
        }
        let (payment_id, amount) = (payment.id, payment.amount.minor());
        let operation = self.operation((OperationKind::Sale, OperationState::Sent), amount, None);
        let operation_id = operation.id;
        let method = PaymentMethod::CashOnDelivery;
        self.emit(EventBody::OperationStarted { payment_id, method, operation });
        self.hand_over((payment_id, operation_id), OperationKind::Sale, amount);
    }

    pub(super) fn refund_or_refuse(&mut self) -> Result<(), Refusal> {
        if self.refund() { Ok(()) } else { Err(self.refuse(CommandKind::Refund, "no money is left to give back")) }
    }

    /// Enqueues the return of all money held. What was taken outside this service goes back outside it, too.
    pub(super) fn refund(&mut self) -> bool {
        let due: Vec<_> = self
            .order
            .payments
            .iter()
            .filter(|p| p.refundable() > 0 && p.method != PaymentMethod::External)
            .map(|p| (p.id, p.method, p.refundable()))
            .collect();
        for &(payment_id, method, amount) in &due {
            let operation = self.operation((OperationKind::Refund, OperationState::Initial), amount, None);
            let operation_id = operation.id;
            self.emit(EventBody::OperationStarted { payment_id, method, operation });
            if !method.needs_gateway() {
                self.hand_over((payment_id, operation_id), OperationKind::Refund, amount);
            }
        }
        !due.is_empty()
    }

    /// Cash is handed over by people; what they say is booked at once, and no gateway is asked.
    pub(super) fn hand_over(
        &mut self,
        (payment_id, operation_id): (PaymentId, OperationId),
        kind: OperationKind,
        amount: i64,
    ) {
        let outcome = Outcome::Succeeded { reference: "cash".to_owned() };
        self.emit(EventBody::OperationSettled { payment_id, operation_id, kind, amount, outcome });
    }

    pub(super) fn operation(
        &self,
        (kind, state): (OperationKind, OperationState),
        amount: i64,
        token: Option<&str>,
    ) -> Operation {
        let now = self.context.now;
        let attempts = u32::from(state == OperationState::Sent);
        Operation {
            id: OperationId::new(self.mint(1)),
            kind,
            amount,
            state,
            token: token.map(str::to_owned),
            gateway_reference: None,
            decline_code: None,
            attempts,
            next_attempt_at: Some(retry_at(now, attempts)),
            create_time: now,
            update_time: now,
        }
    }

    pub(super) fn guard_pay(&self) -> Result<(), Refusal> {
        let refuse = |reason| Err(self.refuse(CommandKind::Pay, reason));
        if self.order.payments.len() >= limits::PAYMENTS_PER_ORDER {
            return refuse("it was tried too often; place a new order");
        }
        match (self.order.state, self.order.payment_status) {
            (State::Cancelled | State::Expired, _) => refuse("it has been called off"),
            (_, PaymentStatus::Paid | PaymentStatus::Overpaid) => refuse("it is paid"),
            (_, PaymentStatus::Refunded | PaymentStatus::PartiallyRefunded) => refuse("its money was given back"),
            (_, PaymentStatus::Authorized) => refuse("its payment is already promised"),
            (_, PaymentStatus::Pending) => Err(Refusal::PaymentInProgress { order_id: self.order.id }),
            (
                State::Pending | State::Confirmed | State::Processing | State::Completed,
                PaymentStatus::Unpaid | PaymentStatus::PartiallyPaid | PaymentStatus::Failed | PaymentStatus::Voided,
            ) => Ok(()),
        }
    }

    pub(super) fn pay(&mut self, method: PaymentMethod, token: Option<&str>) -> Result<(), Refusal> {
        self.guard_pay()?;
        let amount = self.order.totals.total.minor() - self.order.money_held();
        let payment_id = PaymentId::new(self.mint(0));
        if method.needs_gateway() {
            let operation = self.operation((OperationKind::Sale, OperationState::Sent), amount, token);
            self.emit(EventBody::OperationStarted { payment_id, method, operation });
        } else {
            self.emit(EventBody::PaymentOpened { payment_id, method, amount });
            self.confirm_by_policy();
        }
        Ok(())
    }

    fn open(&self, id: OperationId) -> Option<(PaymentId, Operation)> {
        let (payment, operation) = self.order.open_operations().find(|(_, op)| op.id == id)?;
        Some((payment.id, operation.clone()))
    }

    pub(super) fn attempt(&mut self, operation_id: OperationId) -> Result<(), Refusal> {
        if let Some((payment_id, operation)) = self.open(operation_id) {
            let next_attempt_at = retry_at(self.context.now, operation.attempts + 1);
            self.emit(EventBody::OperationAttempted { payment_id, operation_id, next_attempt_at });
        }
        Ok(())
    }

    pub(super) fn lose(&mut self, operation_id: OperationId) -> Result<(), Refusal> {
        if let Some((payment_id, operation)) = self.open(operation_id) {
            let next_attempt_at = retry_at(self.context.now, operation.attempts);
            let kind = operation.kind;
            self.emit(EventBody::OperationUnknown { payment_id, operation_id, kind, next_attempt_at });
        }
        Ok(())
    }

    pub(super) fn settle(&mut self, operation_id: OperationId, outcome: &Outcome) -> Result<(), Refusal> {
        let Some((payment_id, operation)) = self.open(operation_id) else { return Ok(()) };
        let (kind, amount) = (operation.kind, operation.amount);
        self.emit(EventBody::OperationSettled { payment_id, operation_id, kind, amount, outcome: outcome.clone() });
        match self.order.state {
            // The money came too late: it goes back in the same transaction that books it.
            State::Cancelled | State::Expired if kind == OperationKind::Sale => {
                self.refund();
            }
            State::Cancelled | State::Expired => {}
            State::Pending | State::Confirmed | State::Processing | State::Completed => self.confirm_by_policy(),
        }
        Ok(())
    }
}
