//! Between the wire and the domain, one file per noun.
//!
//! Inwards, a message becomes values of the domain that can only be built valid. Readers take the path of what they read
//! and a [`Violations`] to push to; they answer `None` only after they pushed something, and never stop at the first
//! mistake. [`checked`] ends a round of reading: a caller hears of every mistake at once. Outwards, nothing can fail.

pub mod actor;
pub mod address;
pub mod cart;
pub mod cart_token;
pub mod cloud_event;
pub mod contact;
pub mod coupon;
pub mod date;
pub mod etag;
pub mod event;
pub mod explanation;
pub mod filter;
pub mod ids;
pub mod import_source;
pub mod invariant;
pub mod json;
pub mod line;
pub mod map;
pub mod mask;
pub mod money;
pub mod order;
pub mod order_request;
pub mod order_return;
pub mod page;
pub mod payment;
pub mod problem;
pub mod product;
pub mod publisher;
pub mod quantity;
pub mod quote;
pub mod refund;
pub mod request;
pub mod shipment;
pub mod stats;
pub mod status;
pub mod stock;
pub mod summary;
pub mod text;
pub mod time;
pub mod watch;

use order_core::violation::Violations;

use crate::error::ApiError;

/// Reads a request as a whole.
///
/// # Errors
/// `INVALID_FIELD` with every violation that the reader pushed.
pub fn checked<T>(read: impl FnOnce(&mut Violations) -> Option<T>) -> Result<T, ApiError> {
    let mut violations = Violations::new();
    let value = read(&mut violations);
    violations.into_result()?;
    value.ok_or_else(|| ApiError::internal(&"a reader gave up without naming a violation"))
}

/// What an operator sees counted in 32 bits on the wire; nothing of ours comes near the limit.
pub(crate) fn int32(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Counters of the store are unsigned, those of the wire are not.
pub(crate) fn int64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use order_core::violation::reason;

    use super::*;

    #[test]
    fn reading_goes_on_after_a_mistake_and_reports_all_of_them() {
        let error = checked(|violations| {
            let id = ids::required("", order_core::ids::OrderId::parse, "order_id", violations);
            violations.push("note", reason::REQUIRED, "must not be empty");
            id
        })
        .unwrap_err();
        let paths: Vec<_> = error.fields().iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(paths, ["order_id", "note"]);
    }

    #[test]
    fn a_valid_request_is_read() {
        assert_eq!(checked(|_violations| Some(1)).unwrap(), 1);
    }
}
