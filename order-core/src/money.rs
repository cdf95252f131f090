//! Money: a whole number of minor units of one currency. No binary fraction, no silent rounding, no mixing.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;

/// An amount of money, possibly negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why a calculation or a conversion has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result does not fit 64 bits of minor units.
    #[error("the amount is too large")]
    Overflow,
    /// Two currencies in one calculation.
    #[error("amounts are in {left} and {right}; they must be in one currency")]
    CurrencyMismatch {
        /// Of the first amount.
        left: Currency,
        /// Of the second amount.
        right: Currency,
    },
    /// Finer than the currency's minor unit.
    #[error("the amount has more decimal places than its currency")]
    ExcessPrecision,
    /// Units and nanos point in different directions.
    #[error("units and nanos must have the same sign")]
    MixedSigns,
    /// Nanos beyond one unit.
    #[error("nanos must be -999999999 to 999999999")]
    NanosOutOfRange,
    /// Not a decimal number.
    #[error("must be a decimal number such as 49.99")]
    Malformed,
}

const NANOS_MAX: i32 = 999_999_999;
/// Decimal places of a nano.
const NANO_EXPONENT: u32 = 9;
/// More digits than any amount has; bounds the work that a text can cause.
const DECIMAL_TEXT_MAX: usize = 40;

impl Money {
    /// So many minor units: 4999 for 49.99 USD.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Whether it is less than nothing.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::Overflow`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.minor.checked_add(other.minor).map(|minor| Self { minor, ..self }).ok_or(MoneyError::Overflow)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::Overflow`].
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.minor.checked_sub(other.minor).map(|minor| Self { minor, ..self }).ok_or(MoneyError::Overflow)
    }

    /// The amount so many times.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn checked_mul(self, factor: i64) -> Result<Self, MoneyError> {
        Self::from_wide(i128::from(self.minor) * i128::from(factor), self.currency)
    }

    /// The sum of any number of amounts, nothing if there are none. Adds in 128 bits, so that only the result has to fit.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::Overflow`].
    pub fn sum(amounts: impl IntoIterator<Item = Self>, currency: Currency) -> Result<Self, MoneyError> {
        let mut total = 0_i128;
        for amount in amounts {
            Self::zero(currency).same_currency(amount)?;
            total = total.checked_add(i128::from(amount.minor)).ok_or(MoneyError::Overflow)?;
        }
        Self::from_wide(total, currency)
    }

    /// Reads `49.99` or `-5`: digits, perhaps a point and more digits. Zeros beyond the minor unit are harmless.
    ///
    /// # Errors
    /// [`MoneyError::Malformed`], [`MoneyError::ExcessPrecision`], [`MoneyError::Overflow`].
    pub fn from_decimal_str(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (units, fraction) = match digits.split_once('.') {
            Some((_, "")) => return Err(MoneyError::Malformed),
            Some(parts) => parts,
            None => (digits, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if units.is_empty() || text.len() > DECIMAL_TEXT_MAX || !all_digits(units) || !all_digits(fraction) {
            return Err(MoneyError::Malformed);
        }
        let exponent = currency.exponent() as usize;
        let (kept, beyond) = fraction.split_at(fraction.len().min(exponent));
        if beyond.bytes().any(|digit| digit != b'0') {
            return Err(MoneyError::ExcessPrecision);
        }
        let minor: i128 =
            format!("{units}{kept:0<exponent$}").parse().map_err(|_too_many_digits| MoneyError::Overflow)?;
        Self::from_wide(sign * minor, currency)
    }

    /// Takes the two numbers of a `google.type.Money`: whole units and billionths, of one sign.
    ///
    /// # Errors
    /// [`MoneyError::NanosOutOfRange`], [`MoneyError::MixedSigns`], [`MoneyError::ExcessPrecision`] where the currency has
    /// no such small unit, [`MoneyError::Overflow`].
    pub fn from_units_nanos(units: i64, nanos: i32, currency: Currency) -> Result<Self, MoneyError> {
        if !(-NANOS_MAX..=NANOS_MAX).contains(&nanos) {
            return Err(MoneyError::NanosOutOfRange);
        }
        if units.signum() * i64::from(nanos.signum()) < 0 {
            return Err(MoneyError::MixedSigns);
        }
        let step = nanos_per_minor(currency);
        if nanos % step != 0 {
            return Err(MoneyError::ExcessPrecision);
        }
        let minor = i128::from(units) * i128::from(currency.minor_per_unit()) + i128::from(nanos / step);
        Self::from_wide(minor, currency)
    }

    /// The two numbers of a `google.type.Money`.
    #[must_use]
    pub fn to_units_nanos(self) -> (i64, i32) {
        let per_unit = self.currency.minor_per_unit();
        let rest = i32::try_from(self.minor % per_unit).expect("less than one unit, so below 10^4");
        (self.minor / per_unit, rest * nanos_per_minor(self.currency))
    }

    /// The amount in units, with the currency's decimal places.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.exponent())
    }

    /// Takes a result in minor units that was calculated in 128 bits.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub(crate) fn from_wide(minor: i128, currency: Currency) -> Result<Self, MoneyError> {
        i64::try_from(minor).map(|minor| Self { minor, currency }).map_err(|_too_large| MoneyError::Overflow)
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
        }
    }
}

