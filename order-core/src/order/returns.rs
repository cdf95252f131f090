//! Goods that customers send back.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::state::words;
use crate::{ids::ReturnId, time::Timestamp};

words! {
    /// How far a return has come.
    ReturnStatus {
        /// The customer asked.
        Requested = "REQUESTED",
        /// The shop agreed; the goods are awaited.
        Approved = "APPROVED",
        /// The shop did not agree.
        Rejected = "REJECTED",
        /// Goods came back, at least some.
        Received = "RECEIVED",
        /// Done; what did not come back stays with the customer.
        Closed = "CLOSED",
        /// The customer thought better of it.
        Cancelled = "CANCELLED",
    }
}

impl ReturnStatus {
    /// Whether goods may still come back under it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Requested | Self::Approved | Self::Received => true,
            Self::Rejected | Self::Closed | Self::Cancelled => false,
        }
    }
}

/// Units of a line to be sent back, and what became of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnLine {
    /// The line.
    pub line_id: u32,
    /// Units that are to come back.
    pub requested: u32,
    /// Units that went back on the shelf.
    #[serde(default)]
    pub restocked: u32,
    /// Units that came back and cannot be sold again.
    #[serde(default)]
    pub written_off: u32,
    /// Why, in the customer's words; may be empty.
    #[serde(default)]
    pub reason: String,
}

impl ReturnLine {
    /// Units that came back.
    #[must_use]
    pub const fn received(&self) -> u32 {
        self.restocked.saturating_add(self.written_off)
    }

    /// Units that are still to come back.
    #[must_use]
    pub const fn outstanding(&self) -> u32 {
        self.requested.saturating_sub(self.received())
    }
}

/// A return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderReturn {
    /// Identity.
    pub id: ReturnId,
    /// 1, 2, 3 ... within the order; the number for people is `{order number}-R{sequence}`.
    pub sequence: u32,
    /// How far it has come.
    pub status: ReturnStatus,
    /// What is to come back; each line at most once.
    pub lines: Vec<ReturnLine>,
    /// Why, in the customer's words.
    pub reason: Option<String>,
    /// Why it was approved or rejected, in the shop's words.
    #[serde(default)]
    pub decision_reason: Option<String>,
    /// When it was asked for.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
}

/// Units of a line that came back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedLine {
    /// The line.
    pub line_id: u32,
    /// Units that go back on the shelf.
    pub restocked: u32,
    /// Units that cannot be sold again.
    pub written_off: u32,
}

impl ReceivedLine {
    /// All of them.
    #[must_use]
    pub const fn quantity(&self) -> u32 {
        self.restocked.saturating_add(self.written_off)
    }
}
