//! Who gets the last unit: demands against levels, for orders and for the holds of carts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{MovementKind, StockChange, StockLevel};
use crate::ids::Sku;

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
    allocate_held(levels, demand, &Demand::new())
}

/// Promises a whole demand or nothing of it to an order whose cart holds `held` already: nobody competes with their own hold,
/// which becomes part of the promise and of the shelf again.
///
/// # Errors
/// Every shortage at once; `levels` are then untouched, and the cart keeps what it holds.
pub fn allocate_held(levels: &mut Levels, demand: &Demand, held: &Demand) -> Result<(), Vec<Shortage>> {
    promise(levels, (demand, held), |level| &mut level.allocated)
}

/// What a cart asks to be held.
#[derive(Debug, Clone, Copy)]
pub struct HoldRequest<'a> {
    /// All that is in it now.
    pub demand: &'a Demand,
    /// All that was in it, and in those that were merged into it, before.
    pub before: &'a Demand,
    /// What of that is held and has not expired.
    pub held: &'a Demand,
}

/// Holds all that is in a cart in place of what was held for it, and says what is held then.
///
/// A cart that asks for no more than it did before is never refused: taking something out must not fail because something
/// else has been sold meanwhile. Of what is short it keeps what it still holds; the rest stays in the cart unheld, and checkout
/// will tell.
///
/// # Errors
/// Every shortage at once, where the cart asks for more; `levels` are then untouched, and the cart keeps what it holds.
pub fn hold(levels: &mut Levels, request: HoldRequest<'_>) -> Result<Demand, Vec<Shortage>> {
    let HoldRequest { demand, before, held } = request;
    let reserve = |levels: &mut Levels, demand| promise(levels, (demand, held), |level| &mut level.reserved);
    let Err(shortages) = reserve(levels, demand) else { return Ok(demand.clone()) };
    let asks_for_more = demand.iter().any(|(sku, units)| *units > before.get(sku).copied().unwrap_or_default());
    if asks_for_more {
        return Err(shortages);
    }
    let mut rest = demand.clone();
    for Shortage { sku, .. } in shortages {
        match held.get(&sku) {
            Some(units) => drop(rest.insert(sku, *units)),
            None => drop(rest.remove(&sku)),
        }
    }
    reserve(levels, &rest)?;
    Ok(rest)
}

/// Gives back what a cart holds.
pub fn give_back(levels: &mut Levels, held: &Demand) {
    for (sku, units) in held {
        if let Some(level) = levels.get_mut(sku) {
            *level = level.without(*units);
        }
    }
}

/// The changes that lead from what a cart holds to what it is to hold, by SKU.
#[must_use]
pub fn hold_changes(held: &Demand, wanted: &Demand) -> Vec<StockChange> {
    let units = |of: &Demand, sku: &Sku| of.get(sku).copied().unwrap_or_default();
    let skus: BTreeSet<_> = held.keys().chain(wanted.keys()).collect();
    let change = |sku: &Sku| match units(wanted, sku) - units(held, sku) {
        0 => None,
        more @ 1.. => Some(StockChange { sku: sku.clone(), kind: MovementKind::Reserved, quantity: more }),
        less => Some(StockChange { sku: sku.clone(), kind: MovementKind::Unreserved, quantity: -less }),
    };
    skus.into_iter().filter_map(change).collect()
}

