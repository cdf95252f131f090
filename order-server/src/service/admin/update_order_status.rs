//! AdminService.UpdateOrderStatus: for people who think in the one word.

use std::sync::Arc;

use order_api::v1;
use order_core::order::Command;

use super::show;
use crate::{
    app::App,
    auth::Principal,
    convert::{shipment, status},
    error::ApiError,
    service::orders::change_order::{change, read_change},
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
    let asked = read_change(app, principal, &message, |violations| {
        let status = status::required(message.status, "status", violations);
        let tracking = shipment::tracking_from_proto(message.tracking.as_ref(), "tracking", violations);
        Some(Command::SetStatus { status: status?, tracking: tracking? })
    })?;
    let changed = change(app, principal, asked).await?;
    Ok(show(app, principal, changed))
}
