//! AdminService.CapturePayment.

use std::sync::Arc;

use order_api::v1;
use order_core::{error::Refusal, ids::PaymentId, order::Command};

use super::show;
use crate::{
    app::App,
    auth::Principal,
    convert::{ids, money},
    error::ApiError,
    service::{
        orders::change_order::{Changed, change_telling, read_change},
        payments::declined,
    },
};

/// Takes money that a payment has promised, all that is due of it or a part; or notes that cash was handed over.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `PAYMENT_NOT_FOUND`, `AMOUNT_EXCEEDED`, `ILLEGAL_TRANSITION`, `PAYMENT_DECLINED`,
/// `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(super) async fn capture_payment(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::CapturePaymentRequest,
) -> Result<v1::Order, ApiError> {
    let asked = read_change(app, principal, &message, |violations| {
        let payment_id = ids::required(&message.payment_id, PaymentId::parse, "payment_id", violations);
        let amount = money::optional_amount(message.amount.as_ref(), "amount", violations);
        Some(Command::Capture { payment_id: payment_id?, amount: amount? })
    })?;
    let Changed { order, events } = change_telling(app, principal, asked).await?;
    match declined(&order, &events) {
        Some(code) => Err(Refusal::PaymentDeclined { order_id: order.id, code }.into()),
        None => Ok(show(app, principal, order)),
    }
}
