//! What can be asked of an order, by whom it is decided, and the table of legal transitions.

use serde::{Deserialize, Serialize};
use std::fmt;

use super::{
    event::{Actor, Details},
    line::{Line, LineQuantity},
    returns::{ReceivedLine, ReturnLine},
    shipment::{CarrierEvent, Tracking, TrackingChange},
    state::{Hold, State, Status, words},
};
use crate::{
    ids::{IdSeed, OperationId, PaymentId, RequestId, ReturnId, ShipmentId},
    money::Money,
    payment::{Outcome, PaymentMethod},
    policy::Policy,
    pricing::Step,
    time::Timestamp,
};

/// A change asked of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Accept it.
    Confirm,
    /// Begin picking.
    StartProcessing,
    /// Call it off; what was paid goes back.
    Cancel,
    /// Call some units off that were not shipped; what was paid for them goes back.
    CancelLines(Vec<LineQuantity>),
    /// Change what is not shipped.
    Edit(Edit),
    /// Call it off because it was not paid in time.
    Expire,
    /// Ship all that remains in one parcel.
    Ship(Tracking),
    /// Mark every parcel that is on its way as arrived.
    Deliver,
    /// Plan a parcel.
    CreateShipment {
        /// What goes into it; nothing named means all that is in no parcel yet.
        lines: Vec<LineQuantity>,
        /// How it can be followed.
        tracking: Tracking,
    },
    /// Do something with a parcel.
    Shipment(ShipmentId, ShipmentStep),
    /// Close it.
    Complete,
    /// Give money back.
    Refund(RefundWish),
    /// Stop processing and shipping.
    PlaceHold(Hold),
    /// Let processing and shipping go on.
    ReleaseHold(Hold),
    /// Ask to send goods back.
    RequestReturn(Vec<ReturnLine>),
    /// Do something with a return.
    Return(ReturnId, ReturnStep),
    /// Walk forward to a word, through every legal step in between.
    SetStatus {
        /// The word to reach.
        status: Status,
        /// For the parcel, where the walk ships one.
        tracking: Tracking,
    },
    /// Pay what is due.
    Pay {
        /// How.
        method: PaymentMethod,
        /// The gateway's token for the instrument; not for cash on delivery.
        token: Option<String>,
        /// A part of what is due; nothing named means all of it.
        amount: Option<Money>,
    },
    /// Take money that was promised, or note that cash was handed over.
    Capture {
        /// Of which payment.
        payment_id: PaymentId,
        /// How much; nothing named means all that is due.
        amount: Option<Money>,
    },
    /// Give a promise up, all of it that was not taken.
    Void(PaymentId),
    /// Note that a request is about to be sent or asked after.
    AttemptOperation(OperationId),
    /// Note that the answer to a request got lost.
    LoseOperation(OperationId),
    /// Book the answer to a request.
    SettleOperation(OperationId, Outcome),
    /// Change what the owner may change.
    Update(Details),
    /// Write something down.
    AddNote(String),
}

/// What is to become of an order's contents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edit {
    /// Lines and the units that they are to have: what is called off is not counted.
    pub quantities: Vec<LineQuantity>,
    /// Lines to be added, as they were priced; their numbers are given by the order.
    pub added: Vec<Line>,
    /// How their prices came about.
    pub steps: Vec<Step>,
    /// What the caller expects the order to cost more, or less if negative.
    pub expected_difference: Option<Money>,
}

/// What can be done with a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShipmentStep {
    /// Note how it can be followed.
    Update(TrackingChange),
    /// Note that it is packed.
    Pack,
    /// Hand it to the carrier.
    Ship(Tracking),
    /// Note that it has arrived.
    Deliver,
    /// Call it off.
    Cancel,
    /// Note that it came back undelivered.
    ReturnToSender,
    /// Note what the carrier says.
    Record(CarrierEvent),
}

/// How much is to be given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundWish {
    /// All that is left.
    All,
    /// So much.
    Amount(Money),
    /// What was paid for some units that were shipped.
    Lines {
        /// Which units.
        lines: Vec<LineQuantity>,
        /// What of shipping.
        shipping: ShippingRefund,
    },
}

/// Whether shipping is given back too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShippingRefund {
    /// It is kept.
    Keep,
    /// It goes back, unless it did before.
    GiveBack,
}

