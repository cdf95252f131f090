//! Countries, and the postal codes that are written in them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits;

/// A country or territory: an assigned code of ISO 3166-1 alpha-2. Ordered by its code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub struct CountryCode(u8);

/// The text is no country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an ISO 3166-1 alpha-2 country code such as US")]
pub struct CountryError;

impl CountryCode {
    /// Takes the two letters of the code, capitals or not.
    ///
    /// # Errors
    /// [`CountryError`] for anything that is not in the list.
    pub fn parse(code: &str) -> Result<Self, CountryError> {
        let code = code.to_ascii_uppercase();
        let index = COUNTRIES.binary_search(&code.as_str()).map_err(|_absent| CountryError)?;
        u8::try_from(index).map(Self).map_err(|_too_long| CountryError)
    }

    /// The code in capitals: `US`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        COUNTRIES[self.0 as usize]
    }

    /// Whether an address can do without a postal code.
    #[must_use]
    pub fn postal_code_is_optional(self) -> bool {
        POSTAL_CODE_OPTIONAL.binary_search(&self.code()).is_ok()
    }

    /// Writes a postal code as the country does: capitals, blanks and dashes in their places. `None` where it is no postal
    /// code of the country. Countries whose pattern is not known here accept letters, digits, blanks and dashes.
    #[must_use]
    pub fn normalise_postal_code(self, text: &str) -> Option<String> {
        let text = text.trim().to_ascii_uppercase();
        if text.is_empty() || text.len() > limits::POSTAL_CODE_CHARS {
            return None;
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_separator(byte)) {
            return None;
        }
        match POSTAL_PATTERNS.binary_search_by_key(&self.code(), |&(code, _)| code) {
            Ok(index) => POSTAL_PATTERNS[index].1.iter().find_map(|pattern| lay_out(&text, pattern)),
            Err(_unknown) => text.bytes().any(|byte| byte.is_ascii_alphanumeric()).then_some(text),
        }
    }

    /// An example of the country's postal codes, for error texts; `None` where the pattern is not known here.
    #[must_use]
    pub fn postal_code_example(self) -> Option<String> {
        let index = POSTAL_PATTERNS.binary_search_by_key(&self.code(), |&(code, _)| code).ok()?;
        let pattern = POSTAL_PATTERNS[index].1.first()?;
        Some(pattern.replace('N', "1").replace(['A', 'X'], "A"))
    }
}

const fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-')
}

/// Puts the letters and digits of a text where a pattern has places for them.
fn lay_out(text: &str, pattern: &str) -> Option<String> {
    let mut bytes = text.bytes().filter(|&byte| !is_separator(byte));
    let mut laid_out = String::with_capacity(pattern.len());
    for place in pattern.bytes() {
        let byte = if is_separator(place) { place } else { bytes.next().filter(|byte| fits(*byte, place))? };
        laid_out.push(char::from(byte));
    }
    bytes.next().is_none().then_some(laid_out)
}

