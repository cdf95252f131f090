//! Statistics over all orders.

use order_api::v1;
use order_core::{
    calendar::{CalendarError, Date, Day, Zone},
    order::Status,
    time::Timestamp,
    violation::{Violations, reason},
};
use order_store::{Stats, StatsQuery};

use super::{date, int64, money, time};

/// Days of the series when the caller does not say, today included.
const DAYS_DEFAULT: u16 = 30;

/// What statistics are to cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// Where days and months begin.
    pub zone: Zone,
    /// The days of the series.
    pub days: Vec<Day>,
    /// Now.
    pub now: Timestamp,
}

/// Reads what statistics are to cover.
pub fn period(request: &v1::GetOrderStatsRequest, now: Timestamp, violations: &mut Violations) -> Option<Period> {
    let zone = zone(&request.time_zone, violations);
    let start = date::optional(request.start_date.as_ref(), "start_date", violations);
    let end = date::optional(request.end_date.as_ref(), "end_date", violations);
    let (zone, start, end) = (zone?, start?, end?);
    let last = end.unwrap_or_else(|| zone.date(now));
    let first = start.unwrap_or_else(|| date::days_before(last, DAYS_DEFAULT - 1));
    let days = days(&zone, (first, last), violations)?;
    Some(Period { zone, days, now })
}

fn zone(name: &str, violations: &mut Violations) -> Option<Zone> {
    if name.is_empty() {
        return Some(Zone::UTC);
    }
    Zone::parse(name).map_err(|error| violations.push("time_zone", reason::UNKNOWN_VALUE, error.to_string())).ok()
}

fn days(zone: &Zone, (first, last): (Date, Date), violations: &mut Violations) -> Option<Vec<Day>> {
    let days = zone.days(first, last);
    days.map_err(|error| violations.push(culprit(error), reason::OUT_OF_RANGE, error.to_string())).ok()
}

const fn culprit(error: CalendarError) -> &'static str {
    match error {
        CalendarError::UnknownZone => "time_zone",
        CalendarError::MalformedDate | CalendarError::Reversed | CalendarError::TooManyDays => "end_date",
    }
}

impl Period {
    /// The question to the store.
    #[must_use]
    pub fn query(&self) -> StatsQuery {
        let starts = self.days.iter().map(|day| day.start);
        StatsQuery {
            today: self.zone.start_of_day(self.now),
            month: self.zone.start_of_month(self.now),
            days: starts.chain(self.days.last().map(|day| day.end)).collect(),
        }
    }
}

/// Statistics on the wire.
#[must_use]
pub fn to_proto(stats: &Stats, period: &Period) -> v1::OrderStats {
    let count = |status: Status| stats.by_status.get(&status).copied().map_or(0, int64);
    let daily = period.days.iter().zip(&stats.days).map(|(day, counted)| v1::DailyOrderStats {
        date: Some(date::to_proto(day.date)),
        orders: int64(counted.orders),
        revenue: money::sums(&counted.revenue),
    });
    v1::OrderStats {
        total_orders: int64(stats.by_status.values().sum()),
        pending: count(Status::Pending),
        paid: count(Status::Paid),
        confirmed: count(Status::Confirmed),
        processing: count(Status::Processing),
        shipped: count(Status::Shipped),
        delivered: count(Status::Delivered),
        completed: count(Status::Completed),
        cancelled: count(Status::Cancelled),
        refunded: count(Status::Refunded),
        revenue: money::sums(&stats.revenue),
        refunds: money::sums(&stats.refunds),
        orders_today: int64(stats.today),
        orders_this_month: int64(stats.month),
        daily: daily.collect(),
        time_zone: period.zone.to_string(),
        as_of: Some(time::to_proto(period.now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(request: &v1::GetOrderStatsRequest) -> Result<Period, Vec<String>> {
        let now = Timestamp::parse_rfc3339("2026-03-05T23:30:00Z").unwrap();
        let mut violations = Violations::new();
        period(request, now, &mut violations).ok_or_else(|| violations.into_iter().map(|found| found.field).collect())
    }

    fn wire(year: i32, month: i32, day: i32) -> Option<order_api::Date> {
        Some(order_api::Date { year, month, day })
    }

    #[test]
    fn the_default_is_thirty_days_in_utc() {
        let period = read(&v1::GetOrderStatsRequest::default()).unwrap();
        let dates: Vec<_> = period.days.iter().map(|day| day.date.to_string()).collect();
        assert_eq!((dates.len(), dates[0].as_str(), dates[29].as_str()), (30, "2026-02-04", "2026-03-05"));
        let query = period.query();
        assert_eq!(query.days.len(), 31, "one moment more than there are days");
        assert_eq!(query.today, period.days[29].start);
    }

    #[test]
    fn today_is_tomorrow_in_another_zone() {
        let request = v1::GetOrderStatsRequest { time_zone: "Asia/Kolkata".into(), ..Default::default() };
        assert_eq!(read(&request).unwrap().days[29].date.to_string(), "2026-03-06");
    }

    #[test]
    fn every_wrong_field_is_named() {
        let request = v1::GetOrderStatsRequest {
            time_zone: "Mars/Phobos".into(),
            start_date: wire(2026, 2, 30),
            end_date: wire(2026, 0, 0),
        };
        assert_eq!(read(&request).unwrap_err(), ["time_zone", "start_date", "end_date"]);
        let reversed = v1::GetOrderStatsRequest { start_date: wire(2026, 3, 6), ..Default::default() };
        assert_eq!(read(&reversed).unwrap_err(), ["end_date"]);
        let long = v1::GetOrderStatsRequest { start_date: wire(2020, 1, 1), ..Default::default() };
        assert_eq!(read(&long).unwrap_err(), ["end_date"]);
    }
}
