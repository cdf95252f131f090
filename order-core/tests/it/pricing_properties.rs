//! What holds for every price, whatever the rules and the cart.

use order_core::{
    limits,
    money::Money,
    pricing::{PricedLine, Pricing, PricingInput, price},
    rounding::RoundingScope,
    rules::{PriceMode, Rules},
};
use proptest::prelude::*;

use crate::shop::{order, rules};

pub(crate) fn any_rules() -> impl Strategy<Value = Rules> {
    let word = |words: [&'static str; 2]| prop::sample::select(words.to_vec());
    (
        word(["\"HALF_UP\"", "\"HALF_EVEN\""]),
        word(["\"LINE\"", "\"UNIT\""]),
        word(["\"EXCLUSIVE\"", "\"INCLUSIVE\""]),
        word(["# shipping_class", "shipping_class"]),
        0_u32..=1_000_000,
    )
        .prop_map(|(rounding, scope, mode, shipping_class, millionths)| {
            let rate = format!("\"{}.{:06}\"", millionths / 1_000_000, millionths % 1_000_000);
            rules(&[
                ("\"HALF_UP\"", rounding),
                ("\"LINE\"", scope),
                ("\"EXCLUSIVE\"", mode),
                ("# shipping_class", shipping_class),
                ("\"0.08\"", &rate),
            ])
        })
}

pub(crate) fn any_order() -> impl Strategy<Value = PricingInput> {
    let unit_price = prop_oneof![0_i64..10_000, 0..=limits::UNIT_PRICE_MINOR_MAX];
    let quantity = prop_oneof![1_u32..10, 1..=limits::QUANTITY_MAX];
    let line = (unit_price, quantity).prop_map(|(minor, units)| (minor, units, "standard"));
    let code = prop::sample::select(vec!["USD", "JPY", "KWD", "CLF"]);
    (code, prop::collection::vec(line, 0..20), prop::option::of(0_i64..=1_000)).prop_map(|(code, lines, permille)| {
        let input = order(code, "US-CA", &lines);
        let subtotal: i64 = lines.iter().map(|(minor, units, _)| minor * i64::from(*units)).sum();
        let discount = |permille: i64| {
            let minor = i128::from(subtotal) * i128::from(permille) / 1_000;
            Money::new(i64::try_from(minor).unwrap(), input.currency)
        };
        PricingInput { order_discount: permille.map(discount), ..input }
    })
}

pub(crate) fn sum(pricing: &Pricing, part: impl Fn(&PricedLine) -> Money) -> Money {
    Money::sum(pricing.lines.iter().map(part), pricing.total.currency()).unwrap()
}

proptest! {
    #[test]
    fn totals_are_sums(rules in any_rules(), input in any_order()) {
        let pricing = price(&rules, &input).unwrap();
        prop_assert_eq!(pricing.lines.len(), input.lines.len());
        prop_assert_eq!(pricing.subtotal, sum(&pricing, |line| line.subtotal));
        prop_assert_eq!(pricing.discount, sum(&pricing, |line| line.discount));
        prop_assert_eq!(pricing.tax, sum(&pricing, |line| line.tax));
        prop_assert_eq!(pricing.discount, input.order_discount.unwrap_or(Money::zero(input.currency)));
        let parts = [sum(&pricing, |line| line.total), pricing.shipping, pricing.shipping_tax];
        prop_assert_eq!(pricing.total, Money::sum(parts, input.currency).unwrap());
    }

    #[test]
    fn every_line_adds_up_and_nothing_is_negative(rules in any_rules(), input in any_order()) {
        let pricing = price(&rules, &input).unwrap();
        for (line, asked) in pricing.lines.iter().zip(&input.lines) {
            let base = line.subtotal.checked_sub(line.discount).unwrap();
            let expected = match rules.price_mode() {
                PriceMode::Exclusive => base.checked_add(line.tax).unwrap(),
                PriceMode::Inclusive => base,
            };
            prop_assert_eq!(line.total, expected);
            let amounts = [line.subtotal, line.discount, line.tax, line.total, base];
            prop_assert!(amounts.iter().all(|amount| !amount.is_negative()));
            // Rounded for each unit, each unit may be rounded up.
            let slack = match rules.rounding_scope() {
                RoundingScope::Line => 0,
                RoundingScope::Unit => i64::from(asked.quantity.get()),
            };
            prop_assert!(line.tax.minor() <= base.minor() + slack, "tax of at most 100 % is no more than what it is on");
        }
        let amounts = [pricing.shipping, pricing.shipping_tax, pricing.total];
        prop_assert!(amounts.iter().all(|amount| !amount.is_negative()));
    }

    #[test]
    fn the_explanation_ends_with_the_total_and_survives_storage(rules in any_rules(), input in any_order()) {
        let pricing = price(&rules, &input).unwrap();
        let last = pricing.explanation.steps.last().unwrap();
        prop_assert_eq!((last.rule.as_str(), last.rounded), ("total", pricing.total));
        let stored = serde_json::to_string(&pricing).unwrap();
        prop_assert_eq!(serde_json::from_str::<Pricing>(&stored).unwrap(), pricing);
    }

    #[test]
    fn any_price_and_discount_give_a_price_or_an_error(
        rules in any_rules(),
        mut input in any_order(),
        minor: i64,
        discount: i64,
    ) {
        for line in &mut input.lines {
            line.unit_price = Money::new(minor, input.currency);
        }
        input.order_discount = Some(Money::new(discount, input.currency));
        let _either = price(&rules, &input);
    }
}
