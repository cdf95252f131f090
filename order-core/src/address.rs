//! Postal addresses, parsed once at the edge.

use serde::{Deserialize, Serialize};

pub use crate::country::{CountryCode, CountryError};
use crate::{
    text::{self, TextRule},
    violation::{Violations, reason},
};

/// An address as a caller wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AddressDraft {
    /// Who receives the goods.
    pub recipient: String,
    /// Street and number.
    pub line1: String,
    /// Flat, floor, company; may be empty.
    pub line2: String,
    /// City.
    pub city: String,
    /// State, province or region; may be empty.
    pub region: String,
    /// Postal code; may be empty where the country has none.
    pub postal_code: String,
    /// ISO 3166-1 alpha-2 code.
    pub country_code: String,
}

/// A complete address. Outside this crate it comes from [`AddressDraft::parse`] or from where it was stored; what was stored
/// is taken back as it is, so that a rule made later cannot lock anybody out of an old order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Address {
    /// Who receives the goods.
    pub recipient: String,
    /// Street and number.
    pub line1: String,
    /// Flat, floor, company; may be empty.
    pub line2: String,
    /// City.
    pub city: String,
    /// State, province or region; may be empty.
    pub region: String,
    /// Postal code as the country writes it; empty where it has none.
    pub postal_code: String,
    /// Country.
    pub country_code: CountryCode,
}

impl AddressDraft {
    /// Checks an address; `None` after a violation, all of which are pushed below `path`.
    pub fn parse(self, path: &str, violations: &mut Violations) -> Option<Address> {
        let mut check =
            |rule: &TextRule, text: &str, name: &str| rule.check(text, &format!("{path}.{name}"), violations);
        let recipient = check(&text::NAME, &self.recipient, "recipient");
        let line1 = check(&text::NAME, &self.line1, "line1");
        let line2 = check(&text::OPTIONAL_NAME, &self.line2, "line2");
        let city = check(&text::NAME, &self.city, "city");
        let region = check(&text::OPTIONAL_NAME, &self.region, "region");
        let country_code = self.parse_country(path, violations);
        let postal_code = country_code.and_then(|country| self.parse_postal_code(country, path, violations));
        Some(Address {
            recipient: recipient?,
            line1: line1?,
            line2: line2?,
            city: city?,
            region: region?,
            postal_code: postal_code?,
            country_code: country_code?,
        })
    }

    fn parse_country(&self, path: &str, violations: &mut Violations) -> Option<CountryCode> {
        let field = format!("{path}.country_code");
        let code = self.country_code.trim();
        if code.is_empty() {
            violations.push(field, reason::REQUIRED, CountryError.to_string());
            return None;
        }
        CountryCode::parse(code).map_err(|error| violations.push(field, reason::UNKNOWN_VALUE, error.to_string())).ok()
    }

    fn parse_postal_code(&self, country: CountryCode, path: &str, violations: &mut Violations) -> Option<String> {
        let field = format!("{path}.postal_code");
        let text = self.postal_code.trim();
        if text.is_empty() {
            if country.postal_code_is_optional() {
                return Some(String::new());
            }
            violations.push(field, reason::REQUIRED, format!("must not be empty for an address in {country}"));
            return None;
        }
        let code = country.normalise_postal_code(text);
        if code.is_none() {
            let example =
                country.postal_code_example().map(|example| format!(" such as {example}")).unwrap_or_default();
            violations.push(field, reason::MALFORMED, format!("must be a postal code of {country}{example}"));
        }
        code
    }
}

/// Where goods go, as far as tax and shipping depend on it. A cart may not know it yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Destination {
    /// Country, if known.
    pub country: Option<CountryCode>,
    /// State, province or region, if known. Compared without regard to capitals.
    pub region: Option<String>,
}

impl From<&Address> for Destination {
    fn from(address: &Address) -> Self {
        let region = (!address.region.is_empty()).then(|| address.region.clone());
        Self { country: Some(address.country_code), region }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> AddressDraft {
        AddressDraft {
            recipient: " Ada Lovelace ".into(),
            line1: "12 St James's Square".into(),
            line2: String::new(),
            city: "London".into(),
            region: String::new(),
            postal_code: "sw1y4jh".into(),
            country_code: "gb".into(),
        }
    }

    fn violations_of(draft: AddressDraft) -> Vec<(String, &'static str)> {
        let mut violations = Violations::new();
        let parsed = draft.parse("shipping_address", &mut violations);
        assert_eq!(parsed.is_some(), violations.is_empty());
        violations.into_iter().map(|violation| (violation.field, violation.reason)).collect()
    }

    #[test]
    fn a_good_address_is_trimmed_and_normalised() {
        let address = draft().parse("shipping_address", &mut Violations::new()).unwrap();
        assert_eq!(address.recipient, "Ada Lovelace");
        assert_eq!(address.postal_code, "SW1Y 4JH");
        assert_eq!(address.country_code.code(), "GB");
        assert_eq!(Destination::from(&address), Destination { country: Some(address.country_code), region: None });
    }

    #[test]
    fn every_violation_is_named_with_its_path() {
        let named = violations_of(AddressDraft { country_code: "XX".into(), ..AddressDraft::default() });
        let expected = [
            ("shipping_address.recipient", reason::REQUIRED),
            ("shipping_address.line1", reason::REQUIRED),
            ("shipping_address.city", reason::REQUIRED),
            ("shipping_address.country_code", reason::UNKNOWN_VALUE),
        ];
        assert_eq!(named, expected.map(|(field, reason)| (field.to_owned(), reason)));
    }

    #[test]
    fn the_postal_code_depends_on_the_country() {
        let field = "shipping_address.postal_code".to_owned();
        let with = |country: &str, code: &str| {
            violations_of(AddressDraft { country_code: country.into(), postal_code: code.into(), ..draft() })
        };
        assert_eq!(with("GB", "12345"), [(field.clone(), reason::MALFORMED)]);
        assert_eq!(with("DE", ""), [(field.clone(), reason::REQUIRED)]);
        assert_eq!(with("HK", ""), []);
        assert_eq!(with("PE", "15001"), []);
        assert_eq!(with("PE", "<script>"), [(field, reason::MALFORMED)]);
    }

    #[test]
    fn a_stored_address_comes_back_as_it_was() {
        let address = draft().parse("a", &mut Violations::new()).unwrap();
        let text = serde_json::to_string(&address).unwrap();
        assert_eq!(serde_json::from_str::<Address>(&text).unwrap(), address);
    }
}
