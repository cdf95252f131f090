//! Shipping rules: an ordered list of conditions and prices for each currency.

use std::collections::BTreeMap;

use crate::{
    address::{CountryCode, Destination},
    currency::Currency,
    money::Money,
};

/// A price for shipping, and when it holds. Amounts are minor units of the currency whose list the rule stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippingRule {
    /// For explanations and people.
    pub name: String,
    /// Only where the discounted subtotal is over (not equal to) this.
    pub over_minor: Option<i64>,
    /// Only for goods that go to this country.
    pub country: Option<CountryCode>,
    /// What shipping costs then.
    pub price_minor: i64,
}

impl ShippingRule {
    fn applies(&self, subtotal: Money, destination: &Destination) -> bool {
        self.over_minor.is_none_or(|over| subtotal.minor() > over)
            && self.country.is_none_or(|country| destination.country == Some(country))
    }

    /// Whether it holds always.
    pub(crate) const fn is_unconditional(&self) -> bool {
        self.over_minor.is_none() && self.country.is_none()
    }
}

/// Rules of which the first that applies holds, and what holds where none does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippingList {
    pub(crate) conditional: Vec<ShippingRule>,
    pub(crate) otherwise: ShippingRule,
}

impl ShippingList {
    fn find(&self, subtotal: Money, destination: &Destination) -> &ShippingRule {
        self.conditional.iter().find(|rule| rule.applies(subtotal, destination)).unwrap_or(&self.otherwise)
    }
}

/// Where a rule was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// In the list of the order's currency.
    Own,
    /// In the list for currencies without one of their own.
    Default,
}

/// The lists of all currencies.
///
/// The default list is written with two decimals, as for dollars, and counts minor units of whatever currency it is applied
/// to: "over 50.00, else 5.99" means over 5000 yen, else 599 yen; over 5.000 dinars, else 0.599. The same *number of units*
/// would ship a parcel for 5.99 yen, which is no amount of yen at all, and taking exchange rates into account is no business
/// of a rule file. Shops that trade in such a currency give it a list of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippingRules {
    pub(crate) default: ShippingList,
    pub(crate) currencies: BTreeMap<Currency, ShippingList>,
}

impl ShippingRules {
    /// The rule for an order whose lines, after discounts, cost `subtotal`, and where it was found.
    #[must_use]
    pub fn find(&self, subtotal: Money, destination: &Destination) -> (&ShippingRule, ListKind) {
        match self.currencies.get(&subtotal.currency()) {
            Some(list) => (list.find(subtotal, destination), ListKind::Own),
            None => (self.default.find(subtotal, destination), ListKind::Default),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(over_minor: Option<i64>, country: Option<&str>, price_minor: i64) -> ShippingRule {
        let country = country.map(|code| CountryCode::parse(code).unwrap());
        ShippingRule { name: String::new(), over_minor, country, price_minor }
    }

    fn price(currency: &str, subtotal_minor: i64, country: &str) -> i64 {
        let yen = ShippingList { conditional: Vec::new(), otherwise: rule(None, None, 800) };
        let rules = ShippingRules {
            default: ShippingList {
                conditional: vec![rule(Some(100), Some("AQ"), 9_900), rule(Some(5_000), None, 0)],
                otherwise: rule(None, None, 599),
            },
            currencies: [(Currency::parse("JPY").unwrap(), yen)].into(),
        };
        let subtotal = Money::new(subtotal_minor, Currency::parse(currency).unwrap());
        let destination = Destination { country: CountryCode::parse(country).ok(), region: None };
        rules.find(subtotal, &destination).0.price_minor
    }

    #[test]
    fn the_first_rule_that_applies_holds_and_over_means_more_than() {
        assert_eq!(price("USD", 5_000, "US"), 599);
        assert_eq!(price("USD", 5_001, "US"), 0);
        assert_eq!(price("USD", 5_001, ""), 0);
        assert_eq!(price("USD", 5_001, "AQ"), 9_900);
        assert_eq!(price("USD", 100, "AQ"), 599);
    }

    #[test]
    fn a_currency_with_a_list_of_its_own_knows_no_other() {
        assert_eq!(price("JPY", 9_999, "JP"), 800);
        assert_eq!(price("KRW", 5_001, "KR"), 0);
        assert_eq!(price("KWD", 5_000, "KW"), 599);
    }
}
