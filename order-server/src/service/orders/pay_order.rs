//! OrderService.PayOrder: paying later, or again after a decline.

use std::sync::Arc;

use order_api::v1;
use order_core::{
    contact::Email,
    error::Refusal,
    order::Command,
    violation::{Violations, reason},
};
use order_store::{Mode, Scope};

use super::change_order::{Changed, change_within, read_change, scope};
use crate::{
    app::App,
    auth::Principal,
    convert::{money, order, payment},
    error::ApiError,
    service::payments::declined,
};

/// Pays what is due. Twice never charges twice: while a payment is on its way, and once the order is paid, another is refused.
///
/// Guests name their e-mail beside the order. The answer is the same whichever of them is wrong; its time tells of an order only to who knows its
/// identity, which nobody can guess.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `PAYMENT_DECLINED`, `PAYMENT_IN_PROGRESS`, `AMOUNT_EXCEEDED`, `ETAG_MISMATCH`,
/// `REQUEST_ID_REUSED`, `ILLEGAL_TRANSITION` where nothing is due.
pub(crate) async fn pay_order(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::PayOrderRequest,
) -> Result<v1::Order, ApiError> {
    let mut guest = None;
    let asked = read_change(app, principal, &message, |violations| {
        let instrument = payment::instrument(message.payment.as_ref(), "payment", violations);
        let amount = money::optional_amount(message.amount.as_ref(), "amount", violations);
        let email = guest_email(principal, &message.email, violations);
        let ((method, token), amount) = (instrument?, amount?);
        guest = email?;
        Some(Command::Pay { method, token, amount })
    })?;
    let (mode, order_id) = (asked.mode, asked.order_id);
    let scope = guest.map_or_else(|| scope(principal, order_id), |email| Ok(Scope::Guest(email)))?;
    let Changed { order, events } = change_within(app, scope, asked).await?;
    match (mode, declined(&order, &events)) {
        (Mode::Apply, Some(code)) => Err(Refusal::PaymentDeclined { order_id, code }.into()),
        (Mode::Apply, None) | (Mode::Preview, _) => Ok(order::single(order)),
    }
}

/// The address that a guest's order was placed with, in lower case. Whoever has a token is known by it.
fn guest_email(principal: &Principal, email: &str, violations: &mut Violations) -> Option<Option<String>> {
    match principal {
        Principal::Guest => {
            Email::check(email, "email", violations).map(|email| Some(email.as_str().to_ascii_lowercase()))
        }
        Principal::Customer { .. } | Principal::Service { .. } | Principal::Admin { .. } => {
            if !email.is_empty() {
                violations.push("email", reason::CONFLICT, "must be empty for callers with a token");
            }
            email.is_empty().then_some(None)
        }
    }
}
