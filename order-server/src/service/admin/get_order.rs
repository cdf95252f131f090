//! AdminService.GetOrder.

use order_api::v1;
use order_core::ids::OrderId;

use super::show;
use crate::{
    app::App,
    auth::Principal,
    convert::{checked, ids},
    error::ApiError,
    service::orders::change_order::read,
};

/// One order of any customer, with the words that it could be taken to next.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`.
pub(super) async fn get_order(
    app: &App,
    principal: &Principal,
    request: v1::GetOrderRequest,
) -> Result<v1::Order, ApiError> {
    let order_id = checked(|violations| ids::required(&request.order_id, OrderId::parse, "order_id", violations))?;
    let order = read(app, principal, order_id).await?;
    Ok(show(app, principal, order))
}
