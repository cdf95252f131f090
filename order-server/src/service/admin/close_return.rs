//! AdminService.CloseReturn.

use std::sync::Arc;

use order_api::v1;
use order_core::{
    ids::ReturnId,
    order::{Command, ReturnStep},
};

use crate::{
    app::App,
    auth::Principal,
    convert::ids,
    error::ApiError,
    service::orders::{
        change_order::{change, read_change},
        request_return::shown,
    },
};

/// Ends a return: what has not come back stays with the customer.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `RETURN_NOT_FOUND`, `ILLEGAL_TRANSITION`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(super) async fn close_return(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::CloseReturnRequest,
) -> Result<v1::OrderReturn, ApiError> {
    let asked = read_change(app, principal, &message, |violations| {
        let id = ids::required(&message.return_id, ReturnId::parse, "return_id", violations);
        Some(Command::Return(id?, ReturnStep::Close))
    })?;
    shown(&message.return_id, &change(app, principal, asked).await?)
}
