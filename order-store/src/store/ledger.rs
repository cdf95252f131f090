//! Requests to payment gateways that somebody has to look after, and the simulated gateway's own log.

use async_trait::async_trait;
use order_core::{
    ids::{OperationId, OrderId},
    money::Money,
    order::Context,
    payment::{OperationKind, OperationState, Outcome},
    time::Timestamp,
};

use super::Effect;
use crate::error::StoreError;

/// A request whose outcome is due to be looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueOperation {
    /// Of which order.
    pub order_id: OrderId,
    /// Which request.
    pub operation_id: OperationId,
}

/// How many requests are in a state without an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnresolvedOperations {
    /// The state.
    pub state: OperationState,
    /// How many.
    pub count: u32,
    /// When the oldest of them was written down.
    pub oldest: Timestamp,
}

/// What the simulated gateway did under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayRecord {
    /// The idempotency key.
    pub key: OperationId,
    /// What was asked.
    pub kind: OperationKind,
    /// How much.
    pub amount: Money,
    /// What it did.
    pub outcome: Outcome,
    /// When.
    pub time: Timestamp,
}

/// What a gateway told us without being asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentEvent {
    /// The gateway's name for the message; the same name again counts once.
    pub event_id: String,
    /// The request it is about.
    pub operation_id: OperationId,
    /// What it says.
    pub outcome: Outcome,
    /// When it happened, as the gateway says.
    pub event_time: Timestamp,
    /// When we were told.
    pub create_time: Timestamp,
}

/// What a gateway's message led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentEventOutcome {
    /// It was booked.
    Applied,
    /// A message of this name was taken before.
    Duplicate,
    /// It was kept, and is nothing new.
    NoChange,
}

/// The ledger's loose ends.
#[async_trait]
pub trait LedgerStore: Send + Sync {
    /// Requests that are not decided and whose time to be looked after has come, of one order or of any, oldest first, at most
    /// `most`.
    ///
    /// # Errors
    /// None of its own.
    async fn due_operations(
        &self,
        now: Timestamp,
        only: Option<OrderId>,
        most: u32,
    ) -> Result<Vec<DueOperation>, StoreError>;

    /// Requests without an outcome, due or not, counted by state; states that have none are left out.
    ///
    /// # Errors
    /// None of its own.
    async fn unresolved_operations(&self) -> Result<Vec<UnresolvedOperations>, StoreError>;

    /// Takes a gateway's message, once by its name, and books what it says under the order's lock.
    ///
    /// # Errors
    /// Refused with `NotFound` for an operation that nobody knows.
    async fn record_payment_event(
        &self,
        event: PaymentEvent,
        context: Context,
    ) -> Result<(PaymentEventOutcome, Effect), StoreError>;

    /// What gateways told us about an order, oldest first.
    ///
    /// # Errors
    /// None of its own.
    async fn payment_events(&self, order_id: OrderId) -> Result<Vec<PaymentEvent>, StoreError>;

    /// Orders that are still PENDING past their time to pay, at most `most`.
    ///
    /// # Errors
    /// None of its own.
    async fn due_expiries(&self, now: Timestamp, most: u32) -> Result<Vec<OrderId>, StoreError>;

    /// Writes down what the simulated gateway does under a key, or returns what it did under it before: the first wins.
    ///
    /// # Errors
    /// None of its own.
    async fn record_gateway(&self, record: GatewayRecord) -> Result<GatewayRecord, StoreError>;

    /// What the simulated gateway did under a key.
    ///
    /// # Errors
    /// None of its own.
    async fn gateway_record(&self, key: OperationId) -> Result<Option<GatewayRecord>, StoreError>;
}
