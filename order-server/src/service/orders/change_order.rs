//! What every change to an existing order has in common.

use std::sync::Arc;

use order_core::{
    error::{Refusal, ResourceKind},
    ids::OrderId,
    order::{Command, Context, Order},
};
use order_store::{ChangeOrder, Mode, OrderKey, Request, Scope, StoreError};

use crate::{app::App, auth::Principal, convert::actor, error::ApiError, service::payments};

/// A change as a caller asks for it.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// Which order.
    pub order_id: OrderId,
    /// The revision that the caller saw, if it must not have changed since.
    pub expected_revision: Option<i64>,
    /// Idempotency, where the caller asked for it.
    pub request: Option<Request>,
    /// The change.
    pub command: Command,
    /// When, by whom, why.
    pub context: Context,
    /// For real?
    pub mode: Mode,
}

/// Whose orders a caller may see and change. Guests have none of their own: they look orders up by number and e-mail.
///
/// # Errors
/// `ORDER_NOT_FOUND` for guests.
pub(crate) fn scope(principal: &Principal, order_id: OrderId) -> Result<Scope, ApiError> {
    actor::scope(principal).ok_or_else(|| Refusal::not_found(ResourceKind::Order, order_id).into())
}

/// Reads one order that the caller may see.
///
/// # Errors
/// `ORDER_NOT_FOUND` for an unknown and for a foreign order alike; the store's.
pub(crate) async fn read(app: &App, principal: &Principal, order_id: OrderId) -> Result<Order, ApiError> {
    let scope = scope(principal, order_id)?;
    let order = app.store.order(OrderKey::Id(order_id), scope).await?;
    order.ok_or_else(|| Refusal::not_found(ResourceKind::Order, order_id).into())
}

/// Changes an order that the caller may see, and carries out what the change means for its payments.
///
/// # Errors
/// `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`, and as the command is refused.
pub(crate) async fn change(app: &Arc<App>, principal: &Principal, change: Change) -> Result<Order, ApiError> {
    let scope = scope(principal, change.order_id)?;
    let Change { order_id, expected_revision, request, command, context, mode } = change;
    let change = ChangeOrder { request, order_id, scope, expected_revision, command, context, mode };
    let effect = app.store.change(change).await.map_err(|error: StoreError| ApiError::from(error))?;
    match mode {
        Mode::Preview => Ok(effect.order),
        Mode::Apply => Ok(payments::settle_started(app, effect).await),
    }
}
