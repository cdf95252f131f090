//! Update masks.

use std::collections::BTreeSet;

use order_core::violation::{Violations, reason};

const FIELD: &str = "update_mask";

/// Reads a mask over `known` fields: at least one path, none unknown. Naming a field twice is harmless.
pub fn required(
    mask: Option<&prost_types::FieldMask>,
    known: &'static [&'static str],
    violations: &mut Violations,
) -> Option<BTreeSet<&'static str>> {
    let paths = mask.map_or(&[][..], |mask| &mask.paths);
    if paths.is_empty() {
        violations.push(FIELD, reason::REQUIRED, format!("must name at least one of {}", known.join(", ")));
        return None;
    }
    let mut fields = BTreeSet::new();
    for path in paths {
        if let Some(field) = known.iter().find(|field| *field == path) {
            fields.insert(*field);
        } else {
            violations.push(
                FIELD,
                reason::UNKNOWN_VALUE,
                format!("may name {} only, each as a whole", known.join(", ")),
            );
            return None;
        }
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["contact", "notes"];

    fn read(paths: &[&str]) -> Result<Vec<&'static str>, &'static str> {
        let mut violations = Violations::new();
        let mask = prost_types::FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() };
        let fields = required(Some(&mask), KNOWN, &mut violations);
        fields.map(|fields| fields.into_iter().collect()).ok_or_else(|| violations.iter().next().unwrap().reason)
    }

    #[test]
    fn a_mask_names_known_fields_and_at_least_one() {
        assert_eq!(read(&["notes", "contact", "notes"]), Ok(vec!["contact", "notes"]));
        assert_eq!(read(&[]), Err(reason::REQUIRED));
        for unknown in ["total", "*", "", "contact.email", "Notes"] {
            assert_eq!(read(&["notes", unknown]), Err(reason::UNKNOWN_VALUE), "{unknown}");
        }
        assert_eq!(required(None, KNOWN, &mut Violations::new()), None);
    }
}
