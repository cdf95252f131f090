//! Payments, and what callers pay with.

use order_api::v1;
use order_core::{
    money::Money,
    payment::{Operation, OperationKind, OperationState, Payment, PaymentMethod},
    text,
    violation::{Violations, reason},
};

use super::{money, time};

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
    }
}

fn operation(operation: &Operation, payment: &Payment) -> v1::PaymentOperation {
    v1::PaymentOperation {
        operation_id: operation.id.to_string(),
        kind: kind(operation.kind).into(),
        state: state(operation.state).into(),
        amount: Some(money::to_proto(Money::new(operation.amount, payment.amount.currency()))),
        create_time: Some(time::to_proto(operation.create_time)),
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
