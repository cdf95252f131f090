//! OrderService.UpdateOrder.

use std::sync::Arc;

use order_api::v1;
use order_core::order::Command;
use order_store::Mode;

use super::change_order::{Change, change};
use crate::{
    app::App,
    auth::Principal,
    convert::{checked, etag, order, order_request, request},
    error::ApiError,
};

/// Changes what an owner may change: address and contact until it ships, notes and labels at any time.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `ILLEGAL_TRANSITION`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(crate) async fn update_order(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::UpdateOrderRequest,
) -> Result<v1::Order, ApiError> {
    let ((order_id, details), expected_revision, request) = checked(|violations| {
        let etag = etag::optional(&message.etag, "etag", violations);
        let request = request::optional(&message, (principal, app.clock.now()), violations);
        let update = order_request::update(message.order, message.update_mask.as_ref(), violations);
        Some((update?, etag?, request?))
    })?;
    let context = app.context(principal, request::id(request.as_ref()), None);
    let command = Command::Update(details);
    let asked = Change { order_id, expected_revision, request, command, context, mode: Mode::Apply };
    Ok(order::single(change(app, principal, asked).await?))
}
