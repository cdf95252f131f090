//! Splitting amounts so that the parts add up to the whole, to the last minor unit.

use std::cmp::Reverse;

use crate::rounding::{Ratio, Rounding};

/// Splits `total_minor` in proportion to `weights` by the method of the largest remainder.
///
/// Everybody gets the exact share, rounded down; the units that are left go, one each, to those whose shares were cut most,
/// and among equals to the first. So every part differs from its exact share by less than one unit, and no part exceeds
/// its weight where the total does not exceed the sum of the weights.
///
/// A negative total is split as its mirror image. A negative weight counts as none; if no weight is left, all count alike.
/// The parts always add up to the total, except that nothing can be split among nobody.
#[must_use]
pub fn largest_remainder(total_minor: i64, weights: &[i64]) -> Vec<i64> {
    let mut weights: Vec<i128> = weights.iter().map(|&weight| i128::from(weight.max(0))).collect();
    if weights.iter().all(|&weight| weight == 0) {
        weights.fill(1);
    }
    let sum: i128 = weights.iter().sum();
    let total = i128::from(total_minor).abs();
    // Below 2^63 * 2^63: neither the products nor the parts leave 128 bits.
    let mut parts: Vec<i128> = weights.iter().map(|weight| total * weight / sum).collect();
    let mut by_remainder: Vec<usize> = (0..parts.len()).collect();
    by_remainder.sort_by_key(|&index| (Reverse(total * weights[index] % sum), index));
    let left = usize::try_from(total - parts.iter().sum::<i128>()).unwrap_or(0);
    for &index in by_remainder.iter().take(left) {
        parts[index] += 1;
    }
    let sign = i128::from(total_minor.signum());
    parts.into_iter().map(|part| i64::try_from(sign * part).expect("a part is no larger than the total")).collect()
}

/// Some of the units of something that was paid for as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitShare {
    /// What was paid for all units, in minor units.
    pub total_minor: i64,
    /// Units in all; positive.
    pub of: u32,
    /// Units whose shares were given out before.
    pub before: u32,
    /// Units whose share is asked for now.
    pub now: u32,
}

/// The share of the next `now` units: `round(total * (before + now) / of) - round(total * before / of)`.
///
/// Being a difference of running totals, the shares of any sequence of parts add up to the total: refunding three units one
/// by one returns exactly what refunding all three returns. `None` where there are fewer units than asked for.
#[must_use]
pub fn cumulative_share(share: UnitShare, rounding: Rounding) -> Option<i64> {
    let end = share.before.checked_add(share.now).filter(|&end| end <= share.of)?;
    let running_total = |units: u32| {
        let exact = Ratio::new(i128::from(share.total_minor) * i128::from(units), i128::from(share.of))?;
        Some(exact.round(rounding))
    };
    i64::try_from(running_total(end)? - running_total(share.before)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remainder_goes_to_the_largest_fractions_and_then_to_the_first() {
        let cases: [(i64, &[i64], &[i64]); 8] = [
            (1000, &[1, 1, 1], &[334, 333, 333]),
            (1000, &[1, 2, 4], &[143, 286, 571]),
            (100, &[3333, 3333, 3334], &[33, 33, 34]),
            (-1000, &[1, 1, 1], &[-334, -333, -333]),
            (5, &[0, 7, 0], &[0, 5, 0]),
            (5, &[0, 0], &[3, 2]),
            (5, &[-3, 1], &[0, 5]),
            (5, &[], &[]),
        ];
        for (total, weights, parts) in cases {
            assert_eq!(largest_remainder(total, weights), parts, "{total} by {weights:?}");
        }
    }

    #[test]
    fn extreme_totals_and_weights_are_split_exactly() {
        for total in [i64::MIN, i64::MAX] {
            let parts = largest_remainder(total, &[i64::MAX; 7]);
            assert_eq!(parts.iter().map(|&part| i128::from(part)).sum::<i128>(), i128::from(total));
        }
        assert_eq!(largest_remainder(i64::MIN, &[1]), [i64::MIN]);
    }

    #[test]
    fn unit_by_unit_adds_up_to_the_whole() {
        let one = |before| UnitShare { total_minor: 1000, of: 3, before, now: 1 };
        let shares = [0, 1, 2].map(|before| cumulative_share(one(before), Rounding::HalfUp).unwrap());
        assert_eq!(shares, [333, 334, 333]);
        assert_eq!(cumulative_share(one(3), Rounding::HalfUp), None);
        assert_eq!(cumulative_share(UnitShare { of: 0, now: 0, ..one(0) }, Rounding::HalfUp), None);
        assert_eq!(cumulative_share(UnitShare { now: u32::MAX, ..one(1) }, Rounding::HalfUp), None);
    }
}
