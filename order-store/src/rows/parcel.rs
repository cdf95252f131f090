//! `shipment` and `order_return`: goods on their way, and on their way back.

use order_core::{
    ids::{OrderId, ReturnId, ShipmentId},
    order::{OrderReturn, ReturnStatus, Shipment, ShipmentStatus, Tracking},
};

use super::{count, from_json, json, row, stored};
use crate::{
    error::StoreError,
    fields::{At, Id},
};

row! {
    /// A parcel.
    shipment, ShipmentRow {
        shipment_id: Id,
        order_id: Id,
        sequence: i32,
        status: String,
        carrier: Option<String>,
        tracking_number: Option<String>,
        tracking_url: Option<String>,
        estimated_delivery: Option<At>,
        lines: String,
        carrier_events: String,
        pack_time: Option<At>,
        ship_time: Option<At>,
        deliver_time: Option<At>,
        create_time: At,
    }
}

row! {
    /// Goods that come back.
    order_return, ReturnRow {
        return_id: Id,
        order_id: Id,
        sequence: i32,
        status: String,
        lines: String,
        reason: Option<String>,
        decision_reason: Option<String>,
        create_time: At,
        update_time: At,
    }
}

impl ShipmentRow {
    pub(super) fn new(order_id: OrderId, parcel: &Shipment) -> Self {
        Self {
            shipment_id: Id(parcel.id.uuid()),
            order_id: Id(order_id.uuid()),
            sequence: stored(parcel.sequence),
            status: parcel.status.as_str().to_owned(),
            carrier: parcel.tracking.carrier.clone(),
            tracking_number: parcel.tracking.tracking_number.clone(),
            tracking_url: parcel.tracking.tracking_url.clone(),
            estimated_delivery: parcel.tracking.estimated_delivery.map(At),
            lines: json(&parcel.lines),
            carrier_events: json(&parcel.carrier_events),
            pack_time: parcel.pack_time.map(At),
            ship_time: parcel.ship_time.map(At),
            deliver_time: parcel.deliver_time.map(At),
            create_time: At(parcel.create_time),
        }
    }
}

impl TryFrom<ShipmentRow> for Shipment {
    type Error = StoreError;

    fn try_from(row: ShipmentRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: ShipmentId::new(row.shipment_id.0),
            sequence: count(row.sequence)?,
            status: ShipmentStatus::from_word(&row.status).ok_or_else(|| StoreError::corrupt(&row.status))?,
            tracking: Tracking {
                carrier: row.carrier,
                tracking_number: row.tracking_number,
                tracking_url: row.tracking_url,
                estimated_delivery: row.estimated_delivery.map(|at| at.0),
            },
            lines: from_json(&row.lines)?,
            carrier_events: from_json(&row.carrier_events)?,
            pack_time: row.pack_time.map(|at| at.0),
            ship_time: row.ship_time.map(|at| at.0),
            deliver_time: row.deliver_time.map(|at| at.0),
            create_time: row.create_time.0,
        })
    }
}

impl ReturnRow {
    pub(super) fn new(order_id: OrderId, back: &OrderReturn) -> Self {
        Self {
            return_id: Id(back.id.uuid()),
            order_id: Id(order_id.uuid()),
            sequence: stored(back.sequence),
            status: back.status.as_str().to_owned(),
            lines: json(&back.lines),
            reason: back.reason.clone(),
            decision_reason: back.decision_reason.clone(),
            create_time: At(back.create_time),
            update_time: At(back.update_time),
        }
    }
}

impl TryFrom<ReturnRow> for OrderReturn {
    type Error = StoreError;

    fn try_from(row: ReturnRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: ReturnId::new(row.return_id.0),
            sequence: count(row.sequence)?,
            status: ReturnStatus::from_word(&row.status).ok_or_else(|| StoreError::corrupt(&row.status))?,
            lines: from_json(&row.lines)?,
            reason: row.reason,
            decision_reason: row.decision_reason,
            create_time: row.create_time.0,
            update_time: row.update_time.0,
        })
    }
}
