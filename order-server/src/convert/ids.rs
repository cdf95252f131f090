//! Identities.

use order_core::{
    ids::IdError,
    violation::{Violations, reason},
};

/// How a type of identity reads its text, such as `OrderId::parse`.
pub type Parse<T> = fn(&str) -> Result<T, IdError>;

/// Reads an identity that must be given.
pub fn required<T>(text: &str, parse: Parse<T>, field: &str, violations: &mut Violations) -> Option<T> {
    if text.is_empty() {
        violations.push(field, reason::REQUIRED, "must not be empty");
        return None;
    }
    parse(text).map_err(|error| violations.push(field, reason::MALFORMED, error.to_string())).ok()
}

/// Reads an identity that may be left out.
pub fn optional<T>(text: &str, parse: Parse<T>, field: &str, violations: &mut Violations) -> Option<Option<T>> {
    if text.is_empty() { Some(None) } else { required(text, parse, field, violations).map(Some) }
}
