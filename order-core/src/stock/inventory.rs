//! Goods that an inventory service counts: what it is to be told of what happens to them.
//!
//! What needs an answer, a reservation, is asked for before the transaction that needs it, and noted down before that, so that a
//! crash in between leaves no units reserved for nobody. Everything else is a fact by then: it is noted down with the change that it
//! follows from, and told afterwards, for as long as it takes.

use serde::{Deserialize, Serialize};

use super::{Demand, MovementKind, SHELF_IDS, StockChange};
use crate::{
    ids::{IdSeed, InventoryOperationId, OrderId},
    time::Timestamp,
};

/// What an inventory service is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InventoryKind {
    /// Promise units to an order, all of them or none.
    Reserve,
    /// Undo a reservation that came to nothing, whether or not it arrived.
    Withdraw,
    /// Take back a part of what is promised to an order.
    Release,
    /// Count off units that were promised to an order and have left the house.
    Commit,
    /// Count in units of an order that came back.
    Restock,
}

impl InventoryKind {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 5] = [Self::Reserve, Self::Withdraw, Self::Release, Self::Commit, Self::Restock];

    /// The word that is stored, logged and counted by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserve => "RESERVE",
            Self::Withdraw => "WITHDRAW",
            Self::Release => "RELEASE",
            Self::Commit => "COMMIT",
            Self::Restock => "RESTOCK",
        }
    }
}

/// Units, summed per SKU.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Goods {
    /// What it is about, at least one unit of each.
    pub units: Demand,
    /// Of units that came back: how many stay promised to the order, because they are to be sent again.
    #[serde(default, skip_serializing_if = "Demand::is_empty")]
    pub kept: Demand,
}

/// Something that an inventory service is to do, once by its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryOperation {
    /// The idempotency key.
    pub id: InventoryOperationId,
    /// For which order.
    pub order_id: OrderId,
    /// The order's revision after the change that it follows from; 0 for a reservation, which comes before.
    pub revision: i64,
    /// What to do.
    pub kind: InventoryKind,
    /// With what.
    pub goods: Goods,
}

impl InventoryOperation {
    /// The key under which it is told. That a reservation came to nothing is told under another key than the one that it was asked for under:
    /// whoever remembers keys would answer as it did then, and do nothing.
    #[must_use]
    pub const fn key(&self) -> InventoryOperationId {
        match self.kind {
            InventoryKind::Reserve | InventoryKind::Release | InventoryKind::Commit | InventoryKind::Restock => self.id,
            InventoryKind::Withdraw => InventoryOperationId::new(IdSeed::new(self.id.uuid()).nth(1)),
        }
    }
}

/// When something that was attempted `attempts` times is told again: after 15 seconds, which is longer than an attempt takes, then after twice
/// as long, and after a minute from then on. The neighbour is spared by other means; goods that are not heard of can be sold to nobody.
#[must_use]
pub fn tell_again_at(now: Timestamp, attempts: u32) -> Timestamp {
    let doublings = attempts.saturating_sub(1).min(2);
    now.plus_seconds(15 << doublings)
}

/// Units that an inventory service has promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserved {
    /// The key of the reservation.
    pub id: InventoryOperationId,
    /// What is promised.
    pub units: Demand,
}

/// What changes of one transaction come to for whoever counts the goods elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moves {
    /// To be promised, beyond what the same transaction gives back.
    pub reserve: Demand,
    release: Demand,
    commit: Demand,
    restock: Goods,
}

impl Moves {
    /// Sums changes up. Units that are given back and promised again by the same transaction do not move, and what comes back to be
    /// sent again stays promised.
    #[must_use]
    pub fn of(changes: &[StockChange]) -> Self {
        let mut moves = Self::default();
        for StockChange { sku, kind, quantity } in changes {
            let sum = match kind {
                MovementKind::Allocated => &mut moves.reserve,
                MovementKind::Released => &mut moves.release,
                MovementKind::Shipped => &mut moves.commit,
                MovementKind::Returned => &mut moves.restock.units,
                // Carts hold nothing of what is counted elsewhere, and nobody counts it here.
                MovementKind::Received | MovementKind::Reserved | MovementKind::Unreserved | MovementKind::Adjusted => {
                    continue;
                }
            };
            *sum.entry(sku.clone()).or_default() += quantity;
        }
        let mut came_back = moves.restock.units.clone();
        moves.restock.kept = both(&mut moves.reserve, &mut came_back);
        both(&mut moves.reserve, &mut moves.release);
        moves
    }

