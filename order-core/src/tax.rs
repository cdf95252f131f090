//! Tax rules: which rate applies to what, and where.

use std::fmt;

use rust_decimal::Decimal;

use crate::{
    address::{CountryCode, Destination},
    limits,
};

/// The tax class of a product that nothing else is said of.
pub const STANDARD: &str = "standard";

/// Whether a text can name a tax class: lower-case letters, digits, `_` and `-`.
#[must_use]
pub fn is_tax_class(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    (1..=limits::TAX_CLASS_CHARS).contains(&text.len()) && text.bytes().all(allowed)
}

/// A share of a price, 0 to 1, with at most six decimal places: 0.08 is 8 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaxRate(Decimal);

/// The text is no tax rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a decimal fraction from 0 to 1 with at most {} decimal places, such as 0.08 for 8 %",
    limits::TAX_RATE_DECIMALS
)]
pub struct TaxRateError;

impl TaxRate {
    /// No tax.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Reads `0.08`.
    ///
    /// # Errors
    /// [`TaxRateError`].
    pub fn parse(text: &str) -> Result<Self, TaxRateError> {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let rate = Decimal::from_str_exact(text).map_err(|_malformed| TaxRateError)?.normalize();
        let most = Decimal::new(i64::from(limits::TAX_RATE_PERCENT_MAX), 2);
        if plain && rate <= most && rate.scale() <= limits::TAX_RATE_DECIMALS {
            Ok(Self(rate))
        } else {
            Err(TaxRateError)
        }
    }

    /// The rate without superfluous zeros.
    #[must_use]
    pub const fn decimal(self) -> Decimal {
        self.0
    }

    /// The rate as millionths, so that calculations stay in integers.
    pub(crate) fn millionths(self) -> i128 {
        self.0.mantissa() * 10_i128.pow(limits::TAX_RATE_DECIMALS - self.0.scale())
    }
}

/// Millionths in one.
pub(crate) const ONE_IN_MILLIONTHS: i128 = 10_i128.pow(limits::TAX_RATE_DECIMALS);

impl fmt::Display for TaxRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A rate, and what it is for. What is `None` is not asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxRule {
    /// For explanations and people.
    pub name: String,
    /// Only for goods that go to this country.
    pub country: Option<CountryCode>,
    /// Only for goods that go to this region of the country.
    pub region: Option<String>,
    /// Only for goods of this class.
    pub tax_class: Option<String>,
    /// How much.
    pub rate: TaxRate,
}

impl TaxRule {
    fn applies(&self, destination: &Destination, tax_class: &str) -> bool {
        let same_region = |region: &str| {
            let known = destination.region.as_deref().unwrap_or_default();
            region.trim().to_lowercase() == known.trim().to_lowercase()
        };
        self.country.is_none_or(|country| destination.country == Some(country))
            && self.region.as_deref().is_none_or(same_region)
            && self.tax_class.as_deref().is_none_or(|class| class == tax_class)
    }

    /// What a rule asks about, the weightier question first. No two rules of a set ask the same with the same answers.
    const fn specificity(&self) -> (bool, bool, bool) {
        (self.region.is_some(), self.country.is_some(), self.tax_class.is_some())
    }

    /// Whether two rules would apply to the same things, so that neither could win.
    pub(crate) fn rivals(&self, other: &Self) -> bool {
        let region = |rule: &Self| rule.region.as_deref().map(|region| region.trim().to_lowercase());
        self.country == other.country && region(self) == region(other) && self.tax_class == other.tax_class
    }
}

/// All tax rules, one of which applies to everything that no other applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxRules {
    pub(crate) default: TaxRule,
    pub(crate) rules: Vec<TaxRule>,
    pub(crate) shipping_class: Option<String>,
}

impl TaxRules {
    /// The rule for goods of a class at a destination. The most specific one wins: a region before its country, the country
    /// before the class alone, and with the class named before without.
    #[must_use]
    pub fn find(&self, destination: &Destination, tax_class: &str) -> &TaxRule {
        self.rules
            .iter()
            .filter(|rule| rule.applies(destination, tax_class))
            .max_by_key(|rule| rule.specificity())
            .unwrap_or(&self.default)
    }

    /// The rule for shipping, or `None` where shipping is not taxed.
    #[must_use]
    pub fn find_for_shipping(&self, destination: &Destination) -> Option<&TaxRule> {
        self.shipping_class.as_deref().map(|class| self.find(destination, class))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, [country, region, tax_class]: [&str; 3]) -> TaxRule {
        let set = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        TaxRule {
            name: name.into(),
            country: set(country).map(|code| CountryCode::parse(&code).unwrap()),
            region: set(region),
            tax_class: set(tax_class),
            rate: TaxRate::ZERO,
        }
    }

    fn rules() -> TaxRules {
        TaxRules {
            default: rule("default", ["", "", ""]),
            rules: vec![
                rule("food", ["", "", "food"]),
                rule("us", ["US", "", ""]),
                rule("us-food", ["US", "", "food"]),
                rule("ca", ["US", "CA", ""]),
                rule("ca-food", ["US", "CA", "food"]),
            ],
            shipping_class: None,
        }
    }

    #[test]
    fn the_most_specific_rule_wins() {
        let cases = [
            ("", "", "standard", "default"),
            ("", "", "food", "food"),
            ("DE", "CA", "food", "food"),
            ("DE", "", "standard", "default"),
            ("US", "", "standard", "us"),
            ("US", "NY", "food", "us-food"),
            ("US", " ca ", "standard", "ca"),
            ("US", "CA", "food", "ca-food"),
            ("US", "CA", "books", "ca"),
        ];
        for (country, region, class, expected) in cases {
            let destination =
                Destination { country: CountryCode::parse(country).ok(), region: Some(region.to_owned()) };
            assert_eq!(rules().find(&destination, class).name, expected, "{country} {region} {class}");
        }
    }

    #[test]
    fn shipping_is_taxed_only_where_the_rules_say_as_what() {
        let anywhere = Destination::default();
        assert_eq!(rules().find_for_shipping(&anywhere), None);
        let taxed = TaxRules { shipping_class: Some("food".into()), ..rules() };
        assert_eq!(taxed.find_for_shipping(&anywhere).unwrap().name, "food");
    }

    #[test]
    fn rates_are_fractions_of_a_few_decimals() {
        assert_eq!(TaxRate::parse("0.08875").unwrap().millionths(), 88_750);
        assert_eq!(TaxRate::parse("0.0800000000").unwrap().to_string(), "0.08");
        assert_eq!(TaxRate::parse("1").unwrap().millionths(), ONE_IN_MILLIONTHS);
        assert_eq!(TaxRate::parse("0").unwrap(), TaxRate::ZERO);
        for wrong in ["", "8", "1.000001", "-0.08", "+0.08", "0.0000001", "8%", "1e-2", "0,08", &"9".repeat(60)] {
            assert_eq!(TaxRate::parse(wrong), Err(TaxRateError), "{wrong}");
        }
    }

    #[test]
    fn tax_classes_are_plain_words() {
        assert!(is_tax_class(STANDARD));
        for wrong in ["", "Standard", "a b", "é", &"x".repeat(limits::TAX_CLASS_CHARS + 1)] {
            assert!(!is_tax_class(wrong), "{wrong}");
        }
    }
}
