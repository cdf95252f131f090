//! What is wrong with a request, field by field.
//!
//! Checks push what they find and go on, so that a caller hears of every mistake at once instead of one for each attempt.

use std::fmt;

/// One broken rule of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path of the field as the API spells it: `lines[2].quantity`, `shipping_address.postal_code`.
    pub field: String,
    /// Which rule, for programs: UPPER_SNAKE.
    pub reason: &'static str,
    /// What to do about it, for people. Never repeats the value, which may be private.
    pub description: String,
}

/// The reasons that appear in more than one place. Rules of a single field may bring their own.
pub mod reason {
    /// The field must be set.
    pub const REQUIRED: &str = "REQUIRED";
    /// More characters than allowed.
    pub const TOO_LONG: &str = "TOO_LONG";
    /// More entries than allowed.
    pub const TOO_MANY: &str = "TOO_MANY";
    /// Outside the allowed interval.
    pub const OUT_OF_RANGE: &str = "OUT_OF_RANGE";
    /// Not of the shape that the field has.
    pub const MALFORMED: &str = "MALFORMED";
    /// Not one of the values that the field knows.
    pub const UNKNOWN_VALUE: &str = "UNKNOWN_VALUE";
    /// Named twice where once is meant.
    pub const DUPLICATE: &str = "DUPLICATE";
    /// Set together with a field that excludes it.
    pub const CONFLICT: &str = "CONFLICT";
    /// Characters that are not text, such as NUL.
    pub const CONTROL_CHARACTER: &str = "CONTROL_CHARACTER";
    /// Looks like the number of a payment card, which must never be sent to this service.
    pub const CARD_NUMBER: &str = "CARD_NUMBER";
}

/// Every broken rule that was found, in the order in which it was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Violations(Vec<FieldViolation>);

impl Violations {
    /// Nothing found yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// One broken rule.
    #[must_use]
    pub fn one(field: impl Into<String>, reason: &'static str, description: impl Into<String>) -> Self {
        let mut violations = Self::new();
        violations.push(field, reason, description);
        violations
    }

    /// Notes a broken rule.
    pub fn push(&mut self, field: impl Into<String>, reason: &'static str, description: impl Into<String>) {
        self.0.push(FieldViolation { field: field.into(), reason, description: description.into() });
    }

    /// Takes over what another check found.
    pub fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether nothing was found.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many were found.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// What was found.
    pub fn iter(&self) -> std::slice::Iter<'_, FieldViolation> {
        self.0.iter()
    }

    /// Ends a round of checks.
    ///
    /// # Errors
    /// The violations themselves, if there are any.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl<'a> IntoIterator for &'a Violations {
    type Item = &'a FieldViolation;
    type IntoIter = std::slice::Iter<'a, FieldViolation>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Violations {
    type Item = FieldViolation;
    type IntoIter = std::vec::IntoIter<FieldViolation>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, violation) in self.0.iter().enumerate() {
            let separator = if n == 0 { "" } else { "; " };
            write!(f, "{separator}{}: {}", violation.field, violation.description)?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_violation_is_kept_in_the_order_of_discovery() {
        let mut violations = Violations::new();
        assert_eq!(violations.clone().into_result(), Ok(()));
        violations.push("lines[0].quantity", reason::OUT_OF_RANGE, "must be 1 to 10000");
        violations.append(Violations::one("contact.email", reason::REQUIRED, "must be set"));
        assert_eq!(violations.len(), 2);
        assert_eq!(violations.to_string(), "lines[0].quantity: must be 1 to 10000; contact.email: must be set");
        assert!(violations.into_result().is_err());
    }
}
