//! The choices a shop makes once, by configuration.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// When an order is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConfirmPolicy {
    /// By an administrator.
    #[default]
    Manual,
    /// As soon as it is paid, and at once when it is to be paid on delivery.
    WhenPaid,
}

/// When money is taken by those methods that can promise it first; see
/// [`PaymentMethod::authorizes`](crate::payment::PaymentMethod::authorizes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CapturePolicy {
    /// When it is promised, in one step.
    #[default]
    AtOnce,
    /// With each parcel that leaves, what is in it.
    OnShipment,
    /// By an administrator.
    Manual,
}

/// When stock is promised to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AllocatePolicy {
    /// When it is placed.
    #[default]
    Place,
    /// When it is confirmed; placing only checks.
    Confirm,
}

/// Who counts what is on the shelf. An order keeps who counted when it was placed, whatever is configured later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StockKeeping {
    /// This service, in its own database.
    #[default]
    Embedded,
    /// An inventory service, which is told what happens to the goods.
    Remote,
}

impl StockKeeping {
    /// Both of them, for tables and tests.
    pub const ALL: [Self; 2] = [Self::Embedded, Self::Remote];

    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "EMBEDDED",
            Self::Remote => "REMOTE",
        }
    }
}

/// The choices together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// When an order is confirmed.
    pub confirm: ConfirmPolicy,
    /// When money is taken.
    pub capture: CapturePolicy,
    /// When stock is promised.
    pub allocate_on: AllocatePolicy,
    /// Who counts the goods of orders that are placed from now on.
    pub stock_keeping: StockKeeping,
    /// Minutes that an unpaid order may wait before it expires; `None` means for ever. Not for cash on delivery.
    pub pay_by_minutes: Option<u32>,
    /// Minutes for which a cart holds its goods after each change, at most
    /// [`CART_HOLD_MINUTES_MAX`](crate::limits::CART_HOLD_MINUTES_MAX); `None` means that carts hold nothing.
    pub cart_hold_minutes: Option<u32>,
}

impl Policy {
    /// Until when a cart that changes at `now` holds its goods; `None` where carts hold nothing.
    #[must_use]
    pub fn hold_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.cart_hold_minutes.map(|minutes| now.plus_seconds(i64::from(minutes) * 60))
    }
}
