//! Stock: what is on the shelf, what of it is promised, and who gets the last one.
//!
//! Every quantity changes through a [`StockChange`], and every change is kept as a movement: the level of a SKU is the sum
//! of its movements. Allocation is decided here, so that the rule is one and no SQL repeats it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::Sku;

/// The level of one SKU, in units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockLevel {
    /// What is counted.
    pub sku: Sku,
    /// On the shelf.
    pub on_hand: i64,
    /// Held for carts.
    pub reserved: i64,
    /// Promised to orders that have not shipped.
    pub allocated: i64,
}

impl StockLevel {
    /// An empty shelf.
    #[must_use]
    pub const fn empty(sku: Sku) -> Self {
        Self { sku, on_hand: 0, reserved: 0, allocated: 0 }
    }

    /// Units that can still be promised, never negative.
    #[must_use]
    pub fn available(&self) -> i64 {
        self.on_hand.saturating_sub(self.promised()).max(0)
    }

    /// Units that are spoken for.
    #[must_use]
    pub const fn promised(&self) -> i64 {
        self.reserved.saturating_add(self.allocated)
    }

    /// Nothing negative, nothing promised that is not there. The same rule is a CHECK in both databases.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.on_hand >= 0 && self.reserved >= 0 && self.allocated >= 0 && self.promised() <= self.on_hand
    }

    /// The level after a change, or `None` where the change would break [`is_sound`](Self::is_sound).
    #[must_use]
    pub fn after(&self, change: &StockChange) -> Option<Self> {
        let [on_hand, reserved, allocated] = change.deltas();
        let next = Self {
            sku: self.sku.clone(),
            on_hand: self.on_hand.checked_add(on_hand)?,
            reserved: self.reserved.checked_add(reserved)?,
            allocated: self.allocated.checked_add(allocated)?,
        };
        next.is_sound().then_some(next)
    }
}

/// What happened to the goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MovementKind {
    /// New goods arrived.
    Received,
    /// Held for a cart.
    Reserved,
    /// Promised to an order.
    Allocated,
    /// A promise was given back.
    Released,
    /// Left the house.
    Shipped,
    /// Counted anew.
    Adjusted,
    /// Came back.
    Returned,
}

impl MovementKind {
    /// All kinds, for tables and tests.
    pub const ALL: [Self; 7] = [
        Self::Received,
        Self::Reserved,
        Self::Allocated,
        Self::Released,
        Self::Shipped,
        Self::Adjusted,
        Self::Returned,
    ];

    /// The word that is stored and logged.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "RECEIVED",
            Self::Reserved => "RESERVED",
            Self::Allocated => "ALLOCATED",
            Self::Released => "RELEASED",
            Self::Shipped => "SHIPPED",
            Self::Adjusted => "ADJUSTED",
            Self::Returned => "RETURNED",
        }
    }
}

/// One change of one SKU. `quantity` is in units and positive, except for ADJUSTED, where its sign says which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockChange {
    /// What changes.
    pub sku: Sku,
    /// What happened.
    pub kind: MovementKind,
    /// How many units.
    pub quantity: i64,
}

impl StockChange {
    /// The differences to on_hand, reserved and allocated.
    #[must_use]
    pub const fn deltas(&self) -> [i64; 3] {
        let q = self.quantity;
        match self.kind {
            MovementKind::Received | MovementKind::Adjusted | MovementKind::Returned => [q, 0, 0],
            MovementKind::Reserved => [0, q, 0],
            MovementKind::Allocated => [0, 0, q],
            MovementKind::Released => [0, 0, -q],
            MovementKind::Shipped => [-q, 0, -q],
        }
    }
}

/// The levels that a transaction holds locked, by SKU.
pub type Levels = BTreeMap<Sku, StockLevel>;

/// Units asked for, summed per SKU: two lines of one SKU are one demand.
pub type Demand = BTreeMap<Sku, i64>;

/// Sums lines into a demand.
#[must_use]
pub fn demand<'a>(lines: impl IntoIterator<Item = (&'a Sku, u32)>) -> Demand {
    let mut demand = Demand::new();
    for (sku, quantity) in lines {
        *demand.entry(sku.clone()).or_default() += i64::from(quantity);
    }
    demand
}

