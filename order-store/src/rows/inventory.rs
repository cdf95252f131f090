//! `inventory_operation`: what an inventory service is still to be asked or told.

use order_core::{
    ids::{InventoryOperationId, OrderId},
    stock::{InventoryKind, InventoryOperation},
    time::Timestamp,
};

use super::{count, from_json, json, row, stored, word};
use crate::{
    error::StoreError,
    fields::{At, Id},
    store::UntoldOperations,
};

row! {
    /// Something that is to be asked or told.
    inventory_operation, InventoryRow {
        operation_id: Id,
        order_id: Id,
        revision: i64,
        kind: String,
        claimant: Option<Id>,
        goods: String,
        attempts: i32,
        next_attempt_at: At,
        create_time: At,
    }
}

/// Kind, how many of it there are, and the time of the oldest.
pub(crate) type InventoryCountRow = (String, i64, At);

impl InventoryRow {
    /// The row of an operation that was not attempted yet.
    pub(crate) fn new(
        operation: &InventoryOperation,
        claimant: Option<uuid::Uuid>,
        (due, now): (Timestamp, Timestamp),
    ) -> Self {
        Self {
            operation_id: Id(operation.id.uuid()),
            order_id: Id(operation.order_id.uuid()),
            revision: operation.revision,
            kind: operation.kind.as_str().to_owned(),
            claimant: claimant.map(Id),
            goods: json(&operation.goods),
            attempts: 0,
            next_attempt_at: At(due),
            create_time: At(now),
        }
    }

    pub(crate) fn kind(&self) -> Result<InventoryKind, StoreError> {
        word(&InventoryKind::ALL, InventoryKind::as_str, &self.kind)
    }

    /// The same, about to be attempted once more; what was to be reserved is to be withdrawn.
    pub(crate) fn attempted(self, again: impl FnOnce(u32) -> Timestamp) -> Result<Self, StoreError> {
        let attempts = count(self.attempts)?.saturating_add(1);
        Ok(Self { attempts: stored(attempts), next_attempt_at: At(again(attempts)), ..self.given_up()? })
    }

    /// The same; what was to be reserved is to be withdrawn.
    fn given_up(self) -> Result<Self, StoreError> {
        let kind = match self.kind()? {
            InventoryKind::Reserve => InventoryKind::Withdraw.as_str().to_owned(),
            InventoryKind::Withdraw | InventoryKind::Release | InventoryKind::Commit | InventoryKind::Restock => {
                self.kind
            }
        };
        Ok(Self { kind, ..self })
    }

    /// The same, to be withdrawn as soon as somebody looks.
    pub(crate) fn withdrawn(self, now: Timestamp) -> Result<Self, StoreError> {
        Ok(Self { next_attempt_at: At(now), ..self.given_up()? })
    }

    /// The operation of a row.
    pub(crate) fn into_operation(self) -> Result<InventoryOperation, StoreError> {
        Ok(InventoryOperation {
            id: InventoryOperationId::new(self.operation_id.0),
            order_id: OrderId::new(self.order_id.0),
            revision: self.revision,
            kind: self.kind()?,
            goods: from_json(&self.goods)?,
        })
    }
}

impl TryFrom<InventoryCountRow> for UntoldOperations {
    type Error = StoreError;

    fn try_from((kind, number, oldest): InventoryCountRow) -> Result<Self, StoreError> {
        let kind = word(&InventoryKind::ALL, InventoryKind::as_str, &kind)?;
        Ok(Self { kind, count: u32::try_from(number).unwrap_or(u32::MAX), oldest: oldest.0 })
    }
}
