//! The three axes of an order, its word for people, and its holds.

use order_api::v1;
use order_core::{
    order::{FulfillmentStatus, Hold, PaymentStatus, State, Status, StatusOptions},
    violation::{Violations, reason},
};

/// Values of one filter; more than any of the sets has would be repetitions.
const FILTER_VALUES: usize = 16;

macro_rules! words {
    ($($(#[$doc:meta])* $to:ident, $from:ident: $domain:ident <=> $wire:ident { $($variant:ident),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub const fn $to(word: $domain) -> v1::$wire {
                match word { $($domain::$variant => v1::$wire::$variant,)+ }
            }

            const fn $from(word: v1::$wire) -> Option<$domain> {
                match word {
                    v1::$wire::Unspecified => None,
                    $(v1::$wire::$variant => Some($domain::$variant),)+
                }
            }
        )+
    };
}

words! {
    /// The word for people, on the wire.
    status_to_proto, status_of: Status <=> OrderStatus {
        Pending, Paid, Confirmed, Processing, Shipped, Delivered, Completed, Cancelled, Refunded,
    }
    /// The state of the payment, on the wire.
    payment_to_proto, payment_of: PaymentStatus <=> PaymentStatus {
        Unpaid, Pending, Authorized, PartiallyPaid, Paid, Overpaid, PartiallyRefunded, Refunded, Voided, Failed,
    }
    /// The state of the goods, on the wire.
    fulfillment_to_proto, fulfillment_of: FulfillmentStatus <=> FulfillmentStatus {
        Unfulfilled, PartiallyShipped, Shipped, PartiallyDelivered, Delivered, PartiallyReturned, Returned, Cancelled,
    }
}

/// The state of the order itself, on the wire.
#[must_use]
pub const fn state_to_proto(state: State) -> v1::OrderState {
    match state {
        State::Pending => v1::OrderState::Pending,
        State::Confirmed => v1::OrderState::Confirmed,
        State::Processing => v1::OrderState::Processing,
        State::Cancelled => v1::OrderState::Cancelled,
        State::Expired => v1::OrderState::Expired,
        State::Completed => v1::OrderState::Completed,
    }
}

/// Holds on the wire.
#[must_use]
pub fn holds_to_proto(holds: &[Hold]) -> Vec<i32> {
    let hold = |hold: &Hold| match hold {
        Hold::Fraud => v1::OrderHold::Fraud,
        Hold::Address => v1::OrderHold::Address,
        Hold::Manual => v1::OrderHold::Manual,
        Hold::Payment => v1::OrderHold::Payment,
    };
    holds.iter().map(|held| hold(held).into()).collect()
}

/// Reads a hold, which must be given.
pub fn hold(hold: i32, violations: &mut Violations) -> Option<Hold> {
    match v1::OrderHold::try_from(hold) {
        Ok(v1::OrderHold::Fraud) => Some(Hold::Fraud),
        Ok(v1::OrderHold::Address) => Some(Hold::Address),
        Ok(v1::OrderHold::Manual) => Some(Hold::Manual),
        Ok(v1::OrderHold::Payment) => Some(Hold::Payment),
        Ok(v1::OrderHold::Unspecified) => {
            violations.push("hold", reason::REQUIRED, "must be set");
            None
        }
        Err(_unknown) => {
            violations.push("hold", reason::UNKNOWN_VALUE, "must be one of the values of OrderHold");
            None
        }
    }
}

/// The words within reach, on the wire.
#[must_use]
pub fn next_to_proto(options: &StatusOptions) -> Vec<i32> {
    options.legal.iter().map(|word| status_to_proto(*word).into()).collect()
}

/// Reads a word that must be given.
pub fn required(word: i32, field: &str, violations: &mut Violations) -> Option<Status> {
    let why = if word == 0 { reason::REQUIRED } else { reason::UNKNOWN_VALUE };
    let status = v1::OrderStatus::try_from(word).ok().and_then(status_of);
    if status.is_none() {
        violations.push(field, why, "must be one of the values of OrderStatus");
    }
    status
}

/// Reads a filter of words.
pub fn statuses(words: &[i32], violations: &mut Violations) -> Option<Vec<Status>> {
    each(words, "status", |word| v1::OrderStatus::try_from(word).ok().and_then(status_of), violations)
}

/// Reads a filter of states of the payment.
pub fn payment_statuses(words: &[i32], violations: &mut Violations) -> Option<Vec<PaymentStatus>> {
    each(words, "payment_status", |word| v1::PaymentStatus::try_from(word).ok().and_then(payment_of), violations)
}

/// Reads a filter of states of the goods.
pub fn fulfillment_statuses(words: &[i32], violations: &mut Violations) -> Option<Vec<FulfillmentStatus>> {
    let read = |word| v1::FulfillmentStatus::try_from(word).ok().and_then(fulfillment_of);
    each(words, "fulfillment_status", read, violations)
}

fn each<T>(words: &[i32], field: &str, read: impl Fn(i32) -> Option<T>, violations: &mut Violations) -> Option<Vec<T>> {
    if words.len() > FILTER_VALUES {
        violations.push(field, reason::TOO_MANY, format!("must have at most {FILTER_VALUES} values"));
        return None;
    }
    let before = violations.len();
    let mut values = Vec::with_capacity(words.len());
    for (n, word) in words.iter().enumerate() {
        match read(*word) {
            Some(value) => values.push(value),
            None => violations.push(format!("{field}[{n}]"), reason::UNKNOWN_VALUE, "must be a known value"),
        }
    }
    (violations.len() == before).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_its_name_on_the_wire() {
        for &word in Status::ALL {
            assert_eq!(status_to_proto(word).as_str_name(), format!("ORDER_STATUS_{word}"));
            assert_eq!(status_of(status_to_proto(word)), Some(word));
        }
        for &word in PaymentStatus::ALL {
            assert_eq!(payment_to_proto(word).as_str_name(), format!("PAYMENT_STATUS_{word}"));
            assert_eq!(payment_of(payment_to_proto(word)), Some(word));
        }
        for &word in FulfillmentStatus::ALL {
            assert_eq!(fulfillment_to_proto(word).as_str_name(), format!("FULFILLMENT_STATUS_{word}"));
            assert_eq!(fulfillment_of(fulfillment_to_proto(word)), Some(word));
        }
        for &word in State::ALL {
            assert_eq!(state_to_proto(word).as_str_name(), format!("ORDER_STATE_{word}"));
        }
    }

    #[test]
    fn unknown_words_are_named_by_position() {
        let mut violations = Violations::new();
        assert_eq!(statuses(&[1, 0, 2, 99, -1], &mut violations), None);
        let paths: Vec<_> = violations.iter().map(|found| found.field.as_str()).collect();
        assert_eq!(paths, ["status[1]", "status[3]", "status[4]"]);
        assert_eq!(statuses(&[1, 2], &mut violations).unwrap(), [Status::Pending, Status::Paid]);
        assert_eq!(payment_statuses(&[1; FILTER_VALUES + 1], &mut Violations::new()), None);
        assert_eq!(required(0, "status", &mut violations), None);
    }
}
