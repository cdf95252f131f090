//! Changing shelves: lock them in order, change them all or none, keep every movement.

use std::collections::{BTreeMap, BTreeSet};

use order_core::{
    error::Refusal,
    ids::{CartId, IdSeed, Sku},
    order::Actor,
    stock::{Demand, Levels, MovementKind, Reservation, SHELF_IDS, Shortage, StockChange, StockLevel},
    time::Timestamp,
};
use uuid::Uuid;

use crate::{
    error::StoreError,
    rows::{MovementCause, MovementRow, ReservationRow, StockRow},
    statements::{Done, ShelfRows, Write},
};

/// Expired holds that one transaction gives back at most, so that it does not keep the shelf for long and does not run out of
/// identities. The sweeper, which looks every second, keeps their number far below.
const EXPIRED_PER_LOCK: u32 = 4096;

/// Identities that a seed has for movements.
const IDENTITIES: u16 = u16::MAX - SHELF_IDS;

/// Movements that a transaction leaves behind at most, beside those of expired holds.
pub(super) const MOVEMENTS: usize = IDENTITIES as usize - EXPIRED_PER_LOCK as usize;

/// What a movement is for, and where its identity comes from.
pub(super) type Source<'a> = (MovementCause<'a>, IdSeed);

/// The last movement of each shelf that has moved before.
pub(super) type LastMovements = BTreeMap<Sku, Uuid>;

/// For whom shelves are locked.
pub(super) struct Locking<'a> {
    /// Carts whose own holds on them matter.
    pub(super) carts: &'a [CartId],
    pub(super) now: Timestamp,
    pub(super) ids: IdSeed,
}

/// Shelves that this transaction has locked, as they will be, and all that is to be written of them at its end.
#[derive(Default)]
pub(super) struct Shelves {
    /// What can be decided on: no expired hold is in it any more.
    pub(super) levels: Levels,
    /// What the carts that were named hold of these shelves.
    holds: Vec<Reservation>,
    movements: Vec<MovementRow>,
    last: LastMovements,
    put: Vec<ReservationRow>,
    dropped: Vec<ReservationRow>,
}

impl Shelves {
    /// Locks shelves in their order and reads them.
    pub(super) async fn lock<T: Write>(tx: &mut T, skus: &BTreeSet<Sku>, locking: Locking<'_>) -> Done<Self> {
        if skus.is_empty() {
            return Ok(Self::default());
        }
        let skus: Vec<_> = skus.iter().cloned().collect();
        let rows = tx.lock_stock(&skus).await?;
        Self::of(tx, rows, locking).await
    }

    /// Takes shelves that are locked, and gives back what has expired: a hold ends here, with the next claim, and not when a
    /// sweeper finds it. Where nothing is reserved nothing is looked for.
    pub(super) async fn of<T: Write>(tx: &mut T, rows: Vec<StockRow>, locking: Locking<'_>) -> Done<Self> {
        let mut shelves = Self::default();
        for row in rows {
            let last = row.last_movement_id;
            let level = StockLevel::try_from(row)?;
            shelves.last.extend(last.map(|id| (level.sku.clone(), id.0)));
            shelves.levels.insert(level.sku.clone(), level);
        }
        let reserved = shelves.levels.values().filter(|level| level.reserved > 0);
        let reserved: Vec<_> = reserved.map(|level| level.sku.clone()).collect();
        if !reserved.is_empty() {
            shelves.release_expired(tx, (&reserved, &locking)).await?;
        }
        Ok(shelves)
    }

