//! Payments, and what callers pay with.

use order_api::v1;
use order_core::{
    ids::OperationId,
    limits,
    money::Money,
    payment::{Operation, OperationKind, OperationState, Outcome, Payment, PaymentMethod, RefundCause},
    text::{self, CardNumbers, TextRule},
    time::Timestamp,
    violation::{Violations, reason},
};
use order_store::PaymentEvent;

use super::{ids, int32, money, time};

/// What a caller pays with: the method, and the gateway's token where the method needs one.
pub type Instrument = (PaymentMethod, Option<String>);

/// Reads what a caller pays with, which must be given.
pub fn instrument(
    instrument: Option<&v1::PaymentInstrument>,
    field: &str,
    violations: &mut Violations,
) -> Option<Instrument> {
    let Some(v1::PaymentInstrument { method, token }) = instrument else {
        violations.push(field, reason::REQUIRED, "must be set");
        return None;
    };
    let method = method_from_proto(*method, &format!("{field}.method"), violations);
    let field = format!("{field}.token");
    // Whatever the method, a card number is refused.
    let token = match method {
        Some(method) if !method.needs_gateway() => no_token(token, &field, violations).map(|()| None),
        None if token.is_empty() => None,
        Some(_) | None => text::PAYMENT_TOKEN.check(token, &field, violations).map(Some),
    };
    Some((method?, token?))
}

/// Reads what a caller pays with, which may be left out.
pub fn optional_instrument(
    given: Option<&v1::PaymentInstrument>,
    field: &str,
    violations: &mut Violations,
) -> Option<Option<Instrument>> {
    if given.is_none() { Some(None) } else { instrument(given, field, violations).map(Some) }
}

fn no_token(token: &str, field: &str, violations: &mut Violations) -> Option<()> {
    if token.is_empty() {
        return Some(());
    }
    let why = if text::looks_like_card_number(token) { reason::CARD_NUMBER } else { reason::UNKNOWN_VALUE };
    violations.push(field, why, "must be empty: cash on delivery needs no token");
    None
}

fn method_from_proto(method: i32, field: &str, violations: &mut Violations) -> Option<PaymentMethod> {
    let (why, problem) = match v1::PaymentMethod::try_from(method) {
        Ok(v1::PaymentMethod::CreditCard) => return Some(PaymentMethod::CreditCard),
        Ok(v1::PaymentMethod::DebitCard) => return Some(PaymentMethod::DebitCard),
        Ok(v1::PaymentMethod::Upi) => return Some(PaymentMethod::Upi),
        Ok(v1::PaymentMethod::NetBanking) => return Some(PaymentMethod::NetBanking),
        Ok(v1::PaymentMethod::Wallet) => return Some(PaymentMethod::Wallet),
        Ok(v1::PaymentMethod::CashOnDelivery) => return Some(PaymentMethod::CashOnDelivery),
        Ok(v1::PaymentMethod::External) => {
            (reason::UNKNOWN_VALUE, "must not be EXTERNAL, which only imported orders have")
        }
        Ok(v1::PaymentMethod::Unspecified) => (reason::REQUIRED, "must be set"),
        Err(_unknown) => (reason::UNKNOWN_VALUE, "must be one of the values of PaymentMethod"),
    };
    violations.push(field, why, problem);
    None
}

/// A payment on the wire. The instrument's token stays inside.
#[must_use]
pub fn to_proto(payment: &Payment) -> v1::Payment {
    let currency = payment.amount.currency();
    let amount = |minor| Some(money::to_proto(Money::new(minor, currency)));
    let latest = payment.operations.last();
    v1::Payment {
        payment_id: payment.id.to_string(),
        method: method_to_proto(payment.method).into(),
        amount: amount(payment.amount.minor()),
        authorized: amount(payment.authorized),
        captured: amount(payment.captured),
        refunded: amount(payment.refunded),
        voided: amount(payment.voided),
        decline_code: latest.and_then(|operation| operation.decline_code.clone()).unwrap_or_default(),
        pending_operations: payment.open_operations().map(|op| operation(op, payment)).collect(),
        auth_pending: amount(payment.auth_pending),
        capture_pending: amount(payment.capture_pending),
        refund_pending: amount(payment.refund_pending),
        void_pending: amount(payment.void_pending),
    }
}

