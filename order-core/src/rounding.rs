//! Rounding: declared once, stored with every order, and done on exact fractions, so that nothing is rounded twice.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// What happens to a value that lies between two minor units. Negative values round as their mirror images do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rounding {
    /// To the nearer; halves away from zero. What most tax authorities and people expect.
    #[default]
    HalfUp,
    /// To the nearer; halves to the even neighbour, so that errors cancel out over many values.
    HalfEven,
}

impl Rounding {
    /// All ways, for tables and tests.
    pub const ALL: [Self; 2] = [Self::HalfUp, Self::HalfEven];

    /// The word that is stored, configured and logged.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HalfUp => "HALF_UP",
            Self::HalfEven => "HALF_EVEN",
        }
    }
}

/// What is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RoundingScope {
    /// The tax of a whole line, once.
    #[default]
    Line,
    /// The tax of one unit, which is then taken as many times as there are units.
    Unit,
}

impl RoundingScope {
    /// Both scopes, for tables and tests.
    pub const ALL: [Self; 2] = [Self::Line, Self::Unit];

    /// The word that is stored, configured and logged.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Line => "LINE",
            Self::Unit => "UNIT",
        }
    }
}

/// Rounds a decimal number to `exponent` decimal places.
#[must_use]
pub fn round(value: Decimal, exponent: u32, rounding: Rounding) -> Decimal {
    let strategy = match rounding {
        Rounding::HalfUp => RoundingStrategy::MidpointAwayFromZero,
        Rounding::HalfEven => RoundingStrategy::MidpointNearestEven,
    };
    value.round_dp_with_strategy(exponent, strategy)
}

/// An exact fraction that waits to be rounded. The denominator is positive.
///
/// Dividing decimals would round to 28 digits first and to the minor unit afterwards; a fraction is rounded once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ratio {
    numerator: i128,
    denominator: i128,
}

/// Decimal places to which a fraction is written out; enough to see any real one for what it is.
const SHOWN_DECIMALS: usize = 20;

impl Ratio {
    /// The fraction, or `None` where the denominator is not positive.
    pub(crate) const fn new(numerator: i128, denominator: i128) -> Option<Self> {
        if denominator > 0 { Some(Self { numerator, denominator }) } else { None }
    }

    /// The nearest integer.
    pub(crate) const fn round(self, rounding: Rounding) -> i128 {
        let floor = self.numerator.div_euclid(self.denominator);
        let rest = self.numerator.rem_euclid(self.denominator);
        // `rest < denominator`, so neither side of the comparisons can overflow, as doubling the rest could.
        let above = self.denominator - rest;
        let up = if rest == above {
            match rounding {
                Rounding::HalfUp => self.numerator > 0,
                Rounding::HalfEven => floor % 2 != 0,
            }
        } else {
            rest > above
        };
        // A fraction at the upper end of the range has denominator 1 and no rest, so one more always fits.
        if up { floor + 1 } else { floor }
    }

    /// The integer below or equal.
    pub(crate) const fn floor(self) -> i128 {
        self.numerator.div_euclid(self.denominator)
    }

    /// The value with its point moved `exponent` places to the left, as a decimal number cut after 20 places.
    pub(crate) fn to_decimal_text(self, exponent: u32) -> String {
        let sign = if self.numerator < 0 { "-" } else { "" };
        let (mut rest, denominator) = (self.numerator.unsigned_abs(), self.denominator.unsigned_abs());
        let integer = format!("{:0>width$}", rest / denominator, width = exponent as usize + 1);
        let (units, minor) = integer.split_at(integer.len() - exponent as usize);
        let mut fraction = minor.to_owned();
        rest %= denominator;
        while rest != 0 && fraction.len() < SHOWN_DECIMALS {
            let Some(shifted) = rest.checked_mul(10) else { break };
            fraction.push_str(&(shifted / denominator).to_string());
            rest = shifted % denominator;
        }
        if fraction.is_empty() { format!("{sign}{units}") } else { format!("{sign}{units}.{fraction}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(numerator: i128, denominator: i128) -> Ratio {
        Ratio::new(numerator, denominator).unwrap()
    }

    #[test]
    fn halves_go_where_the_rule_says_and_negatives_mirror() {
        let cases = [
            // value in quarters, half up, half even
            (2, 1, 0),
            (6, 2, 2),
            (10, 3, 2),
            (1, 0, 0),
            (3, 1, 1),
            (0, 0, 0),
            (400, 100, 100),
        ];
        for (quarters, half_up, half_even) in cases {
            for sign in [1, -1] {
                let value = ratio(sign * quarters, 4);
                assert_eq!(value.round(Rounding::HalfUp), sign * half_up, "{value:?}");
                assert_eq!(value.round(Rounding::HalfEven), sign * half_even, "{value:?}");
            }
        }
    }

    #[test]
    fn decimals_round_as_fractions_do() {
        for thousandths in -3_000..3_000 {
            for rounding in Rounding::ALL {
                let decimal = round(Decimal::new(thousandths, 3), 2, rounding);
                let fraction = ratio(i128::from(thousandths), 10).round(rounding);
                assert_eq!(decimal, Decimal::from_i128_with_scale(fraction, 2), "{thousandths} {rounding:?}");
            }
        }
    }

    #[test]
    fn extremes_do_not_overflow() {
        for rounding in Rounding::ALL {
            assert_eq!(ratio(i128::MAX, 1).round(rounding), i128::MAX);
            assert_eq!(ratio(i128::MIN, 1).round(rounding), i128::MIN);
            assert_eq!(ratio(i128::MAX, i128::MAX).round(rounding), 1);
            assert_eq!(ratio(i128::MIN, i128::MAX).round(rounding), -1);
        }
        assert_eq!(Ratio::new(1, 0), None);
        assert!(ratio(1, i128::MAX).to_decimal_text(2).starts_with("0.00"));
    }

    #[test]
    fn fractions_are_written_out_exactly_or_cut() {
        assert_eq!(ratio(39_992, 100).to_decimal_text(2), "3.9992");
        assert_eq!(ratio(400, 1).to_decimal_text(2), "4.00");
        assert_eq!(ratio(-5, 2).to_decimal_text(0), "-2.5");
        assert_eq!(ratio(7, 1).to_decimal_text(0), "7");
        assert_eq!(ratio(1, 3).to_decimal_text(2), "0.00333333333333333333");
        assert_eq!(ratio(0, 3).to_decimal_text(3), "0.000");
    }

    #[test]
    fn the_stored_words_are_the_serialised_ones() {
        for rounding in Rounding::ALL {
            assert_eq!(serde_json::to_value(rounding).unwrap(), rounding.as_str());
        }
        for scope in RoundingScope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
    }
}
