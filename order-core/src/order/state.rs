//! The three axes of an order, the word for people, and how the word follows from the axes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Order, line::Line};
use crate::payment::Payment;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// All of them, for tables and tests.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that is stored, shown and logged.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads the word back.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// How far the shop has come with an order. Changed by commands only.
    State {
        /// Placed; waits for payment or for a decision.
        Pending = "PENDING",
        /// Accepted.
        Confirmed = "CONFIRMED",
        /// Being picked and packed.
        Processing = "PROCESSING",
        /// Called off before anything was shipped.
        Cancelled = "CANCELLED",
        /// Not paid in time.
        Expired = "EXPIRED",
        /// Delivered and settled.
        Completed = "COMPLETED",
    }
}

words! {
    /// Where the money is. Derived from the ledger.
    PaymentStatus {
        /// Nothing was paid or tried.
        Unpaid = "UNPAID",
        /// An answer of the gateway is awaited.
        Pending = "PENDING",
        /// Promised, not taken.
        Authorized = "AUTHORIZED",
        /// Less was taken than is due.
        PartiallyPaid = "PARTIALLY_PAID",
        /// All that is due was taken.
        Paid = "PAID",
        /// More was taken than is due.
        Overpaid = "OVERPAID",
        /// Some was given back.
        PartiallyRefunded = "PARTIALLY_REFUNDED",
        /// All was given back.
        Refunded = "REFUNDED",
        /// The promise was given up.
        Voided = "VOIDED",
        /// The last attempt was refused.
        Failed = "FAILED",
    }
}

words! {
    /// Where the goods are. Derived from the counters of the lines.
    FulfillmentStatus {
        /// All still here.
        Unfulfilled = "UNFULFILLED",
        /// Some on the way.
        PartiallyShipped = "PARTIALLY_SHIPPED",
        /// All on the way.
        Shipped = "SHIPPED",
        /// Some have arrived.
        PartiallyDelivered = "PARTIALLY_DELIVERED",
        /// All have arrived.
        Delivered = "DELIVERED",
        /// Some came back.
        PartiallyReturned = "PARTIALLY_RETURNED",
        /// All came back.
        Returned = "RETURNED",
        /// Nothing is to be sent any more.
        Cancelled = "CANCELLED",
    }
}

words! {
    /// The one word for people. Derived from the three axes; see [`status`].
    Status {
        /// Placed, not paid.
        Pending = "PENDING",
        /// Paid, not confirmed.
        Paid = "PAID",
        /// Accepted.
        Confirmed = "CONFIRMED",
        /// Being prepared.
        Processing = "PROCESSING",
        /// On the way, at least in part.
        Shipped = "SHIPPED",
        /// Arrived.
        Delivered = "DELIVERED",
        /// Delivered and settled.
        Completed = "COMPLETED",
        /// Called off or expired.
        Cancelled = "CANCELLED",
        /// All money was given back.
        Refunded = "REFUNDED",
    }
}

words! {
    /// A reason to keep an order from being processed and shipped. A flag, not a state.
    Hold {
        /// Fraud is suspected.
        Fraud = "FRAUD",
        /// The address is doubtful.
        Address = "ADDRESS",
        /// Somebody wants to look at it.
        Manual = "MANUAL",
        /// The gateway reported other money than ours.
        Payment = "PAYMENT",
    }
}

/// Derives the payment status from the ledger and from what the order costs now.
#[must_use]
pub fn payment_status(order: &Order) -> PaymentStatus {
    let sum = |part: fn(&Payment) -> i64| order.payments.iter().map(part).fold(0, i64::saturating_add);
    let (captured, refunded) = (sum(|p| p.captured), sum(|p| p.refunded));
    let due = order.due();
    if captured > 0 && !(refunded >= captured && due > 0) {
        return taken(order, (captured, refunded), due);
    }
    if due == 0 && !order.is_called_off() || order.totals.total.is_zero() {
        return PaymentStatus::Paid;
    }
    match () {
        () if order.is_collecting() => PaymentStatus::Pending,
        () if order.money_promised() > 0 => PaymentStatus::Authorized,
        () => order.payment().map_or(PaymentStatus::Unpaid, not_taken),
    }
}

