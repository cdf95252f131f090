//! Points in time, to the microsecond, without a clock: who needs "now" is given it.

use std::fmt;

use jiff::{SignedDuration, civil};
use serde::{Deserialize, Serialize};

/// Why something is no point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Before the year 1 or after the year 9999, the interval of `google.protobuf.Timestamp`.
    #[error("must lie between the years 0001 and 9999")]
    OutOfRange,
    /// Nanoseconds outside 0 to 999,999,999.
    #[error("nanos must be 0 to 999999999")]
    NanosOutOfRange,
    /// Not of the shape that is read here.
    #[error("must be a time such as 2026-03-05T14:40:32Z")]
    Malformed,
}

/// A point in time: microseconds since the Unix epoch, between 0001-01-01 and 9999-12-31 UTC.
///
/// Microseconds, because that is what PostgreSQL keeps; a finer value would change when it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// Zero of the scale, on the clock and calendar of UTC.
const EPOCH: civil::DateTime = civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
const MICROS_PER_SECOND: i64 = 1_000_000;
const NANOS_PER_MICRO: u32 = 1_000;

impl Timestamp {
    /// 0001-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(253_402_300_799_999_999);
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(0);

    /// Takes microseconds since the Unix epoch, cut to [`MIN`](Self::MIN) and [`MAX`](Self::MAX): clocks and columns of
    /// ours never lie outside. Input from elsewhere comes through [`from_seconds_nanos`](Self::from_seconds_nanos) or the
    /// parsers, which refuse instead.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        if micros < Self::MIN.0 {
            Self::MIN
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Self(micros)
        }
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Takes the two numbers of a `google.protobuf.Timestamp`. Nanoseconds are cut to microseconds, towards the past.
    ///
    /// # Errors
    /// [`TimeError::NanosOutOfRange`], [`TimeError::OutOfRange`].
    pub fn from_seconds_nanos(seconds: i64, nanos: i32) -> Result<Self, TimeError> {
        let nanos = u32::try_from(nanos).map_err(|_negative| TimeError::NanosOutOfRange)?;
        if nanos > 999_999_999 {
            return Err(TimeError::NanosOutOfRange);
        }
        seconds
            .checked_mul(MICROS_PER_SECOND)
            .and_then(|micros| micros.checked_add(i64::from(nanos / NANOS_PER_MICRO)))
            .ok_or(TimeError::OutOfRange)
            .and_then(Self::in_range)
    }

    /// The two numbers of a `google.protobuf.Timestamp`; nanos are 0 to 999,999,999 also before 1970.
    #[must_use]
    pub fn to_seconds_nanos(self) -> (i64, i32) {
        let micros = i32::try_from(self.0.rem_euclid(MICROS_PER_SECOND)).expect("a remainder below a million");
        (self.0.div_euclid(MICROS_PER_SECOND), micros * 1_000)
    }

    /// So many microseconds later, or earlier if negative; stops at the ends of the range.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// So many seconds later, or earlier if negative; stops at the ends of the range.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_micros(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// Reads RFC 3339: `2026-03-05T14:40:32.5+01:00`. Parts below a microsecond are cut, towards the past.
    ///
    /// # Errors
    /// [`TimeError::Malformed`], [`TimeError::OutOfRange`].
    pub fn parse_rfc3339(text: &str) -> Result<Self, TimeError> {
        let (local, offset_seconds) = split_offset(text).ok_or(TimeError::Malformed)?;
        if !matches!(local.as_bytes().get(10), Some(b'T' | b't')) {
            return Err(TimeError::Malformed);
        }
        let local = parse_civil(local)?;
        local.0.checked_sub(offset_seconds * MICROS_PER_SECOND).ok_or(TimeError::OutOfRange).and_then(Self::in_range)
    }

    /// Reads `2024-09-18 14:40:32`, with or without a fraction, as UTC: what SQL dumps and spreadsheets hold.
    ///
    /// # Errors
    /// [`TimeError::Malformed`], [`TimeError::OutOfRange`].
    pub fn parse_sql_datetime(text: &str) -> Result<Self, TimeError> {
        if text.as_bytes().get(10) != Some(&b' ') {
            return Err(TimeError::Malformed);
        }
        parse_civil(text)
    }

    const fn in_range(micros: i64) -> Result<Self, TimeError> {
        if micros < Self::MIN.0 || micros > Self::MAX.0 { Err(TimeError::OutOfRange) } else { Ok(Self(micros)) }
    }

    /// Clock and calendar of UTC at this instant.
    pub(crate) fn to_civil(self) -> civil::DateTime {
        EPOCH
            .checked_add(SignedDuration::from_micros(self.0))
            .expect("the range of Timestamp lies within that of the calendar")
    }

    /// The instant at which UTC shows this clock and calendar.
    pub(crate) fn from_civil(utc: civil::DateTime) -> Result<Self, TimeError> {
        let micros = utc.duration_since(EPOCH).as_nanos().div_euclid(i128::from(NANOS_PER_MICRO));
        i64::try_from(micros).map_err(|_beyond| TimeError::OutOfRange).and_then(Self::in_range)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, with as many decimals as the value has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Z", self.to_civil())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::from_micros)
    }
}

