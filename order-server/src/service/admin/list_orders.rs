//! AdminService.ListOrders.

use order_api::v1;

use crate::{
    app::App,
    convert::{checked, filter},
    error::ApiError,
    service::orders::list_orders::list,
};

/// A page of everybody's orders.
///
/// # Errors
/// `INVALID_FIELD`, `PAGE_TOKEN_INVALID`.
pub(super) async fn list_orders(
    app: &App,
    request: v1::AdminServiceListOrdersRequest,
) -> Result<v1::ListOrdersResponse, ApiError> {
    let query = checked(|violations| filter::admin_query(&request, violations))?;
    list(app, &request, (query, request.include_total_size)).await
}