/// A payment with every request that was made for it, and what gateways told us of them.
#[must_use]
pub fn ledger(payment: &Payment, events: &[PaymentEvent]) -> v1::PaymentLedger {
    let own = |event: &&PaymentEvent| payment.operations.iter().any(|op| op.id == event.operation_id);
    v1::PaymentLedger {
        payment: Some(to_proto(payment)),
        operations: payment.operations.iter().map(|op| operation(op, payment)).collect(),
        events: events.iter().filter(own).map(|told| event(told, payment)).collect(),
    }
}

fn event(event: &PaymentEvent, payment: &Payment) -> v1::PaymentEvent {
    let asked = payment.operations.iter().find(|op| op.id == event.operation_id).map_or(0, |op| op.amount);
    let answer = match &event.outcome {
        Outcome::Succeeded { reference, moved } => {
            let amount = moved.unwrap_or(Money::new(asked, payment.amount.currency()));
            let (reference, amount) = (reference.clone(), Some(money::to_proto(amount)));
            v1::payment_event::Answer::Succeeded(v1::PaymentSucceeded { reference, amount })
        }
        Outcome::Failed { code } => v1::payment_event::Answer::Declined(v1::PaymentDeclined { code: code.clone() }),
    };
    v1::PaymentEvent {
        event_id: event.event_id.clone(),
        operation_id: event.operation_id.to_string(),
        event_time: Some(time::to_proto(event.event_time)),
        create_time: Some(time::to_proto(event.create_time)),
        answer: Some(answer),
    }
}

/// A gateway's name for one of its messages.
const EVENT_ID: TextRule = TextRule {
    max_chars: limits::GATEWAY_EVENT_ID_CHARS,
    card_numbers: CardNumbers::Ignored,
    ..super::text::REQUIRED_REASON
};
/// A gateway's own words: references and codes.
const GATEWAY_WORD: TextRule = TextRule { max_chars: limits::GATEWAY_EVENT_ID_CHARS, ..EVENT_ID };

/// Reads a gateway's message.
pub fn told(
    message: v1::RecordPaymentEventRequest,
    now: Timestamp,
    violations: &mut Violations,
) -> Option<PaymentEvent> {
    let event_id = EVENT_ID.check(&message.event_id, "event_id", violations);
    let operation_id = ids::required(&message.operation_id, OperationId::parse, "operation_id", violations);
    let event_time = time::required(message.event_time.as_ref(), "event_time", violations);
    let outcome = match message.answer {
        Some(v1::record_payment_event_request::Answer::Succeeded(succeeded)) => {
            let reference = GATEWAY_WORD.check(&succeeded.reference, "succeeded.reference", violations);
            let moved = moved(succeeded.amount.as_ref(), violations);
            reference.zip(moved).map(|(reference, moved)| Outcome::Succeeded { reference, moved: Some(moved) })
        }
        Some(v1::record_payment_event_request::Answer::Declined(declined)) => {
            let code = GATEWAY_WORD.check(&declined.code, "declined.code", violations);
            code.map(|code| Outcome::Failed { code })
        }
        None => {
            violations.push("answer", reason::REQUIRED, "must be succeeded or declined");
            None
        }
    };
    Some(PaymentEvent {
        event_id: event_id?,
        operation_id: operation_id?,
        outcome: outcome?,
        event_time: event_time?,
        create_time: now,
    })
}

/// What a gateway says it moved. Beyond what any order may cost it is no news but nonsense, which no ledger could add up.
fn moved(amount: Option<&order_api::Money>, violations: &mut Violations) -> Option<Money> {
    let moved = money::amount(amount, "succeeded.amount", violations)?;
    if moved.minor() > limits::ORDER_TOTAL_MINOR_MAX {
        violations.push("succeeded.amount", reason::OUT_OF_RANGE, "must not be more than any order may cost");
        return None;
    }
    Some(moved)
}

fn operation(operation: &Operation, payment: &Payment) -> v1::PaymentOperation {
    v1::PaymentOperation {
        operation_id: operation.id.to_string(),
        kind: kind(operation.kind).into(),
        state: state(operation.state).into(),
        amount: Some(money::to_proto(Money::new(operation.amount, payment.amount.currency()))),
        create_time: Some(time::to_proto(operation.create_time)),
        gateway_reference: operation.gateway_reference.clone().unwrap_or_default(),
        decline_code: operation.decline_code.clone().unwrap_or_default(),
        attempts: int32(operation.attempts),
        next_attempt_time: operation.next_attempt_at.map(time::to_proto),
        update_time: Some(time::to_proto(operation.update_time)),
        reported_amount: operation.reported.map(money::to_proto),
        cause: operation.cause.map_or(v1::PaymentOperationCause::Unspecified, cause).into(),
    }
}

