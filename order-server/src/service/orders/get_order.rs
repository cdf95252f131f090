//! OrderService.GetOrder.

use order_api::v1;
use order_core::ids::OrderId;

use super::change_order::read;
use crate::{
    app::App,
    auth::Principal,
    convert::{checked, ids, order},
    error::ApiError,
};

/// One order that the caller may see.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`.
pub(crate) async fn get_order(
    app: &App,
    principal: &Principal,
    request: v1::GetOrderRequest,
) -> Result<v1::Order, ApiError> {
    let order_id = checked(|violations| ids::required(&request.order_id, OrderId::parse, "order_id", violations))?;
    Ok(order::single(read(app, principal, order_id).await?))
}
