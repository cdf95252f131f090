//! Arithmetic that holds for every amount, not only for those we thought of.

use order_core::{
    apportion::{UnitShare, cumulative_share, largest_remainder},
    currency::Currency,
    money::{Money, MoneyError},
    rounding::Rounding,
};
use proptest::prelude::*;

fn any_currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(Currency::all().collect::<Vec<_>>())
}

fn any_money() -> impl Strategy<Value = Money> {
    (any::<i64>(), any_currency()).prop_map(|(minor, currency)| Money::new(minor, currency))
}

fn any_rounding() -> impl Strategy<Value = Rounding> {
    prop::sample::select(Rounding::ALL.to_vec())
}

proptest! {
    #[test]
    fn units_and_nanos_round_trip(money in any_money()) {
        let (units, nanos) = money.to_units_nanos();
        prop_assert!(units.signum() * i64::from(nanos.signum()) >= 0);
        prop_assert_eq!(Money::from_units_nanos(units, nanos, money.currency()), Ok(money));
    }

    #[test]
    fn any_units_and_nanos_are_an_amount_or_an_error(units: i64, nanos: i32, currency in any_currency()) {
        if let Ok(money) = Money::from_units_nanos(units, nanos, currency) {
            prop_assert_eq!(money.to_units_nanos(), (units, nanos));
        }
    }

    #[test]
    fn decimal_texts_round_trip(money in any_money()) {
        let text = money.to_decimal().to_string();
        prop_assert_eq!(Money::from_decimal_str(&text, money.currency()), Ok(money));
    }

    #[test]
    fn any_text_is_an_amount_or_an_error(text in "[-+0-9.e ]{0,50}|.{0,10}", currency in any_currency()) {
        if let Ok(money) = Money::from_decimal_str(&text, currency) {
            prop_assert_eq!(Money::from_decimal_str(&money.to_decimal().to_string(), currency), Ok(money));
        }
    }

    #[test]
    fn arithmetic_is_exact_or_an_error(a in any_money(), b in any_money(), factor: i64) {
        let b = Money::new(b.minor(), a.currency());
        let (wide_a, wide_b) = (i128::from(a.minor()), i128::from(b.minor()));
        let cases = [
            (a.checked_add(b), wide_a + wide_b),
            (a.checked_sub(b), wide_a - wide_b),
            (a.checked_mul(factor), wide_a * i128::from(factor)),
            (Money::sum([a, b], a.currency()), wide_a + wide_b),
        ];
        for (result, exact) in cases {
            let expected = i64::try_from(exact).map_err(|_too_large| MoneyError::Overflow);
            prop_assert_eq!(result.map(Money::minor), expected);
        }
    }

    #[test]
    fn parts_add_up_and_differ_from_their_exact_share_by_less_than_one(
        total: i64,
        weights in prop::collection::vec(prop_oneof![0_i64..1_000, any::<i64>()], 1..40),
    ) {
        let parts = largest_remainder(total, &weights);
        prop_assert_eq!(parts.iter().map(|&part| i128::from(part)).sum::<i128>(), i128::from(total));
        let weights: Vec<i128> = weights.iter().map(|&weight| i128::from(weight.max(0))).collect();
        let sum: i128 = weights.iter().sum();
        if sum > 0 {
            for (part, weight) in parts.iter().zip(&weights) {
                // part - total * weight / sum, times sum; the quotient is taken apart so that 128 bits suffice.
                let share = i128::from(total) * weight;
                let (whole, rest) = (share.div_euclid(sum), share.rem_euclid(sum));
                let above = i128::from(*part) - whole;
                prop_assert!(above == 0 || (above == 1 && rest > 0), "{} of {}", part, total);
            }
        }
    }

    #[test]
    fn no_part_of_a_discount_exceeds_its_line(
        lines in prop::collection::vec(0_i64..1_000_000, 1..40),
        share in 0_u32..=1_000,
    ) {
        let discount = lines.iter().sum::<i64>() * i64::from(share) / 1_000;
        let parts = largest_remainder(discount, &lines);
        prop_assert!(parts.iter().zip(&lines).all(|(part, line)| (0..=*line).contains(part)));
    }

    #[test]
    fn refunds_of_units_telescope(
        total_minor: i64,
        parts in prop::collection::vec(0_u32..500, 1..30),
        rounding in any_rounding(),
    ) {
        let of = parts.iter().sum::<u32>().max(1);
        let mut before = 0;
        let mut refunded = 0_i128;
        for now in parts {
            let share = cumulative_share(UnitShare { total_minor, of, before, now }, rounding).unwrap();
            // Nothing is ever given back beyond one unit's rounding, nor in the wrong direction.
            prop_assert!(i128::from(share).signum() * i128::from(total_minor).signum() >= 0);
            refunded += i128::from(share);
            before += now;
        }
        let whole = if before == of { i128::from(total_minor) } else { 0 };
        prop_assert_eq!(refunded, whole);
    }

    #[test]
    fn any_share_is_an_amount_or_nothing(total_minor: i64, of: u32, before: u32, now: u32, rounding in any_rounding()) {
        let fits = of > 0 && u64::from(before) + u64::from(now) <= u64::from(of);
        let share = cumulative_share(UnitShare { total_minor, of, before, now }, rounding);
        prop_assert_eq!(share.is_some(), fits);
    }
}
