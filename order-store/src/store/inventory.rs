//! What an inventory service is still to be asked or told.

use async_trait::async_trait;
use order_core::{
    ids::InventoryOperationId,
    stock::{InventoryKind, InventoryOperation},
    time::Timestamp,
};
use uuid::Uuid;

use crate::error::StoreError;

/// A reservation that is about to be asked for.
#[derive(Debug, Clone)]
pub struct IntendReservation {
    /// What is to be reserved.
    pub operation: InventoryOperation,
    /// The request or the cart that it is for: what it asks for may be what the same claimant has reserved before.
    pub claimant: Option<Uuid>,
    /// When.
    pub now: Timestamp,
    /// When it is withdrawn, unless an order has it by then.
    pub until: Timestamp,
}

/// What it means that there was not enough for a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortfall {
    /// There is not enough.
    Genuine,
    /// The same claimant has another reservation, which may be all that was lacking: an attempt that was given up and is being withdrawn,
    /// or a twin that is under way. It becomes clear in a moment.
    AmongOwn,
}

/// How much of a kind is still to be asked or told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UntoldOperations {
    /// The kind.
    pub kind: InventoryKind,
    /// How many.
    pub count: u32,
    /// When the oldest of them was noted down.
    pub oldest: Timestamp,
}

/// What an inventory service is still to be asked or told. An order takes its reservation over in the transaction that needs it; what
/// its changes mean for the goods is noted down in theirs.
#[async_trait]
pub trait InventoryStore: Send + Sync {
    /// Notes down a reservation before it is asked for, so that it is withdrawn if nobody is there to use it.
    ///
    /// # Errors
    /// None of its own.
    async fn intend_reservation(&self, intent: IntendReservation) -> Result<(), StoreError>;

    /// Forgets a reservation that was refused, and says what that means.
    ///
    /// # Errors
    /// None of its own.
    async fn refuse_reservation(&self, id: InventoryOperationId) -> Result<Shortfall, StoreError>;

    /// Gives up a reservation that no order has: from now on none can take it, and it is due to be withdrawn. `None` where an order has it, or
    /// somebody else has given it up.
    ///
    /// # Errors
    /// None of its own.
    async fn give_up_reservation(
        &self,
        id: InventoryOperationId,
        now: Timestamp,
    ) -> Result<Option<InventoryOperation>, StoreError>;

    /// What is due to be told, at most `most`, the longest due first, and of each order only what is oldest. It is due again after a while that grows with
    /// every attempt. A reservation whose time is over is to be withdrawn.
    ///
    /// # Errors
    /// None of its own.
    async fn claim_inventory(&self, now: Timestamp, most: u32) -> Result<Vec<InventoryOperation>, StoreError>;

    /// Forgets what has been told.
    ///
    /// # Errors
    /// None of its own.
    async fn end_inventory(&self, ids: Vec<InventoryOperationId>) -> Result<(), StoreError>;

    /// What is still to be told, by kind; kinds of which there is nothing are left out.
    ///
    /// # Errors
    /// None of its own.
    async fn untold_operations(&self) -> Result<Vec<UntoldOperations>, StoreError>;
}
