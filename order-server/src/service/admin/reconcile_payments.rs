//! AdminService.ReconcilePayments: what the reconciler does, now.

use std::sync::Arc;

use order_api::v1;
use order_core::{
    error::{Refusal, ResourceKind},
    ids::OrderId,
    ports::{Lack, Unavailable},
};
use order_store::{OrderKey, Scope};

use crate::{
    app::App,
    convert::{checked, ids, int32},
    error::ApiError,
    service::payments::{Reconciled, reconcile_due},
};

/// How many requests one call looks after.
const MOST: u32 = 100;

/// Asks gateways about requests without an outcome, those of one order or all whose time has come, and books their answers.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `PAYMENT_UNAVAILABLE` where the gateway gave no answer at all; the database's. What is
/// left stays due.
pub(super) async fn reconcile_payments(
    app: &Arc<App>,
    request: v1::ReconcilePaymentsRequest,
) -> Result<v1::ReconcilePaymentsResponse, ApiError> {
    let only = checked(|violations| ids::optional(&request.order_id, OrderId::parse, "order_id", violations))?;
    if let Some(order_id) = only {
        let order = app.store.order(OrderKey::Id(order_id), Scope::All).await?;
        order.ok_or_else(|| Refusal::not_found(ResourceKind::Order, order_id))?;
    }
    let Reconciled { asked, heard, settled, open } = reconcile_due(app, only, MOST).await?;
    if asked > 0 && heard == 0 {
        let detail = format!("it was asked about {asked} operations");
        return Err(Unavailable { neighbour: app.payments.name(), lack: Lack::Down, detail }.into());
    }
    Ok(v1::ReconcilePaymentsResponse {
        asked: int32(asked),
        settled: int32(settled),
        still_unknown: int32(asked - settled),
        open_order_ids: open.into_iter().map(|id| id.to_string()).collect(),
    })
}
