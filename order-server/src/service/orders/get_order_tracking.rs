//! OrderService.GetOrderTracking.

use futures_util::{StreamExt as _, stream};
use order_api::v1;
use order_core::ids::OrderId;

use super::change_order::read;
use crate::{
    app::App,
    auth::Principal,
    convert::{checked, ids, shipment},
    error::ApiError,
};

/// Parcels that a carrier is asked about at the same time.
const AT_ONCE: usize = 8;

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
    let described = stream::iter(std::mem::take(&mut order.shipments)).map(async |parcel| {
        match app.shipping.describe(&parcel).await {
            Ok(described) => described,
            Err(error) => {
                tracing::warn!(%order_id, %error, "tracking is shown without the carrier");
                parcel
            }
        }
    });
    order.shipments = described.buffered(AT_ONCE).collect().await;
    Ok(shipment::tracking(&order))
}
