//! OrderService.GetOrderStatus.

use order_api::v1;
use order_core::{ids::OrderId, limits, order::Order, time::Timestamp};

use super::change_order::read;
use crate::{
    app::App,
    auth::Principal,
    convert::{checked, etag, ids, order, status, time},
    error::ApiError,
};

/// The word, the axes, and since when.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`.
pub(crate) async fn get_order_status(
    app: &App,
    principal: &Principal,
    request: v1::GetOrderStatusRequest,
) -> Result<v1::GetOrderStatusResponse, ApiError> {
    let order_id = checked(|violations| ids::required(&request.order_id, OrderId::parse, "order_id", violations))?;
    let order = read(app, principal, order_id).await?;
    let since = since(app, &order).await?;
    Ok(v1::GetOrderStatusResponse {
        order_id: order.id.to_string(),
        order_number: order::number(&order),
        status: status::status_to_proto(order.status).into(),
        status_time: Some(time::to_proto(since)),
        state: status::state_to_proto(order.state).into(),
        payment_status: status::payment_to_proto(order.payment_status).into(),
        fulfillment_status: status::fulfillment_to_proto(order.fulfillment_status).into(),
        holds: status::holds_to_proto(&order.holds),
        next_statuses: status::next_to_proto(&app.looking(principal, &order)),
        etag: etag::to_text(order.revision),
    })
}

/// When the word became what it is: the history says.
async fn since(app: &App, order: &Order) -> Result<Timestamp, ApiError> {
    let mut since = order.create_time;
    let mut word = None;
    let mut after = 0;
    loop {
        let page = app.store.events(order.id, after, limits::PAGE_MAX).await?;
        for event in &page.items {
            if word != Some(event.status_after) {
                word = Some(event.status_after);
                since = event.time;
            }
            after = event.revision;
        }
        if !page.more {
            return Ok(since);
        }
    }
}
