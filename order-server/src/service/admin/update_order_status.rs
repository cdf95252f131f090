//! AdminService.UpdateOrderStatus: for people who think in the one word.

use std::sync::Arc;

use order_api::v1;
use order_core::{ids::OrderId, order::Command};

use super::show;
use crate::{
    app::App,
    auth::Principal,
    convert::{checked, etag, ids, request, shipment, status, text},
    error::ApiError,
    service::{
        call,
        orders::change_order::{Change, change},
    },
};

/// Walks an order to a status, through every step in between, all or nothing; and carries out what that means for its
/// payments.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `ILLEGAL_TRANSITION` with the words that are legal, `INSUFFICIENT_STOCK` where stock is
/// promised on the way, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(super) async fn update_order_status(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::UpdateOrderStatusRequest,
) -> Result<v1::Order, ApiError> {
    let (order_id, expected_revision, request, command, reason) = checked(|violations| {
        let order_id = ids::required(&message.order_id, OrderId::parse, "order_id", violations);
        let status = status::required(message.status, "status", violations);
        let reason = text::reason(&message.reason, violations);
        let tracking = shipment::tracking_from_proto(message.tracking.as_ref(), "tracking", violations);
        let etag = etag::optional(&message.etag, "etag", violations);
        let request = request::optional(&message, (principal, app.clock.now()), violations);
        Some((order_id?, etag?, request?, Command::SetStatus { status: status?, tracking: tracking? }, reason?))
    })?;
    let context = app.context(principal, request::id(request.as_ref()), reason);
    let mode = call::mode(message.validate_only);
    let asked = Change { order_id, expected_revision, request, command, context, mode };
    let changed = change(app, principal, asked).await?;
    Ok(show(app, principal, &changed))
}
