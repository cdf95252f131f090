//! AdminService.RefundOrder.

use std::sync::Arc;

use order_api::v1;
use order_core::{
    order::{Command, Event, EventBody, RefundPart, RefundSplit},
    payment::OperationKind,
};

use super::show;
use crate::{
    app::App,
    auth::Principal,
    convert::refund,
    error::ApiError,
    service::orders::change_order::{change_telling, read_change},
};

/// Gives money back: an amount, what was paid for some units, or all that is left; and says how it is made up.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `AMOUNT_EXCEEDED`, `LINE_QUANTITY_EXCEEDED`, `ILLEGAL_TRANSITION`, `ETAG_MISMATCH`,
/// `REQUEST_ID_REUSED`.
pub(super) async fn refund_order(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::RefundOrderRequest,
) -> Result<v1::RefundOrderResponse, ApiError> {
    let asked =
        read_change(app, principal, &message, |violations| refund::wish(&message, violations).map(Command::Refund))?;
    let changed = change_telling(app, principal, asked).await?;
    let split = made_up(&changed.events);
    Ok(v1::RefundOrderResponse {
        split: Some(refund::split_to_proto(&split, &changed.order)),
        payments: refund::parts_to_proto(&split.parts, &changed.order),
        order: Some(show(app, principal, changed.order)),
    })
}

/// How the refund that these events tell of is made up.
fn made_up(events: &[Event]) -> RefundSplit {
    let mut split = RefundSplit::default();
    for event in events {
        if let EventBody::LinesRefunded { lines, shipping } = &event.body {
            split.lines.extend(lines);
            split.shipping += shipping;
        }
        if let EventBody::OperationStarted { payment_id, operation, .. } = &event.body
            && operation.kind == OperationKind::Refund
        {
            split.total += operation.amount;
            split.parts.push(RefundPart { payment_id: *payment_id, amount: operation.amount });
        }
    }
    split
}
