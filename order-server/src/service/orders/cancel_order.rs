//! OrderService.CancelOrder.

use std::sync::Arc;

use order_api::v1;
use order_core::{ids::OrderId, order::Command};

use super::change_order::{Change, change};
use crate::{
    app::App,
    auth::Principal,
    convert::{checked, etag, ids, order, request, text},
    error::ApiError,
    service::call,
};

/// Calls a whole order off; what was paid goes back.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `ILLEGAL_TRANSITION` once something has shipped, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(crate) async fn cancel_order(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::CancelOrderRequest,
) -> Result<v1::Order, ApiError> {
    let (order_id, expected_revision, reason, request) = checked(|violations| {
        let order_id = ids::required(&message.order_id, OrderId::parse, "order_id", violations);
        let etag = etag::optional(&message.etag, "etag", violations);
        let reason = text::reason(&message.reason, violations);
        let request = request::optional(&message, (principal, app.clock.now()), violations);
        Some((order_id?, etag?, reason?, request?))
    })?;
    let context = app.context(principal, request::id(request.as_ref()), reason);
    let mode = call::mode(message.validate_only);
    let asked = Change { order_id, expected_revision, request, command: Command::Cancel, context, mode };
    Ok(order::single(&change(app, principal, asked).await?))
}
