//! Lines: what was bought, at what price, and the counters that are an order's real state.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ProductId, Sku},
    money::Money,
};

/// How many units of a line are where. The bounds in [`is_sound`](Counters::is_sound) are CHECKs in both databases too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Bought.
    pub ordered: u32,
    /// Called off.
    pub cancelled: u32,
    /// Promised from the shelf, not shipped.
    pub allocated: u32,
    /// Handed to a carrier.
    pub shipped: u32,
    /// Arrived.
    pub delivered: u32,
    /// Asked to be taken back.
    pub return_requested: u32,
    /// Came back.
    pub return_received: u32,
    /// Came back and went on the shelf.
    pub restocked: u32,
    /// Came back and was written off.
    pub written_off: u32,
    /// Shipped, and its money given back, whether or not it came back.
    #[serde(default)]
    pub refunded: u32,
}

impl Counters {
    /// A line of which nothing has happened yet.
    #[must_use]
    pub fn ordered(quantity: u32) -> Self {
        Self { ordered: quantity, ..Self::default() }
    }

    /// The bounds between the counters.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let sum = |parts: &[u32]| parts.iter().map(|part| u64::from(*part)).sum::<u64>();
        self.ordered > 0
            && sum(&[self.cancelled, self.allocated, self.shipped]) <= u64::from(self.ordered)
            && self.delivered <= self.shipped
            && self.return_requested <= self.shipped
            && self.return_received <= self.return_requested
            && sum(&[self.restocked, self.written_off]) <= u64::from(self.return_received)
            && self.refunded <= self.shipped
    }

    /// Units that the customer does not pay for: called off, or their money given back.
    #[must_use]
    pub const fn credited(&self) -> u32 {
        self.cancelled.saturating_add(self.refunded)
    }

    /// Units that have not come back and whose money was given back: what comes back is taken to be these first.
    #[must_use]
    pub const fn refunded_outside(&self) -> u32 {
        self.refunded.saturating_sub(self.return_received)
    }

    /// Units that came back and whose money was not given back.
    #[must_use]
    pub const fn received_unrefunded(&self) -> u32 {
        self.return_received.saturating_sub(self.refunded)
    }

    /// Units that arrived and that nobody has asked to take back.
    #[must_use]
    pub const fn returnable(&self) -> u32 {
        self.delivered.saturating_sub(self.return_requested)
    }

    /// Units that are still to be shipped.
    #[must_use]
    pub const fn to_ship(&self) -> u32 {
        self.ordered.saturating_sub(self.cancelled).saturating_sub(self.shipped)
    }

    /// Units that are still to be shipped and not yet promised from the shelf.
    #[must_use]
    pub const fn to_allocate(&self) -> u32 {
        self.to_ship().saturating_sub(self.allocated)
    }
}

/// A line of an order: a copy of what the catalogue and the rules said when it was bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// 1, 2, 3 ... within the order.
    pub line_id: u32,
    /// What was bought.
    pub product_id: ProductId,
    /// What is counted on the shelf.
    pub sku: Sku,
    /// The product's name then.
    pub name: String,
    /// Of one unit.
    pub unit_price: Money,
    /// Unit price times quantity.
    pub subtotal: Money,
    /// Taken off.
    pub discount: Money,
    /// On the discounted subtotal.
    pub tax: Money,
    /// What this line adds to the order's total.
    pub total: Money,
    /// As a decimal fraction: `0.08`.
    pub tax_rate: String,
    /// Which tax rules applied.
    pub tax_class: String,
    /// Where the units are.
    pub counters: Counters,
}

/// A number of units of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineQuantity {
    /// The line.
    pub line_id: u32,
    /// Units, positive.
    pub quantity: u32,
}
