//! Puts together what several statements read: orders from the rows of six tables, shelves' histories, and statistics from sums.

use std::collections::{BTreeMap, HashMap};

use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text},
};
use order_core::{currency::Currency, ids::OrderId, order::Status, time::Timestamp};

use crate::{
    error::StoreError,
    fields::Id,
    query::{CustomerSummary, DayStats, Stats, StatsQuery},
    rows::{
        CustomerRollupRow, Grain, LineRow, MovementRow, OperationRow, OrderRow, OrderRows, PaymentRow, ReturnRow,
        ShipmentRow,
    },
};

/// Movements in the order in which these identities name them.
pub(crate) fn history(ids: &[Id], found: Vec<MovementRow>) -> Vec<MovementRow> {
    let mut by_id: HashMap<Id, MovementRow> = found.into_iter().map(|row| (row.movement_id, row)).collect();
    ids.iter().filter_map(|id| by_id.remove(id)).collect()
}

/// The rows that hang on a page of orders, each list in the order in which an order wants its own: lines by `line_id`,
/// payments and operations by position, shipments and returns by sequence. Of different orders they may come mixed.
#[derive(Debug, Default)]
pub(crate) struct Children {
    pub(crate) lines: Vec<LineRow>,
    pub(crate) payments: Vec<PaymentRow>,
    pub(crate) operations: Vec<OperationRow>,
    pub(crate) shipments: Vec<ShipmentRow>,
    pub(crate) returns: Vec<ReturnRow>,
}

/// Hangs the children on their orders, which keep their places.
pub(crate) fn orders(orders: Vec<OrderRow>, children: Children) -> Vec<OrderRows> {
    let place: HashMap<Id, usize> = orders.iter().enumerate().map(|(at, order)| (order.order_id, at)).collect();
    let mut whole: Vec<_> = orders.into_iter().map(bare).collect();
    let Children { lines, payments, operations, shipments, returns } = children;
    for row in lines {
        if let Some(&at) = place.get(&row.order_id) {
            whole[at].lines.push(row);
        }
    }
    for row in payments {
        if let Some(&at) = place.get(&row.order_id) {
            whole[at].payments.push(row);
        }
    }
    for row in operations {
        if let Some(&at) = place.get(&row.order_id) {
            whole[at].operations.push(row);
        }
    }
    for row in shipments {
        if let Some(&at) = place.get(&row.order_id) {
            whole[at].shipments.push(row);
        }
    }
    for row in returns {
        if let Some(&at) = place.get(&row.order_id) {
            whole[at].returns.push(row);
        }
    }
    whole
}

const fn bare(order: OrderRow) -> OrderRows {
    OrderRows {
        order,
        lines: Vec::new(),
        payments: Vec::new(),
        operations: Vec::new(),
        shipments: Vec::new(),
        returns: Vec::new(),
    }
}

/// The longest block of time that orders are added up by where no rollup is made of such blocks.
const LONGEST_MICROS: i64 = 15 * 60 * 1_000_000;

/// Blocks of time of equal length, from an origin on, such that every bound of a query is where a block begins. The database
/// groups by block; which block belongs to which day is decided here, and no time zone is known to SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blocks {
    /// Orders before it are not of interest block by block.
    pub(crate) origin: Timestamp,
    /// The length of a block, positive. Block `n` holds the orders of `origin + n * micros` up to the next block.
    pub(crate) micros: i64,
    /// The rollups that are made of such blocks. There are none for days that begin at odd moments, as those of zones of long ago
    /// do: then orders are added up one by one.
    pub(crate) grain: Option<Grain>,
}

