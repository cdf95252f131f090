//! AdminService.VoidPayment.

use std::sync::Arc;

use order_api::v1;
use order_core::{ids::PaymentId, order::Command};

use super::show;
use crate::{
    app::App,
    auth::Principal,
    convert::ids,
    error::ApiError,
    service::orders::change_order::{change, read_change},
};

/// Gives up what a payment has promised and what was not taken.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `PAYMENT_NOT_FOUND`, `ILLEGAL_TRANSITION`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(super) async fn void_payment(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::VoidPaymentRequest,
) -> Result<v1::Order, ApiError> {
    let asked = read_change(app, principal, &message, |violations| {
        ids::required(&message.payment_id, PaymentId::parse, "payment_id", violations).map(Command::Void)
    })?;
    Ok(show(app, principal, change(app, principal, asked).await?))
}
