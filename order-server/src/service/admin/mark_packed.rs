//! AdminService.MarkPacked.

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

/// Notes that a parcel is packed.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `SHIPMENT_NOT_FOUND`, `ILLEGAL_TRANSITION`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(super) async fn mark_packed(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::MarkPackedRequest,
) -> Result<v1::Order, ApiError> {
    let asked = read_change(app, principal, &message, |violations| {
        ids::required(&message.shipment_id, ShipmentId::parse, "shipment_id", violations)
            .map(|id| Command::Shipment(id, ShipmentStep::Pack))
    })?;
    Ok(show(app, principal, change(app, principal, asked).await?))
}
