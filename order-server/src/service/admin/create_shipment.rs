//! AdminService.CreateShipment.

use std::sync::Arc;

use order_api::v1;
use order_core::order::Command;

use super::show;
use crate::{
    app::App,
    auth::Principal,
    convert::{line, shipment},
    error::ApiError,
    service::orders::change_order::{change, read_change},
};

/// Plans a parcel of some units, or of all that are in none yet.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `LINE_QUANTITY_EXCEEDED`, `ILLEGAL_TRANSITION`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(super) async fn create_shipment(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::CreateShipmentRequest,
) -> Result<v1::Order, ApiError> {
    let asked = read_change(app, principal, &message, |violations| {
        let lines = line::quantities(&message.lines, "lines", violations);
        let tracking = shipment::tracking_from_proto(message.tracking.as_ref(), "tracking", violations);
        Some(Command::CreateShipment { lines: lines?, tracking: tracking? })
    })?;
    Ok(show(app, principal, change(app, principal, asked).await?))
}
