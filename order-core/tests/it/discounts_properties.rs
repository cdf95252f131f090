//! What holds for every discount, whatever the rules and the cart.

use order_core::{
    discount::{CouponKind, DiscountRate},
    money::Money,
    pricing::{PricingError, PricingInput, price},
};
use proptest::prelude::*;

use crate::{
    pricing_properties::{any_order, any_rules, sum},
    shop::coupon,
};

/// A kind of coupon in the currency of the order, by three numbers.
fn kind((which, millionths, minor): (u8, u32, i64), input: &PricingInput) -> CouponKind {
    let amount = Money::new(minor, input.currency);
    let rate = DiscountRate::parse(&format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000)).unwrap();
    match which {
        0 => CouponKind::Percentage { rate, cap: None },
        1 => CouponKind::Percentage { rate, cap: Some(amount) },
        2 => CouponKind::Fixed(amount),
        _ => CouponKind::FreeShipping,
    }
}

/// An order with discounts by hand on some lines, and a coupon for every second product. The order's own discount, which any
/// order may have, is to be taken off last.
fn any_discounted() -> impl Strategy<Value = PricingInput> {
    let coupon_of = (0_u8..4, 1_u32..=1_000_000, prop_oneof![1_i64..10_000, 1_i64..=1_000_000_000_000]);
    (any_order(), prop::collection::vec(prop::option::of(0_i64..=1_000), 20), coupon_of, 0_u32..3).prop_map(
        |(mut input, permilles, numbers, reach)| {
            for (n, (line, permille)) in input.lines.iter_mut().zip(permilles).enumerate() {
                line.product_id = format!("p{}", n % 2);
                let subtotal = line.unit_price.checked_mul(i64::from(line.quantity.get())).unwrap();
                let share = |permille| i128::from(subtotal.minor()) * i128::from(permille) / 1_000;
                line.discount =
                    permille.map(|permille: i64| Money::new(share(permille).try_into().unwrap(), input.currency));
            }
            let mut terms = coupon("ANY", kind(numbers, &input));
            terms.products = (0..reach).take(1).map(|_| order_core::ids::ProductId::parse("p0").unwrap()).collect();
            PricingInput { coupon: Some(terms), ..input }
        },
    )
}

proptest! {
    #[test]
    fn sums_agree_and_nothing_falls_below_nothing(rules in any_rules(), input in any_discounted()) {
        let pricing = match price(&rules, &input) {
            Ok(pricing) => pricing,
            Err(PricingError::DiscountOutOfRange | PricingError::Coupon(_)) => return Ok(()),
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
        };
        prop_assert_eq!(pricing.discount, sum(&pricing, |line| line.discount));
        prop_assert!(pricing.discount.minor() <= pricing.subtotal.minor());
        for (line, asked) in pricing.lines.iter().zip(&input.lines) {
            let by_hand = asked.discount.map_or(0, Money::minor);
            prop_assert!(by_hand <= line.discount.minor() && line.discount.minor() <= line.subtotal.minor());
            prop_assert!(!line.total.is_negative() && !line.tax.is_negative());
        }
        let free = input.coupon.as_ref().is_some_and(|coupon| coupon.kind == CouponKind::FreeShipping);
        prop_assert!(!free || (pricing.shipping.is_zero() && pricing.shipping_tax.is_zero()));
    }

    #[test]
    fn a_coupon_takes_what_it_says_and_only_from_its_lines(rules in any_rules(), input in any_discounted()) {
        let input = PricingInput { order_discount: None, ..input };
        let Ok(with) = price(&rules, &input) else { return Ok(()) };
        let without = price(&rules, &PricingInput { coupon: None, ..input.clone() }).unwrap();
        let coupon = input.coupon.as_ref().unwrap();
        let mut eligible = 0_i64;
        for ((with, without), line) in with.lines.iter().zip(&without.lines).zip(&input.lines) {
            if coupon.products.is_empty() || line.product_id == "p0" {
                eligible += without.subtotal.minor() - without.discount.minor();
            } else {
                prop_assert_eq!(with, without);
            }
        }
        let taken = with.discount.minor() - without.discount.minor();
        prop_assert!((0..=eligible).contains(&taken));
        match coupon.kind {
            CouponKind::Fixed(amount) => prop_assert_eq!(taken, amount.minor().min(eligible)),
            CouponKind::Percentage { cap: Some(cap), .. } => prop_assert!(taken <= cap.minor()),
            CouponKind::Percentage { rate, cap: None } => {
                let rate: rust_decimal::Decimal = rate.to_string().parse().unwrap();
                let exact = rate * rust_decimal::Decimal::from(eligible);
                prop_assert!((exact - rust_decimal::Decimal::from(taken)).abs() <= rust_decimal::Decimal::new(5, 1));
            }
            CouponKind::FreeShipping => prop_assert_eq!(taken, 0),
        }
    }

    #[test]
    fn the_steps_of_the_explanation_add_up_to_the_discount(rules in any_rules(), input in any_discounted()) {
        let Ok(pricing) = price(&rules, &input) else { return Ok(()) };
        let steps = pricing.explanation.steps.iter();
        let shares = steps.filter(|step| step.rule.starts_with("discount.") && step.subject != "order");
        let told: i64 = shares.map(|step| step.rounded.minor()).sum();
        prop_assert_eq!(told, pricing.discount.minor());
    }
}
