//! Worked examples, each calculated by hand.

use order_core::{
    limits,
    money::{Money, MoneyError},
    pricing::{PricedLine, Pricing, PricingError, PricingInput, Step, price},
    rules::Rules,
};

use crate::shop::{Bought, currency, order, rules};

/// What an order costs, in minor units.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Subtotal, discount, tax and total of each line.
    pub(crate) lines: Vec<[i64; 4]>,
    /// Subtotal, discount and tax of all lines.
    pub(crate) goods: [i64; 3],
    /// Shipping, and the tax on it.
    pub(crate) shipping: [i64; 2],
    pub(crate) total: i64,
}

impl From<&Pricing> for Figures {
    fn from(pricing: &Pricing) -> Self {
        let minor = |amounts: &[Money]| -> Vec<i64> { amounts.iter().map(|amount| amount.minor()).collect() };
        let line = |line: &PricedLine| minor(&[line.subtotal, line.discount, line.tax, line.total]).try_into().unwrap();
        Self {
            lines: pricing.lines.iter().map(line).collect(),
            goods: minor(&[pricing.subtotal, pricing.discount, pricing.tax]).try_into().unwrap(),
            shipping: minor(&[pricing.shipping, pricing.shipping_tax]).try_into().unwrap(),
            total: pricing.total.minor(),
        }
    }
}

pub(crate) fn figures(rules: &Rules, input: &PricingInput) -> Figures {
    Figures::from(&price(rules, input).unwrap())
}

fn with_discount(input: PricingInput, minor: i64) -> PricingInput {
    PricingInput { order_discount: Some(Money::new(minor, input.currency)), ..input }
}

#[test]
fn the_worked_example_of_the_documentation() {
    let pricing = price(&Rules::builtin(), &order("USD", "US-CA", &[(4999, 1, "standard")])).unwrap();
    assert_eq!(pricing.tax.to_string(), "4.00 USD");
    assert_eq!(pricing.shipping.to_string(), "5.99 USD");
    assert_eq!(pricing.total.to_string(), "59.98 USD");
}

#[test]
fn the_builtin_rules_in_currencies_of_every_kind() {
    // currency, unit price and units, then tax, shipping and total
    let cases = [
        ("USD", (4999, 1), [400, 599, 5998]),
        // 50.00 is not over 50.00
        ("USD", (5000, 1), [400, 599, 5999]),
        ("USD", (5001, 1), [400, 0, 5401]),
        ("USD", (1667, 3), [400, 0, 5401]),
        ("EUR", (0, 1), [0, 599, 599]),
        ("USD", (1, 1), [0, 599, 600]),
        // the default list counts minor units: free over 5000 yen, else 599
        ("JPY", (4999, 1), [400, 599, 5998]),
        ("JPY", (5001, 1), [400, 0, 5401]),
        // 12.345 KWD * 0.08 = 0.9876
        ("KWD", (12_345, 1), [988, 0, 13_333]),
        ("KWD", (5000, 1), [400, 599, 5999]),
        ("CLF", (4_000, 1), [320, 599, 4919]),
    ];
    for (code, (unit_price, units), [tax, shipping, total]) in cases {
        let subtotal = unit_price * i64::from(units);
        let expected = Figures {
            lines: vec![[subtotal, 0, tax, subtotal + tax]],
            goods: [subtotal, 0, tax],
            shipping: [shipping, 0],
            total,
        };
        let input = order(code, "", &[(unit_price, units, "standard")]);
        assert_eq!(figures(&Rules::builtin(), &input), expected, "{unit_price} {code} x {units}");
    }
}

#[test]
fn halves_are_rounded_as_declared() {
    // 5 % of 0.10, 0.30 and 0.50 are 0.5, 1.5 and 2.5 cents.
    for (mode, taxes) in [("HALF_UP", [1, 2, 3]), ("HALF_EVEN", [0, 2, 2])] {
        let rules = rules(&[("HALF_UP", mode), ("\"0.08\"", "\"0.05\"")]);
        let lines = [(10, 1, "standard"), (30, 1, "standard"), (50, 1, "standard")];
        let pricing = price(&rules, &order("USD", "", &lines)).unwrap();
        assert_eq!(pricing.lines.iter().map(|line| line.tax.minor()).collect::<Vec<_>>(), taxes, "{mode}");
    }
}

