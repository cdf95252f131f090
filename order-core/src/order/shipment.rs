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

impl ShipmentStatus {
    /// Whether its goods are still in the house and set apart for it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Pending | Self::Packed => true,
            Self::Shipped | Self::Delivered | Self::Cancelled | Self::ReturnedToSender => false,
        }
    }
}

/// How a parcel can be followed. All of it is optional: some goods go by the shop's own van.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tracking {
    /// E.g. `UPS`; at most 100 characters.
    pub carrier: Option<String>,
    /// The carrier's number; at most 64 characters.
    pub tracking_number: Option<String>,
    /// Where people can look; http or https, at most 2 048 characters.
    pub tracking_url: Option<String>,
    /// When it should arrive.
    pub estimated_delivery: Option<Timestamp>,
}

/// What is to be changed of how a parcel can be followed; the rest stays. `Some(None)` takes a value out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrackingChange {
    /// See [`Tracking::carrier`].
    pub carrier: Option<Option<String>>,
    /// See [`Tracking::tracking_number`].
    pub tracking_number: Option<Option<String>>,
    /// See [`Tracking::tracking_url`].
    pub tracking_url: Option<Option<String>>,
    /// See [`Tracking::estimated_delivery`].
    pub estimated_delivery: Option<Option<Timestamp>>,
}

impl Tracking {
    /// This, with a change made to it.
    #[must_use]
    pub fn changed(&self, change: &TrackingChange) -> Self {
        let text = |new: &Option<Option<String>>, old: &Option<String>| new.clone().unwrap_or_else(|| old.clone());
        Self {
            carrier: text(&change.carrier, &self.carrier),
            tracking_number: text(&change.tracking_number, &self.tracking_number),
            tracking_url: text(&change.tracking_url, &self.tracking_url),
            estimated_delivery: change.estimated_delivery.unwrap_or(self.estimated_delivery),
        }
    }

    /// This, with what another one knows put over it.
    #[must_use]
    pub fn updated(&self, news: &Self) -> Self {
        let text = |new: &Option<String>, old: &Option<String>| new.clone().or_else(|| old.clone());
        Self {
            carrier: text(&news.carrier, &self.carrier),
            tracking_number: text(&news.tracking_number, &self.tracking_number),
            tracking_url: text(&news.tracking_url, &self.tracking_url),
            estimated_delivery: news.estimated_delivery.or(self.estimated_delivery),
        }
    }
}

/// What a carrier says of a parcel. Kept apart from our own status: carriers err, repeat themselves and come late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierEvent {
    /// When it happened, as the carrier says.
    pub time: Timestamp,
    /// The carrier's own word; at most 64 characters.
    pub code: String,
    /// For people; at most 500 characters.
    #[serde(default)]
    pub description: String,
    /// Where it happened; at most 200 characters.
    #[serde(default)]
    pub location: String,
    /// When we were told.
    pub create_time: Timestamp,
}

impl CarrierEvent {
    /// Whether it is the same news, whenever we were told.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        (self.time, &self.code, &self.description, &self.location)
            == (other.time, &other.code, &other.description, &other.location)
    }
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
    /// What the carrier said of it, by time.
    #[serde(default)]
    pub carrier_events: Vec<CarrierEvent>,
    /// When it was packed.
    #[serde(default)]
    pub pack_time: Option<Timestamp>,
    /// When it was handed to the carrier.
    pub ship_time: Option<Timestamp>,
    /// When it arrived.
    pub deliver_time: Option<Timestamp>,
    /// When it was opened.
    pub create_time: Timestamp,
}
