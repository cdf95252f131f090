//! AdminService.RecordPaymentEvent: the door for an adapter in front of a gateway's webhook.

use std::sync::Arc;

use order_api::v1;
use order_store::PaymentEventOutcome;

use crate::{
    app::App,
    auth::Principal,
    convert::{checked, payment},
    error::ApiError,
    service::payments::record_event,
};

/// Takes what a gateway tells us of a request, once by the name that it gives to its message.
///
/// # Errors
/// `INVALID_FIELD`, `PAYMENT_OPERATION_NOT_FOUND`.
pub(super) async fn record_payment_event(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::RecordPaymentEventRequest,
) -> Result<v1::RecordPaymentEventResponse, ApiError> {
    let event = checked(|violations| payment::told(message, app.clock.now(), violations))?;
    let context = app.context(principal, None, None);
    let (outcome, order_id) = record_event(app, event, context).await?;
    Ok(v1::RecordPaymentEventResponse { outcome: told(outcome).into(), order_id: order_id.to_string() })
}

const fn told(outcome: PaymentEventOutcome) -> v1::PaymentEventOutcome {
    match outcome {
        PaymentEventOutcome::Applied => v1::PaymentEventOutcome::Applied,
        PaymentEventOutcome::Duplicate => v1::PaymentEventOutcome::Duplicate,
        PaymentEventOutcome::NoChange => v1::PaymentEventOutcome::NoChange,
    }
}