impl Blocks {
    /// The longest blocks that fit.
    pub(crate) fn of(query: &StatsQuery) -> Self {
        let bounds = || query.days.iter().chain([&query.today, &query.month]).map(|bound| bound.micros());
        let least = bounds().fold(i64::MAX, i64::min);
        let origin = Timestamp::from_micros(least);
        let fits = |length: i64| bounds().all(|bound| bound % length == 0);
        let mut periods = Grain::PERIODS.into_iter().filter_map(|grain| Some((grain, grain.micros()?)));
        if let Some((grain, micros)) = periods.find(|(_, length)| fits(*length)) {
            return Self { origin, micros, grain: Some(grain) };
        }
        let micros = bounds().fold(LONGEST_MICROS, |block, bound| gcd(block, bound - least));
        Self { origin, micros, grain: None }
    }

    /// When a block begins.
    const fn begin(&self, block: i64) -> Timestamp {
        self.origin.plus_micros(block.saturating_mul(self.micros))
    }
}

const fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// All orders of one word and currency.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct SumRow {
    #[diesel(sql_type = Text)]
    pub(crate) status: String,
    #[diesel(sql_type = Text)]
    pub(crate) currency: String,
    #[diesel(sql_type = BigInt)]
    pub(crate) orders: i64,
    /// Sum of totals, minor units.
    #[diesel(sql_type = BigInt)]
    pub(crate) total: i64,
    /// Sum of what was given back, minor units.
    #[diesel(sql_type = BigInt)]
    pub(crate) refunded: i64,
    /// Sum of what customers were let off, minor units.
    #[diesel(sql_type = BigInt)]
    pub(crate) credited: i64,
}

/// The orders of one block of time, word and currency.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct BlockRow {
    /// Counted from the origin of [`Blocks`].
    #[diesel(sql_type = BigInt)]
    pub(crate) block: i64,
    #[diesel(sql_type = Text)]
    pub(crate) status: String,
    #[diesel(sql_type = Text)]
    pub(crate) currency: String,
    #[diesel(sql_type = BigInt)]
    pub(crate) orders: i64,
    /// Sum of what they cost now, minor units.
    #[diesel(sql_type = BigInt)]
    pub(crate) revenue: i64,
}

/// Adds up statistics: `sums` cover all orders, `rows` those since the origin of [`Blocks::of`] the same query.
pub(crate) fn stats(query: &StatsQuery, sums: Vec<SumRow>, rows: Vec<BlockRow>) -> Result<Stats, StoreError> {
    let days = query.days.len().saturating_sub(1);
    let mut stats = Stats { days: vec![DayStats::default(); days], ..Stats::default() };
    for sum in sums {
        let status = status(&sum.status)?;
        // What was counted under this word once need not be there any more.
        if sum.orders != 0 {
            *stats.by_status.entry(status).or_default() += count(sum.orders)?;
        }
        add(&mut stats.refunds, &sum.currency, sum.refunded)?;
        if is_revenue(status) {
            add(&mut stats.revenue, &sum.currency, sum.total - sum.credited)?;
        }
    }
    let blocks = Blocks::of(query);
    for row in rows {
        let begin = blocks.begin(row.block);
        let orders = count(row.orders)?;
        stats.today += if begin >= query.today { orders } else { 0 };
        stats.month += if begin >= query.month { orders } else { 0 };
        let started = query.days.partition_point(|day| *day <= begin);
        if let Some(day) = started.checked_sub(1).and_then(|at| stats.days.get_mut(at)) {
            day.orders += orders;
            if is_revenue(status(&row.status)?) {
                add(&mut day.revenue, &row.currency, row.revenue)?;
            }
        }
    }
    Ok(stats)
}

/// A customer's summary: `sums` of each currency, how many orders there were lately, and the newest one.
pub(crate) fn summary(
    sums: Vec<CustomerRollupRow>,
    recent: i64,
    last: Option<(OrderId, Timestamp)>,
) -> Result<CustomerSummary, StoreError> {
    let mut summary = CustomerSummary { recent: count(recent)?, last, ..CustomerSummary::default() };
    for sum in sums {
        summary.orders += count(sum.orders)?;
        add(&mut summary.spent, &sum.currency, sum.spent)?;
    }
    Ok(summary)
}