/// A line for which there is not enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    /// What is short.
    pub sku: Sku,
    /// Units asked for, summed over all lines of the request.
    pub requested: i64,
    /// Units that could be promised at that moment, never negative.
    pub available: i64,
}

/// Promises a whole demand or nothing of it; a SKU without a level counts as an empty shelf.
///
/// # Errors
/// Every shortage at once; `levels` are then untouched.
pub fn allocate(levels: &mut Levels, demand: &Demand) -> Result<(), Vec<Shortage>> {
    let shortages: Vec<_> = demand
        .iter()
        .filter_map(|(sku, &requested)| {
            let available = levels.get(sku).map_or(0, StockLevel::available);
            (requested > available).then(|| Shortage { sku: sku.clone(), requested, available })
        })
        .collect();
    if !shortages.is_empty() {
        return Err(shortages);
    }
    for (sku, &requested) in demand {
        if let Some(level) = levels.get_mut(sku) {
            level.allocated += requested;
        }
    }
    Ok(())
}

/// Allocates a batch in order of arrival, each demand all or nothing: who comes first is served first, and a large demand
/// that cannot be met does not keep a later, smaller one from what is left.
pub fn allocate_batch<'a>(
    levels: &mut Levels,
    demands: impl IntoIterator<Item = &'a Demand>,
) -> Vec<Result<(), Vec<Shortage>>> {
    demands.into_iter().map(|demand| allocate(levels, demand)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sku(text: &str) -> Sku {
        Sku::parse(text).unwrap()
    }

    fn shelf(levels: &[(&str, i64)]) -> Levels {
        levels
            .iter()
            .map(|&(name, on_hand)| (sku(name), StockLevel { on_hand, ..StockLevel::empty(sku(name)) }))
            .collect()
    }

    #[test]
    fn all_or_nothing_with_every_shortage_named() {
        let mut levels = shelf(&[("A", 5), ("B", 1)]);
        let before = levels.clone();
        let wanted = demand([(&sku("A"), 6), (&sku("B"), 1), (&sku("C"), 1)]);
        let shortages = allocate(&mut levels, &wanted).unwrap_err();
        assert_eq!(levels, before);
        let named: Vec<_> = shortages.iter().map(|s| (s.sku.as_str(), s.requested, s.available)).collect();
        assert_eq!(named, [("A", 6, 5), ("C", 1, 0)]);
    }

    #[test]
    fn same_sku_two_lines_sums() {
        let mut levels = shelf(&[("A", 5)]);
        let wanted = demand([(&sku("A"), 3), (&sku("A"), 3)]);
        assert_eq!(allocate(&mut levels, &wanted).unwrap_err()[0].requested, 6);
    }

    #[test]
    fn a_batch_serves_in_order_of_arrival_and_never_oversells() {
        let mut levels = shelf(&[("A", 3)]);
        let demands: Vec<_> = [2, 2, 1].into_iter().map(|q| demand([(&sku("A"), q)])).collect();
        let served: Vec<_> = allocate_batch(&mut levels, &demands).iter().map(Result::is_ok).collect();
        assert_eq!(served, [true, false, true]);
        assert!(levels[&sku("A")].is_sound());
        assert_eq!(levels[&sku("A")].available(), 0);
    }

    #[test]
    fn no_change_leaves_an_unsound_level() {
        let level = StockLevel { sku: sku("A"), on_hand: 5, reserved: 1, allocated: 3 };
        let change = |kind, quantity| StockChange { sku: sku("A"), kind, quantity };
        assert!(level.after(&change(MovementKind::Allocated, 1)).is_some());
        assert!(level.after(&change(MovementKind::Allocated, 2)).is_none());
        assert!(level.after(&change(MovementKind::Adjusted, -2)).is_none());
        assert!(level.after(&change(MovementKind::Released, 4)).is_none());
        assert!(level.after(&change(MovementKind::Received, i64::MAX)).is_none());
        assert_eq!(level.after(&change(MovementKind::Shipped, 3)).unwrap().on_hand, 2);
    }
}
