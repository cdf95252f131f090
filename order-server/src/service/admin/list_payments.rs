//! AdminService.ListPayments: the ledger of one order.

use order_api::v1;
use order_core::{
    error::{Refusal, ResourceKind},
    ids::OrderId,
};
use order_store::{OrderKey, Scope};

use crate::{
    app::App,
    convert::{checked, ids, page, payment},
    error::ApiError,
};

/// The payments of an order, oldest first, each with every request that was made for it and what gateways told us.
///
/// # Errors
/// `INVALID_FIELD`, `PAGE_TOKEN_INVALID`, `ORDER_NOT_FOUND`.
pub(super) async fn list_payments(
    app: &App,
    request: v1::ListPaymentsRequest,
) -> Result<v1::ListPaymentsResponse, ApiError> {
    let (order_id, size) = checked(|violations| {
        let order_id = ids::required(&request.order_id, OrderId::parse, "order_id", violations);
        let size = page::size(&request, violations);
        Some((order_id?, size?))
    })?;
    let after: Option<i64> = page::after(&request)?;
    let order = app.store.order(OrderKey::Id(order_id), Scope::All).await?;
    let order = order.ok_or_else(|| Refusal::not_found(ResourceKind::Order, order_id))?;
    let events = app.store.payment_events(order_id).await?;
    // An order has few payments: they are read with it, and a page is cut from them.
    let begin = after.and_then(|position| usize::try_from(position).ok()).unwrap_or(0).min(order.payments.len());
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let end = begin.saturating_add(size).min(order.payments.len());
    let next = i64::try_from(end).ok().filter(|_| end < order.payments.len());
    Ok(v1::ListPaymentsResponse {
        payments: order.payments[begin..end].iter().map(|paid| payment::ledger(paid, &events)).collect(),
        next_page_token: next.map(|position| page::token(&request, &position)).unwrap_or_default(),
    })
}
