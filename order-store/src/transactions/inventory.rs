//! Goods that an inventory service counts: reservations before their orders, and what is to be told of changes.

use std::{collections::BTreeSet, sync::Arc};

use order_core::{
    error::Refusal,
    ids::{IdSeed, InventoryOperationId, OrderId},
    stock::{InventoryKind, InventoryOperation, Moves, Reserved, StockChange, tell_again_at},
    time::Timestamp,
};

use crate::{
    backend::{Backend, WriteWork},
    error::StoreError,
    fields::Id,
    lanes::{Batch, Work},
    rows::InventoryRow,
    statements::{Done, Write},
    store::{IntendReservation, Shortfall},
};

/// Noting reservations down, in a lane: every order that is placed needs one.
pub(super) struct Intending<B>(pub(super) Arc<B>);

impl<B: Backend> Work for Intending<B> {
    type Item = IntendReservation;
    type Answer = ();
    type Key = ();
    const NAME: &'static str = "intend_reservation";
    const LANES: usize = 1;
    const BATCH: usize = 128;
    const QUEUE: usize = 2048;

    fn keys(_intent: &IntendReservation) -> Vec<()> {
        Vec::new()
    }

    async fn run(&self, batch: Batch<IntendReservation>) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        let row = |intent: &IntendReservation| {
            InventoryRow::new(&intent.operation, intent.claimant, (intent.until, intent.now))
        };
        let rows: Vec<_> = batch.items().iter().map(row).collect();
        let answers = rows.iter().map(|_| Ok(())).collect();
        self.0.write(Intend(rows)).await?;
        Ok(answers)
    }
}

struct Intend(Vec<InventoryRow>);

impl WriteWork for Intend {
    type Output = ();
    const NAME: &'static str = "intend_reservation";

    /// A batch whose answer got lost is put once more.
    async fn run<T: Write>(&self, tx: &mut T) -> Done {
        tx.put_inventory(&self.0).await
    }
}

/// Giving a reservation up.
pub(super) struct GiveUp {
    pub(super) id: InventoryOperationId,
    pub(super) now: Timestamp,
}

impl WriteWork for GiveUp {
    type Output = Option<InventoryOperation>;
    const NAME: &'static str = "give_up_reservation";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let Some(row) = tx.lock_inventory(&[Id(self.id.uuid())]).await?.pop() else { return Ok(None) };
        if row.kind()? != InventoryKind::Reserve {
            return Ok(None);
        }
        let row = row.withdrawn(self.now)?;
        tx.put_inventory(std::slice::from_ref(&row)).await?;
        Ok(Some(row.into_operation()?))
    }
}

/// Forgetting a reservation that was refused.
pub(super) struct RefuseReservation(pub(super) InventoryOperationId);

impl WriteWork for RefuseReservation {
    type Output = Shortfall;
    const NAME: &'static str = "refuse_reservation";

    /// An own one that stood when the neighbour was asked stands still, or its order does.
    async fn run<T: Write>(&self, tx: &mut T) -> Done<Shortfall> {
        let Some(row) = lock(tx, &[self.0]).await?.pop() else { return Ok(Shortfall::Genuine) };
        tx.drop_inventory(&[row.operation_id]).await?;
        match row.claimant {
            Some(claimant) if tx.has_claims(claimant).await? => Ok(Shortfall::AmongOwn),
            Some(_) | None => Ok(Shortfall::Genuine),
        }
    }
}

/// Taking on what is due.
pub(super) struct ClaimInventory {
    pub(super) now: Timestamp,
    pub(super) most: u32,
}

impl WriteWork for ClaimInventory {
    type Output = Vec<InventoryOperation>;
    const NAME: &'static str = "claim_inventory";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let due = tx.lock_due_inventory(self.now, self.most).await?;
        attempt(tx, due, self.now).await
    }
}

