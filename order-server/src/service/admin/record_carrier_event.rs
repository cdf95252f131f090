//! AdminService.RecordCarrierEvent.

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

/// Keeps what a carrier says of a parcel, apart from our own status; the same news once.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `SHIPMENT_NOT_FOUND`, `ILLEGAL_TRANSITION`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(super) async fn record_carrier_event(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::RecordCarrierEventRequest,
) -> Result<v1::Order, ApiError> {
    let asked = read_change(app, principal, &message, |violations| {
        let id = ids::required(&message.shipment_id, ShipmentId::parse, "shipment_id", violations);
        let told = shipment::told(message.event.as_ref(), app.clock.now(), violations);
        Some(Command::Shipment(id?, ShipmentStep::Record(told?)))
    })?;
    Ok(show(app, principal, change(app, principal, asked).await?))
}
