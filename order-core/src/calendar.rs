//! Days and months where people live: time zones of the IANA database, which is compiled in, so that the same build gives
//! the same answer on every machine.

use std::fmt;

use jiff::{
    civil,
    tz::{TimeZone, TimeZoneDatabase},
};

use crate::{limits, time::Timestamp};

/// Why a calendar question has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// Not a name of the IANA database.
    #[error("must be an IANA time zone such as Europe/Berlin")]
    UnknownZone,
    /// Not a date.
    #[error("must be a date such as 2026-03-05")]
    MalformedDate,
    /// The first day comes after the last.
    #[error("the first day must not come after the last")]
    Reversed,
    /// More days than one answer holds.
    #[error("must span at most {} days", limits::STATS_DAYS)]
    TooManyDays,
}

/// A day of the calendar, wherever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(civil::Date);

impl Date {
    /// Reads `2026-03-05`.
    ///
    /// # Errors
    /// [`CalendarError::MalformedDate`].
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let shape_fits = text.len() == 10
            && text.bytes().zip(b"0000-00-00").all(
                |(byte, &shape)| {
                    if shape == b'0' { byte.is_ascii_digit() } else { byte == shape }
                },
            );
        if !shape_fits {
            return Err(CalendarError::MalformedDate);
        }
        text.parse().map(Self).map_err(|_no_such_day| CalendarError::MalformedDate)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A day with its limits on the scale of time. It may have 23 or 25 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The day.
    pub date: Date,
    /// Its first instant.
    pub start: Timestamp,
    /// The first instant of the next day.
    pub end: Timestamp,
}