/// Splits `Z` or `+hh:mm` off the end; the offset comes in seconds east of UTC.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(local) = text.strip_suffix(['Z', 'z']) {
        return Some((local, 0));
    }
    let (local, offset) = text.split_at_checked(text.len().checked_sub("+hh:mm".len())?)?;
    let sign = match offset.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _neither => return None,
    };
    let (hours, minutes) = offset[1..].split_once(':')?;
    let two_digits = |part: &str, below: i64| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<i64>().ok().filter(|number| digits && *number < below)
    };
    Some((local, sign * (two_digits(hours, 24)? * 3_600 + two_digits(minutes, 60)? * 60)))
}

/// Reads `yyyy-mm-dd`, one character that the caller has checked, `hh:mm:ss` and perhaps a fraction, as UTC.
///
/// The shape is checked here because the library reads a good many more shapes than people expect.
fn parse_civil(text: &str) -> Result<Timestamp, TimeError> {
    let (date_and_time, fraction) = text.split_at_checked(19).ok_or(TimeError::Malformed)?;
    let shape_fits = date_and_time.bytes().zip(b"0000-00-00_00:00:00").all(|(byte, &shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'_' => true,
        punctuation => byte == punctuation,
    });
    let fraction_fits = fraction.is_empty()
        || fraction
            .strip_prefix('.')
            .is_some_and(|digits| (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()));
    if !(shape_fits && fraction_fits) {
        return Err(TimeError::Malformed);
    }
    text.parse::<civil::DateTime>().map_err(|_no_such_day| TimeError::Malformed).and_then(Timestamp::from_civil)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn the_range_is_that_of_the_protobuf_timestamp() {
        assert_eq!(Timestamp::MIN.to_string(), "0001-01-01T00:00:00Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(rfc("0001-01-01T00:00:00Z"), Timestamp::MIN);
        assert_eq!(rfc("9999-12-31T23:59:59.999999Z"), Timestamp::MAX);
        assert_eq!(Timestamp::parse_rfc3339("0001-01-01T00:00:00+00:01"), Err(TimeError::OutOfRange));
        assert_eq!(Timestamp::from_seconds_nanos(253_402_300_800, 0), Err(TimeError::OutOfRange));
        assert_eq!(Timestamp::from_micros(i64::MIN), Timestamp::MIN);
        assert_eq!(Timestamp::MAX.plus_micros(i64::MAX), Timestamp::MAX);
    }

    #[test]
    fn seconds_and_nanos_round_trip_before_and_after_the_epoch() {
        for micros in [-62_135_596_800_000_000, -1_000_001, -1, 0, 1, 999_999, 1_709_999_999_123_456] {
            let time = Timestamp::from_micros(micros);
            let (seconds, nanos) = time.to_seconds_nanos();
            assert!((0..1_000_000_000).contains(&nanos));
            assert_eq!(Timestamp::from_seconds_nanos(seconds, nanos), Ok(time));
        }
        assert_eq!(Timestamp::from_seconds_nanos(0, -1), Err(TimeError::NanosOutOfRange));
        assert_eq!(Timestamp::from_seconds_nanos(0, 1_000_000_000), Err(TimeError::NanosOutOfRange));
        assert_eq!(Timestamp::from_seconds_nanos(i64::MAX, 0), Err(TimeError::OutOfRange));
    }

    #[test]
    fn rfc_3339_is_read_with_every_offset_and_written_in_utc() {
        assert_eq!(rfc("2026-03-05T14:40:32Z").to_string(), "2026-03-05T14:40:32Z");
        assert_eq!(rfc("2026-03-05t14:40:32.5+01:30").to_string(), "2026-03-05T13:10:32.5Z");
        assert_eq!(rfc("2026-03-05T14:40:32.123456789-00:30").to_string(), "2026-03-05T15:10:32.123456Z");
        assert_eq!(rfc("1969-12-31T23:59:59.999999Z").micros(), -1);
    }

    #[test]
    fn what_is_not_rfc_3339_is_refused() {
        let wrong = [
            "",
            "Z",
            "2026-03-05",
            "2026-03-05T14:40:32",
            "2026-03-05 14:40:32Z",
            "2026-02-30T14:40:32Z",
            "2026-03-05T25:40:32Z",
            "2026-03-05T14:40:32.Z",
            "2026-03-05T14:40:32+1:30",
            "2026-03-05T14:40:32+24:00",
            "2026-03-05T14:40:32Z[UTC]",
            "+02026-03-05T14:40:32Z",
            "２026-03-05T14:40:32Z",
        ];
        for text in wrong {
            assert_eq!(Timestamp::parse_rfc3339(text), Err(TimeError::Malformed), "{text}");
        }
    }

    #[test]
    fn sql_datetimes_are_utc() {
        let time = Timestamp::parse_sql_datetime("2024-09-18 14:40:32").unwrap();
        assert_eq!(time, rfc("2024-09-18T14:40:32Z"));
        assert_eq!(time.plus_seconds(-32).to_string(), "2024-09-18T14:40:00Z");
        for wrong in
            ["2024-09-18", "2024-09-18T14:40:32", "2024-13-18 14:40:32", "2024-09-18 14:40:32Z", "18.09.2024 14:40:32"]
        {
            assert_eq!(Timestamp::parse_sql_datetime(wrong), Err(TimeError::Malformed), "{wrong}");
        }
    }

    #[test]
    fn it_is_stored_as_an_integer() {
        assert_eq!(serde_json::to_string(&Timestamp::from_micros(7)).unwrap(), "7");
        assert_eq!(serde_json::from_str::<Timestamp>("7").unwrap(), Timestamp::from_micros(7));
    }
}