/// What can be done with a return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReturnStep {
    /// The customer keeps the goods.
    Cancel,
    /// The shop agrees.
    Approve,
    /// The shop does not agree.
    Reject,
    /// Goods came back.
    Receive {
        /// Which, and what became of them.
        lines: Vec<ReceivedLine>,
        /// Whether their money goes back.
        refund: ReturnRefund,
    },
    /// Nothing more is to come back.
    Close,
}

/// Whether the money of received goods goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnRefund {
    /// At once.
    GiveBack,
    /// Not by this step: it went back before, or the goods are exchanged.
    Skip,
}

words! {
    /// The name of a command, for tables and messages.
    CommandKind {
        /// [`Command::Confirm`]
        Confirm = "confirm",
        /// [`Command::StartProcessing`]
        StartProcessing = "start processing",
        /// [`Command::Cancel`]
        Cancel = "cancel",
        /// [`Command::CancelLines`]
        CancelLines = "cancel units",
        /// [`Command::Edit`]
        Edit = "edit",
        /// [`Command::Expire`]
        Expire = "expire",
        /// [`Command::Ship`]
        Ship = "ship",
        /// [`Command::Deliver`]
        Deliver = "deliver",
        /// [`Command::CreateShipment`]
        CreateShipment = "create a shipment",
        /// [`Command::Shipment`]
        Shipment = "change a shipment",
        /// [`Command::PlaceHold`]
        PlaceHold = "place a hold",
        /// [`Command::ReleaseHold`]
        ReleaseHold = "release a hold",
        /// [`Command::RequestReturn`]
        RequestReturn = "request a return",
        /// [`Command::Return`]
        Return = "change a return",
        /// [`Command::Capture`]
        Capture = "capture",
        /// [`Command::Void`]
        Void = "void",
        /// [`Command::Complete`]
        Complete = "complete",
        /// [`Command::Refund`]
        Refund = "refund",
        /// [`Command::SetStatus`]
        SetStatus = "set status",
        /// [`Command::Pay`]
        Pay = "pay",
        /// [`Command::AttemptOperation`]
        AttemptOperation = "attempt payment operation",
        /// [`Command::LoseOperation`]
        LoseOperation = "lose payment operation",
        /// [`Command::SettleOperation`]
        SettleOperation = "settle payment operation",
        /// [`Command::Update`]
        Update = "update",
        /// [`Command::AddNote`]
        AddNote = "add a note",
    }
}

impl Command {
    /// Its name.
    #[must_use]
    pub const fn kind(&self) -> CommandKind {
        match self {
            Self::Confirm => CommandKind::Confirm,
            Self::StartProcessing => CommandKind::StartProcessing,
            Self::Cancel => CommandKind::Cancel,
            Self::CancelLines(_) => CommandKind::CancelLines,
            Self::Edit(_) => CommandKind::Edit,
            Self::CreateShipment { .. } => CommandKind::CreateShipment,
            Self::Shipment(..) => CommandKind::Shipment,
            Self::PlaceHold(_) => CommandKind::PlaceHold,
            Self::ReleaseHold(_) => CommandKind::ReleaseHold,
            Self::RequestReturn(_) => CommandKind::RequestReturn,
            Self::Return(..) => CommandKind::Return,
            Self::Capture { .. } => CommandKind::Capture,
            Self::Void(_) => CommandKind::Void,
            Self::Expire => CommandKind::Expire,
            Self::Ship(_) => CommandKind::Ship,
            Self::Deliver => CommandKind::Deliver,
            Self::Complete => CommandKind::Complete,
            Self::Refund(_) => CommandKind::Refund,
            Self::SetStatus { .. } => CommandKind::SetStatus,
            Self::Pay { .. } => CommandKind::Pay,
            Self::AttemptOperation(_) => CommandKind::AttemptOperation,
            Self::LoseOperation(_) => CommandKind::LoseOperation,
            Self::SettleOperation(..) => CommandKind::SettleOperation,
            Self::Update(_) => CommandKind::Update,
            Self::AddNote(_) => CommandKind::AddNote,
        }
    }
}

