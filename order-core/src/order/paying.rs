//! What commands do to an order's money: paying, taking what was promised, and booking what a gateway says.

use super::{Order, State, command::CommandKind, decide::Script, event::EventBody, state::Hold};
use crate::{
    error::{AmountLimit, Refusal, ResourceKind},
    ids::{OperationId, PaymentId},
    limits,
    money::Money,
    payment::{Operation, OperationKind, OperationState, Outcome, Payment, PaymentMethod, RefundCause, retry_at},
    policy::CapturePolicy,
};

/// How an answer could be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Booked {
    /// The money that was asked to be moved, or none where the request was refused.
    AsAsked,
    /// Other money.
    Otherwise,
}

impl Script<'_> {
    /// Takes what is still missing in cash, where that was agreed.
    pub(super) fn collect_cash(&mut self) {
        let missing = self.order.missing();
        let Some(payment_id) = self.order.cash_awaited().map(|payment| payment.id) else { return };
        if missing > 0 {
            let operation = self.operation((OperationKind::Sale, OperationState::Sent), missing, None);
            self.start(payment_id, operation);
        }
    }

    /// Writes a request down. Cash is handed over by people: what they say is booked at once, and no gateway is asked.
    pub(super) fn start(&mut self, payment_id: PaymentId, operation: Operation) {
        let Some(method) = self.order.payments.iter().find(|p| p.id == payment_id).map(|p| p.method) else { return };
        let (operation_id, kind, amount) = (operation.id, operation.kind, operation.amount);
        self.emit(EventBody::OperationStarted { payment_id, method, operation });
        if !method.needs_gateway() {
            let outcome = Outcome::succeeded("cash");
            self.emit(EventBody::OperationSettled { payment_id, operation_id, kind, amount, outcome });
        }
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
            cause: None,
            concession: 0,
            return_id: None,
            token: token.map(str::to_owned),
            gateway_reference: None,
            reported: None,
            decline_code: None,
            attempts,
            next_attempt_at: Some(retry_at(now, attempts)),
            create_time: now,
            update_time: now,
        }
    }

    pub(super) fn guard_pay(&self) -> Result<(), &'static str> {
        let order = &self.order;
        match () {
            () if order.holds.contains(&Hold::Payment) => Err("its payment is being looked at"),
            () if order.is_collecting() => Err("a payment is on its way"),
            () if order.missing() > 0 && order.payments.len() >= limits::PAYMENTS_PER_ORDER => {
                Err("it was tried too often; place a new order")
            }
            () if order.missing() > 0 => Ok(()),
            () if order.money_promised() > 0 => Err("its payment is already promised"),
            () if order.is_given_back() => Err("its money was given back"),
            () => Err("it is paid"),
        }
    }

    pub(super) fn pay(
        &mut self,
        (method, token): (PaymentMethod, Option<&str>),
        amount: Option<Money>,
    ) -> Result<(), Refusal> {
        self.check_table(CommandKind::Pay)?;
        if self.order.is_collecting() {
            return Err(Refusal::PaymentInProgress { order_id: self.order.id });
        }
        self.check(CommandKind::Pay)?;
        let missing = self.order.missing();
        let amount = amount.map_or(Ok(missing), |amount| self.within(amount, (AmountLimit::Due, missing)))?;
        let payment_id = PaymentId::new(self.mint(0));
        if method.needs_gateway() {
            let operation = self.operation((self.collecting(method), OperationState::Sent), amount, token);
            self.emit(EventBody::OperationStarted { payment_id, method, operation });
        } else {
            self.guard_cash(amount).map_err(|reason| self.refuse(CommandKind::Pay, reason))?;
            self.emit(EventBody::PaymentOpened { payment_id, method, amount });
            self.confirm_by_policy();
        }
        Ok(())
    }

    /// Cash is agreed once, for all that is missing, and while somebody is still to come to the door.
    fn guard_cash(&self, amount: i64) -> Result<(), &'static str> {
        match () {
            () if self.order.cash_awaited().is_some() => Err("it is to be paid on delivery already"),
            () if self.order.has_arrived() => Err("all of it has been delivered; pay it in another way"),
            () if amount != self.order.missing() => Err("cash on delivery is for all that is due"),
            () => Ok(()),
        }
    }

    /// Whether money is taken at once or promised first. Goods that have left are paid at once.
    fn collecting(&self, method: PaymentMethod) -> OperationKind {
        match self.context.policy.capture {
            CapturePolicy::OnShipment | CapturePolicy::Manual if method.authorizes() && !self.order.has_left() => {
                OperationKind::Authorize
            }
            CapturePolicy::AtOnce | CapturePolicy::OnShipment | CapturePolicy::Manual => OperationKind::Sale,
        }
    }

    fn payment(&self, id: PaymentId) -> Result<&Payment, Refusal> {
        let payment = self.order.payments.iter().find(|payment| payment.id == id);
        payment.ok_or_else(|| Refusal::not_found(ResourceKind::Payment, id))
    }

    pub(super) fn guard_capture(&self) -> Result<(), &'static str> {
        match () {
            () if self.order.to_capture() == 0 => Err("nothing is due that is not taken or being taken"),
            () if self.is_crowded() => Err("it has as many payment operations as it may"),
            () if self.order.payments.iter().any(|p| p.capturable() > 0) => Ok(()),
            () if self.order.cash_awaited().is_none() => Err("no money is promised"),
            () if self.order.missing() == 0 => Err("a payment is on its way"),
            () => Ok(()),
        }
    }

    /// Takes promised money, or notes that cash was handed over.
    pub(super) fn capture(&mut self, payment_id: PaymentId, amount: Option<Money>) -> Result<(), Refusal> {
        self.check(CommandKind::Capture)?;
        let payment = self.payment(payment_id)?;
        let cash = self.order.cash_awaited().is_some_and(|awaited| awaited.id == payment_id);
        let promised = if cash { self.order.missing() } else { payment.capturable() };
        let available = promised.min(self.order.to_capture());
        if available == 0 {
            return Err(self.refuse(CommandKind::Capture, "this payment has no money promised"));
        }
        let amount =
            amount.map_or(Ok(available), |amount| self.within(amount, (AmountLimit::Capturable, available)))?;
        let kind = if cash { OperationKind::Sale } else { OperationKind::Capture };
        let operation = self.operation((kind, OperationState::Initial), amount, None);
        self.start(payment_id, operation);
        self.confirm_by_policy();
        Ok(())
    }

    /// Where money is taken with the goods, takes what has been earned so far.
    pub(super) fn capture_for_shipped(&mut self) {
        match self.context.policy.capture {
            CapturePolicy::AtOnce | CapturePolicy::Manual => return,
            CapturePolicy::OnShipment => {}
        }
        let mut left = self.order.to_capture_for_shipped();
        let promised: Vec<_> = self.order.payments.iter().map(|p| (p.id, p.capturable())).collect();
        for (payment_id, capturable) in promised {
            let amount = capturable.min(left);
            if amount > 0 {
                left -= amount;
                let operation = self.operation((OperationKind::Capture, OperationState::Initial), amount, None);
                self.start(payment_id, operation);
            }
        }
    }

    pub(super) fn guard_void(&self) -> Result<(), &'static str> {
        if self.order.payments.iter().any(|p| p.capturable() > 0) { Ok(()) } else { Err("no money is promised") }
    }

    pub(super) fn void(&mut self, payment_id: PaymentId) -> Result<(), Refusal> {
        self.check(CommandKind::Void)?;
        if self.payment(payment_id)?.capturable() == 0 {
            return Err(self.refuse(CommandKind::Void, "this payment has no money promised"));
        }
        self.give_up(payment_id, RefundCause::Requested);
        Ok(())
    }

    pub(super) fn give_up(&mut self, payment_id: PaymentId, cause: RefundCause) {
        let Some(amount) = self.order.payments.iter().find(|p| p.id == payment_id).map(Payment::capturable) else {
            return;
        };
        let mut operation = self.operation((OperationKind::Void, OperationState::Initial), amount, None);
        operation.cause = Some(cause);
        self.start(payment_id, operation);
    }

    fn find(&self, id: OperationId) -> Option<(PaymentId, Operation)> {
        let mut all =
            self.order.payments.iter().flat_map(|payment| payment.operations.iter().map(move |op| (payment.id, op)));
        all.find(|(_, operation)| operation.id == id).map(|(payment_id, operation)| (payment_id, operation.clone()))
    }

    fn open(&self, id: OperationId) -> Option<(PaymentId, Operation)> {
        self.find(id).filter(|(_, operation)| operation.state.is_open())
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

    /// Books what a gateway says, once: the same answer again changes nothing. A request that counted as refused and was carried
    /// out after all is booked too, since the money has moved; what else contradicts an earlier answer is not believed, and
    /// somebody has to look.
    pub(super) fn settle(&mut self, operation_id: OperationId, outcome: &Outcome) -> Result<(), Refusal> {
        let Some((payment_id, operation)) = self.find(operation_id) else {
            return Err(Refusal::not_found(ResourceKind::PaymentOperation, operation_id));
        };
        match (operation.state, outcome) {
            (OperationState::Initial | OperationState::Sent | OperationState::Unknown, _)
            | (OperationState::Failed, Outcome::Succeeded { .. }) => {
                let excess = self.order.excess();
                if self.book((payment_id, &operation), outcome) == Booked::AsAsked {
                    self.give_late_money_back(operation.kind, excess);
                } else {
                    self.mismatch((payment_id, operation_id), outcome);
                }
                self.follow_up(operation.kind, outcome);
            }
            (OperationState::Succeeded, Outcome::Succeeded { moved, .. }) => {
                // The first word may have named no amount, or another one.
                let known =
                    operation.reported.unwrap_or(Money::new(operation.amount, self.order.totals.total.currency()));
                if moved.is_some_and(|moved| moved != known) {
                    self.contradiction((payment_id, operation_id), outcome);
                }
            }
            (OperationState::Failed, Outcome::Failed { .. }) => {}
            (OperationState::Succeeded, Outcome::Failed { .. }) => {
                self.contradiction((payment_id, operation_id), outcome);
            }
        }
        Ok(())
    }

    /// Books an answer, and says whether the ledger now shows what was asked. It does not where a gateway moved other money, nor
    /// where a request that counted as refused was carried out after its money had been moved, or its promise given up, by another
    /// one.
    fn book(&mut self, (payment_id, operation): (PaymentId, &Operation), outcome: &Outcome) -> Booked {
        let (operation_id, kind, amount) = (operation.id, operation.kind, operation.amount);
        let ledger = |order: &Order| {
            let payment = order.payments.iter().find(|payment| payment.id == payment_id);
            payment.map_or((0, 0), |payment| (payment.moved(kind), payment.authorized))
        };
        let (before, promised) = ledger(&self.order);
        self.emit(EventBody::OperationSettled { payment_id, operation_id, kind, amount, outcome: outcome.clone() });
        let (after, promised_after) = ledger(&self.order);
        // Taking what was promised promises nothing.
        let as_promised = kind != OperationKind::Capture || promised_after == promised;
        match outcome {
            Outcome::Failed { .. } => Booked::AsAsked,
            Outcome::Succeeded { .. } if after.saturating_sub(before) == amount && as_promised => Booked::AsAsked,
            Outcome::Succeeded { .. } => Booked::Otherwise,
        }
    }

    /// Units were called off or came back while a payment was on its way, or a payment that counted as refused was carried out
    /// after all: what is too much by it goes back.
    fn give_late_money_back(&mut self, kind: OperationKind, excess: i64) {
        match kind {
            OperationKind::Sale | OperationKind::Capture if !self.order.is_called_off() => {
                self.give_back(self.order.excess() - excess, RefundCause::Late);
            }
            OperationKind::Sale
            | OperationKind::Capture
            | OperationKind::Authorize
            | OperationKind::Refund
            | OperationKind::Void => {}
        }
    }

    /// A word against an earlier one. While somebody has to look anyway, it adds nothing: gateways repeat themselves.
    fn contradiction(&mut self, operation: (PaymentId, OperationId), outcome: &Outcome) {
        if !self.order.holds.contains(&Hold::Payment) {
            self.mismatch(operation, outcome);
        }
    }

    /// Never silently accepted: the order waits until somebody has looked.
    fn mismatch(&mut self, (payment_id, operation_id): (PaymentId, OperationId), outcome: &Outcome) {
        self.emit(EventBody::PaymentMismatch { payment_id, operation_id, outcome: outcome.clone() });
        if !self.order.holds.contains(&Hold::Payment) {
            self.emit(EventBody::HoldPlaced { hold: Hold::Payment });
        }
    }

    /// What an outcome means for the order. Money that came too late goes back in the same transaction that books it.
    fn follow_up(&mut self, kind: OperationKind, outcome: &Outcome) {
        match (self.order.state, outcome, kind) {
            // A promise that was being taken when the order was called off is given up once it turns out that it was not taken.
            (State::Cancelled | State::Expired, Outcome::Failed { .. }, OperationKind::Capture) => {
                self.void_all(RefundCause::Cancellation);
            }
            (_, Outcome::Failed { .. }, _) => {}
            (
                State::Cancelled | State::Expired,
                _,
                OperationKind::Sale | OperationKind::Authorize | OperationKind::Capture,
            ) => {
                self.give_all_back(RefundCause::Late);
            }
            (State::Cancelled | State::Expired, _, OperationKind::Refund | OperationKind::Void) => {}
            (State::Pending | State::Confirmed | State::Processing | State::Completed, ..) => {
                self.confirm_by_policy();
                // A promise for goods that have left meanwhile.
                if kind == OperationKind::Authorize {
                    self.capture_for_shipped();
                }
                self.tidy_promises();
            }
        }
    }
}
