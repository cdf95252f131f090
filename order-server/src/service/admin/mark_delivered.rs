//! AdminService.MarkDelivered.

use std::sync::Arc;

use order_api::v1;
use order_core::{
    ids::ShipmentId,
    order::{Command, ShipmentStep},
};

use super::show;
use crate::{
    app::App,
    auth::Principal,
    convert::ids,
    error::ApiError,
    service::orders::change_order::{change, read_change},
};

/// Notes that a parcel has arrived; with the last one, cash on delivery is collected.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `SHIPMENT_NOT_FOUND`, `ILLEGAL_TRANSITION`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(super) async fn mark_delivered(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::MarkDeliveredRequest,
) -> Result<v1::Order, ApiError> {
    let asked = read_change(app, principal, &message, |violations| {
        ids::required(&message.shipment_id, ShipmentId::parse, "shipment_id", violations)
            .map(|id| Command::Shipment(id, ShipmentStep::Deliver))
    })?;
    Ok(show(app, principal, change(app, principal, asked).await?))
}