/// The one rule: all of a demand or nothing, out of what is free and what is `held` for whoever asks.
fn promise(
    levels: &mut Levels,
    (demand, held): (&Demand, &Demand),
    counter: fn(&mut StockLevel) -> &mut i64,
) -> Result<(), Vec<Shortage>> {
    let free = |level: &StockLevel| level.without(held.get(&level.sku).copied().unwrap_or_default()).available();
    let short = |(sku, &requested): (&Sku, &i64)| {
        let available = levels.get(sku).map_or(0, free);
        (requested > available).then(|| Shortage { sku: sku.clone(), requested, available })
    };
    let shortages: Vec<_> = demand.iter().filter_map(short).collect();
    if !shortages.is_empty() {
        return Err(shortages);
    }
    give_back(levels, held);
    for (sku, &requested) in demand {
        if let Some(level) = levels.get_mut(sku) {
            *counter(level) += requested;
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

    fn units(of: &[(&str, i64)]) -> Demand {
        of.iter().map(|&(name, units)| (sku(name), units)).collect()
    }

    fn held_shelf(on_hand: i64, held: &Demand) -> Levels {
        let level = |(sku, reserved): (&Sku, &i64)| {
            (sku.clone(), StockLevel { on_hand, reserved: *reserved, ..StockLevel::empty(sku.clone()) })
        };
        held.iter().map(level).collect()
    }

    #[test]
    fn a_backorder_limit_is_promised_to_the_last_unit_and_cannot_be_shipped() {
        let level = StockLevel { on_hand: 1, backorder_limit: 2, ..StockLevel::empty(sku("A")) };
        let mut levels = Levels::from([(sku("A"), level)]);
        assert_eq!(levels[&sku("A")].available(), 3);
        assert_eq!(allocate(&mut levels, &units(&[("A", 4)])).unwrap_err()[0].available, 3);
        allocate(&mut levels, &units(&[("A", 3)])).unwrap();
        let level = &levels[&sku("A")];
        assert!(level.is_sound() && level.available() == 0);
        let shipped = |quantity| level.after(&StockChange { sku: sku("A"), kind: MovementKind::Shipped, quantity });
        assert!(shipped(2).is_none(), "there is one in the house");
        assert_eq!(shipped(1).map(|level| (level.on_hand, level.allocated)), Some((0, 2)));
    }

    #[test]
    fn an_order_gets_what_its_cart_holds_and_nobody_else_does() {
        let held = units(&[("A", 2)]);
        let mut levels = held_shelf(3, &held);
        let two = units(&[("A", 2)]);
        assert_eq!(allocate(&mut levels, &two).unwrap_err()[0].available, 1);
        assert_eq!(allocate_held(&mut levels, &units(&[("A", 4)]), &held).unwrap_err()[0].available, 3);
        assert_eq!(levels, held_shelf(3, &held), "the cart keeps what it holds");
        allocate_held(&mut levels, &units(&[("A", 3)]), &held).unwrap();
        assert_eq!((levels[&sku("A")].reserved, levels[&sku("A")].allocated), (0, 3));
    }

    #[test]
    fn a_cart_that_asks_for_more_than_there_is_keeps_what_it_holds() {
        let held = units(&[("A", 2), ("B", 1)]);
        let mut levels = held_shelf(2, &held);
        let demand = units(&[("A", 3), ("B", 2)]);
        let request = HoldRequest { demand: &demand, before: &held, held: &held };
        assert_eq!(hold(&mut levels, request).unwrap_err(), [Shortage { sku: sku("A"), requested: 3, available: 2 }]);
        assert_eq!(levels, held_shelf(2, &held));
    }

    #[test]
    fn a_cart_that_asks_for_less_is_never_refused() {
        let (before, held) = (units(&[("A", 5), ("B", 3), ("C", 1)]), units(&[("B", 1), ("C", 1)]));
        let mut levels = held_shelf(2, &held);
        let demand = units(&[("A", 1), ("B", 3)]);
        let now = hold(&mut levels, HoldRequest { demand: &demand, before: &before, held: &held }).unwrap();
        assert_eq!(now, units(&[("B", 1)]), "A was sold meanwhile, of B only what is held is left");
        assert_eq!((levels[&sku("B")].reserved, levels[&sku("C")].reserved), (1, 0));
        let told: Vec<_> =
            hold_changes(&held, &now).into_iter().map(|c| (c.sku.to_string(), c.kind, c.quantity)).collect();
        assert_eq!(told, [("C".to_owned(), MovementKind::Unreserved, 1)]);
    }
}
