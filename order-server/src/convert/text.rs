//! Texts whose rule is not that of a single noun.

use order_core::{
    limits,
    text::{self, CardNumbers, Lines, Presence, TextRule},
    violation::Violations,
};

/// A note of the shop's on an order: somebody's card number must not end up here either.
pub const NOTE: TextRule = TextRule { presence: Presence::Required, ..text::NOTES };
/// Why something was done, where a reason must be given.
pub const REQUIRED_REASON: TextRule = TextRule { presence: Presence::Required, ..text::REASON };
/// A search text. Order numbers and SKUs have as many digits as cards have.
const QUERY: TextRule = TextRule {
    max_chars: limits::QUERY_CHARS,
    presence: Presence::Optional,
    lines: Lines::One,
    card_numbers: CardNumbers::Ignored,
};

/// Reads a reason that may be left out.
pub fn reason(text: &str, violations: &mut Violations) -> Option<Option<String>> {
    let text = text::REASON.check(text, "reason", violations)?;
    Some((!text.is_empty()).then_some(text))
}

/// Reads a search text: its words in lower case, each of which must be found.
pub fn words(text: &str, violations: &mut Violations) -> Option<Vec<String>> {
    let text = QUERY.check(text, "query", violations)?;
    Some(text.to_lowercase().split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_text_becomes_words_in_lower_case() {
        let mut violations = Violations::new();
        assert_eq!(words("  Vampire\u{a0}COSTUME ", &mut violations).unwrap(), ["vampire", "costume"]);
        assert_eq!(words("", &mut violations).unwrap(), [""; 0]);
        assert_eq!(words(&"x".repeat(limits::QUERY_CHARS + 1), &mut violations), None);
    }

    #[test]
    fn a_reason_must_not_hold_a_card_number() {
        let mut violations = Violations::new();
        assert_eq!(reason("", &mut violations), Some(None));
        assert_eq!(reason("paid with 4111 1111 1111 1111", &mut violations), None);
    }
}
