//! AdminService.UpdateShipment.

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
    convert::{ids, shipment},
    error::ApiError,
    service::orders::change_order::{change, read_change},
};

/// Changes how a parcel can be followed.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `SHIPMENT_NOT_FOUND`, `ILLEGAL_TRANSITION`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(super) async fn update_shipment(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::UpdateShipmentRequest,
) -> Result<v1::Order, ApiError> {
    let asked = read_change(app, principal, &message, |violations| {
        let id = ids::required(&message.shipment_id, ShipmentId::parse, "shipment_id", violations);
        let change = shipment::change(&message, violations);
        Some(Command::Shipment(id?, ShipmentStep::Update(change?)))
    })?;
    Ok(show(app, principal, change(app, principal, asked).await?))
}
