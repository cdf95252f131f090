//! Order numbers: without gaps per prefix and year, because the counter is locked until the orders that they are for are committed.

use std::collections::BTreeMap;

use order_core::{calendar, ids::OrderNumber, time::Timestamp};

use crate::{
    statements::{Done, NumberRange, Series, Write},
    store::Numbering,
};

/// Counters that are locked: their last numbers, and how many were taken.
#[derive(Default)]
pub(super) struct Counters {
    last: BTreeMap<Series, i64>,
    taken: BTreeMap<Series, i64>,
}

impl Counters {
    /// Counters with these last numbers.
    pub(super) fn new(last: impl IntoIterator<Item = (Series, i64)>) -> Self {
        Self { last: last.into_iter().collect(), taken: BTreeMap::new() }
    }

    /// Takes numbers of a counter if it is locked, and answers the first of them.
    fn take(&mut self, series: &Series, count: i64) -> Option<i64> {
        let last = self.last.get_mut(series)?;
        let first = *last + 1;
        *last += count;
        *self.taken.entry(series.clone()).or_default() += count;
        Some(first)
    }

    /// How many were taken of each.
    pub(super) fn taken(self) -> Vec<(Series, i64)> {
        self.taken.into_iter().collect()
    }
}

/// Draws numbers for new orders, by their time: one range for each prefix and year, in their order, dealt out in the orders' order.
pub(super) async fn draw<T: Write>(
    tx: &mut T,
    wanted: &[(Timestamp, &Numbering)],
    counters: &mut Counters,
) -> Done<Vec<OrderNumber>> {
    let series = |(time, numbering): &(Timestamp, &Numbering)| {
        ((numbering.prefix.clone(), calendar::year_utc(*time)), numbering.first)
    };
    let mut counts: BTreeMap<_, i64> = BTreeMap::new();
    for order in wanted {
        *counts.entry(series(order)).or_default() += 1;
    }
    let mut next = BTreeMap::new();
    for ((series, first), count) in counts {
        let start = match counters.take(&series, count) {
            Some(start) => start,
            None => tx.take_numbers(NumberRange { prefix: &series.0, year: series.1, first, count }).await?,
        };
        next.insert((series, first), start);
    }
    let deal = |order: &(Timestamp, &Numbering)| {
        let key = series(order);
        let counter = next.get_mut(&key).expect("a range was taken for every series");
        *counter += 1;
        OrderNumber::new(&key.0.0, key.0.1, *counter - 1)
    };
    Ok(wanted.iter().map(deal).collect())
}
