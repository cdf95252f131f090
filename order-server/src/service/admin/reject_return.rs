//! AdminService.RejectReturn.

use std::sync::Arc;

use order_api::v1;
use order_core::{
    ids::ReturnId,
    order::{Command, ReturnStep},
};

use crate::{
    app::App,
    auth::Principal,
    convert::{ids, text},
    error::ApiError,
    service::orders::{
        change_order::{change, read_change},
        request_return::shown,
    },
};

/// Declines to take goods back. The customer reads why.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `RETURN_NOT_FOUND`, `ILLEGAL_TRANSITION`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(super) async fn reject_return(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::RejectReturnRequest,
) -> Result<v1::OrderReturn, ApiError> {
    let mut reason = None;
    let mut asked = read_change(app, principal, &message, |violations| {
        reason = text::REQUIRED_REASON.check(&message.reason, "reason", violations);
        let id = ids::required(&message.return_id, ReturnId::parse, "return_id", violations);
        reason.as_ref().and(id).map(|id| Command::Return(id, ReturnStep::Reject))
    })?;
    asked.context.reason = reason;
    shown(&message.return_id, &change(app, principal, asked).await?)
}
