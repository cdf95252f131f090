//! What happened to an order. The history is a list of these, and applying them is the only way in which an order changes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{line::LineQuantity, shipment::Shipment, state::Hold};
use crate::{
    address::Address,
    contact::Contact,
    ids::{OperationId, PaymentId, RequestId, ShipmentId},
    order::state::Status,
    payment::{Operation, OperationKind, Outcome, PaymentMethod},
    time::Timestamp,
};

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "id", rename_all = "snake_case")]
pub enum Actor {
    /// A customer, by id.
    Customer(String),
    /// Somebody without an account.
    Guest,
    /// An administrator, by id.
    Admin(String),
    /// Another backend service, by id.
    Service(String),
    /// This service itself, by the part that acted: `reconciler`, `expiry`.
    System(String),
}

impl Actor {
    /// The kind of actor, as stored.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Customer(_) => "CUSTOMER",
            Self::Guest => "GUEST",
            Self::Admin(_) => "ADMIN",
            Self::Service(_) => "SERVICE",
            Self::System(_) => "SYSTEM",
        }
    }

    /// Which one; empty for guests.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Customer(id) | Self::Admin(id) | Self::Service(id) | Self::System(id) => id,
            Self::Guest => "",
        }
    }

    /// Reads back what [`kind`](Self::kind) and [`id`](Self::id) gave.
    #[must_use]
    pub fn from_parts(kind: &str, id: &str) -> Option<Self> {
        let id = id.to_owned();
        match kind {
            "CUSTOMER" => Some(Self::Customer(id)),
            "GUEST" => Some(Self::Guest),
            "ADMIN" => Some(Self::Admin(id)),
            "SERVICE" => Some(Self::Service(id)),
            "SYSTEM" => Some(Self::System(id)),
            _ => None,
        }
    }
}

/// The fields of an order that its owner may change; `None` leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Details {
    /// Where it goes.
    pub shipping_address: Option<Address>,
    /// Whom to write to.
    pub contact: Option<Contact>,
    /// A word to the shop.
    pub notes: Option<String>,
    /// The caller's own labels; replaces them all.
    pub metadata: Option<BTreeMap<String, String>>,
}

impl Details {
    /// The names of the fields that are to change, as the API spells them.
    #[must_use]
    pub fn fields(&self) -> Vec<&'static str> {
        [
            ("shipping_address", self.shipping_address.is_some()),
            ("contact", self.contact.is_some()),
            ("notes", self.notes.is_some()),
            ("metadata", self.metadata.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, set)| set.then_some(name))
        .collect()
    }
}

/// What happened, with all that is needed to apply it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventBody {
    /// It was placed; the content is the order itself.
    Placed,
    /// It was taken over from another system; nothing was charged, promised or sent by us.
    Imported {
        /// That system.
        source: String,
        /// Its name there.
        external_id: String,
        /// What had to be put right, by name.
        corrections: Vec<String>,
    },
    /// Goods were promised to it.
    StockAllocated {
        /// How many of which line.
        lines: Vec<LineQuantity>,
    },
    /// It was accepted.
    Confirmed,
    /// Picking began.
    ProcessingStarted,
    /// A parcel left.
    Shipped {
        /// The parcel, as it left.
        shipment: Shipment,
    },
    /// A parcel arrived.
    Delivered {
        /// The parcel.
        shipment_id: ShipmentId,
    },
    /// It is delivered and settled.
    Completed,
    /// It was called off; what was promised to it is free again.
    Cancelled,
    /// It was not paid in time; what was promised to it is free again.
    Expired,
    /// A way of paying without a gateway was chosen.
    PaymentOpened {
        /// The new payment.
        payment_id: PaymentId,
        /// How.
        method: PaymentMethod,
        /// Minor units of the order's currency.
        amount: i64,
    },
    /// A request to the gateway was written down; the first one of a payment opens it.
    OperationStarted {
        /// The payment it belongs to.
        payment_id: PaymentId,
        /// How it is paid.
        method: PaymentMethod,
        /// The request.
        operation: Operation,
    },
    /// A request is about to be sent, or to be asked after.
    OperationAttempted {
        /// The payment it belongs to.
        payment_id: PaymentId,
        /// The request.
        operation_id: OperationId,
        /// When the reconciler should look, if nobody comes back with an answer.
        next_attempt_at: Timestamp,
    },
    /// The answer got lost.
    OperationUnknown {
        /// The payment it belongs to.
        payment_id: PaymentId,
        /// The request.
        operation_id: OperationId,
        /// What was asked.
        kind: OperationKind,
        /// When the reconciler looks next.
        next_attempt_at: Timestamp,
    },
    /// The gateway has answered.
    OperationSettled {
        /// The payment it belongs to.
        payment_id: PaymentId,
        /// The request.
        operation_id: OperationId,
        /// What was asked.
        kind: OperationKind,
        /// Minor units of the order's currency.
        amount: i64,
        /// How it ended.
        outcome: Outcome,
    },
    /// Address, contact, notes or metadata changed.
    DetailsUpdated {
        /// The new values.
        details: Details,
    },
    /// An administrator wrote something down; customers do not see it.
    NoteAdded {
        /// The text.
        note: String,
    },
    /// Processing and shipping were stopped.
    HoldPlaced {
        /// Why.
        hold: Hold,
    },
    /// Processing and shipping may go on.
    HoldReleased {
        /// What was the matter.
        hold: Hold,
    },
}