/// Billionths of a unit in one minor unit.
const fn nanos_per_minor(currency: Currency) -> i32 {
    10_i32.pow(NANO_EXPONENT - currency.exponent())
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    fn usd(minor: i64) -> Money {
        Money::new(minor, currency("USD"))
    }

    #[test]
    fn it_is_shown_with_the_decimal_places_of_its_currency() {
        let shown = [("USD", 4999), ("USD", -5), ("JPY", 120), ("KWD", 1), ("CLF", -123_456)]
            .map(|(code, minor)| Money::new(minor, currency(code)).to_string());
        assert_eq!(shown, ["49.99 USD", "-0.05 USD", "120 JPY", "0.001 KWD", "-12.3456 CLF"]);
    }

    #[test]
    fn arithmetic_is_checked_and_never_mixes_currencies() {
        let yen = Money::new(1, currency("JPY"));
        let mismatch = MoneyError::CurrencyMismatch { left: currency("USD"), right: currency("JPY") };
        assert_eq!(usd(1).checked_add(usd(2)), Ok(usd(3)));
        assert_eq!(usd(1).checked_sub(usd(2)), Ok(usd(-1)));
        assert_eq!(usd(1).checked_add(yen), Err(mismatch));
        assert_eq!(usd(1).checked_sub(yen), Err(mismatch));
        assert_eq!(Money::sum([usd(1), yen], currency("USD")), Err(mismatch));
        assert_eq!(usd(i64::MAX).checked_add(usd(1)), Err(MoneyError::Overflow));
        assert_eq!(usd(i64::MIN).checked_sub(usd(1)), Err(MoneyError::Overflow));
        assert_eq!(usd(i64::MIN).checked_mul(i64::MIN), Err(MoneyError::Overflow));
        assert_eq!(usd(4999).checked_mul(3), Ok(usd(14_997)));
    }

    #[test]
    fn a_sum_may_pass_through_what_does_not_fit() {
        assert_eq!(Money::sum([usd(i64::MAX), usd(1), usd(-1)], currency("USD")), Ok(usd(i64::MAX)));
        assert_eq!(Money::sum([], currency("USD")), Ok(usd(0)));
    }

    #[test]
    fn decimals_are_read_exactly_or_not_at_all() {
        let read = |text: &str, code: &str| Money::from_decimal_str(text, currency(code)).map(Money::minor);
        assert_eq!(read("49.99", "USD"), Ok(4999));
        assert_eq!(read("-0.05", "USD"), Ok(-5));
        assert_eq!(read("7", "KWD"), Ok(7_000));
        assert_eq!(read("49.9900", "USD"), Ok(4999));
        assert_eq!(read("120.00", "JPY"), Ok(120));
        assert_eq!(read("49.999", "USD"), Err(MoneyError::ExcessPrecision));
        assert_eq!(read("0.5", "JPY"), Err(MoneyError::ExcessPrecision));
        assert_eq!(read("-92233720368547758.08", "USD"), Ok(i64::MIN));
        assert_eq!(read("92233720368547758.08", "USD"), Err(MoneyError::Overflow));
        assert_eq!(read(&"9".repeat(40), "USD"), Err(MoneyError::Overflow));
        for wrong in ["", "-", ".5", "5.", "+5", "1e3", "1,000", " 5", "0x10", "--5", "NaN", "٣", &"0".repeat(41)] {
            assert_eq!(read(wrong, "USD"), Err(MoneyError::Malformed), "{wrong}");
        }
    }

    #[test]
    fn units_and_nanos_must_fit_the_currency() {
        let take = |units, nanos, code| Money::from_units_nanos(units, nanos, currency(code)).map(Money::minor);
        assert_eq!(take(49, 990_000_000, "USD"), Ok(4999));
        assert_eq!(take(-1, -750_000_000, "USD"), Ok(-175));
        assert_eq!(take(0, -10_000_000, "USD"), Ok(-1));
        assert_eq!(take(1, -1, "USD"), Err(MoneyError::MixedSigns));
        assert_eq!(take(-1, 1, "USD"), Err(MoneyError::MixedSigns));
        assert_eq!(take(1, 1_000_000_000, "USD"), Err(MoneyError::NanosOutOfRange));
        assert_eq!(take(1, i32::MIN, "USD"), Err(MoneyError::NanosOutOfRange));
        assert_eq!(take(0, 1_000_000, "USD"), Err(MoneyError::ExcessPrecision));
        assert_eq!(take(0, 1_000_000, "KWD"), Ok(1));
        assert_eq!(take(5, 500_000_000, "JPY"), Err(MoneyError::ExcessPrecision));
        assert_eq!(take(i64::MAX, 0, "USD"), Err(MoneyError::Overflow));
        assert_eq!(take(i64::MIN, -999_990_000, "USD"), Err(MoneyError::ExcessPrecision));
    }

    #[test]
    fn it_is_stored_as_minor_units_and_code() {
        let text = serde_json::to_string(&usd(4999)).unwrap();
        assert_eq!(text, r#"{"minor":4999,"currency":"USD"}"#);
        assert_eq!(serde_json::from_str::<Money>(&text).unwrap(), usd(4999));
    }
}
