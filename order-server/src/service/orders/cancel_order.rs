//! OrderService.CancelOrder.

use std::sync::Arc;

use order_api::v1;
use order_core::order::Command;

use super::change_order::{change, read_change};
use crate::{
    app::App,
    auth::Principal,
    convert::{line, order},
    error::ApiError,
};

/// Calls a whole order off, or some units that have not shipped; what was paid for them goes back.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `LINE_QUANTITY_EXCEEDED`, `ILLEGAL_TRANSITION` once something has shipped,
/// `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(crate) async fn cancel_order(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::CancelOrderRequest,
) -> Result<v1::Order, ApiError> {
    let asked = read_change(app, principal, &message, |violations| {
        let lines = line::quantities(&message.lines, "lines", violations)?;
        Some(if lines.is_empty() { Command::Cancel } else { Command::CancelLines(lines) })
    })?;
    Ok(order::single(change(app, principal, asked).await?))
}
