//! What carts hold: making it anew with every change, giving back what has expired, and looking past it.

use std::collections::BTreeSet;

use order_core::{
    cart::Cart,
    error::Refusal,
    ids::{IdSeed, Sku},
    stock::{self, Demand, HoldRequest, LevelQuery, Reservation, StockLevel},
    time::Timestamp,
};

use super::shelf::{Locking, Shelves};
use crate::{
    backend::WriteWork,
    rows::MovementCause,
    statements::{Done, Read, Write},
    store::SweepReservations,
};

/// A cart that has changed, and what it is to hold.
pub(super) struct Holding<'a> {
    /// The carts that hold it so far: this one as it was, and one that was merged into it.
    pub(super) before: &'a [&'a Cart],
    pub(super) after: &'a Cart,
    pub(super) until: Timestamp,
    pub(super) now: Timestamp,
    pub(super) ids: IdSeed,
}

impl Holding<'_> {
    /// Locks the shelves and decides. What comes back is to be written once the carts are: a hold refers to its cart.
    pub(super) async fn decide<T: Write>(&self, tx: &mut T) -> Done<Result<Shelves, Refusal>> {
        let (before, demand) = (sum(self.before.iter().map(|cart| cart.demand())), self.after.demand());
        let skus: BTreeSet<_> = before.keys().chain(demand.keys()).cloned().collect();
        let carts: Vec<_> = self.before.iter().map(|cart| cart.id).collect();
        let locking = Locking { carts: &carts, now: self.now, ids: self.ids };
        let mut shelves = Shelves::lock(tx, &skus, locking).await?;
        let held = sum(carts.iter().map(|cart| shelves.held_by(*cart)));
        let request = HoldRequest { demand: &demand, before: &before, held: &held };
        match stock::hold(&mut shelves.levels, request) {
            Ok(wanted) => self.record(&mut shelves, &wanted),
            Err(shortages) => return Ok(Err(Refusal::InsufficientStock(shortages))),
        }
        Ok(Ok(shelves))
    }

    /// Keeps what moved, for each cart by itself: the lines of one that was merged took their holds along.
    fn record(&self, shelves: &mut Shelves, wanted: &Demand) {
        let actor = self.after.owner.actor();
        for cart in self.before {
            let is_after = cart.id == self.after.id;
            let wanted = if is_after { wanted } else { &Demand::new() };
            let changes = stock::hold_changes(&shelves.held_by(cart.id), wanted);
            let cause =
                MovementCause { order_id: None, cart_id: Some(cart.id), reason: None, actor: &actor, time: self.now };
            shelves.record(&changes, (cause, self.ids));
            shelves.hold(cart.id, wanted, self.until);
        }
    }
}

fn sum(demands: impl Iterator<Item = Demand>) -> Demand {
    let mut sum = Demand::new();
    for (sku, units) in demands.flatten() {
        *sum.entry(sku).or_default() += units;
    }
    sum
}

impl WriteWork for SweepReservations {
    type Output = u32;
    const NAME: &'static str = "sweep_reservations";

    /// Waits for its locks like any claim: a shelf that is always busy must not be skipped for ever.
    async fn run<T: Write>(&self, tx: &mut T) -> Done<u32> {
        let due = tx.due_reservations(self.now, self.most).await?;
        let skus: BTreeSet<Sku> = due.iter().filter_map(|sku| Sku::parse(sku).ok()).collect();
        let shelves = Shelves::lock(tx, &skus, Locking { carts: &[], now: self.now, ids: self.ids }).await?;
        let given_back = u32::try_from(shelves.dropped()).unwrap_or(u32::MAX);
        shelves.write(tx).await?;
        Ok(given_back)
    }
}

/// Levels as somebody sees them: without holds that have ended, given back or not, and without their own.
pub(super) async fn levels<T: Read>(tx: &mut T, query: &LevelQuery) -> Done<Vec<StockLevel>> {
    let rows = tx.levels(&query.skus).await?;
    let mut levels = rows.into_iter().map(StockLevel::try_from).collect::<Result<Vec<_>, _>>()?;
    let reserved: Vec<_> = levels.iter().filter(|level| level.reserved > 0).map(|level| level.sku.clone()).collect();
    if reserved.is_empty() {
        return Ok(levels);
    }
    let mut past = tx.expired_reservations(&reserved, query.now, u32::MAX).await?;
    if let Some(cart) = query.cart_id {
        let own = tx.reservations_of(&[cart]).await?;
        past.extend(own.into_iter().filter(|row| query.now < row.expire_time.0));
    }
    for row in past {
        let Reservation { sku, quantity, .. } = row.try_into()?;
        if let Some(level) = levels.iter_mut().find(|level| level.sku == sku) {
            *level = level.without(quantity);
        }
    }
    Ok(levels)
}
