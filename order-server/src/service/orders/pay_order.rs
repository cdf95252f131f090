//! OrderService.PayOrder: paying later, or again after a decline.

use std::sync::Arc;

use order_api::v1;
use order_core::{
    error::Refusal,
    ids::OrderId,
    order::{Command, Order},
    payment::{OperationKind, OperationState},
};
use order_store::Mode;

use super::change_order::{Change, change};
use crate::{
    app::App,
    auth::Principal,
    convert::{checked, etag, ids, order, payment, request},
    error::ApiError,
    service::call,
};

/// Pays what is due. Twice never charges twice: while a payment is on its way, and once the order is paid, another is refused.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `PAYMENT_DECLINED`, `PAYMENT_IN_PROGRESS`, `ILLEGAL_TRANSITION` where nothing is due.
pub(crate) async fn pay_order(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::PayOrderRequest,
) -> Result<v1::Order, ApiError> {
    let (order_id, expected_revision, (method, token), request) = checked(|violations| {
        let order_id = ids::required(&message.order_id, OrderId::parse, "order_id", violations);
        let etag = etag::optional(&message.etag, "etag", violations);
        let instrument = payment::instrument(message.payment.as_ref(), "payment", violations);
        let request = request::optional(&message, (principal, app.clock.now()), violations);
        Some((order_id?, etag?, instrument?, request?))
    })?;
    let context = app.context(principal, request::id(request.as_ref()), None);
    let mode = call::mode(message.validate_only);
    let command = Command::Pay { method, token };
    let asked = Change { order_id, expected_revision, request, command, context, mode };
    let paid = change(app, principal, asked).await?;
    match (mode, declined(&paid)) {
        (Mode::Apply, Some(code)) => Err(Refusal::PaymentDeclined { order_id, code }.into()),
        (Mode::Apply, None) | (Mode::Preview, _) => Ok(order::single(&paid)),
    }
}

/// Why the newest payment was refused, if it was.
fn declined(order: &Order) -> Option<String> {
    let operation = order.payment()?.operations.iter().rfind(|operation| operation.kind == OperationKind::Sale)?;
    (operation.state == OperationState::Failed).then(|| operation.decline_code.clone().unwrap_or_default())
}
