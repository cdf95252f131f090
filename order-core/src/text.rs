//! Texts that people write: trimmed, bounded, and without what does not belong in them.

use std::collections::BTreeMap;

use crate::{
    limits,
    violation::{Violations, reason},
};

/// Whether a text may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It may not.
    Required,
    /// It may.
    Optional,
}

/// Whether a text may have several lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// One line: no line breaks and tabs either.
    One,
    /// Line breaks and tabs are welcome.
    Many,
}

/// Whether a text is searched for payment card numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardNumbers {
    /// Somebody might type one here.
    Refused,
    /// Long numbers are at home here, as in tracking numbers; one in ten would look like a card's.
    Ignored,
}

/// The rules of one kind of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextRule {
    /// Characters (Unicode scalar values) after trimming.
    pub max_chars: usize,
    /// Whether it may be empty.
    pub presence: Presence,
    /// Whether it may have several lines.
    pub lines: Lines,
    /// Whether it is searched for card numbers.
    pub card_numbers: CardNumbers,
}

/// A name, a line of an address.
pub const NAME: TextRule = TextRule {
    max_chars: limits::NAME_CHARS,
    presence: Presence::Required,
    lines: Lines::One,
    card_numbers: CardNumbers::Refused,
};
/// A second line of an address, a region.
pub const OPTIONAL_NAME: TextRule = TextRule { presence: Presence::Optional, ..NAME };
/// Notes on an order.
pub const NOTES: TextRule = TextRule {
    max_chars: limits::NOTES_CHARS,
    presence: Presence::Optional,
    lines: Lines::Many,
    card_numbers: CardNumbers::Refused,
};
/// Why something was done.
pub const REASON: TextRule = TextRule { max_chars: limits::REASON_CHARS, lines: Lines::One, ..NOTES };
/// A product's description. Article numbers in it have as many digits as cards have.
pub const DESCRIPTION: TextRule =
    TextRule { max_chars: limits::DESCRIPTION_CHARS, card_numbers: CardNumbers::Ignored, ..NOTES };
/// A carrier's tracking number.
pub const TRACKING_NUMBER: TextRule = TextRule {
    max_chars: limits::TRACKING_NUMBER_CHARS,
    presence: Presence::Optional,
    lines: Lines::One,
    card_numbers: CardNumbers::Ignored,
};
/// A payment token.
pub const PAYMENT_TOKEN: TextRule = TextRule { max_chars: limits::PAYMENT_TOKEN_CHARS, ..NAME };

const METADATA_KEY: TextRule = TextRule { max_chars: limits::METADATA_KEY_CHARS, ..NAME };
const METADATA_VALUE: TextRule = TextRule { max_chars: limits::METADATA_VALUE_CHARS, ..OPTIONAL_NAME };

impl TextRule {
    /// Trims a text and holds it against the rule; `None` after a violation, all of which are pushed under `field`.
    pub fn check(&self, text: &str, field: &str, violations: &mut Violations) -> Option<String> {
        let text = text.trim();
        let before = violations.len();
        if text.is_empty() && self.presence == Presence::Required {
            violations.push(field, reason::REQUIRED, "must not be empty");
        }
        if text.chars().count() > self.max_chars {
            violations.push(field, reason::TOO_LONG, format!("must have at most {} characters", self.max_chars));
        }
        if text.chars().any(|c| self.is_forbidden(c)) {
            violations.push(field, reason::CONTROL_CHARACTER, "must not contain control characters");
        }
        if self.card_numbers == CardNumbers::Refused && looks_like_card_number(text) {
            violations.push(field, reason::CARD_NUMBER, "must not contain the number of a payment card");
        }
        (violations.len() == before).then(|| text.to_owned())
    }

    fn is_forbidden(&self, c: char) -> bool {
        c.is_control()
            && match self.lines {
                Lines::One => true,
                Lines::Many => !matches!(c, '\n' | '\r' | '\t'),
            }
    }
}

/// Holds a caller's labels against the limits; `None` after a violation, all of which are pushed below `field`.
pub fn check_metadata(
    pairs: impl IntoIterator<Item = (String, String)>,
    field: &str,
    violations: &mut Violations,
) -> Option<BTreeMap<String, String>> {
    let before = violations.len();
    let mut checked = BTreeMap::new();
    for (n, (key, value)) in pairs.into_iter().enumerate() {
        if n == limits::METADATA_PAIRS {
            let most = format!("must have at most {} pairs", limits::METADATA_PAIRS);
            violations.push(field, reason::TOO_MANY, most);
            break;
        }
        // The path shows no more of a key than a valid one has; it is the caller's own text.
        let path = format!("{field}[{:?}]", key.chars().take(limits::METADATA_KEY_CHARS).collect::<String>());
        let key = METADATA_KEY.check(&key, &path, violations);
        let value = METADATA_VALUE.check(&value, &path, violations);
        if value.as_ref().is_some_and(String::is_empty) {
            violations.push(path, reason::REQUIRED, "must not be empty; leave the pair out");
            continue;
        }
        if let (Some(key), Some(value)) = (key, value)
            && checked.insert(key, value).is_some()
        {
            violations.push(path, reason::DUPLICATE, "must be named once; blanks around a key do not count");
        }
    }
    (violations.len() == before).then_some(checked)
}

