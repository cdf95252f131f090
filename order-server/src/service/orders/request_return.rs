//! OrderService.RequestReturn.

use std::sync::Arc;

use order_api::v1;
use order_core::{
    error::{Refusal, ResourceKind},
    order::{Command, EventBody, Order},
};

use super::change_order::{Changed, change_telling, read_change};
use crate::{app::App, auth::Principal, convert::order_return, error::ApiError};

/// Asks to send goods back that have arrived.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `LINE_QUANTITY_EXCEEDED`, `ILLEGAL_TRANSITION`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(crate) async fn request_return(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::RequestReturnRequest,
) -> Result<v1::OrderReturn, ApiError> {
    let asked = read_change(app, principal, &message, |violations| {
        order_return::requested(&message.lines, violations).map(Command::RequestReturn)
    })?;
    let Changed { order, events } = change_telling(app, principal, asked).await?;
    let made = events.iter().find_map(|event| {
        if let EventBody::ReturnRequested { order_return } = &event.body {
            return Some(order_return.id.to_string());
        }
        None
    });
    shown(&made.unwrap_or_default(), &order)
}

/// A return of an order, by its id.
///
/// # Errors
/// `RETURN_NOT_FOUND`.
pub(crate) fn shown(id: &str, order: &Order) -> Result<v1::OrderReturn, ApiError> {
    let found = order.returns.iter().find(|known| known.id.to_string().eq_ignore_ascii_case(id));
    let found = found.ok_or_else(|| Refusal::not_found(ResourceKind::Return, id))?;
    Ok(order_return::to_proto(found, order))
}
