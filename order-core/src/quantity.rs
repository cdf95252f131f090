//! How many units of a product.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits;

/// A number of units that can be ordered: 1 to [`limits::QUANTITY_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "u32")]
pub struct Quantity(u32);

/// The number is not a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {} units", limits::QUANTITY_MAX)]
pub struct QuantityError;

impl Quantity {
    /// One unit.
    pub const ONE: Self = Self(1);
    /// The most that can be ordered of one product.
    pub const MAX: Self = Self(limits::QUANTITY_MAX);

    /// Takes a number of units; whatever integer the wire or a column has.
    ///
    /// # Errors
    /// [`QuantityError`] below 1 and above the limit.
    pub fn new(units: impl Into<i64>) -> Result<Self, QuantityError> {
        u32::try_from(units.into())
            .ok()
            .filter(|units| (1..=limits::QUANTITY_MAX).contains(units))
            .map(Self)
            .ok_or(QuantityError)
    }

    /// The number of units.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The sum, as when a product is put into a cart that holds it already.
    ///
    /// # Errors
    /// [`QuantityError`] if the sum is above the limit.
    pub fn checked_add(self, other: Self) -> Result<Self, QuantityError> {
        Self::new(i64::from(self.0) + i64::from(other.0))
    }
}

impl TryFrom<i64> for Quantity {
    type Error = QuantityError;

    fn try_from(units: i64) -> Result<Self, QuantityError> {
        Self::new(units)
    }
}

impl From<Quantity> for u32 {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_to_the_limit_is_a_quantity() {
        assert_eq!(Quantity::new(1).unwrap(), Quantity::ONE);
        assert_eq!(Quantity::new(limits::QUANTITY_MAX).unwrap().get(), limits::QUANTITY_MAX);
        for wrong in [i64::MIN, -1, 0, i64::from(limits::QUANTITY_MAX) + 1, i64::MAX] {
            assert_eq!(Quantity::new(wrong), Err(QuantityError), "{wrong}");
        }
    }

    #[test]
    fn a_sum_past_the_limit_is_refused() {
        let most = Quantity::new(limits::QUANTITY_MAX).unwrap();
        assert_eq!(most.checked_add(Quantity::ONE), Err(QuantityError));
        assert_eq!(Quantity::ONE.checked_add(Quantity::ONE).unwrap().get(), 2);
    }

    #[test]
    fn stored_quantities_are_checked_when_they_are_read_back() {
        assert_eq!(serde_json::to_string(&Quantity::ONE).unwrap(), "1");
        assert!(serde_json::from_str::<Quantity>("0").is_err());
    }
}
