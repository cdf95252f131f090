//! Parcels.

use serde::{Deserialize, Serialize};

use super::{line::LineQuantity, state::words};
use crate::{ids::ShipmentId, time::Timestamp};
use std::fmt;

words! {
    /// Where a parcel is.
    ShipmentStatus {
        /// To be packed.
        Pending = "PENDING",
        /// Packed.
        Packed = "PACKED",
        /// Handed to the carrier.
        Shipped = "SHIPPED",
        /// Arrived.
        Delivered = "DELIVERED",
        /// Called off before it left.
        Cancelled = "CANCELLED",
        /// Could not be delivered and is on its way back.
        ReturnedToSender = "RETURNED_TO_SENDER",
    }
}

/// How a parcel can be followed. All of it is optional: some goods go by the shop's own van.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tracking {
    /// E.g. `UPS`; at most 100 characters.
    pub carrier: Option<String>,
    /// The carrier's number; at most 100 characters.
    pub tracking_number: Option<String>,
    /// Where people can look; http or https, at most 500 characters.
    pub tracking_url: Option<String>,
    /// When it should arrive.
    pub estimated_delivery: Option<Timestamp>,
}

/// A parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipment {
    /// Identity.
    pub id: ShipmentId,
    /// 1, 2, 3 ... within the order; the number for people is `{order number}-S{sequence}`.
    pub sequence: u32,
    /// Where it is.
    pub status: ShipmentStatus,
    /// How to follow it.
    pub tracking: Tracking,
    /// What is in it.
    pub lines: Vec<LineQuantity>,
    /// When it was handed to the carrier.
    pub ship_time: Option<Timestamp>,
    /// When it arrived.
    pub deliver_time: Option<Timestamp>,
    /// When it was opened.
    pub create_time: Timestamp,
}
