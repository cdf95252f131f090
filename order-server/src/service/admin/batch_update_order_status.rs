//! AdminService.BatchUpdateOrderStatus: the same for many orders, each on its own.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::{StreamExt as _, stream};
use order_api::v1::{self, order_status_result::Result as Outcome};
use order_core::{
    limits,
    violation::{Violations, reason},
};

use super::update_order_status::update_order_status;
use crate::{app::App, auth::Principal, convert::checked, error::ApiError};

/// Orders that are changed at the same time: what waits for the database is written together.
const AT_ONCE: usize = 16;

/// Walks each order to its status. What is refused is part of the answer.
///
/// # Errors
/// `INVALID_FIELD` for what makes no sense as a batch.
pub(super) async fn batch_update_order_status(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::BatchUpdateOrderStatusRequest,
) -> Result<v1::BatchUpdateOrderStatusResponse, ApiError> {
    checked(|violations| batch(&message, violations))?;
    let results = stream::iter(message.requests).map(|request| async move {
        let order_id = request.order_id.clone();
        let result = match update_order_status(app, principal, request).await {
            Ok(order) => Outcome::Updated(updated(order)),
            Err(error) => Outcome::Refusal(error.into()),
        };
        v1::OrderStatusResult { order_id, result: Some(result) }
    });
    Ok(v1::BatchUpdateOrderStatusResponse { results: results.buffered(AT_ONCE).collect().await })
}

fn updated(order: v1::Order) -> v1::UpdatedStatus {
    v1::UpdatedStatus {
        status: order.status,
        payment_status: order.payment_status,
        fulfillment_status: order.fulfillment_status,
        order_number: order.order_number,
        next_statuses: order.next_statuses,
        etag: order.etag,
    }
}

fn batch(message: &v1::BatchUpdateOrderStatusRequest, violations: &mut Violations) -> Option<()> {
    let count = message.requests.len();
    if !(1..=limits::BATCH_ORDERS).contains(&count) {
        let description = format!("must be 1 to {} orders", limits::BATCH_ORDERS);
        violations.push("requests", reason::OUT_OF_RANGE, description);
        return None;
    }
    let mut seen = BTreeSet::new();
    for (n, request) in message.requests.iter().enumerate() {
        if !seen.insert(request.order_id.to_ascii_lowercase()) {
            violations.push(format!("requests[{n}].order_id"), reason::CONFLICT, "is in the batch already");
        }
    }
    (seen.len() == count).then_some(())
}
