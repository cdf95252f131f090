//! AdminService.HoldOrder.

use std::sync::Arc;

use order_api::v1;
use order_core::order::Command;

use super::show;
use crate::{
    app::App,
    auth::Principal,
    convert::status,
    error::ApiError,
    service::orders::change_order::{change, read_change},
};

/// Stops processing and shipping until the hold is released.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `ILLEGAL_TRANSITION`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(super) async fn hold_order(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::HoldOrderRequest,
) -> Result<v1::Order, ApiError> {
    let asked = read_change(app, principal, &message, |violations| {
        Some(Command::PlaceHold(status::hold(message.hold, violations)?))
    })?;
    Ok(show(app, principal, change(app, principal, asked).await?))
}
