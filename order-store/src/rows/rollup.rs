//! Rollups: sums that are kept with the orders, changed in the same transaction.
//!
//! What a transaction does to orders becomes [`Rollups`], the differences that it makes to the sums. They are added to the rows that
//! are there, sorted, so that transactions lock them in one order.

use std::collections::BTreeMap;

use order_core::{ids::OrderId, time::Timestamp};

use super::{OrderRows, row};
use crate::fields::At;

row! {
    /// Orders of one word and currency that were placed in one period; one of several shards.
    order_rollup, OrderRollupRow {
        grain: String,
        start_time: At,
        status: String,
        currency: String,
        shard: i32,
        orders: i64,
        total: i64,
        refunded: i64,
        credited: i64,
    }
}

row! {
    /// What one customer has ordered in one currency.
    customer_rollup, CustomerRollupRow {
        customer_id: String,
        currency: String,
        orders: i64,
        spent: i64,
    }
}

/// How long the periods are that orders are added up by. All begin at midnight UTC, or so many times their length after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grain {
    /// All times.
    All,
    /// A day.
    Day,
    /// An hour.
    Hour,
    /// A quarter of an hour: it divides every offset from UTC in use today.
    QuarterHour,
}

impl Grain {
    const EACH: [Self; 4] = [Self::All, Self::Day, Self::Hour, Self::QuarterHour];
    /// Those that divide time, the longest first.
    pub(crate) const PERIODS: [Self; 3] = [Self::Day, Self::Hour, Self::QuarterHour];

    /// As stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::Day => "DAY",
            Self::Hour => "HOUR",
            Self::QuarterHour => "QUARTER_HOUR",
        }
    }

    /// Length in microseconds; none for all times.
    pub(crate) const fn micros(self) -> Option<i64> {
        match self {
            Self::All => None,
            Self::Day => Some(24 * 3_600_000_000),
            Self::Hour => Some(3_600_000_000),
            Self::QuarterHour => Some(900_000_000),
        }
    }

    /// When the period began that a moment belongs to.
    fn start(self, time: Timestamp) -> At {
        let micros = time.micros();
        At(Timestamp::from_micros(self.micros().map_or(0, |length| micros - micros.rem_euclid(length))))
    }
}

/// Rows of one sum: so many transactions can change it without waiting for each other.
const SHARDS: u8 = 8;

/// What a transaction does to the sums.
#[derive(Debug, Default)]
pub(crate) struct Rollups {
    orders: BTreeMap<OrderKey, Sums>,
    customers: BTreeMap<(String, String), (i64, i64)>,
    shard: Option<i32>,
}

/// Grain, start, word and currency.
type OrderKey = (&'static str, At, String, String);

/// Orders, totals, refunds and credits.
type Sums = [i64; 4];

impl Rollups {
    /// Counts a new order.
    pub(crate) fn place(&mut self, order: &OrderRows) {
        self.add(order, 1);
    }

    /// Counts an order as it is now, and no longer as it was.
    pub(crate) fn change(&mut self, before: &OrderRows, after: &OrderRows) {
        self.add(before, -1);
        self.add(after, 1);
    }

    fn add(&mut self, rows: &OrderRows, sign: i64) {
        let order = &rows.order;
        // The first order decides for all: one row for each sum is enough for a transaction.
        self.shard.get_or_insert_with(|| shard(OrderId::new(order.order_id.0)));
        let sums = [1, order.total, order.refunded, order.credited];
        for grain in Grain::EACH {
            let start = grain.start(order.create_time.0);
            let key = (grain.as_str(), start, order.status.clone(), order.currency.clone());
            let own = self.orders.entry(key).or_default();
            for (own, sum) in own.iter_mut().zip(sums) {
                *own += sign * sum;
            }
        }
        if let Some(customer) = &order.customer_id {
            let spent: i64 = rows.payments.iter().map(|payment| payment.captured - payment.refunded).sum();
            let own = self.customers.entry((customer.clone(), order.currency.clone())).or_default();
            own.0 += sign;
            own.1 += sign * spent;
        }
    }

    /// The differences, sorted by key, without those that are none.
    pub(crate) fn into_rows(self) -> (Vec<OrderRollupRow>, Vec<CustomerRollupRow>) {
        let shard = self.shard.unwrap_or_default();
        let changed = self.orders.into_iter().filter(|(_, sums)| *sums != Sums::default());
        let orders = changed.map(|((grain, start_time, status, currency), [orders, total, refunded, credited])| {
            let grain = grain.to_owned();
            OrderRollupRow { grain, start_time, status, currency, shard, orders, total, refunded, credited }
        });
        let changed = self.customers.into_iter().filter(|(_, sums)| *sums != (0, 0));
        let customers = changed.map(|((customer_id, currency), (orders, spent))| CustomerRollupRow {
            customer_id,
            currency,
            orders,
            spent,
        });
        (orders.collect(), customers.collect())
    }
}

/// The last byte of an identity is as good as random.
fn shard(id: OrderId) -> i32 {
    let [.., last] = *id.uuid().as_bytes();
    i32::from(last % SHARDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_at_midnight_or_after_it_also_before_1970() {
        let hour = 3_600_000_000;
        let at = |micros| Timestamp::from_micros(micros);
        assert_eq!(Grain::Day.start(at(49 * hour)), At(at(48 * hour)));
        assert_eq!(Grain::Day.start(at(-1)), At(at(-24 * hour)));
        assert_eq!(Grain::QuarterHour.start(at(hour + 1)), At(at(hour)));
        assert_eq!(Grain::All.start(at(hour)), At(at(0)));
    }

    #[test]
    fn every_period_is_made_of_whole_shorter_ones() {
        let lengths = Grain::PERIODS.map(|grain| grain.micros().unwrap());
        assert!(lengths.windows(2).all(|pair| pair[0] % pair[1] == 0), "{lengths:?}");
    }
}
