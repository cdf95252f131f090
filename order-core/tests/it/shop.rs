//! Short ways to write down what the tests buy.

use order_core::{
    address::{CountryCode, Destination},
    currency::Currency,
    money::Money,
    pricing::{PricingInput, PricingLine},
    quantity::Quantity,
    rules::{BUILTIN_TOML, Rules},
};

/// A currency by its code.
pub(crate) fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

/// The built-in rules with some texts replaced; each must be there.
pub(crate) fn rules(replacements: &[(&str, &str)]) -> Rules {
    let text = replacements.iter().fold(BUILTIN_TOML.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "the built-in rules do not say {old}");
        text.replace(old, new)
    });
    Rules::from_toml(&text).unwrap()
}

/// A line of `(price of a unit in minor units, units, tax class)`.
pub(crate) type Bought<'a> = (i64, u32, &'a str);

/// An order of some lines for a place such as `US-CA`, `DE` or nowhere.
pub(crate) fn order(code: &str, place: &str, bought: &[Bought<'_>]) -> PricingInput {
    let currency = currency(code);
    let (country, region) = place.split_once('-').unwrap_or((place, ""));
    let line = |&(minor, units, tax_class): &Bought<'_>| PricingLine {
        product_id: "p".to_owned(),
        unit_price: Money::new(minor, currency),
        quantity: Quantity::new(units).unwrap(),
        tax_class: tax_class.to_owned(),
    };
    PricingInput {
        currency,
        destination: Destination {
            country: CountryCode::parse(country).ok(),
            region: (!region.is_empty()).then(|| region.to_owned()),
        },
        lines: bought.iter().map(line).collect(),
        order_discount: None,
    }
}