/// A time zone. Near the ends of [`Timestamp`]'s range its answers are cut to that range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// Takes a name of the IANA database, whatever its capitals: `Europe/Berlin`.
    ///
    /// # Errors
    /// [`CalendarError::UnknownZone`]; offsets and POSIX rules are no names.
    pub fn parse(name: &str) -> Result<Self, CalendarError> {
        let zone = TimeZoneDatabase::bundled().get(name).map_err(|_unknown| CalendarError::UnknownZone)?;
        // `Etc/Unknown` is a placeholder for "nobody knows", not a place.
        if zone.is_unknown() { Err(CalendarError::UnknownZone) } else { Ok(Self(zone)) }
    }

    /// The name, with the database's capitals.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The day on which an instant falls.
    #[must_use]
    pub fn date(&self, instant: Timestamp) -> Date {
        // jiff ends a day before the year 10000, so that every offset still has a year of four digits.
        let instant = jiff::Timestamp::from_microsecond(instant.micros()).unwrap_or(jiff::Timestamp::MAX);
        Date(self.0.to_datetime(instant).date())
    }

    /// The first instant of the day on which an instant falls. Where clocks jump over midnight, that is when they land.
    #[must_use]
    pub fn start_of_day(&self, instant: Timestamp) -> Timestamp {
        self.first_instant(self.date(instant))
    }

    /// The first instant of the month in which an instant falls.
    #[must_use]
    pub fn start_of_month(&self, instant: Timestamp) -> Timestamp {
        self.first_instant(Date(self.date(instant).0.first_of_month()))
    }

    /// The days from `first` to `last`, both included. One ends where the next begins.
    ///
    /// # Errors
    /// [`CalendarError::Reversed`], [`CalendarError::TooManyDays`].
    pub fn days(&self, first: Date, last: Date) -> Result<Vec<Day>, CalendarError> {
        if first > last {
            return Err(CalendarError::Reversed);
        }
        let mut days = Vec::new();
        let mut next = Some(first);
        while let Some(date) = next.filter(|&date| date <= last) {
            if days.len() == limits::STATS_DAYS {
                return Err(CalendarError::TooManyDays);
            }
            next = date.0.tomorrow().ok().map(Date);
            let end = next.map_or(Timestamp::MAX, |tomorrow| self.first_instant(tomorrow));
            days.push(Day { date, start: self.first_instant(date), end });
        }
        Ok(days)
    }

    fn first_instant(&self, date: Date) -> Timestamp {
        let past_the_end = if date.0.year() > 0 { Timestamp::MAX } else { Timestamp::MIN };
        date.0
            .to_zoned(self.0.clone())
            .map_or(past_the_end, |midnight| Timestamp::from_micros(midnight.timestamp().as_microsecond()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The year of an instant in UTC, 1 to 9999: order numbers carry it.
#[must_use]
pub fn year_utc(instant: Timestamp) -> i16 {
    instant.to_civil().year()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn zone(name: &str) -> Zone {
        Zone::parse(name).unwrap()
    }

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn a_day_begins_at_local_midnight() {
        let now = time("2026-03-05T23:30:00Z");
        assert_eq!(Zone::UTC.start_of_day(now), time("2026-03-05T00:00:00Z"));
        assert_eq!(zone("Europe/Berlin").start_of_day(now), time("2026-03-05T23:00:00Z"));
        assert_eq!(zone("America/New_York").start_of_day(now), time("2026-03-05T05:00:00Z"));
        assert_eq!(zone("Asia/Kolkata").start_of_month(now), time("2026-02-28T18:30:00Z"));
        assert_eq!(zone("Asia/Kolkata").date(now).to_string(), "2026-03-06");
    }

    #[test]
    fn days_have_23_and_25_hours_when_clocks_change() {
        let days = zone("Europe/Berlin").days(date("2026-03-28"), date("2026-03-30")).unwrap();
        let hours: Vec<_> = days.iter().map(|day| (day.end.micros() - day.start.micros()) / 3_600_000_000).collect();
        assert_eq!(hours, [24, 23, 24]);
        assert!(days.windows(2).all(|pair| pair[0].end == pair[1].start));
        let autumn = zone("Europe/Berlin").days(date("2026-10-25"), date("2026-10-25")).unwrap();
        assert_eq!(autumn[0].end.micros() - autumn[0].start.micros(), 25 * 3_600_000_000);
    }

    #[test]
    fn where_clocks_jump_over_midnight_the_day_begins_when_they_land() {
        // Until 2018 São Paulo began summer time at midnight.
        let noon = time("2018-11-04T12:00:00Z");
        assert_eq!(zone("America/Sao_Paulo").start_of_day(noon), time("2018-11-04T03:00:00Z"));
    }

    #[test]
    fn only_names_of_places_are_zones() {
        assert_eq!(zone("europe/berlin").name(), "Europe/Berlin");
        assert_eq!(zone("UTC").name(), "UTC");
        for wrong in ["", "Mars/Phobos", "+02:00", "CET-1CEST", "Etc/Unknown", "../etc/passwd"] {
            assert_eq!(Zone::parse(wrong), Err(CalendarError::UnknownZone), "{wrong}");
        }
    }

    #[test]
    fn a_series_of_days_is_bounded() {
        let days = |first, last| Zone::UTC.days(date(first), date(last)).map(|days| days.len());
        assert_eq!(days("2024-01-01", "2025-12-31"), Ok(731));
        assert_eq!(days("2024-01-01", "2026-01-01"), Err(CalendarError::TooManyDays));
        assert_eq!(days("2026-01-02", "2026-01-01"), Err(CalendarError::Reversed));
        for wrong in ["", "2026-02-30", "2026-1-1", "20260101", "2026-01-01T00:00", "２026-01-1"] {
            assert_eq!(Date::parse(wrong), Err(CalendarError::MalformedDate), "{wrong}");
        }
    }

    #[test]
    fn the_ends_of_time_have_answers() {
        for name in ["UTC", "Pacific/Kiritimati", "Pacific/Niue"] {
            for instant in [Timestamp::MIN, Timestamp::MAX] {
                let zone = zone(name);
                assert!(zone.start_of_day(instant) <= instant.plus_seconds(86_400));
                assert!(zone.days(zone.date(instant), zone.date(instant)).is_ok());
            }
        }
        assert_eq!(Zone::UTC.days(date("9999-12-31"), date("9999-12-31")).unwrap()[0].end, Timestamp::MAX);
    }

    #[test]
    fn the_year_of_an_order_number_is_that_of_utc() {
        assert_eq!(year_utc(time("2025-12-31T23:59:59Z")), 2025);
        assert_eq!(year_utc(time("2026-01-01T00:30:00+01:00")), 2025);
        assert_eq!(year_utc(Timestamp::MAX), 9999);
    }
}
