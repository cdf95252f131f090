//! OrderService.CancelReturn.

use std::sync::Arc;

use order_api::v1;
use order_core::{
    ids::ReturnId,
    order::{Command, ReturnStep},
};

use super::{
    change_order::{change, read_change},
    request_return::shown,
};
use crate::{app::App, auth::Principal, convert::ids, error::ApiError};

/// Takes a request to send goods back, back: the customer keeps them.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `RETURN_NOT_FOUND`, `ILLEGAL_TRANSITION`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(crate) async fn cancel_return(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::CancelReturnRequest,
) -> Result<v1::OrderReturn, ApiError> {
    let asked = read_change(app, principal, &message, |violations| {
        let id = ids::required(&message.return_id, ReturnId::parse, "return_id", violations);
        Some(Command::Return(id?, ReturnStep::Cancel))
    })?;
    shown(&message.return_id, &change(app, principal, asked).await?)
}
