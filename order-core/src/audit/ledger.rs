//! The amounts of a payment are what its operations have moved.

use super::Report;
use crate::{
    order::{Event, EventBody, Order},
    payment::{Operation, OperationKind, OperationState, Payment},
};

/// Whether gateways did what they were asked to, all the way. Where one did not, some of what it says could not be booked, and
/// the amounts are bounds only; the history still says exactly what was booked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gateways {
    AsAsked,
    Otherwise,
}

pub(super) fn check(order: &Order, events: &[Event], report: &mut Report) {
    let differed = events.iter().any(|event| matches!(event.body, EventBody::PaymentMismatch { .. }));
    let gateways = if differed { Gateways::Otherwise } else { Gateways::AsAsked };
    for payment in &order.payments {
        check_bounds(payment, report);
        check_pending(payment, report);
        check_moved(payment, gateways, report);
    }
}

fn check_bounds(payment: &Payment, report: &mut Report) {
    if !payment.is_sound() {
        let Payment { authorized, captured, refunded, voided, .. } = payment;
        let actual =
            format!("authorized {authorized}, captured {captured}, refunded {refunded}, voided {voided} and pending");
        report.payment_value(
            payment.id,
            "its amounts break their bounds",
            ("amounts within bounds".to_owned(), actual),
        );
    }
}

fn check_pending(payment: &Payment, report: &mut Report) {
    let open = |kinds: &[OperationKind]| sum(payment, kinds, |op| if op.state.is_open() { op.amount } else { 0 });
    for (what, expected, actual) in [
        ("authorised", open(&[OperationKind::Sale, OperationKind::Authorize]), payment.auth_pending),
        ("captured", open(&[OperationKind::Capture]), payment.capture_pending),
        ("refunded", open(&[OperationKind::Refund]), payment.refund_pending),
        ("voided", open(&[OperationKind::Void]), payment.void_pending),
    ] {
        let what = format!("the amount on its way to be {what} is not that of its open operations");
        report.payment_value(payment.id, &what, (expected, actual));
    }
}

fn check_moved(payment: &Payment, gateways: Gateways, report: &mut Report) {
    let moved = |kinds: &[OperationKind]| sum(payment, kinds, |op| counted(payment, op));
    let authorized = moved(&[OperationKind::Sale, OperationKind::Authorize]);
    let captured = moved(&[OperationKind::Sale, OperationKind::Capture]);
    let refunded = moved(&[OperationKind::Refund]);
    let voided = moved(&[OperationKind::Void]);
    let expected = match gateways {
        Gateways::AsAsked => [authorized, captured, refunded, voided],
        Gateways::Otherwise => {
            [payment.authorized.max(authorized), captured, payment.refunded.min(refunded), payment.voided.min(voided)]
        }
    };
    let actual = [payment.authorized, payment.captured, payment.refunded, payment.voided];
    let names = ["authorised", "captured", "refunded", "voided"];
    for ((what, expected), actual) in names.into_iter().zip(expected).zip(actual) {
        let what = format!("the amount that was {what} is not that of its operations");
        report.payment_value(payment.id, &what, (expected, actual));
    }
}

/// What of an operation the ledger counts: what a gateway reports, as far as it is an amount of this ledger.
fn counted(payment: &Payment, operation: &Operation) -> i64 {
    match (operation.state, operation.reported) {
        (OperationState::Succeeded, None) => operation.amount,
        (OperationState::Succeeded, Some(moved)) if moved.currency() == payment.amount.currency() => {
            moved.minor().max(0)
        }
        (OperationState::Succeeded, Some(_))
        | (OperationState::Initial | OperationState::Sent | OperationState::Failed | OperationState::Unknown, _) => 0,
    }
}

fn sum(payment: &Payment, kinds: &[OperationKind], part: impl Fn(&Operation) -> i64) -> i64 {
    let operations = payment.operations.iter().filter(|op| kinds.contains(&op.kind));
    operations.map(part).fold(0, i64::saturating_add)
}