/// Marks what is attempted now, so that nobody else does meanwhile, and somebody does later.
async fn attempt<T: Write>(tx: &mut T, rows: Vec<InventoryRow>, now: Timestamp) -> Done<Vec<InventoryOperation>> {
    let again = |attempts| tell_again_at(now, attempts);
    let rows = rows.into_iter().map(|row| row.attempted(again)).collect::<Result<Vec<_>, _>>()?;
    tx.put_inventory(&rows).await?;
    Ok(rows.into_iter().map(InventoryRow::into_operation).collect::<Result<_, _>>()?)
}

/// Forgetting what has been told.
pub(super) struct EndInventory(pub(super) Vec<InventoryOperationId>);

impl WriteWork for EndInventory {
    type Output = ();
    const NAME: &'static str = "end_inventory";

    async fn run<T: Write>(&self, tx: &mut T) -> Done {
        let found = lock(tx, &self.0).await?;
        let found: Vec<_> = found.into_iter().map(|row| row.operation_id).collect();
        tx.drop_inventory(&found).await
    }
}

async fn lock<T: Write>(tx: &mut T, ids: &[InventoryOperationId]) -> Done<Vec<InventoryRow>> {
    let ids: BTreeSet<_> = ids.iter().map(|id| Id(id.uuid())).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    tx.lock_inventory(&ids.into_iter().collect::<Vec<_>>()).await
}

/// Which of these reservations can be taken over: nobody has given them up. They are locked.
pub(super) async fn standing<T: Write>(tx: &mut T, ids: Vec<InventoryOperationId>) -> Done<BTreeSet<Id>> {
    let mut standing = BTreeSet::new();
    for row in lock(tx, &ids).await? {
        if row.kind()? == InventoryKind::Reserve {
            standing.insert(row.operation_id);
        }
    }
    Ok(standing)
}

/// A change of an order whose goods are counted elsewhere.
pub(super) struct Telling<'a> {
    pub(super) order_id: OrderId,
    /// After the change.
    pub(super) revision: i64,
    pub(super) changes: &'a [StockChange],
    pub(super) reserved: Option<&'a Reserved>,
    pub(super) now: Timestamp,
    pub(super) ids: IdSeed,
}

impl Telling<'_> {
    /// Whether what is to be promised is reserved, as far as the caller says; writes nothing.
    pub(super) fn check(&self) -> Result<Moves, Refusal> {
        let moves = Moves::of(self.changes);
        let is_reserved = self.reserved.is_some_and(|reserved| reserved.units == moves.reserve);
        if moves.reserve.is_empty() || is_reserved { Ok(moves) } else { Err(Refusal::Unreserved(moves.reserve)) }
    }
}

/// What is to be told of changes, all of one transaction.
#[derive(Default)]
pub(super) struct Tellings {
    /// Reservations that can be taken over, locked.
    standing: BTreeSet<Id>,
    taken_over: Vec<Id>,
    rows: Vec<InventoryRow>,
}

impl Tellings {
    /// Locks the reservations that these changes name, in their order.
    pub(super) async fn lock<T: Write>(tx: &mut T, reserved: impl Iterator<Item = &Reserved>) -> Done<Self> {
        let standing = standing(tx, reserved.map(|reserved| reserved.id).collect()).await?;
        Ok(Self { standing, ..Self::default() })
    }

    /// Takes a change's reservation over and notes down what is to be told of it.
    pub(super) fn note(&mut self, telling: &Telling<'_>) -> Result<(), Refusal> {
        let moves = telling.check()?;
        if let Some(reserved) = telling.reserved.filter(|_| !moves.reserve.is_empty()) {
            let id = Id(reserved.id.uuid());
            if !self.standing.remove(&id) {
                return Err(Refusal::Unreserved(moves.reserve));
            }
            self.taken_over.push(id);
        }
        let operations = moves.operations(telling.order_id, telling.revision, telling.ids);
        let row = |operation| InventoryRow::new(operation, None, (telling.now, telling.now));
        self.rows.extend(operations.iter().map(row));
        Ok(())
    }

    /// Writes it down.
    pub(super) async fn write<T: Write>(self, tx: &mut T) -> Done {
        tx.drop_inventory(&self.taken_over).await?;
        tx.put_inventory(&self.rows).await
    }
}
