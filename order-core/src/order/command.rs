//! What can be asked of an order, by whom it is decided, and the table of legal transitions.

use serde::{Deserialize, Serialize};
use std::fmt;

use super::{event::Actor, event::Details, shipment::Tracking, state::State, state::Status, state::words};
use crate::{
    ids::{IdSeed, OperationId, RequestId},
    payment::{Outcome, PaymentMethod},
    policy::Policy,
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
    /// Call it off because it was not paid in time.
    Expire,
    /// Ship all that remains in one parcel.
    Ship(Tracking),
    /// Mark every parcel that is on its way as arrived.
    Deliver,
    /// Close it.
    Complete,
    /// Give back all that was taken and not given back.
    Refund,
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
    },
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

words! {
    /// The name of a command, for tables and messages.
    CommandKind {
        /// [`Command::Confirm`]
        Confirm = "confirm",
        /// [`Command::StartProcessing`]
        StartProcessing = "start processing",
        /// [`Command::Cancel`]
        Cancel = "cancel",
        /// [`Command::Expire`]
        Expire = "expire",
        /// [`Command::Ship`]
        Ship = "ship",
        /// [`Command::Deliver`]
        Deliver = "deliver",
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
            Self::Expire => CommandKind::Expire,
            Self::Ship(_) => CommandKind::Ship,
            Self::Deliver => CommandKind::Deliver,
            Self::Complete => CommandKind::Complete,
            Self::Refund => CommandKind::Refund,
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

/// Every step of the first axis, and the commands of the third that depend on it. Commands that are not listed for any
/// state (payments, notes, details) do not depend on the first axis alone; their guards decide.
pub const TRANSITIONS: &[Transition] = &[
    step(State::Pending, CommandKind::Confirm, State::Confirmed),
    step(State::Pending, CommandKind::Cancel, State::Cancelled),
    step(State::Pending, CommandKind::Expire, State::Expired),
    step(State::Confirmed, CommandKind::StartProcessing, State::Processing),
    step(State::Confirmed, CommandKind::Cancel, State::Cancelled),
    step(State::Confirmed, CommandKind::Ship, State::Confirmed),
    step(State::Confirmed, CommandKind::Deliver, State::Confirmed),
    step(State::Confirmed, CommandKind::Complete, State::Completed),
    step(State::Processing, CommandKind::Cancel, State::Cancelled),
    step(State::Processing, CommandKind::Ship, State::Processing),
    step(State::Processing, CommandKind::Deliver, State::Processing),
    step(State::Processing, CommandKind::Complete, State::Completed),
];

/// The commands that [`TRANSITIONS`] allows in a state.
pub(super) fn legal_in(state: State) -> Vec<CommandKind> {
    TRANSITIONS.iter().filter(|step| step.from == state).map(|step| step.command).collect()
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