#[test]
fn the_scope_decides_whether_lines_or_units_are_rounded() {
    // 8 % of 1.05 is 8.4 cents, of three of them 25.2.
    for (scope, tax) in [("\"LINE\"", 25), ("\"UNIT\"", 24)] {
        let rules = rules(&[("\"LINE\"", scope)]);
        let pricing = price(&rules, &order("USD", "", &[(105, 3, "standard")])).unwrap();
        assert_eq!(pricing.tax.minor(), tax, "{scope}");
    }
}

#[test]
fn inclusive_prices_contain_their_tax() {
    let rules = rules(&[("EXCLUSIVE", "INCLUSIVE"), ("\"0.08\"", "\"0.19\""), ("# shipping_class", "shipping_class")]);
    // 11.90 / 1.19 = 10.00; 5.99 * 19 / 119 = 0.95638...
    let expected =
        Figures { lines: vec![[1190, 0, 190, 1190]], goods: [1190, 0, 190], shipping: [503, 96], total: 1789 };
    assert_eq!(figures(&rules, &order("EUR", "DE", &[(1190, 1, "standard")])), expected);
}

#[test]
fn inclusive_prices_by_unit_with_a_discount() {
    let rules = rules(&[("EXCLUSIVE", "INCLUSIVE"), ("\"LINE\"", "\"UNIT\""), ("\"0.08\"", "\"0.10\"")]);
    // 3 x 1.00 less 0.50 are 83.33 cents a unit; a tenth of that over 1.10 is 7.57 cents, rounded to 8.
    let expected = Figures { lines: vec![[300, 50, 24, 250]], goods: [300, 50, 24], shipping: [599, 0], total: 849 };
    assert_eq!(figures(&rules, &with_discount(order("USD", "", &[(100, 3, "standard")]), 50)), expected);
}