/// Whether orders of this word count as sold: confirmed, and not called off.
const fn is_revenue(status: Status) -> bool {
    match status {
        Status::Confirmed | Status::Processing | Status::Shipped | Status::Delivered | Status::Completed => true,
        Status::Pending | Status::Paid | Status::Cancelled | Status::Refunded => false,
    }
}

fn status(word: &str) -> Result<Status, StoreError> {
    Status::from_word(word).ok_or_else(|| StoreError::corrupt(word))
}

pub(crate) fn count(rows: i64) -> Result<u64, StoreError> {
    u64::try_from(rows).map_err(StoreError::corrupt)
}

/// Adds to sums of money per currency, of which those that are zero are not mentioned.
pub(crate) fn add(sums: &mut BTreeMap<Currency, i64>, currency: &str, minor: i64) -> Result<(), StoreError> {
    let currency = Currency::parse(currency).map_err(StoreError::corrupt)?;
    let sum = sums.get(&currency).copied().unwrap_or_default().checked_add(minor);
    match sum.ok_or_else(|| StoreError::corrupt("a sum of money is too large"))? {
        0 => sums.remove(&currency),
        sum => sums.insert(currency, sum),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn hours(hours: i64) -> Timestamp {
        Timestamp::from_micros(hours * HOUR)
    }

    fn row(block: i64, status: &str, revenue: i64) -> BlockRow {
        BlockRow { block, status: status.to_owned(), currency: "USD".to_owned(), orders: 1, revenue }
    }

    #[test]
    fn blocks_divide_every_day_and_are_as_long_as_they_can_be() {
        let query = |days| StatsQuery { today: hours(48), month: hours(24), days };
        let grain = |bounds: [i64; 3]| Blocks::of(&query(bounds.map(Timestamp::from_micros).to_vec())).grain;
        assert_eq!(grain([0, 24 * HOUR, 48 * HOUR]), Some(Grain::Day));
        assert_eq!(grain([0, 23 * HOUR, 47 * HOUR]), Some(Grain::Hour), "clocks were put forward");
        assert_eq!(grain([-HOUR / 4, 24 * HOUR - HOUR / 4, 48 * HOUR - HOUR / 4]), Some(Grain::QuarterHour));
        let days = Blocks::of(&query(vec![hours(-24), hours(0), hours(24)]));
        assert_eq!((days.origin, days.micros), (hours(-24), 24 * HOUR));
        let odd = Blocks::of(&query(vec![hours(0), Timestamp::from_micros(HOUR + 40_000_000)]));
        assert_eq!((odd.micros, odd.grain), (20_000_000, None), "the offset of a zone of long ago");
        assert_eq!(Blocks::of(&query(Vec::new())).origin, hours(24));
    }

    #[test]
    fn blocks_fall_into_the_day_in_which_they_begin() {
        let query = StatsQuery { today: hours(24), month: hours(0), days: vec![hours(0), hours(24), hours(48)] };
        let rows = vec![row(0, "CONFIRMED", 5), row(0, "SHIPPED", 7), row(1, "PENDING", 11), row(2, "CONFIRMED", 13)];
        let stats = stats(&query, Vec::new(), rows).unwrap();
        let days: Vec<_> = stats.days.iter().map(|day| (day.orders, day.revenue.values().sum::<i64>())).collect();
        assert_eq!(days, [(2, 12), (1, 0)], "what is not confirmed earns nothing, and the third day was not asked for");
        assert_eq!((stats.today, stats.month), (2, 4));
    }

    #[test]
    fn sums_of_zero_are_not_mentioned() {
        let mut sums = BTreeMap::new();
        add(&mut sums, "USD", 0).unwrap();
        add(&mut sums, "EUR", 7).unwrap();
        add(&mut sums, "EUR", -7).unwrap();
        assert!(sums.is_empty());
        add(&mut sums, "EUR", i64::MAX).unwrap();
        assert!(add(&mut sums, "EUR", 1).is_err());
    }
}