impl EventBody {
    /// The event's name, as stored and shown.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Placed => "PLACED",
            Self::Imported { .. } => "IMPORTED",
            Self::StockAllocated { .. } => "STOCK_ALLOCATED",
            Self::Confirmed => "CONFIRMED",
            Self::ProcessingStarted => "PROCESSING_STARTED",
            Self::Shipped { .. } => "SHIPPED",
            Self::Delivered { .. } => "DELIVERED",
            Self::Completed => "COMPLETED",
            Self::Cancelled => "CANCELLED",
            Self::Expired => "EXPIRED",
            Self::PaymentOpened { .. } => "PAYMENT_OPENED",
            Self::OperationStarted { operation, .. } => started(operation.kind),
            Self::OperationAttempted { .. } => "PAYMENT_ATTEMPTED",
            Self::OperationUnknown { .. } => "PAYMENT_UNKNOWN",
            Self::OperationSettled { kind, outcome, .. } => settled(*kind, outcome),
            Self::DetailsUpdated { .. } => "DETAILS_UPDATED",
            Self::NoteAdded { .. } => "NOTE_ADDED",
            Self::HoldPlaced { .. } => "HOLD_PLACED",
            Self::HoldReleased { .. } => "HOLD_RELEASED",
        }
    }

    /// Whether only administrators and services see it.
    #[must_use]
    pub const fn is_internal(&self) -> bool {
        matches!(self, Self::NoteAdded { .. } | Self::OperationAttempted { .. })
    }
}

const fn started(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Sale | OperationKind::Authorize | OperationKind::Capture => "PAYMENT_STARTED",
        OperationKind::Refund | OperationKind::Void => "REFUND_STARTED",
    }
}

const fn settled(kind: OperationKind, outcome: &Outcome) -> &'static str {
    match (kind, outcome) {
        (OperationKind::Sale | OperationKind::Authorize | OperationKind::Capture, Outcome::Succeeded { .. }) => {
            "PAYMENT_SUCCEEDED"
        }
        (OperationKind::Sale | OperationKind::Authorize | OperationKind::Capture, Outcome::Failed { .. }) => {
            "PAYMENT_FAILED"
        }
        (OperationKind::Refund | OperationKind::Void, Outcome::Succeeded { .. }) => "REFUND_SUCCEEDED",
        (OperationKind::Refund | OperationKind::Void, Outcome::Failed { .. }) => "REFUND_FAILED",
    }
}

/// One entry of an order's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// 1, 2, 3 ... without gap within the order. The order's etag is that of its last event.
    pub revision: i64,
    /// Who.
    pub actor: Actor,
    /// Under which request id, where one was given.
    pub request_id: Option<RequestId>,
    /// Why, in the words of who did it.
    pub reason: Option<String>,
    /// When.
    pub time: Timestamp,
    /// The word for people after it.
    pub status_after: Status,
    /// What.
    pub body: EventBody,
}
