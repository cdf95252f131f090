//! Quantities of requests.

use order_core::{
    quantity::Quantity,
    violation::{Violations, reason},
};

/// Reads a number of units, 1 to 10 000.
pub fn required(units: i32, field: &str, violations: &mut Violations) -> Option<Quantity> {
    Quantity::new(units).map_err(|error| violations.push(field, reason::OUT_OF_RANGE, error.to_string())).ok()
}

/// Reads a number of units where 0 means none.
pub fn or_none(units: i32, field: &str, violations: &mut Violations) -> Option<Option<Quantity>> {
    if units == 0 { Some(None) } else { required(units, field, violations).map(Some) }
}
