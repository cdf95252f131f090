//! Whom events are passed on to.

use async_trait::async_trait;
use order_core::ports::{Neighbour, Unavailable};
use prost::bytes::Bytes;

/// An event, ready to be passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Which one: the same for the same event, whenever it is passed on.
    pub id: String,
    /// What happened, such as `placed`.
    pub kind: String,
    /// A CloudEvent in JSON.
    pub body: Bytes,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was taken.
    Now,
    /// They say that they had it before.
    Before,
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTaken {
    /// Whoever it is for cannot be reached, or has no time: nothing about this message.
    Unavailable(Unavailable),
    /// They failed at it: perhaps because of this message, perhaps at every message. Says what they said.
    Failed(String),
    /// They do not want this message; says what they said.
    Refused(String),
}

/// Somebody whom events are passed on to.
#[async_trait]
pub trait Publisher: Neighbour {
    /// Passes a message on, and returns once it is safe there. The same message may be passed on again.
    ///
    /// # Errors
    /// Where it is not known to be safe.
    async fn publish(&self, message: &Message) -> Result<Taken, NotTaken>;
}