impl PaymentStatus {
    /// Whether an order with this status can expire: of all others some money was taken, promised or is on its way, or none is due.
    #[must_use]
    pub const fn may_expire(self) -> bool {
        match self {
            Self::Unpaid | Self::Voided | Self::Failed => true,
            Self::Pending
            | Self::Authorized
            | Self::PartiallyPaid
            | Self::Paid
            | Self::Overpaid
            | Self::PartiallyRefunded
            | Self::Refunded => false,
        }
    }
}

/// What became of the last attempt to pay, where nothing is held, promised or on its way. Only of the last: cash on delivery may
/// have been chosen after a card was refused.
fn not_taken(payment: &Payment) -> PaymentStatus {
    match () {
        () if payment.authorized > payment.captured => PaymentStatus::Voided,
        () if payment.captured == 0 && !payment.operations.is_empty() => PaymentStatus::Failed,
        () => PaymentStatus::Unpaid,
    }
}

/// Where the money of an order stands of which some was taken. Of an order that was called off nothing is due, but what was taken
/// for it is not too much: it is on its way back, or somebody decides about it.
fn taken(order: &Order, (captured, refunded): (i64, i64), due: i64) -> PaymentStatus {
    let called_off = order.is_called_off();
    let held = order.money_held();
    match () {
        () if refunded >= captured => PaymentStatus::Refunded,
        () if called_off && refunded > 0 => PaymentStatus::PartiallyRefunded,
        () if called_off && captured < order.totals.total.minor() => PaymentStatus::PartiallyPaid,
        () if called_off => PaymentStatus::Paid,
        () if held > due => PaymentStatus::Overpaid,
        () if held < due => PaymentStatus::PartiallyPaid,
        () if refunded > 0 => PaymentStatus::PartiallyRefunded,
        () => PaymentStatus::Paid,
    }
}

/// Derives the fulfilment status from the lines' counters.
#[must_use]
pub fn fulfillment_status(lines: &[Line]) -> FulfillmentStatus {
    let sum = |part: fn(&Line) -> u32| lines.iter().map(|line| u64::from(part(line))).sum::<u64>();
    let live = sum(|l| l.counters.ordered) - sum(|l| l.counters.cancelled);
    let shipped = sum(|l| l.counters.shipped);
    let delivered = sum(|l| l.counters.delivered);
    let returned = sum(|l| l.counters.return_received);
    match () {
        () if live == 0 => FulfillmentStatus::Cancelled,
        () if returned > 0 && returned == live => FulfillmentStatus::Returned,
        () if returned > 0 && delivered == live => FulfillmentStatus::PartiallyReturned,
        () if delivered == live => FulfillmentStatus::Delivered,
        () if delivered > 0 => FulfillmentStatus::PartiallyDelivered,
        () if shipped == live => FulfillmentStatus::Shipped,
        () if shipped > 0 => FulfillmentStatus::PartiallyShipped,
        () => FulfillmentStatus::Unfulfilled,
    }
}

/// Derives the word for people from the three axes; the first that fits wins.
#[must_use]
pub const fn status(state: State, payment: PaymentStatus, fulfillment: FulfillmentStatus) -> Status {
    let refunded = matches!(payment, PaymentStatus::Refunded);
    match state {
        State::Cancelled if refunded => Status::Refunded,
        State::Cancelled | State::Expired => Status::Cancelled,
        State::Pending | State::Confirmed | State::Processing | State::Completed if refunded => Status::Refunded,
        State::Completed => Status::Completed,
        State::Pending | State::Confirmed | State::Processing => match fulfillment {
            FulfillmentStatus::Delivered | FulfillmentStatus::PartiallyReturned | FulfillmentStatus::Returned => {
                Status::Delivered
            }
            FulfillmentStatus::PartiallyShipped
            | FulfillmentStatus::Shipped
            | FulfillmentStatus::PartiallyDelivered => Status::Shipped,
            FulfillmentStatus::Unfulfilled | FulfillmentStatus::Cancelled => unshipped(state, payment),
        },
    }
}

const fn unshipped(state: State, payment: PaymentStatus) -> Status {
    match state {
        State::Processing => Status::Processing,
        State::Confirmed => Status::Confirmed,
        State::Pending | State::Cancelled | State::Expired | State::Completed => {
            // Whatever went back: what is due is held.
            if matches!(payment, PaymentStatus::Paid | PaymentStatus::Overpaid | PaymentStatus::PartiallyRefunded) {
                Status::Paid
            } else {
                Status::Pending
            }
        }
    }
}