const fn cause(cause: RefundCause) -> v1::PaymentOperationCause {
    match cause {
        RefundCause::Requested => v1::PaymentOperationCause::Requested,
        RefundCause::Cancellation => v1::PaymentOperationCause::Cancellation,
        RefundCause::Return => v1::PaymentOperationCause::Return,
        RefundCause::Edit => v1::PaymentOperationCause::Edit,
        RefundCause::Late => v1::PaymentOperationCause::Late,
    }
}

const fn method_to_proto(method: PaymentMethod) -> v1::PaymentMethod {
    match method {
        PaymentMethod::CreditCard => v1::PaymentMethod::CreditCard,
        PaymentMethod::DebitCard => v1::PaymentMethod::DebitCard,
        PaymentMethod::Upi => v1::PaymentMethod::Upi,
        PaymentMethod::NetBanking => v1::PaymentMethod::NetBanking,
        PaymentMethod::Wallet => v1::PaymentMethod::Wallet,
        PaymentMethod::CashOnDelivery => v1::PaymentMethod::CashOnDelivery,
        PaymentMethod::External => v1::PaymentMethod::External,
    }
}

const fn kind(kind: OperationKind) -> v1::PaymentOperationKind {
    match kind {
        OperationKind::Sale => v1::PaymentOperationKind::Sale,
        OperationKind::Authorize => v1::PaymentOperationKind::Authorize,
        OperationKind::Capture => v1::PaymentOperationKind::Capture,
        OperationKind::Refund => v1::PaymentOperationKind::Refund,
        OperationKind::Void => v1::PaymentOperationKind::Void,
    }
}

const fn state(state: OperationState) -> v1::PaymentOperationState {
    match state {
        OperationState::Initial => v1::PaymentOperationState::Initial,
        OperationState::Sent => v1::PaymentOperationState::Sent,
        OperationState::Succeeded => v1::PaymentOperationState::Succeeded,
        OperationState::Failed => v1::PaymentOperationState::Failed,
        OperationState::Unknown => v1::PaymentOperationState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: v1::PaymentMethod, token: &str) -> Result<Instrument, Vec<(String, &'static str)>> {
        let mut violations = Violations::new();
        let given = v1::PaymentInstrument { method: method.into(), token: token.to_owned() };
        let read = instrument(Some(&given), "payment", &mut violations);
        read.ok_or_else(|| violations.into_iter().map(|found| (found.field, found.reason)).collect())
    }

    #[test]
    fn cash_needs_no_token_and_everything_else_one() {
        assert_eq!(read(v1::PaymentMethod::CashOnDelivery, ""), Ok((PaymentMethod::CashOnDelivery, None)));
        let wallet = (PaymentMethod::Wallet, Some("tok_1".to_owned()));
        assert_eq!(read(v1::PaymentMethod::Wallet, " tok_1 "), Ok(wallet));
        assert_eq!(read(v1::PaymentMethod::Upi, ""), Err(vec![("payment.token".into(), reason::REQUIRED)]));
        let unwanted = read(v1::PaymentMethod::CashOnDelivery, "tok_1");
        assert_eq!(unwanted, Err(vec![("payment.token".into(), reason::UNKNOWN_VALUE)]));
    }

    #[test]
    fn a_card_number_is_refused_with_every_method() {
        for method in [v1::PaymentMethod::CreditCard, v1::PaymentMethod::CashOnDelivery] {
            assert_eq!(read(method, "4111 1111 1111 1111"), Err(vec![("payment.token".into(), reason::CARD_NUMBER)]));
        }
        let both = read(v1::PaymentMethod::External, "4111111111111111").unwrap_err();
        assert_eq!(both.len(), 2);
    }

    #[test]
    fn methods_have_their_names_on_the_wire() {
        for method in PaymentMethod::ALL {
            assert_eq!(method_to_proto(method).as_str_name(), format!("PAYMENT_METHOD_{}", method.as_str()));
        }
        assert_eq!(read(v1::PaymentMethod::Unspecified, ""), Err(vec![("payment.method".into(), reason::REQUIRED)]));
    }
}
