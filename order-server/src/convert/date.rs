//! Days of the calendar.

use jiff::{ToSpan, civil};
use order_core::{
    calendar::Date,
    violation::{Violations, reason},
};

/// A day on the wire.
#[must_use]
pub fn to_proto(date: Date) -> order_api::Date {
    let date = civil(date);
    order_api::Date { year: date.year().into(), month: date.month().into(), day: date.day().into() }
}

/// Reads a day that may be left out. Partial dates, which `google.type.Date` knows, are no days.
pub fn optional(date: Option<&order_api::Date>, field: &str, violations: &mut Violations) -> Option<Option<Date>> {
    let Some(&order_api::Date { year, month, day }) = date else { return Some(None) };
    let read = Date::parse(&format!("{year:04}-{month:02}-{day:02}"));
    read.map(Some).map_err(|error| violations.push(field, reason::MALFORMED, error.to_string())).ok()
}

/// So many days earlier; the first day of the year 1 at the earliest.
#[must_use]
pub fn days_before(date: Date, days: u16) -> Date {
    let earlier = civil(date).checked_sub(i32::from(days).days()).unwrap_or(FIRST).max(FIRST);
    Date::parse(&earlier.to_string()).expect("a day after the year 1 reads as it is written")
}

const FIRST: civil::Date = civil::date(1, 1, 1);

fn civil(date: Date) -> civil::Date {
    date.to_string().parse().expect("a date of ours reads as it is written")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(year: i32, month: i32, day: i32) -> order_api::Date {
        order_api::Date { year, month, day }
    }

    #[test]
    fn days_round_trip_and_half_dates_are_refused() {
        let mut violations = Violations::new();
        let leap = wire(2028, 2, 29);
        let read = optional(Some(&leap), "d", &mut violations).flatten().unwrap();
        assert_eq!(to_proto(read), leap);
        for half in [wire(2026, 0, 0), wire(0, 5, 5), wire(2026, 2, 29), wire(2026, -1, 5), wire(i32::MAX, 1, 1)] {
            optional(Some(&half), "d", &mut violations);
        }
        assert_eq!(violations.len(), 4, "the year 0 is a year of the calendar");
    }

    #[test]
    fn days_are_counted_back_over_the_ends_of_months() {
        let day = |text| Date::parse(text).unwrap();
        assert_eq!(days_before(day("2026-03-05"), 29), day("2026-02-04"));
        assert_eq!(days_before(day("0001-01-05"), 29), day("0001-01-01"));
    }
}