const fn fits(byte: u8, place: u8) -> bool {
    match place {
        b'N' => byte.is_ascii_digit(),
        b'A' => byte.is_ascii_uppercase(),
        _any => byte.is_ascii_alphanumeric(),
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl From<CountryCode> for &'static str {
    fn from(country: CountryCode) -> Self {
        country.code()
    }
}

impl TryFrom<String> for CountryCode {
    type Error = CountryError;

    fn try_from(code: String) -> Result<Self, CountryError> {
        Self::parse(&code)
    }
}

/// Source: ISO 3166-1, the 249 officially assigned codes.
#[rustfmt::skip]
const COUNTRIES: &[&str] = &[
    "AD", "AE", "AF", "AG", "AI", "AL", "AM", "AO", "AQ", "AR", "AS", "AT", "AU", "AW", "AX", "AZ", "BA", "BB",
    "BD", "BE", "BF", "BG", "BH", "BI", "BJ", "BL", "BM", "BN", "BO", "BQ", "BR", "BS", "BT", "BV", "BW", "BY",
    "BZ", "CA", "CC", "CD", "CF", "CG", "CH", "CI", "CK", "CL", "CM", "CN", "CO", "CR", "CU", "CV", "CW", "CX",
    "CY", "CZ", "DE", "DJ", "DK", "DM", "DO", "DZ", "EC", "EE", "EG", "EH", "ER", "ES", "ET", "FI", "FJ", "FK",
    "FM", "FO", "FR", "GA", "GB", "GD", "GE", "GF", "GG", "GH", "GI", "GL", "GM", "GN", "GP", "GQ", "GR", "GS",
    "GT", "GU", "GW", "GY", "HK", "HM", "HN", "HR", "HT", "HU", "ID", "IE", "IL", "IM", "IN", "IO", "IQ", "IR",
    "IS", "IT", "JE", "JM", "JO", "JP", "KE", "KG", "KH", "KI", "KM", "KN", "KP", "KR", "KW", "KY", "KZ", "LA",
    "LB", "LC", "LI", "LK", "LR", "LS", "LT", "LU", "LV", "LY", "MA", "MC", "MD", "ME", "MF", "MG", "MH", "MK",
    "ML", "MM", "MN", "MO", "MP", "MQ", "MR", "MS", "MT", "MU", "MV", "MW", "MX", "MY", "MZ", "NA", "NC", "NE",
    "NF", "NG", "NI", "NL", "NO", "NP", "NR", "NU", "NZ", "OM", "PA", "PE", "PF", "PG", "PH", "PK", "PL", "PM",
    "PN", "PR", "PS", "PT", "PW", "PY", "QA", "RE", "RO", "RS", "RU", "RW", "SA", "SB", "SC", "SD", "SE", "SG",
    "SH", "SI", "SJ", "SK", "SL", "SM", "SN", "SO", "SR", "SS", "ST", "SV", "SX", "SY", "SZ", "TC", "TD", "TF",
    "TG", "TH", "TJ", "TK", "TL", "TM", "TN", "TO", "TR", "TT", "TV", "TW", "TZ", "UA", "UG", "UM", "US", "UY",
    "UZ", "VA", "VC", "VE", "VG", "VI", "VN", "VU", "WF", "WS", "YE", "YT", "ZA", "ZM", "ZW",
];

/// Countries without postal codes, and those where people leave theirs out. Source: Universal Postal Union.
#[rustfmt::skip]
const POSTAL_CODE_OPTIONAL: &[&str] = &[
    "AE", "AG", "AO", "AQ", "AW", "BF", "BI", "BJ", "BO", "BS", "BV", "BW", "BZ", "CD", "CF", "CG", "CI", "CK",
    "CM", "CW", "DJ", "DM", "EH", "ER", "FJ", "GA", "GD", "GH", "GM", "GQ", "GY", "HK", "HM", "IE", "JM", "KI",
    "KM", "KN", "KP", "LY", "ML", "MO", "MR", "MW", "NR", "NU", "PA", "QA", "RW", "SB", "SC", "SL", "SO", "SR",
    "SS", "ST", "SX", "SY", "TD", "TF", "TG", "TK", "TL", "TO", "TT", "TV", "UG", "UM", "VU", "YE", "ZW",
];

/// The postal codes of the countries with most parcels: N is a digit, A a letter, X either; the rest stands for itself.
/// Looser than the truth on purpose: a code that a country assigns tomorrow must not stop an order.
const POSTAL_PATTERNS: &[(&str, &[&str])] = &[
    ("AT", &["NNNN"]),
    ("AU", &["NNNN"]),
    ("BE", &["NNNN"]),
    ("BR", &["NNNNN-NNN"]),
    ("CA", &["ANA NAN"]),
    ("CH", &["NNNN"]),
    ("CN", &["NNNNNN"]),
    ("CZ", &["NNN NN"]),
    ("DE", &["NNNNN"]),
    ("DK", &["NNNN"]),
    ("ES", &["NNNNN"]),
    ("FI", &["NNNNN"]),
    ("FR", &["NNNNN"]),
    ("GB", &["AN NAA", "ANN NAA", "AAN NAA", "AANN NAA", "ANA NAA", "AANA NAA"]),
    ("GR", &["NNN NN"]),
    ("HU", &["NNNN"]),
    ("ID", &["NNNNN"]),
    ("IE", &["ANN XXXX", "ANA XXXX"]),
    ("IN", &["NNNNNN"]),
    ("IT", &["NNNNN"]),
    ("JP", &["NNN-NNNN"]),
    ("KR", &["NNNNN"]),
    ("MX", &["NNNNN"]),
    ("MY", &["NNNNN"]),
    ("NL", &["NNNN AA"]),
    ("NO", &["NNNN"]),
    ("NZ", &["NNNN"]),
    ("PH", &["NNNN"]),
    ("PL", &["NN-NNN"]),
    ("PR", &["NNNNN", "NNNNN-NNNN"]),
    ("PT", &["NNNN-NNN"]),
    ("RO", &["NNNNNN"]),
    ("SE", &["NNN NN"]),
    ("SG", &["NNNNNN"]),
    ("SK", &["NNN NN"]),
    ("TH", &["NNNNN"]),
    ("TR", &["NNNNN"]),
    ("UA", &["NNNNN"]),
    ("US", &["NNNNN", "NNNNN-NNNN"]),
    ("VN", &["NNNNN", "NNNNNN"]),
    ("ZA", &["NNNN"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn country(code: &str) -> CountryCode {
        CountryCode::parse(code).unwrap()
    }

    #[test]
    fn the_tables_are_ordered_and_know_each_other() {
        assert_eq!(COUNTRIES.len(), 249);
        assert!(COUNTRIES.is_sorted_by(|a, b| a < b));
        assert!(POSTAL_CODE_OPTIONAL.is_sorted_by(|a, b| a < b));
        assert!(POSTAL_PATTERNS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(POSTAL_CODE_OPTIONAL.iter().all(|code| CountryCode::parse(code).is_ok()));
        assert!(POSTAL_PATTERNS.iter().all(|(code, _)| CountryCode::parse(code).is_ok()));
    }

    #[test]
    fn codes_are_read_in_any_capitals_and_kept_in_upper_case() {
        assert_eq!(country("de").code(), "DE");
        for wrong in ["", "D", "DEU", "XX", "UK", "ZZ", "ßß", " DE"] {
            assert_eq!(CountryCode::parse(wrong), Err(CountryError), "{wrong}");
        }
        assert_eq!(serde_json::to_string(&country("DE")).unwrap(), "\"DE\"");
    }

    #[test]
    fn postal_codes_are_laid_out_as_their_country_writes_them() {
        let cases = [
            ("US", "12345", "12345"),
            ("US", "123456789", "12345-6789"),
            ("CA", "k1a0b1", "K1A 0B1"),
            ("GB", "sw1a1aa", "SW1A 1AA"),
            ("GB", "M1 1AE", "M1 1AE"),
            ("NL", "1012ab", "1012 AB"),
            ("JP", "1000001", "100-0001"),
            ("IE", "d02af30", "D02 AF30"),
            ("SE", "11455", "114 55"),
            ("BM", "hm fx", "HM FX"),
        ];
        for (code, text, expected) in cases {
            assert_eq!(country(code).normalise_postal_code(text).as_deref(), Some(expected), "{code} {text}");
        }
    }

    #[test]
    fn what_is_no_postal_code_of_the_country_is_refused() {
        let cases = [
            ("US", "1234"),
            ("US", "12345-67"),
            ("US", "ABCDE"),
            ("DE", "1234"),
            ("CA", "12345"),
            ("IN", "1100011"),
            ("BM", "-"),
            ("PE", "15001;"),
        ];
        for (code, text) in cases {
            assert_eq!(country(code).normalise_postal_code(text), None, "{code} {text}");
        }
        assert_eq!(country("PE").normalise_postal_code(&"1".repeat(17)), None);
    }

    #[test]
    fn every_example_is_a_postal_code_of_its_country() {
        for (code, _) in POSTAL_PATTERNS {
            let example = country(code).postal_code_example().unwrap();
            assert_eq!(country(code).normalise_postal_code(&example), Some(example));
        }
    }
}
