//! OrderService.ListOrders.

use order_api::v1;
use order_core::{ids::OrderNumber, limits, order::Order};
use order_store::{OrderCursor, OrderQuery, OrderSort, Page, Scope};

use crate::{
    app::App,
    auth::Principal,
    convert::{actor, checked, filter, int32, order, page},
    error::{ApiError, Reason},
};

/// A page of the caller's own orders; services and administrators see everybody's.
///
/// # Errors
/// `INVALID_FIELD`, `PAGE_TOKEN_INVALID`, `ROLE_REQUIRED` for a customer who names another.
pub(crate) async fn list_orders(
    app: &App,
    principal: &Principal,
    request: v1::ListOrdersRequest,
) -> Result<v1::ListOrdersResponse, ApiError> {
    let Some(scope) = actor::scope(principal) else { return Ok(v1::ListOrdersResponse::default()) };
    let query = checked(|violations| filter::query(&request, scope, violations))?;
    if let (Scope::Customer(own), Some(named)) = (&query.filter.scope, &query.filter.customer_id)
        && own != named
    {
        return Err(ApiError::new(Reason::RoleRequired, "only services and administrators see the orders of others"));
    }
    list(app, &request, (query, request.include_total_size)).await
}

/// A page of a list that was read, with its size where that was asked for.
pub(crate) async fn list<R: page::PageRequest>(
    app: &App,
    request: &R,
    (mut query, counted): (OrderQuery, bool),
) -> Result<v1::ListOrdersResponse, ApiError> {
    query.after = page::after::<R, OrderCursor>(request)?;
    let sort = query.sort;
    let (Page { items, more }, total_size) = match numbered(app, &query).await? {
        Some(order) => (Page { items: vec![order], more: false }, u32::from(counted)),
        None => {
            let most = limits::TOTAL_SIZE_MAX;
            let total_size = if counted { app.store.count(query.filter.clone(), most).await? } else { 0 };
            (app.store.orders(query).await?, total_size)
        }
    };
    let orders = page::fitting(items.iter().map(order::listed));
    let last = orders.len().checked_sub(1).map(|at| &items[at]).filter(|_| more || orders.len() < items.len());
    Ok(v1::ListOrdersResponse {
        next_page_token: last.map(|last| page::token(request, &cursor(last, sort))).unwrap_or_default(),
        orders,
        total_size: int32(total_size),
    })
}

/// The order that is searched for by its whole number, if there is one: looked up, and not found among all that hold these letters
/// anywhere.
async fn numbered(app: &App, query: &OrderQuery) -> Result<Option<Order>, ApiError> {
    let mut filter = query.filter.clone();
    let named = filter.words.iter().enumerate().find_map(|(n, word)| Some((n, OrderNumber::whole(word)?)));
    let Some((n, number)) = named.filter(|_| query.after.is_none()) else { return Ok(None) };
    filter.words.remove(n);
    filter.order_number = Some(number);
    Ok(app.store.orders(OrderQuery { filter, ..query.clone() }).await?.items.pop())
}

fn cursor(order: &Order, sort: OrderSort) -> OrderCursor {
    let value = match sort {
        OrderSort::CreateTime => order.create_time.micros(),
        OrderSort::Total => order.totals.total.minor(),
    };
    OrderCursor { value, id: order.id }
}