#[test]
fn a_discount_is_apportioned_to_the_last_cent_before_tax() {
    let lines: [Bought<'_>; 3] = [(1000, 1, "standard"); 3];
    let expected = Figures {
        lines: vec![[1000, 334, 53, 719], [1000, 333, 53, 720], [1000, 333, 53, 720]],
        goods: [3000, 1000, 159],
        shipping: [599, 0],
        total: 2758,
    };
    assert_eq!(figures(&Rules::builtin(), &with_discount(order("USD", "", &lines), 1000)), expected);
}

#[test]
fn free_shipping_looks_at_the_discounted_subtotal() {
    let expected =
        Figures { lines: vec![[6000, 1000, 400, 5400]], goods: [6000, 1000, 400], shipping: [599, 0], total: 5999 };
    assert_eq!(figures(&Rules::builtin(), &with_discount(order("USD", "", &[(6000, 1, "standard")]), 1000)), expected);
}

#[test]
fn a_discount_may_take_everything_but_shipping() {
    let expected = Figures { lines: vec![[1000, 1000, 0, 0]], goods: [1000, 1000, 0], shipping: [599, 0], total: 599 };
    assert_eq!(figures(&Rules::builtin(), &with_discount(order("USD", "", &[(1000, 1, "standard")]), 1000)), expected);
}

#[test]
fn rates_follow_place_and_class_and_shipping_is_taxed_as_its_class() {
    let new_york = "[[tax.rules]]\nname = \"ny\"\ncountry = \"US\"\nregion = \"NY\"\nrate = \"0.08875\"\n";
    let food =
        "[[tax.rules]]\nname = \"ny-food\"\ncountry = \"US\"\nregion = \"NY\"\ntax_class = \"food\"\nrate = \"0\"\n";
    let shipping = "[[shipping.default]]\nname = \"free";
    let rules = rules(&[("# shipping_class", "shipping_class"), (shipping, &format!("{new_york}{food}{shipping}"))]);
    let lines = [(1000, 1, "standard"), (2000, 1, "food")];
    // 10.00 * 0.08875 = 0.8875; 5.99 * 0.08875 = 0.53161
    let expected = Figures {
        lines: vec![[1000, 0, 89, 1089], [2000, 0, 0, 2000]],
        goods: [3000, 0, 89],
        shipping: [599, 53],
        total: 3741,
    };
    assert_eq!(figures(&rules, &order("USD", "us-ny", &lines)), expected);
    // Elsewhere 8 % of 10.00, 20.00 and 5.99.
    assert_eq!(figures(&rules, &order("USD", "US-CA", &lines)).total, 1080 + 2160 + 599 + 48);
}

#[test]
fn an_empty_cart_costs_nothing_not_even_shipping() {
    let expected = Figures { lines: vec![], goods: [0, 0, 0], shipping: [0, 0], total: 0 };
    assert_eq!(figures(&Rules::builtin(), &order("USD", "US", &[])), expected);
}

#[test]
fn the_largest_order_still_has_a_price() {
    let rules = rules(&[("\"0.08\"", "\"1\"")]);
    let lines = vec![(limits::UNIT_PRICE_MINOR_MAX, limits::QUANTITY_MAX, "standard"); limits::LINES_PER_ORDER];
    let pricing = price(&rules, &order("USD", "", &lines)).unwrap();
    assert_eq!(pricing.total.minor(), 20_000_000_000_000_000);
}

#[test]
fn what_cannot_be_priced_is_refused() {
    let refused = |input: PricingInput| price(&Rules::builtin(), &input).unwrap_err();
    let (usd, eur) = (currency("USD"), currency("EUR"));
    let mut mixed = order("USD", "", &[(1, 1, "standard"), (1, 1, "standard")]);
    mixed.lines[1].unit_price = Money::new(1, eur);
    assert_eq!(refused(mixed), PricingError::LineCurrency { line: 1, expected: usd, actual: eur });
    for minor in [i64::MIN, -1, limits::UNIT_PRICE_MINOR_MAX + 1, i64::MAX] {
        let refusal = refused(order("USD", "", &[(minor, 1, "standard")]));
        assert_eq!(refusal, PricingError::UnitPriceOutOfRange { line: 0 }, "{minor}");
    }
    for minor in [i64::MIN, -1, 101, i64::MAX] {
        let refusal = refused(with_discount(order("USD", "", &[(100, 1, "standard")]), minor));
        let expected = [PricingError::DiscountOutOfRange, PricingError::Money(MoneyError::Overflow)];
        assert!(expected.contains(&refusal), "{minor}: {refusal}");
    }
    let foreign =
        PricingInput { order_discount: Some(Money::new(1, eur)), ..order("USD", "", &[(100, 1, "standard")]) };
    assert_eq!(refused(foreign), PricingError::Money(MoneyError::CurrencyMismatch { left: usd, right: eur }));
}

pub(crate) fn tell(step: &Step) -> String {
    let inputs: Vec<_> = step.inputs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let note = if step.note.is_empty() { String::new() } else { format!(" ({})", step.note) };
    format!("{} {}: {} -> {} -> {}{note}", step.rule, step.subject, inputs.join(" "), step.exact, step.rounded)
}

#[test]
fn the_explanation_tells_every_step() {
    let lines = [(4999, 1, "standard"), (100, 2, "standard")];
    let pricing = price(&Rules::builtin(), &with_discount(order("USD", "US", &lines), 10)).unwrap();
    let told: Vec<_> = pricing.explanation.steps.iter().map(tell).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    discount.order line 1: discount=0.10 line_subtotal=49.99 order_subtotal=51.99 -> 0.09615310636660896326 -> 0.10 USD (got one minor unit of the remainder)
    discount.order line 2: discount=0.10 line_subtotal=2.00 order_subtotal=51.99 -> 0.00384689363339103673 -> 0.00 USD
    tax.default line 1: base=49.89 rate=0.08 -> 3.9912 -> 3.99 USD
    tax.default line 2: base=2.00 rate=0.08 -> 0.16 -> 0.16 USD
    shipping.free_over_50 shipping: discounted_subtotal=51.89 over=50.00 -> 0.00 -> 0.00 USD
    total order: lines=56.04 shipping=0.00 shipping_tax=0.00 -> 56.04 -> 56.04 USD
    ");
    let stored = serde_json::to_string(&pricing).unwrap();
    assert_eq!(serde_json::from_str::<Pricing>(&stored).unwrap(), pricing);
}
