//! Short ways to write down what the tests buy.

use std::collections::BTreeSet;

use order_core::{
    address::{CountryCode, Destination},
    currency::Currency,
    discount::{CouponKind, CouponTerms, DiscountRate},
    ids::CouponCode,
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

/// The terms of a coupon that is good for everything.
pub(crate) fn coupon(code: &str, kind: CouponKind) -> CouponTerms {
    CouponTerms {
        code: CouponCode::parse(code).unwrap(),
        kind,
        minimum_subtotal: None,
        products: BTreeSet::new(),
        valid_from: None,
        valid_until: None,
        total_limit: None,
        per_customer_limit: None,
        active: true,
    }
}

/// A share that is taken off, without a bound.
pub(crate) fn off(rate: &str) -> CouponKind {
    CouponKind::Percentage { rate: DiscountRate::parse(rate).unwrap(), cap: None }
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
        discount: None,
    };
    PricingInput {
        currency,
        destination: Destination {
            country: CountryCode::parse(country).ok(),
            region: (!region.is_empty()).then(|| region.to_owned()),
        },
        lines: bought.iter().map(line).collect(),
        coupon: None,
        order_discount: None,
    }
}
