//! Requests to payment gateways that somebody has to look after, and the simulated gateway's own log.

use async_trait::async_trait;
use order_core::{
    ids::{OperationId, OrderId},
    money::Money,
    payment::{OperationKind, Outcome},
    time::Timestamp,
};

use crate::error::StoreError;

/// A request whose outcome is due to be looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueOperation {
    /// Of which order.
    pub order_id: OrderId,
    /// Which request.
    pub operation_id: OperationId,
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

/// The ledger's loose ends.
#[async_trait]
pub trait LedgerStore: Send + Sync {
    /// Requests that are not decided and whose time to be looked after has come, oldest first, at most `most`.
    ///
    /// # Errors
    /// None of its own.
    async fn due_operations(&self, now: Timestamp, most: u32) -> Result<Vec<DueOperation>, StoreError>;

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
