//! The names of everything that an import puts right or refuses. They are part of the API: reports are counted by them.

use crate::order::state::words;
use serde::{Deserialize, Serialize};
use std::fmt;

words! {
    /// Something that was put right. The order was taken over, and the correction is kept with it.
    Correction {
        /// CANCELLED with a successful payment.
        CancelledStillPaid = "CANCELLED_STILL_PAID",
        /// DELIVERED with a failed payment.
        DeliveredUnpaid = "DELIVERED_UNPAID",
        /// One line twice, alike.
        LineRepeated = "LINE_REPEATED",
        /// `3.0` for 3.
        QuantityDecimal = "QUANTITY_DECIMAL",
        /// A status in another spelling.
        StatusSpelling = "STATUS_SPELLING",
        /// A date alone.
        TimeAssumed = "TIME_ASSUMED",
        /// The source's total is not the sum of its lines.
        TotalRecomputed = "TOTAL_RECOMPUTED",
        /// The source's total is missing or no amount.
        TotalUnreadable = "TOTAL_UNREADABLE",
        /// Blanks around a value.
        BlanksTrimmed = "BLANKS_TRIMMED",
    }
}

words! {
    /// Why an order was not taken over.
    RefusalReason {
        /// A text longer than any honest one.
        TextTooLong = "TEXT_TOO_LONG",
        /// The order's id.
        BadId = "BAD_ID",
        /// One id, two contents.
        DuplicateId = "DUPLICATE_ID",
        /// The customer's id.
        BadCustomer = "BAD_CUSTOMER",
        /// A status that we have no meaning for.
        UnknownStatus = "UNKNOWN_STATUS",
        /// A payment status that we have no meaning for.
        UnknownPaymentStatus = "UNKNOWN_PAYMENT_STATUS",
        /// The date.
        BadDate = "BAD_DATE",
        /// Nothing was bought.
        NoLines = "NO_LINES",
        /// More lines than an order may have.
        TooManyLines = "TOO_MANY_LINES",
        /// One line id, two contents.
        DuplicateLine = "DUPLICATE_LINE",
        /// A product's id or SKU.
        BadProduct = "BAD_PRODUCT",
        /// A quantity.
        BadQuantity = "BAD_QUANTITY",
        /// A price.
        BadPrice = "BAD_PRICE",
    }
}

impl Correction {
    /// What was done, for people.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::BlanksTrimmed => "blanks around a value were dropped",
            Self::CancelledStillPaid => "cancelled with the money taken: it stays on the ledger until a person decides",
            Self::DeliveredUnpaid => "delivered without payment: the money is outstanding",
            Self::LineRepeated => "a line came twice, alike: counted once",
            Self::QuantityDecimal => "a quantity such as 3.0 was read as 3",
            Self::StatusSpelling => "a status in another case or spelling was read as the usual one",
            Self::TimeAssumed => "a date without a time was read as midnight UTC",
            Self::TotalRecomputed => "the total is the sum of the lines; the source's own is kept beside it",
            Self::TotalUnreadable => "the source's total is missing or no amount; ours is the sum of the lines",
        }
    }
}

impl RefusalReason {
    /// What is wrong, for people.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::TextTooLong => "a text is longer than any honest value",
            Self::BadId => "the order's id is missing or holds control characters",
            Self::DuplicateId => "the id came before with other content",
            Self::BadCustomer => "the customer's id is missing or no id",
            Self::UnknownStatus => "the status means nothing here",
            Self::UnknownPaymentStatus => "the payment status means nothing here",
            Self::BadDate => "the date cannot be read, or lies before 1970 or in the future",
            Self::NoLines => "nothing was bought",
            Self::TooManyLines => "more lines than an order may have",
            Self::DuplicateLine => "a line's id came twice with different content",
            Self::BadProduct => "a product id or SKU is missing or no id",
            Self::BadQuantity => "a quantity is no whole number within the limits",
            Self::BadPrice => "a price is no amount of the currency, negative or beyond the limit",
        }
    }
}
