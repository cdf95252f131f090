//! What happened to an order. The history is a list of these, and applying them is the only way in which an order changes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    line::{Line, LineQuantity},
    refund::SplitLine,
    returns::{OrderReturn, ReceivedLine},
    shipment::{CarrierEvent, Shipment, Tracking},
    state::Hold,
};
use crate::{
    address::Address,
    contact::Contact,
    ids::{OperationId, PaymentId, RequestId, ReturnId, ShipmentId},
    order::state::Status,
    payment::{Operation, OperationKind, Outcome, PaymentMethod},
    policy::AllocatePolicy,
    pricing::Step,
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
    Placed {
        /// Whether its goods were promised to it at that moment.
        #[serde(default)]
        allocate: AllocatePolicy,
    },
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
    /// Units were called off; the others stand.
    LinesCancelled {
        /// Which.
        lines: Vec<LineQuantity>,
        /// Those of them that stock was promised to, and that is free again.
        released: Vec<LineQuantity>,
    },
    /// Lines were added to it.
    LinesAdded {
        /// The lines, as they were priced.
        lines: Vec<Line>,
        /// Whether their goods were promised to it at that moment.
        allocate: AllocatePolicy,
        /// How their prices came about.
        steps: Vec<Step>,
    },
    /// What it contains was changed; the events before this one say how.
    Edited {
        /// What it costs more than before, in minor units; less if negative.
        difference: i64,
    },
    /// A parcel was planned.
    ShipmentCreated {
        /// The parcel.
        shipment: Shipment,
    },
    /// It is known better how a parcel can be followed.
    ShipmentUpdated {
        /// The parcel.
        shipment_id: ShipmentId,
        /// All that is known now.
        tracking: Tracking,
    },
    /// A parcel was packed.
    ShipmentPacked {
        /// The parcel.
        shipment_id: ShipmentId,
    },
    /// A parcel was called off before it left; its goods are still promised to the order.
    ShipmentCancelled {
        /// The parcel.
        shipment_id: ShipmentId,
    },
    /// A parcel left.
    Shipped {
        /// The parcel, as it left.
        shipment: Shipment,
    },
    /// A parcel could not be delivered and came back; its goods are on the shelf again.
    ReturnedToSender {
        /// The parcel.
        shipment_id: ShipmentId,
        /// Units that came back.
        lines: Vec<LineQuantity>,
        /// Those of them whose money had been given back: they count as called off. The others are promised to the order again.
        cancelled: Vec<LineQuantity>,
    },
    /// A carrier said something of a parcel.
    CarrierEventRecorded {
        /// The parcel.
        shipment_id: ShipmentId,
        /// What it said.
        carrier_event: CarrierEvent,
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
    /// A gateway moved other money than it was asked to, or took its word back.
    PaymentMismatch {
        /// The payment it belongs to.
        payment_id: PaymentId,
        /// The request.
        operation_id: OperationId,
        /// What it says.
        outcome: Outcome,
    },
    /// The customer does not pay for some units that were shipped, or not for shipping.
    LinesRefunded {
        /// Which units, and what they are worth.
        lines: Vec<SplitLine>,
        /// Of shipping and its tax, in minor units.
        shipping: i64,
    },
    /// The customer wants to send goods back.
    ReturnRequested {
        /// The return.
        order_return: OrderReturn,
    },
    /// The customer keeps them after all.
    ReturnCancelled {
        /// The return.
        return_id: ReturnId,
    },
    /// The shop agreed.
    ReturnApproved {
        /// The return.
        return_id: ReturnId,
    },
    /// The shop did not agree.
    ReturnRejected {
        /// The return.
        return_id: ReturnId,
    },
    /// Goods came back.
    ReturnReceived {
        /// The return.
        return_id: ReturnId,
        /// Which, and what became of them.
        lines: Vec<ReceivedLine>,
    },
    /// Nothing more is to come back under it.
    ReturnClosed {
        /// The return.
        return_id: ReturnId,
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
            Self::Placed { .. } => "PLACED",
            Self::Imported { .. } => "IMPORTED",
            Self::StockAllocated { .. } => "STOCK_ALLOCATED",
            Self::Confirmed => "CONFIRMED",
            Self::ProcessingStarted => "PROCESSING_STARTED",
            Self::LinesCancelled { .. } => "LINES_CANCELLED",
            Self::LinesAdded { .. } => "LINES_ADDED",
            Self::Edited { .. } => "EDITED",
            Self::ShipmentCreated { .. } => "SHIPMENT_CREATED",
            Self::ShipmentUpdated { .. } => "SHIPMENT_UPDATED",
            Self::ShipmentPacked { .. } => "SHIPMENT_PACKED",
            Self::ShipmentCancelled { .. } => "SHIPMENT_CANCELLED",
            Self::ReturnedToSender { .. } => "SHIPMENT_RETURNED_TO_SENDER",
            Self::CarrierEventRecorded { .. } => "CARRIER_EVENT",
            Self::PaymentMismatch { .. } => "PAYMENT_MISMATCH",
            Self::LinesRefunded { .. } => "LINES_REFUNDED",
            Self::ReturnRequested { .. } => "RETURN_REQUESTED",
            Self::ReturnCancelled { .. } => "RETURN_CANCELLED",
            Self::ReturnApproved { .. } => "RETURN_APPROVED",
            Self::ReturnRejected { .. } => "RETURN_REJECTED",
            Self::ReturnReceived { .. } => "RETURN_RECEIVED",
            Self::ReturnClosed { .. } => "RETURN_CLOSED",
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

    /// Whether only administrators and services see it: what the shop notes for itself, and why it holds an order.
    #[must_use]
    pub const fn is_internal(&self) -> bool {
        matches!(
            self,
            Self::NoteAdded { .. }
                | Self::OperationAttempted { .. }
                | Self::PaymentMismatch { .. }
                | Self::HoldPlaced { .. }
                | Self::HoldReleased { .. }
        )
    }
}

const fn started(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Sale | OperationKind::Authorize => "PAYMENT_STARTED",
        OperationKind::Capture => "CAPTURE_STARTED",
        OperationKind::Refund => "REFUND_STARTED",
        OperationKind::Void => "VOID_STARTED",
    }
}

const fn settled(kind: OperationKind, outcome: &Outcome) -> &'static str {
    match (kind, outcome) {
        (OperationKind::Sale | OperationKind::Authorize, Outcome::Succeeded { .. }) => "PAYMENT_SUCCEEDED",
        (OperationKind::Sale | OperationKind::Authorize, Outcome::Failed { .. }) => "PAYMENT_FAILED",
        (OperationKind::Capture, Outcome::Succeeded { .. }) => "CAPTURE_SUCCEEDED",
        (OperationKind::Capture, Outcome::Failed { .. }) => "CAPTURE_FAILED",
        (OperationKind::Refund, Outcome::Succeeded { .. }) => "REFUND_SUCCEEDED",
        (OperationKind::Refund, Outcome::Failed { .. }) => "REFUND_FAILED",
        (OperationKind::Void, Outcome::Succeeded { .. }) => "VOID_SUCCEEDED",
        (OperationKind::Void, Outcome::Failed { .. }) => "VOID_FAILED",
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
