//! Requests to a gateway and their outcomes.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{OperationId, ReturnId},
    money::Money,
    time::Timestamp,
};

/// What a gateway is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OperationKind {
    /// Authorise and capture in one step.
    Sale,
    /// Promise the money.
    Authorize,
    /// Take promised money.
    Capture,
    /// Give taken money back.
    Refund,
    /// Give a promise up.
    Void,
}

impl OperationKind {
    /// All kinds, for tables and tests.
    pub const ALL: [Self; 5] = [Self::Sale, Self::Authorize, Self::Capture, Self::Refund, Self::Void];

    /// The word that is stored and logged.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sale => "SALE",
            Self::Authorize => "AUTHORIZE",
            Self::Capture => "CAPTURE",
            Self::Refund => "REFUND",
            Self::Void => "VOID",
        }
    }
}

/// Where a request to a gateway stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OperationState {
    /// Written down, not sent.
    Initial,
    /// About to be sent, or sent; the answer is not known yet.
    Sent,
    /// Done.
    Succeeded,
    /// Refused by the gateway; nothing moved.
    Failed,
    /// The answer got lost: it may have been done. Only the reconciler resolves it, by asking.
    Unknown,
}

impl OperationState {
    /// All states, for tables and tests.
    pub const ALL: [Self; 5] = [Self::Initial, Self::Sent, Self::Succeeded, Self::Failed, Self::Unknown];

    /// The word that is stored and logged.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "INITIAL",
            Self::Sent => "SENT",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Whether the outcome is still to come.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Initial | Self::Sent | Self::Unknown => true,
            Self::Succeeded | Self::Failed => false,
        }
    }
}

/// Why money goes back, or a promise is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RefundCause {
    /// Somebody of the shop asked for it.
    Requested,
    /// The order, or some units of it, were called off.
    Cancellation,
    /// Goods came back.
    Return,
    /// The order was changed to cost less.
    Edit,
    /// The money came when nothing was due any more.
    Late,
}

impl RefundCause {
    /// All causes, for tables and tests.
    pub const ALL: [Self; 5] = [Self::Requested, Self::Cancellation, Self::Return, Self::Edit, Self::Late];

    /// The word that is stored and logged.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "REQUESTED",
            Self::Cancellation => "CANCELLATION",
            Self::Return => "RETURN",
            Self::Edit => "EDIT",
            Self::Late => "LATE",
        }
    }
}

/// One request to a gateway. Its id is the gateway's idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Identity and idempotency key.
    pub id: OperationId,
    /// What is asked.
    pub kind: OperationKind,
    /// Minor units of the payment's currency, positive.
    pub amount: i64,
    /// Where it stands.
    pub state: OperationState,
    /// Why money goes back; absent where money comes in.
    #[serde(default)]
    pub cause: Option<RefundCause>,
    /// Of a refund, the part by which the shop lowers what it asks for the order, in minor units: neither the value of units
    /// that were called off, returned or refunded by line, nor what was paid too much. 0 to `amount`.
    #[serde(default)]
    pub concession: i64,
    /// The return that a refund is for.
    #[serde(default)]
    pub return_id: Option<ReturnId>,
    /// The payment instrument, as the gateway's token: never a card number. Absent for refunds and cash.
    pub token: Option<String>,
    /// The gateway's name for what it did.
    pub gateway_reference: Option<String>,
    /// What the gateway says it moved, where that is not what was asked.
    #[serde(default)]
    pub reported: Option<Money>,
    /// Why it was refused.
    pub decline_code: Option<String>,
    /// How often it was sent or asked after.
    pub attempts: u32,
    /// When the reconciler looks at it next; absent once it is closed.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was written down.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
}

/// How a request to a gateway ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Succeeded {
        /// The gateway's name for it.
        reference: String,
        /// What it says it moved; absent where it says no more than that it did as asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        moved: Option<Money>,
    },
    /// Refused; nothing moved.
    Failed {
        /// The gateway's code, e.g. `insufficient_funds`.
        code: String,
    },
}

impl Outcome {
    /// Done as asked.
    #[must_use]
    pub fn succeeded(reference: impl Into<String>) -> Self {
        Self::Succeeded { reference: reference.into(), moved: None }
    }

    /// The state that an operation is in afterwards.
    #[must_use]
    pub const fn state(&self) -> OperationState {
        match self {
            Self::Succeeded { .. } => OperationState::Succeeded,
            Self::Failed { .. } => OperationState::Failed,
        }
    }
}

/// When the reconciler should look after a request that was sent `attempts` times: one that was never sent after two seconds, because
/// whoever asked for it is about to send it; otherwise after the gateway's deadline, doubling from 15 seconds up to ten minutes.
#[must_use]
pub fn retry_at(now: Timestamp, attempts: u32) -> Timestamp {
    let seconds = match attempts.checked_sub(1) {
        None => 2,
        Some(doublings) => (15_i64 << doublings.min(10)).min(600),
    };
    now.plus_micros(seconds * 1_000_000)
}