/// A legal step of the first axis. What is not in [`TRANSITIONS`] is refused; guards may refuse more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// The state it starts from.
    pub from: State,
    /// The command.
    pub command: CommandKind,
    /// The state it leads to.
    pub to: State,
}

const fn step(from: State, command: CommandKind, to: State) -> Transition {
    Transition { from, command, to }
}

/// Every step of the first axis, and the commands of the other two that depend on it. What is listed for no state (notes,
/// details, holds released, answers of gateways, steps of a parcel or a return that exists) does not depend on the first axis
/// alone; guards decide. Guards may also refuse what is listed.
pub const TRANSITIONS: &[Transition] = &[
    step(State::Pending, CommandKind::Confirm, State::Confirmed),
    step(State::Pending, CommandKind::Cancel, State::Cancelled),
    step(State::Pending, CommandKind::Expire, State::Expired),
    step(State::Pending, CommandKind::CancelLines, State::Pending),
    step(State::Pending, CommandKind::Edit, State::Pending),
    step(State::Pending, CommandKind::Pay, State::Pending),
    step(State::Pending, CommandKind::Capture, State::Pending),
    step(State::Pending, CommandKind::Void, State::Pending),
    step(State::Pending, CommandKind::Refund, State::Pending),
    step(State::Pending, CommandKind::PlaceHold, State::Pending),
    step(State::Confirmed, CommandKind::StartProcessing, State::Processing),
    step(State::Confirmed, CommandKind::Cancel, State::Cancelled),
    step(State::Confirmed, CommandKind::CancelLines, State::Confirmed),
    step(State::Confirmed, CommandKind::Edit, State::Confirmed),
    step(State::Confirmed, CommandKind::CreateShipment, State::Confirmed),
    step(State::Confirmed, CommandKind::Ship, State::Confirmed),
    step(State::Confirmed, CommandKind::Deliver, State::Confirmed),
    step(State::Confirmed, CommandKind::Complete, State::Completed),
    step(State::Confirmed, CommandKind::Pay, State::Confirmed),
    step(State::Confirmed, CommandKind::Capture, State::Confirmed),
    step(State::Confirmed, CommandKind::Void, State::Confirmed),
    step(State::Confirmed, CommandKind::Refund, State::Confirmed),
    step(State::Confirmed, CommandKind::RequestReturn, State::Confirmed),
    step(State::Confirmed, CommandKind::PlaceHold, State::Confirmed),
    step(State::Processing, CommandKind::Cancel, State::Cancelled),
    step(State::Processing, CommandKind::CancelLines, State::Processing),
    step(State::Processing, CommandKind::Edit, State::Processing),
    step(State::Processing, CommandKind::CreateShipment, State::Processing),
    step(State::Processing, CommandKind::Ship, State::Processing),
    step(State::Processing, CommandKind::Deliver, State::Processing),
    step(State::Processing, CommandKind::Complete, State::Completed),
    step(State::Processing, CommandKind::Pay, State::Processing),
    step(State::Processing, CommandKind::Capture, State::Processing),
    step(State::Processing, CommandKind::Void, State::Processing),
    step(State::Processing, CommandKind::Refund, State::Processing),
    step(State::Processing, CommandKind::RequestReturn, State::Processing),
    step(State::Processing, CommandKind::PlaceHold, State::Processing),
    step(State::Completed, CommandKind::Refund, State::Completed),
    step(State::Completed, CommandKind::RequestReturn, State::Completed),
    step(State::Cancelled, CommandKind::Void, State::Cancelled),
    step(State::Cancelled, CommandKind::Refund, State::Cancelled),
    step(State::Expired, CommandKind::Void, State::Expired),
    step(State::Expired, CommandKind::Refund, State::Expired),
];

/// The commands that [`TRANSITIONS`] allows in a state.
pub(super) fn legal_in(state: State) -> impl Iterator<Item = CommandKind> {
    TRANSITIONS.iter().filter(move |step| step.from == state).map(|step| step.command)
}

/// Under which circumstances a command is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The time that its events carry.
    pub now: Timestamp,
    /// Who asks.
    pub actor: Actor,
    /// Under which request id.
    pub request_id: Option<RequestId>,
    /// Why, in their words.
    pub reason: Option<String>,
    /// Where its new identities come from.
    pub ids: IdSeed,
    /// The shop's choices.
    pub policy: Policy,
}