    async fn release_expired<T: Write>(&mut self, tx: &mut T, (skus, locking): (&[Sku], &Locking<'_>)) -> Done {
        let own = if locking.carts.is_empty() { Vec::new() } else { tx.reservations_of(locking.carts).await? };
        let own = own.into_iter().filter(|row| skus.iter().any(|sku| sku.as_str() == row.sku));
        let (live, mut expired): (Vec<_>, Vec<_>) = own.partition(|row| locking.now < row.expire_time.0);
        // Their own are taken whatever the bound: they are about to be replaced.
        let others = tx.expired_reservations(skus, locking.now, EXPIRED_PER_LOCK).await?;
        expired.extend(others.into_iter().filter(|row| !locking.carts.iter().any(|cart| cart.uuid() == row.cart_id.0)));
        self.holds = live.into_iter().map(Reservation::try_from).collect::<Result<_, _>>()?;
        let actor = Actor::System("hold-expiry".to_owned());
        for row in expired {
            let Reservation { cart_id, sku, quantity, .. } = row.clone().try_into()?;
            let reason = Some("the hold expired");
            let cause =
                MovementCause { order_id: None, cart_id: Some(cart_id), reason, actor: &actor, time: locking.now };
            self.change(StockChange { sku, kind: MovementKind::Unreserved, quantity }, (cause, locking.ids))?;
            self.dropped.push(row);
        }
        Ok(())
    }

    /// A shelf; one that does not exist is empty.
    pub(super) fn level(&self, sku: &Sku) -> StockLevel {
        self.levels.get(sku).cloned().unwrap_or_else(|| StockLevel::empty(sku.clone()))
    }

    /// What a cart holds of these shelves.
    pub(super) fn held_by(&self, cart: CartId) -> Demand {
        let own = self.holds.iter().filter(|hold| hold.cart_id == cart);
        own.map(|hold| (hold.sku.clone(), hold.quantity)).collect()
    }

    /// Carries out a change that must fit.
    fn change(&mut self, change: StockChange, source: Source<'_>) -> Result<(), StoreError> {
        let level = self.level(&change.sku);
        let misfit = || StoreError::corrupt(format!("{change:?} does not fit {level:?}"));
        let next = level.after(&change).ok_or_else(misfit)?;
        self.levels.insert(change.sku.clone(), next);
        self.record(&[change], source);
        Ok(())
    }

    /// Carries changes out in their order, or none of them. What is short is told of all of them.
    pub(super) fn carry_out(
        &mut self,
        changes: &[StockChange],
        source: Source<'_>,
    ) -> Result<Result<(), Refusal>, StoreError> {
        let mark = self.mark(changes);
        let mut shortages: Vec<Shortage> = Vec::new();
        for change in changes {
            if shortages.iter().any(|shortage| shortage.sku == change.sku) {
                // What was to follow builds on what is lacking already.
                continue;
            }
            match short(&self.level(&change.sku), change) {
                Some(shortage) => shortages.push(shortage),
                None => self.change(change.clone(), source)?,
            }
        }
        if shortages.is_empty() {
            return Ok(Ok(()));
        }
        self.undo(mark);
        Ok(Err(Refusal::InsufficientStock(shortages)))
    }

    /// Takes note of how everything stands that these changes touch.
    fn mark(&self, changes: &[StockChange]) -> Mark {
        let skus: BTreeSet<_> = changes.iter().map(|change| change.sku.clone()).collect();
        let shelf = |sku: Sku| (self.levels.get(&sku).cloned(), self.last.get(&sku).copied(), sku);
        Mark { shelves: skus.into_iter().map(shelf).collect(), movements: self.movements.len() }
    }

    fn undo(&mut self, mark: Mark) {
        for (level, last, sku) in mark.shelves {
            put_back(&mut self.last, sku.clone(), last);
            put_back(&mut self.levels, sku, level);
        }
        self.movements.truncate(mark.movements);
    }

    /// Keeps the movements of changes that [`levels`](Self::levels) already shows.
    pub(super) fn record(&mut self, changes: &[StockChange], source: Source<'_>) {
        let all = self.movements.len() + changes.len();
        assert!(all <= usize::from(IDENTITIES), "batches are bounded by their movements");
        let minted = u16::try_from(self.movements.len()).expect("it is not more than all of them");
        self.movements.extend(movements(changes, (source, minted), &mut self.last));
    }

    /// Makes what a cart holds of these shelves what it is to hold from now on; [`levels`](Self::levels) already shows it.
    pub(super) fn hold(&mut self, cart_id: CartId, wanted: &Demand, expire_time: Timestamp) {
        self.drop_holds(cart_id, |sku| !wanted.contains_key(sku));
        let reservation =
            |(sku, quantity): (&Sku, &i64)| Reservation { cart_id, sku: sku.clone(), quantity: *quantity, expire_time };
        self.put.extend(wanted.iter().map(reservation).map(|hold| ReservationRow::from(&hold)));
    }

    /// Takes away those holds of a cart that are on certain SKUs.
    pub(super) fn drop_holds(&mut self, cart_id: CartId, which: impl Fn(&Sku) -> bool) {
        let gone = self.holds.iter().filter(|hold| hold.cart_id == cart_id && which(&hold.sku));
        self.dropped.extend(gone.map(ReservationRow::from));
    }

    /// How many holds are given back.
    pub(super) fn dropped(&self) -> usize {
        self.dropped.len()
    }

    /// The levels that moved, their movements, and what carts hold.
    pub(super) fn into_rows(self) -> ShelfRows {
        let moved: BTreeSet<_> = self.movements.iter().map(|movement| movement.sku.as_str()).collect();
        let levels = self.levels.values().filter(|level| moved.contains(level.sku.as_str()));
        let levels = levels.map(|level| StockRow::new(level, self.last.get(&level.sku).copied())).collect();
        ShelfRows { levels, movements: self.movements, dropped: self.dropped, put: self.put }
    }

    /// Writes them.
    pub(super) async fn write<T: Write>(self, tx: &mut T) -> Done {
        tx.write_shelves(&self.into_rows()).await
    }
}

/// How shelves stood before a change.
struct Mark {
    /// Level and last movement of each, if it was there.
    shelves: Vec<(Option<StockLevel>, Option<Uuid>, Sku)>,
    /// How many movements there were.
    movements: usize,
}

fn put_back<V>(map: &mut BTreeMap<Sku, V>, sku: Sku, value: Option<V>) {
    match value {
        Some(value) => map.insert(sku, value),
        None => map.remove(&sku),
    };
}

/// What comes back may never have had a shelf here: orders are also taken over from elsewhere. Before any shelf is locked, so that
/// all locks are taken in one order.
pub(super) async fn make_room<'c, T: Write>(tx: &mut T, changes: impl Iterator<Item = &'c StockChange>) -> Done {
    let returned = changes.filter(|change| change.kind == MovementKind::Returned);
    let skus: BTreeSet<_> = returned.map(|change| &change.sku).collect();
    if skus.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = skus.into_iter().map(|sku| StockRow::new(&StockLevel::empty(sku.clone()), None)).collect();
    tx.insert_stock(&rows).await?;
    Ok(())
}

