//! Money.

use std::collections::BTreeMap;

use order_core::{
    currency::Currency,
    money::{Money, MoneyError},
    violation::{Violations, reason},
};

/// An amount on the wire.
#[must_use]
pub fn to_proto(money: Money) -> order_api::Money {
    let (units, nanos) = money.to_units_nanos();
    order_api::Money { currency_code: money.currency().to_string(), units, nanos }
}

/// One amount for each currency, by currency code. A currency without movement is left out.
#[must_use]
pub fn sums(sums: &BTreeMap<Currency, i64>) -> Vec<order_api::Money> {
    sums.iter()
        .filter(|(_, minor)| **minor != 0)
        .map(|(currency, minor)| to_proto(Money::new(*minor, *currency)))
        .collect()
}

/// Reads an amount that fits its currency exactly.
pub fn from_proto(money: &order_api::Money, field: &str, violations: &mut Violations) -> Option<Money> {
    let currency = currency(&money.currency_code, &format!("{field}.currency_code"), violations)?;
    let read = Money::from_units_nanos(money.units, money.nanos, currency);
    read.map_err(|error| violations.push(culprit(error, field), why(error), error.to_string())).ok()
}

/// Reads an amount that must be given and must not be negative: a price, or a total that a caller saw.
pub fn amount(money: Option<&order_api::Money>, field: &str, violations: &mut Violations) -> Option<Money> {
    let Some(money) = money else {
        violations.push(field, reason::REQUIRED, "must be set");
        return None;
    };
    let money = from_proto(money, field, violations)?;
    if money.is_negative() {
        violations.push(field, reason::OUT_OF_RANGE, "must not be negative");
        return None;
    }
    Some(money)
}

/// Reads an amount that may be left out and must not be negative.
pub fn optional_amount(
    money: Option<&order_api::Money>,
    field: &str,
    violations: &mut Violations,
) -> Option<Option<Money>> {
    match money {
        None => Some(None),
        given @ Some(_) => amount(given, field, violations).map(Some),
    }
}

/// Reads an amount that may be left out and must be in the currency of the whole, if that is known.
pub fn optional_amount_in(
    (money, currency): (Option<&order_api::Money>, Option<Currency>),
    field: &str,
    violations: &mut Violations,
) -> Option<Option<Money>> {
    let money = optional_amount(money, field, violations)?;
    if let (Some(money), Some(currency)) = (money, currency)
        && money.currency() != currency
    {
        let description = format!("must be {currency}, the currency of the order");
        violations.push(format!("{field}.currency_code"), reason::UNKNOWN_VALUE, description);
        return None;
    }
    Some(money)
}

/// Reads a currency code that must be given.
pub fn currency(code: &str, field: &str, violations: &mut Violations) -> Option<Currency> {
    let why = if code.is_empty() { reason::REQUIRED } else { reason::UNKNOWN_VALUE };
    Currency::parse(code).map_err(|error| violations.push(field, why, error.to_string())).ok()
}

/// Reads a currency code that may be left out.
pub fn optional_currency(
    (code, default): (&str, Currency),
    field: &str,
    violations: &mut Violations,
) -> Option<Currency> {
    if code.is_empty() { Some(default) } else { currency(code, field, violations) }
}

fn culprit(error: MoneyError, field: &str) -> String {
    match error {
        MoneyError::NanosOutOfRange | MoneyError::ExcessPrecision => format!("{field}.nanos"),
        MoneyError::Overflow => format!("{field}.units"),
        MoneyError::MixedSigns | MoneyError::CurrencyMismatch { .. } | MoneyError::Malformed => field.to_owned(),
    }
}

const fn why(error: MoneyError) -> &'static str {
    match error {
        MoneyError::NanosOutOfRange | MoneyError::Overflow => reason::OUT_OF_RANGE,
        MoneyError::ExcessPrecision
        | MoneyError::MixedSigns
        | MoneyError::CurrencyMismatch { .. }
        | MoneyError::Malformed => reason::MALFORMED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(currency_code: &str, units: i64, nanos: i32) -> order_api::Money {
        order_api::Money { currency_code: currency_code.to_owned(), units, nanos }
    }

    fn read(money: &order_api::Money) -> Result<Money, (String, &'static str)> {
        let mut violations = Violations::new();
        let money = amount(Some(money), "price", &mut violations);
        money.ok_or_else(|| violations.into_iter().next().map(|found| (found.field, found.reason)).unwrap())
    }

    #[test]
    fn amounts_round_trip_in_every_currency() {
        for currency in Currency::all() {
            for minor in [0, 1, 4_999, 1_000_000_000_000] {
                let money = Money::new(minor, currency);
                assert_eq!(read(&to_proto(money)), Ok(money));
            }
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_where_it_is_wrong() {
        let refused = |currency, units, nanos| read(&wire(currency, units, nanos)).unwrap_err();
        assert_eq!(refused("", 1, 0), ("price.currency_code".into(), reason::REQUIRED));
        assert_eq!(refused("usd", 1, 0), ("price.currency_code".into(), reason::UNKNOWN_VALUE));
        assert_eq!(refused("USD", 1, 1), ("price.nanos".into(), reason::MALFORMED));
        assert_eq!(refused("JPY", 1, 500_000_000), ("price.nanos".into(), reason::MALFORMED));
        assert_eq!(refused("USD", 1, 1_000_000_000), ("price.nanos".into(), reason::OUT_OF_RANGE));
        assert_eq!(refused("USD", 1, -10_000_000), ("price".into(), reason::MALFORMED));
        assert_eq!(refused("USD", i64::MAX, 0), ("price.units".into(), reason::OUT_OF_RANGE));
        assert_eq!(refused("USD", 0, -10_000_000), ("price".into(), reason::OUT_OF_RANGE));
    }

    #[test]
    fn an_amount_of_another_currency_is_refused() {
        let mut violations = Violations::new();
        let usd = Currency::parse("USD").unwrap();
        let given = wire("EUR", 1, 0);
        assert_eq!(optional_amount_in((Some(&given), Some(usd)), "expected_total", &mut violations), None);
        assert_eq!(violations.iter().next().unwrap().field, "expected_total.currency_code");
    }

    #[test]
    fn sums_are_listed_by_currency_without_zeros() {
        let currency = |code| Currency::parse(code).unwrap();
        let by_currency = BTreeMap::from([(currency("USD"), 5_998), (currency("EUR"), 100), (currency("JPY"), 0)]);
        assert_eq!(sums(&by_currency), [wire("EUR", 1, 0), wire("USD", 59, 980_000_000)]);
    }
}