/// Digits of a payment card number (ISO/IEC 7812-1).
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Whether a text contains what may be the number of a payment card: 13 to 19 digits, perhaps in groups with blanks or
/// dashes between them, with the right check digit and a first digit that card schemes use. One in ten numbers of that
/// length passes the check by chance.
#[must_use]
pub fn looks_like_card_number(text: &str) -> bool {
    let is_separator = |c: char| matches!(c, ' ' | '-' | '\u{a0}');
    text.split(|c: char| !c.is_ascii_digit() && !is_separator(c)).any(|run| {
        let groups: Vec<&str> = run.split(is_separator).filter(|group| !group.is_empty()).collect();
        (0..groups.len()).any(|first| has_card_number_at(&groups[first..]))
    })
}

/// Whether a card number begins with the first group and ends with one of the following.
fn has_card_number_at(groups: &[&str]) -> bool {
    let mut digits = String::new();
    for group in groups {
        digits.push_str(group);
        if digits.len() > *CARD_DIGITS.end() {
            return false;
        }
        if CARD_DIGITS.contains(&digits.len())
            && digits.starts_with(['2', '3', '4', '5', '6', '8'])
            && has_luhn(&digits)
        {
            return true;
        }
    }
    false
}

/// Whether the last digit checks the others (Luhn, ISO/IEC 7812-1 annex B).
fn has_luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(n, byte)| {
            let digit = u32::from(byte - b'0') * if n % 2 == 1 { 2 } else { 1 };
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(rule: TextRule, text: &str) -> Vec<&'static str> {
        let mut violations = Violations::new();
        let checked = rule.check(text, "field", &mut violations);
        assert_eq!(checked.is_some(), violations.is_empty());
        violations.iter().map(|violation| violation.reason).collect()
    }

    #[test]
    fn texts_are_trimmed_and_counted_in_characters() {
        let mut violations = Violations::new();
        assert_eq!(NAME.check("  Zoë  ", "name", &mut violations).unwrap(), "Zoë");
        assert_eq!(reasons(NAME, &"ë".repeat(limits::NAME_CHARS)), [""; 0]);
        assert_eq!(reasons(NAME, &"ë".repeat(limits::NAME_CHARS + 1)), [reason::TOO_LONG]);
        assert_eq!(reasons(NAME, " \t "), [reason::REQUIRED]);
        assert_eq!(reasons(OPTIONAL_NAME, ""), [""; 0]);
    }

    #[test]
    fn control_characters_are_refused_except_breaks_in_long_texts() {
        assert_eq!(reasons(NAME, "a\0b"), [reason::CONTROL_CHARACTER]);
        assert_eq!(reasons(NAME, "a\nb"), [reason::CONTROL_CHARACTER]);
        assert_eq!(reasons(NOTES, "a\r\n\tb"), [""; 0]);
        assert_eq!(reasons(NOTES, "a\u{1b}[31mb"), [reason::CONTROL_CHARACTER]);
    }

    #[test]
    fn all_violations_of_a_text_are_named_at_once() {
        let text = format!("4111 1111 1111 1111\0{}", "x".repeat(limits::NAME_CHARS));
        assert_eq!(reasons(NAME, &text), [reason::TOO_LONG, reason::CONTROL_CHARACTER, reason::CARD_NUMBER]);
    }

    #[test]
    fn card_numbers_are_found_in_any_dress() {
        let cards = [
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "tok_4111111111111111",
            "card 5555 5555 5555 4444 12/27 123",
            "12 4111 1111 1111 1111 99",
            "378282246310005",
            "6011\u{a0}1111\u{a0}1111\u{a0}1117",
            "4222222222222",
        ];
        for card in cards {
            assert!(looks_like_card_number(card), "{card}");
        }
    }

    #[test]
    fn other_numbers_are_left_alone() {
        let others = [
            "",
            "4111111111111112",
            "tok_visa_approve",
            "SPK-2026-001001",
            "018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f01",
            "+49 151 23456789",
            "1Z999AA10123456784",
            "0000000000000000",
            "1709999999123456",
            "41111111111111111111",
        ];
        for other in others {
            assert!(!looks_like_card_number(other), "{other}");
        }
        assert_eq!(reasons(TRACKING_NUMBER, "4111111111111111"), [""; 0]);
    }

    #[test]
    fn metadata_is_bounded_in_number_and_length() {
        let check = |pairs: Vec<(String, String)>| {
            let mut violations = Violations::new();
            let checked = check_metadata(pairs, "metadata", &mut violations);
            assert_eq!(checked.is_some(), violations.is_empty());
            violations
        };
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let full: Vec<_> = (0..limits::METADATA_PAIRS).map(|n| pair(&n.to_string(), "v")).collect();
        assert!(check(full.clone()).is_empty());
        assert_eq!(check(vec![pair("gift", "")]).iter().next().unwrap().reason, reason::REQUIRED);
        let over = check(full.into_iter().chain([pair("one more", "v")]).collect());
        assert_eq!(over.iter().next().unwrap().reason, reason::TOO_MANY);
        let twice = check(vec![pair("gift", "yes"), pair(" gift ", "no")]);
        assert_eq!(twice.iter().next().unwrap().reason, reason::DUPLICATE);
        let wrong = check(vec![pair("", "v"), pair("note", "4111111111111111"), pair("long", &"x".repeat(513))]);
        let named: Vec<_> = wrong.iter().map(|v| (v.field.as_str(), v.reason)).collect();
        let expected = [
            ("metadata[\"\"]", reason::REQUIRED),
            ("metadata[\"note\"]", reason::CARD_NUMBER),
            ("metadata[\"long\"]", reason::TOO_LONG),
        ];
        assert_eq!(named, expected);
    }
}