    /// All but the reservation, each to be told once that the order is at `revision`.
    #[must_use]
    pub fn operations(self, order_id: OrderId, revision: i64, ids: IdSeed) -> Vec<InventoryOperation> {
        let Self { release, commit, restock, .. } = self;
        let plain = |units| Goods { units, kept: Demand::new() };
        let all = [
            (InventoryKind::Restock, restock),
            (InventoryKind::Commit, plain(commit)),
            (InventoryKind::Release, plain(release)),
        ];
        let operation = |(n, (kind, goods)): (u16, (InventoryKind, Goods))| InventoryOperation {
            id: InventoryOperationId::new(ids.nth(SHELF_IDS + n)),
            order_id,
            revision,
            kind,
            goods,
        };
        (0..).zip(all).filter(|(_, (_, goods))| !goods.units.is_empty()).map(operation).collect()
    }
}

/// Takes from two demands what they have in common, and returns it.
fn both(one: &mut Demand, other: &mut Demand) -> Demand {
    let mut common = Demand::new();
    for (sku, units) in one.iter_mut() {
        let Some(others) = other.get_mut(sku) else { continue };
        let shared = (*units).min(*others);
        *units -= shared;
        *others -= shared;
        if shared > 0 {
            common.insert(sku.clone(), shared);
        }
    }
    one.retain(|_, units| *units > 0);
    other.retain(|_, units| *units > 0);
    common
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::Sku;

    fn sku(text: &str) -> Sku {
        Sku::parse(text).unwrap()
    }

    fn units(all: &[(&str, i64)]) -> Demand {
        all.iter().map(|(name, units)| (sku(name), *units)).collect()
    }

    fn moves(changes: &[(MovementKind, &str, i64)]) -> Moves {
        let change = |(kind, name, quantity): &(MovementKind, &str, i64)| StockChange {
            sku: sku(name),
            kind: *kind,
            quantity: *quantity,
        };
        Moves::of(&changes.iter().map(change).collect::<Vec<_>>())
    }

    fn told(moves: Moves) -> Vec<(InventoryKind, Goods)> {
        let operations = moves.operations(OrderId::new(Uuid::nil()), 7, IdSeed::new(Uuid::nil()));
        let ids: std::collections::BTreeSet<_> = operations.iter().map(|operation| operation.id).collect();
        assert_eq!(ids.len(), operations.len(), "each has a key of its own");
        operations.into_iter().map(|operation| (operation.kind, operation.goods)).collect()
    }

    fn plain(all: &[(&str, i64)]) -> Goods {
        Goods { units: units(all), kept: Demand::new() }
    }

    #[test]
    fn what_moves_from_one_line_to_another_does_not_move() {
        let moved = moves(&[
            (MovementKind::Released, "A", 3),
            (MovementKind::Released, "B", 1),
            (MovementKind::Allocated, "A", 2),
            (MovementKind::Allocated, "B", 4),
            (MovementKind::Allocated, "B", 1),
        ]);
        assert_eq!(moved.reserve, units(&[("B", 4)]));
        assert_eq!(told(moved), [(InventoryKind::Release, plain(&[("A", 1)]))]);
    }

    #[test]
    fn what_is_promised_and_shipped_at_once_is_reserved_and_counted_off() {
        let moved = moves(&[(MovementKind::Allocated, "A", 2), (MovementKind::Shipped, "A", 2)]);
        assert_eq!(moved.reserve, units(&[("A", 2)]));
        assert_eq!(told(moved), [(InventoryKind::Commit, plain(&[("A", 2)]))]);
    }

    #[test]
    fn what_comes_back_to_be_sent_again_stays_promised() {
        let moved = moves(&[
            (MovementKind::Returned, "A", 3),
            (MovementKind::Returned, "B", 1),
            (MovementKind::Allocated, "A", 2),
        ]);
        assert_eq!(moved.reserve, Demand::new(), "nobody has to be asked");
        let back = Goods { units: units(&[("A", 3), ("B", 1)]), kept: units(&[("A", 2)]) };
        assert_eq!(told(moved), [(InventoryKind::Restock, back)]);
    }

    #[test]
    fn what_is_not_heard_is_told_again_ever_more_seldom_up_to_once_a_minute() {
        let now = Timestamp::UNIX_EPOCH;
        let waits = [(1, 15), (2, 30), (3, 60), (4, 60), (u32::MAX, 60)];
        waits.iter().for_each(|(attempts, seconds)| {
            assert_eq!(tell_again_at(now, *attempts), now.plus_seconds(*seconds), "{attempts}");
        });
    }

    #[test]
    fn nothing_is_told_of_nothing() {
        assert_eq!(told(moves(&[])), []);
        assert_eq!(moves(&[(MovementKind::Reserved, "A", 3), (MovementKind::Unreserved, "A", 3)]), Moves::default());
    }
}
