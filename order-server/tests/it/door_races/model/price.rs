//! What things cost, in cents: 8 % tax on each line, half a cent up; shipping 5.99 unless the goods cost more than 50.00.

use order_api::v1::{self, coupon::Kind};

use super::step::{Lines, PRODUCTS};
use crate::door_money::kit::usd;

/// What a coupon takes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Off {
    Tenth,
    Five,
    Shipping,
}

/// A coupon, its least subtotal in cents, and for how many orders it is good: in all, and of one customer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coupon {
    pub(super) code: &'static str,
    off: Off,
    least: i64,
    pub(super) total: usize,
    pub(super) each: usize,
}

pub(super) const COUPONS: [Coupon; 3] = [
    Coupon { code: "TENTH", off: Off::Tenth, least: 0, total: 3, each: usize::MAX },
    Coupon { code: "FIVE", off: Off::Five, least: 2_000, total: usize::MAX, each: 2 },
    Coupon { code: "POSTFREE", off: Off::Shipping, least: 0, total: usize::MAX, each: usize::MAX },
];

impl Coupon {
    /// As the shop is told of it.
    pub(super) fn wire(&self) -> v1::Coupon {
        let kind = match self.off {
            Off::Tenth => Kind::Percentage(v1::PercentageDiscount { rate: "0.1".to_owned(), cap: None }),
            Off::Five => Kind::Fixed(usd(500)),
            Off::Shipping => Kind::FreeShipping(v1::FreeShipping {}),
        };
        v1::Coupon {
            coupon_code: self.code.to_owned(),
            kind: Some(kind),
            minimum_subtotal: (self.least > 0).then(|| usd(self.least)),
            total_limit: i32::try_from(self.total).unwrap_or(0),
            per_customer_limit: i32::try_from(self.each).unwrap_or(0),
            active: true,
            ..Default::default()
        }
    }
}

/// What each line costs, and shipping; `None` where there is too little for the coupon.
pub(super) fn price(lines: &Lines, coupon: Option<&Coupon>) -> Option<(Vec<i64>, i64)> {
    let mut left: Vec<i64> = lines.iter().map(|(product, quantity)| PRODUCTS[*product].1 * quantity).collect();
    let subtotal: i64 = left.iter().sum();
    if coupon.is_some_and(|coupon| subtotal < coupon.least) {
        return None;
    }
    let off = coupon.map_or(0, |coupon| match coupon.off {
        Off::Tenth => (subtotal * 10 + 50) / 100,
        Off::Five => subtotal.min(500),
        Off::Shipping => 0,
    });
    let shares = shares(off, &left);
    for (line, share) in left.iter_mut().zip(shares) {
        *line -= share;
    }
    let goods: i64 = left.iter().sum();
    let free = goods > 5_000 || coupon.is_some_and(|coupon| coupon.off == Off::Shipping);
    Some((left.into_iter().map(taxed).collect(), if free { 0 } else { 599 }))
}

/// With its tax.
pub(super) fn taxed(line: i64) -> i64 {
    line + (line * 8 + 50) / 100
}

/// Shares in proportion, rounded down; then a cent each to those that lost most by it, the first of equals first.
fn shares(whole: i64, weights: &[i64]) -> Vec<i64> {
    let sum: i64 = weights.iter().sum();
    let mut shares: Vec<i64> = weights.iter().map(|weight| whole * weight / sum).collect();
    let mut losers: Vec<usize> = (0..weights.len()).collect();
    losers.sort_by_key(|n| -(whole * weights[*n] % sum));
    let left = usize::try_from(whole - shares.iter().sum::<i64>()).unwrap();
    for n in &losers[..left] {
        shares[*n] += 1;
    }
    shares
}

/// What `units` of `of` are worth, half a cent up.
pub(super) fn worth(total: i64, units: i64, of: i64) -> i64 {
    (2 * total * units + of) / (2 * of)
}
