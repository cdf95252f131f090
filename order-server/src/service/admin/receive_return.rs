//! AdminService.ReceiveReturn.

use std::sync::Arc;

use order_api::v1;
use order_core::{
    ids::ReturnId,
    order::{Command, ReturnRefund, ReturnStep},
};

use crate::{
    app::App,
    auth::Principal,
    convert::{ids, order_return},
    error::ApiError,
    service::orders::{
        change_order::{change, read_change},
        request_return::shown,
    },
};

/// Books goods that came back, on the shelf or written off; their money goes back unless that is to be skipped.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `RETURN_NOT_FOUND`, `ILLEGAL_TRANSITION`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(super) async fn receive_return(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::ReceiveReturnRequest,
) -> Result<v1::OrderReturn, ApiError> {
    let asked = read_change(app, principal, &message, |violations| {
        let id = ids::required(&message.return_id, ReturnId::parse, "return_id", violations);
        let lines = order_return::received(&message.lines, violations);
        let refund = if message.skip_refund { ReturnRefund::Skip } else { ReturnRefund::GiveBack };
        Some(Command::Return(id?, ReturnStep::Receive { lines: lines?, refund }))
    })?;
    shown(&message.return_id, &change(app, principal, asked).await?)
}
