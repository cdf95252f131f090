//! Stock: what is on the shelf, what of it is promised, and who gets the last one.
//!
//! Every quantity changes through a [`StockChange`], and every change is kept as a movement: the level of a SKU is the sum
//! of its movements. Who gets the last unit is decided here, by [`allocate`] for orders and [`hold`] for carts over one and the
//! same rule, so that no SQL repeats it.

mod claim;
mod inventory;

use serde::{Deserialize, Serialize};

pub use self::claim::{
    Demand, HoldRequest, Levels, Shortage, allocate, allocate_batch, allocate_held, demand, give_back, hold,
    hold_changes,
};
pub use self::inventory::{Goods, InventoryKind, InventoryOperation, Moves, Reserved, tell_again_at};
use crate::{
    error::Refusal,
    ids::{CartId, Sku},
    time::Timestamp,
};

/// Where the identities of movements begin in a seed, and those of what is told to an inventory service: an order has either the one or
/// the other. Events are minted from the lower half.
pub const SHELF_IDS: u16 = 0x8000;

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
    /// How many more than there are on the shelf may be promised: goods that are on their way to us. 0 for most.
    pub backorder_limit: i64,
}

impl StockLevel {
    /// An empty shelf.
    #[must_use]
    pub const fn empty(sku: Sku) -> Self {
        Self { sku, on_hand: 0, reserved: 0, allocated: 0, backorder_limit: 0 }
    }

    /// Units that can still be promised, never negative.
    #[must_use]
    pub fn available(&self) -> i64 {
        self.promisable().saturating_sub(self.promised()).max(0)
    }

    /// Units that may be promised at most.
    const fn promisable(&self) -> i64 {
        self.on_hand.saturating_add(self.backorder_limit)
    }

    /// Units that are spoken for.
    #[must_use]
    pub const fn promised(&self) -> i64 {
        self.reserved.saturating_add(self.allocated)
    }

    /// Nothing negative, nothing promised that is neither there nor within the backorder limit. The same rule is a CHECK in
    /// both databases.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        let not_negative = self.on_hand >= 0 && self.reserved >= 0 && self.allocated >= 0 && self.backorder_limit >= 0;
        not_negative && self.promised() <= self.promisable()
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
            backorder_limit: self.backorder_limit,
        };
        next.is_sound().then_some(next)
    }

    /// The level after somebody counted anew, received goods or set the backorder limit.
    ///
    /// # Errors
    /// [`Refusal::StockPromised`] where more is promised than could then be.
    pub fn adjusted(&self, adjustment: Adjustment) -> Result<Self, Refusal> {
        let backorder_limit = adjustment.backorder_limit.unwrap_or(self.backorder_limit);
        let next =
            self.on_hand.checked_add(adjustment.delta).map(|on_hand| Self { on_hand, backorder_limit, ..self.clone() });
        next.filter(Self::is_sound).ok_or_else(|| Refusal::StockPromised {
            sku: self.sku.clone(),
            on_hand: self.on_hand,
            promised: self.promised(),
        })
    }

    /// The same level without units that are held, as whoever holds them sees it.
    #[must_use]
    pub fn without(&self, held: i64) -> Self {
        Self { reserved: self.reserved.saturating_sub(held), ..self.clone() }
    }
}

/// What an administrator changes about a shelf. Leaves a movement ADJUSTED, be it of no units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adjustment {
    /// Units to add to what is on hand, or to take from it if negative.
    pub delta: i64,
    /// The backorder limit in units, 0 to [`STOCK_UNITS_MAX`](crate::limits::STOCK_UNITS_MAX); `None` leaves it.
    pub backorder_limit: Option<i64>,
}

/// Units of one SKU that are held for a cart. Whoever claims stock of that SKU after the hold's time gives it back first, so
/// that it ends on time whether or not anybody sweeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// For which cart.
    pub cart_id: CartId,
    /// What.
    pub sku: Sku,
    /// How many units, at least one.
    pub quantity: i64,
    /// When it ends.
    pub expire_time: Timestamp,
}

impl Reservation {
    /// Whether it still holds at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expire_time
    }
}

/// Which levels, and how they are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelQuery {
    /// Of these SKUs.
    pub skus: Vec<Sku>,
    /// When: holds that ended before count as free, given back or not.
    pub now: Timestamp,
    /// Whose own holds count as free too: for a cart they are.
    pub cart_id: Option<CartId>,
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
    /// A promise to an order was given back.
    Released,
    /// Left the house.
    Shipped,
    /// Counted anew.
    Adjusted,
    /// Came back.
    Returned,
    /// A cart's hold was given back.
    Unreserved,
}

impl MovementKind {
    /// All kinds, for tables and tests.
    pub const ALL: [Self; 8] = [
        Self::Received,
        Self::Reserved,
        Self::Allocated,
        Self::Released,
        Self::Shipped,
        Self::Adjusted,
        Self::Returned,
        Self::Unreserved,
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
            Self::Unreserved => "UNRESERVED",
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
            MovementKind::Unreserved => [0, -q, 0],
            MovementKind::Allocated => [0, 0, q],
            MovementKind::Released => [0, 0, -q],
            MovementKind::Shipped => [-q, 0, -q],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sku(text: &str) -> Sku {
        Sku::parse(text).unwrap()
    }

    #[test]
    fn no_change_leaves_an_unsound_level() {
        let level = StockLevel { on_hand: 5, reserved: 1, allocated: 3, ..StockLevel::empty(sku("A")) };
        let change = |kind, quantity| StockChange { sku: sku("A"), kind, quantity };
        assert!(level.after(&change(MovementKind::Allocated, 1)).is_some());
        assert!(level.after(&change(MovementKind::Allocated, 2)).is_none());
        assert!(level.after(&change(MovementKind::Adjusted, -2)).is_none());
        assert!(level.after(&change(MovementKind::Released, 4)).is_none());
        assert!(level.after(&change(MovementKind::Received, i64::MAX)).is_none());
        assert_eq!(level.after(&change(MovementKind::Shipped, 3)).unwrap().on_hand, 2);
    }

    #[test]
    fn a_backorder_limit_does_not_fall_below_what_is_promised() {
        let level = StockLevel { on_hand: 1, allocated: 3, backorder_limit: 5, ..StockLevel::empty(sku("A")) };
        let limit = |backorder_limit| Adjustment { delta: 0, backorder_limit: Some(backorder_limit) };
        assert_eq!(level.adjusted(limit(2)).map(|level| level.backorder_limit), Ok(2));
        let refused = Refusal::StockPromised { sku: sku("A"), on_hand: 1, promised: 3 };
        assert_eq!(level.adjusted(limit(1)), Err(refused.clone()));
        assert_eq!(
            level.adjusted(Adjustment { delta: 1, backorder_limit: Some(1) }).map(|level| level.available()),
            Ok(0)
        );
        assert_eq!(level.adjusted(Adjustment { delta: i64::MAX, backorder_limit: None }), Err(refused));
    }
}
