//! OrderService.ListOrderEvents.

use order_api::v1;
use order_core::ids::OrderId;

use super::change_order::read;
use crate::{
    app::App,
    auth::{Principal, Role},
    convert::{
        checked,
        event::{self, Audience},
        ids, page,
    },
    error::ApiError,
};

/// The history of an order, oldest first. Its owner does not see what the shop noted for itself, so that revisions may be missing.
///
/// # Errors
/// `INVALID_FIELD`, `PAGE_TOKEN_INVALID`, `ORDER_NOT_FOUND`.
pub(crate) async fn list_order_events(
    app: &App,
    principal: &Principal,
    request: v1::ListOrderEventsRequest,
) -> Result<v1::ListOrderEventsResponse, ApiError> {
    let (order_id, size) = checked(|violations| {
        let order_id = ids::required(&request.order_id, OrderId::parse, "order_id", violations);
        let size = page::size(&request, violations);
        Some((order_id?, size?))
    })?;
    let after: Option<i64> = page::after(&request)?;
    let order = read(app, principal, order_id).await?;
    let found = app.store.events(order_id, after.unwrap_or(0), size).await?;
    let audience = match principal.role() {
        Some(Role::Admin | Role::Service) => Audience::Shop,
        Some(Role::Customer) | None => Audience::Owner,
    };
    let currency = order.totals.total.currency();
    let seen = found.items.iter().filter(|event| audience.sees(&event.body));
    let next = found.items.last().filter(|_| found.more);
    Ok(v1::ListOrderEventsResponse {
        events: seen.map(|event| event::to_proto(event, order_id, currency)).collect(),
        next_page_token: next.map(|last| page::token(&request, &last.revision)).unwrap_or_default(),
    })
}
