//! Points in time.

use order_core::{
    time::Timestamp,
    violation::{Violations, reason},
};

/// A point in time on the wire.
#[must_use]
pub fn to_proto(time: Timestamp) -> prost_types::Timestamp {
    let (seconds, nanos) = time.to_seconds_nanos();
    prost_types::Timestamp { seconds, nanos }
}

/// Reads a point in time that may be left out.
pub fn optional(
    time: Option<&prost_types::Timestamp>,
    field: &str,
    violations: &mut Violations,
) -> Option<Option<Timestamp>> {
    let Some(time) = time else { return Some(None) };
    let read = Timestamp::from_seconds_nanos(time.seconds, time.nanos);
    read.map(Some).map_err(|error| violations.push(field, reason::OUT_OF_RANGE, error.to_string())).ok()
}

/// Reads a point in time that must be given.
pub fn required(time: Option<&prost_types::Timestamp>, field: &str, violations: &mut Violations) -> Option<Timestamp> {
    if time.is_none() {
        violations.push(field, reason::REQUIRED, "must be set");
    }
    optional(time, field, violations).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_round_trip_and_impossible_ones_are_refused() {
        let mut violations = Violations::new();
        for micros in [-1, 0, 1_795_000_000_123_456] {
            let time = Timestamp::from_micros(micros);
            assert_eq!(optional(Some(&to_proto(time)), "t", &mut violations), Some(Some(time)));
        }
        assert_eq!(optional(None, "t", &mut violations), Some(None));
        assert!(violations.is_empty());
        for (seconds, nanos) in [(0, -1), (0, 1_000_000_000), (i64::MAX, 0), (i64::MIN, 0)] {
            assert_eq!(optional(Some(&prost_types::Timestamp { seconds, nanos }), "t", &mut violations), None);
        }
        assert_eq!(violations.len(), 4);
    }
}
