//! Idempotency: one request id, one effect, one answer.

use order_core::{
    cart::MergedLine,
    error::Refusal,
    ids::{CartId, OrderId, RequestId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// One attempt at a change, as its caller named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What the id is unique for.
    pub key: RequestKey,
    /// SHA-256 over the request without its id: the same id with another body is refused.
    pub body_hash: [u8; 32],
    /// When it came.
    pub time: Timestamp,
}

/// What a request id is unique for: callers cannot collide with each other, nor methods of one caller.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestKey {
    /// Who.
    pub principal: String,
    /// Which method.
    pub method: &'static str,
    /// The caller's name for it.
    pub request_id: RequestId,
}

/// What became of a request. Kept at least 24 hours.
///
/// A success is kept as *what* it made, not as the bytes that were answered: a replay shows the thing as it is now, so that a
/// retry never claims that an order is still pending which has shipped since. A refusal is kept as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestOutcome {
    /// It made or changed an order.
    Order(OrderId),
    /// It changed a cart.
    Cart(CartId),
    /// It merged carts.
    Merged(CartId, Vec<MergedLine>),
    /// It changed products or stock, which the request names itself.
    Done,
    /// It was refused.
    Refused(Refusal),
}
