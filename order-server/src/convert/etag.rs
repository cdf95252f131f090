//! Etags: the revision of a thing. Opaque to callers, who only hand it back.

use order_core::{
    limits,
    violation::{Violations, reason},
};

/// The etag of a revision; empty for a thing that is not stored yet.
#[must_use]
pub fn to_text(revision: i64) -> String {
    if revision > 0 { revision.to_string() } else { String::new() }
}

/// Reads an etag that may be left out: the revision that the caller saw.
pub fn optional(text: &str, field: &str, violations: &mut Violations) -> Option<Option<i64>> {
    if text.is_empty() {
        return Some(None);
    }
    let revision = parse(text);
    if revision.is_none() {
        violations.push(field, reason::MALFORMED, "must be an etag as this service gave it");
    }
    revision.map(Some)
}

/// One revision has one spelling: no signs, no leading zeros.
fn parse(text: &str) -> Option<i64> {
    let fits = text.len() <= limits::ETAG_CHARS;
    let revision = text.parse().ok()?;
    (fits && to_text(revision) == text).then_some(revision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_round_trip() {
        let mut violations = Violations::new();
        for revision in [1, 17, i64::MAX] {
            assert_eq!(optional(&to_text(revision), "etag", &mut violations), Some(Some(revision)));
        }
        assert_eq!(optional("", "etag", &mut violations), Some(None));
        assert!(violations.is_empty());
    }

    #[test]
    fn what_is_not_our_etag_is_refused() {
        let mut violations = Violations::new();
        for garbage in ["0", "-1", "+1", "01", "r1", "\"1\"", " 1", "1 ", "1.0", "99999999999999999999", "é"] {
            assert_eq!(optional(garbage, "etag", &mut violations), None, "{garbage}");
        }
        assert!(violations.iter().all(|found| found.field == "etag" && found.reason == reason::MALFORMED));
    }
}
