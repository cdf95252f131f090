//! AdminService.ReleaseHold.

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

/// Lets processing and shipping go on, as far as this hold stood in the way.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `ILLEGAL_TRANSITION`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(super) async fn release_hold(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::ReleaseHoldRequest,
) -> Result<v1::Order, ApiError> {
    let asked = read_change(app, principal, &message, |violations| {
        Some(Command::ReleaseHold(status::hold(message.hold, violations)?))
    })?;
    Ok(show(app, principal, change(app, principal, asked).await?))
}