/// What a change lacks: free units to promise, or goods in the house to send. For any other change, and for sending what was
/// never promised, there is no such excuse.
fn short(level: &StockLevel, change: &StockChange) -> Option<Shortage> {
    let available = match change.kind {
        MovementKind::Allocated | MovementKind::Reserved => level.available(),
        MovementKind::Shipped if level.allocated >= change.quantity => level.on_hand,
        MovementKind::Shipped
        | MovementKind::Received
        | MovementKind::Released
        | MovementKind::Adjusted
        | MovementKind::Returned
        | MovementKind::Unreserved => return None,
    };
    let shortage = Shortage { sku: change.sku.clone(), requested: change.quantity, available };
    (change.quantity > available).then_some(shortage)
}

/// The movements that changes leave behind, each behind the last of its shelf, which it then is itself; `minted` of the seed were used
/// before.
pub(super) fn movements(
    changes: &[StockChange],
    ((cause, ids), minted): (Source<'_>, u16),
    last: &mut LastMovements,
) -> Vec<MovementRow> {
    let movement = |(change, n): (&StockChange, u16)| {
        let id = ids.nth(SHELF_IDS + n);
        MovementRow::new((id, last.insert(change.sku.clone(), id)), change, cause)
    };
    changes.iter().zip(minted..).map(movement).collect()
}
