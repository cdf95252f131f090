//! OrderService.GetOrderTracking.

use order_api::v1;
use order_core::ids::OrderId;

use super::change_order::read;
use crate::{
    app::App,
    auth::Principal,
    convert::{checked, ids, shipment},
    error::ApiError,
};

/// The parcels of an order, as far as the carrier knows them. A carrier that is down does not hide what we know ourselves.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`.
pub(crate) async fn get_order_tracking(
    app: &App,
    principal: &Principal,
    request: v1::GetOrderTrackingRequest,
) -> Result<v1::OrderTracking, ApiError> {
    let order_id = checked(|violations| ids::required(&request.order_id, OrderId::parse, "order_id", violations))?;
    let mut order = read(app, principal, order_id).await?;
    for parcel in &mut order.shipments {
        match app.shipping.describe(parcel).await {
            Ok(described) => *parcel = described,
            Err(error) => tracing::warn!(%order_id, %error, "tracking is shown without the carrier"),
        }
    }
    Ok(shipment::tracking(&order))
}
