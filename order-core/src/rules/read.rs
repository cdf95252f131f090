//! Reads a rule file key by key, by hand: serde would stop at the first mistake, and an operator wants to hear of all.

use std::collections::BTreeMap;

use toml::Table;

use super::{
    Mistake, PriceMode, Rules, RulesError,
    section::{Mistakes, Section},
};
use crate::{
    address::CountryCode,
    currency::Currency,
    limits,
    money::{Money, MoneyError},
    rounding::{Rounding, RoundingScope},
    shipping::{ShippingList, ShippingRule, ShippingRules},
    tax::{self, TaxRate, TaxRule, TaxRules},
};

/// Reads a whole file.
pub(super) fn rules(text: &str) -> Result<Rules, RulesError> {
    let table = text
        .parse::<Table>()
        .map_err(|error| RulesError { mistakes: vec![Mistake { path: String::new(), problem: error.to_string() }] })?;
    let mut mistakes = Mistakes::default();
    let mut root = Section::root(table);
    let rounding = root.word("rounding", Rounding::ALL.map(|r| (r.as_str(), r)), &mut mistakes);
    let scope = root.word("rounding_scope", RoundingScope::ALL.map(|s| (s.as_str(), s)), &mut mistakes);
    let price_mode = root.word("price_mode", PriceMode::ALL.map(|m| (m.as_str(), m)), &mut mistakes);
    let tax = root.section("tax", &mut mistakes).and_then(|section| tax_rules(section, &mut mistakes));
    let shipping = root.section("shipping", &mut mistakes).and_then(|section| shipping_rules(section, &mut mistakes));
    root.finish(&mut mistakes);
    match (tax, shipping) {
        (Some(tax), Some(shipping)) if mistakes.is_empty() => Ok(Rules {
            rounding: rounding.unwrap_or_default(),
            rounding_scope: scope.unwrap_or_default(),
            price_mode: price_mode.unwrap_or_default(),
            tax,
            shipping,
        }),
        _mistaken => Err(mistakes.into()),
    }
}

fn tax_rules(mut section: Section, mistakes: &mut Mistakes) -> Option<TaxRules> {
    let default_rate = section.required("default_rate", TaxRate::parse, mistakes);
    let shipping_class = section.optional("shipping_class", tax_class, mistakes);
    let mut rules: Vec<TaxRule> = Vec::new();
    for rule in section.list("rules", mistakes) {
        let path = rule.path().to_owned();
        if let Some(rule) = tax_rule(rule, mistakes) {
            if let Some(rival) = rules.iter().find(|known| known.rivals(&rule)) {
                mistakes.add(path, format!("asks for the same country, region and class as rule {:?}", rival.name));
            }
            rules.push(rule);
        }
    }
    section.finish(mistakes);
    let default =
        TaxRule { name: "default".to_owned(), country: None, region: None, tax_class: None, rate: default_rate? };
    Some(TaxRules { default, rules, shipping_class })
}

fn tax_rule(mut section: Section, mistakes: &mut Mistakes) -> Option<TaxRule> {
    let name = section.required("name", rule_name, mistakes);
    let [asks_country, asks_region, asks_class] = ["country", "region", "tax_class"].map(|key| section.has(key));
    if asks_region && !asks_country {
        mistakes.add(section.key("region"), "needs a country: many regions share a name");
    }
    if !(asks_country || asks_region || asks_class) {
        mistakes.add(section.path().to_owned(), "asks for nothing; what holds for everything is tax.default_rate");
    }
    let country = section.optional("country", CountryCode::parse, mistakes);
    let region = section.optional("region", region, mistakes);
    let tax_class = section.optional("tax_class", tax_class, mistakes);
    let rate = section.required("rate", TaxRate::parse, mistakes);
    section.finish(mistakes);
    Some(TaxRule { name: name?, country, region, tax_class, rate: rate? })
}

/// The default list is written with two decimals; see [`ShippingRules`].
fn default_list_currency() -> Currency {
    Currency::parse("USD").expect("a currency of the table, with two decimals")
}

fn shipping_rules(mut section: Section, mistakes: &mut Mistakes) -> Option<ShippingRules> {
    let path = section.key("default");
    let default = section.list("default", mistakes);
    let default = shipping_list(default, path, default_list_currency(), mistakes);
    let mut currencies = BTreeMap::new();
    if let Some(mut lists) = section.optional_section("currencies", mistakes) {
        for code in lists.names() {
            let (path, list) = (lists.key(&code), lists.list(&code, mistakes));
            match Currency::parse(&code) {
                Ok(currency) => {
                    currencies.extend(shipping_list(list, path, currency, mistakes).map(|list| (currency, list)));
                }
                Err(error) => mistakes.add(path, error.to_string()),
            }
        }
    }
    section.finish(mistakes);
    Some(ShippingRules { default: default?, currencies })
}

fn shipping_list(
    list: Vec<Section>,
    path: String,
    currency: Currency,
    mistakes: &mut Mistakes,
) -> Option<ShippingList> {
    let entries = list.len();
    let mut rules: Vec<ShippingRule> = Vec::new();
    for (n, section) in list.into_iter().enumerate() {
        let path = section.path().to_owned();
        let Some(rule) = shipping_rule(section, currency, mistakes) else { continue };
        if rule.is_unconditional() && n + 1 < entries {
            mistakes.add(path, "has no condition, so that the rules after it would never apply");
        }
        rules.push(rule);
    }
    match rules.pop() {
        Some(last) if last.is_unconditional() => Some(ShippingList { conditional: rules, otherwise: last }),
        // A list with a broken entry was reported already; only a whole one can be blamed for its end.
        Some(_) if rules.len() + 1 < entries => None,
        None if entries > 0 => None,
        Some(_) | None => {
            mistakes.add(path, "must end with a rule that has no condition, only a price");
            None
        }
    }
}

fn shipping_rule(mut section: Section, currency: Currency, mistakes: &mut Mistakes) -> Option<ShippingRule> {
    let amount = |text: &str| amount_minor(text, currency);
    let name = section.required("name", rule_name, mistakes);
    let over_minor = section.optional("over", amount, mistakes);
    let country = section.optional("country", CountryCode::parse, mistakes);
    let price_minor = section.required("price", amount, mistakes);
    section.finish(mistakes);
    Some(ShippingRule { name: name?, over_minor, country, price_minor: price_minor? })
}

/// Why an amount cannot be used; the texts complete "price: ...".
#[derive(Debug, thiserror::Error)]
enum AmountError {
    #[error(transparent)]
    NoAmount(#[from] MoneyError),
    #[error("must not be negative, nor more than the price of a unit may be")]
    OutOfRange,
}

fn amount_minor(text: &str, currency: Currency) -> Result<i64, AmountError> {
    let minor = Money::from_decimal_str(text, currency)?.minor();
    if (0..=limits::UNIT_PRICE_MINOR_MAX).contains(&minor) { Ok(minor) } else { Err(AmountError::OutOfRange) }
}

fn rule_name(text: &str) -> Result<String, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    let fits = (1..=limits::TAX_CLASS_CHARS).contains(&text.len()) && text.bytes().all(allowed);
    if fits { Ok(text.to_owned()) } else { Err("must be a word of lower-case letters, digits, _ and -") }
}

fn tax_class(text: &str) -> Result<String, &'static str> {
    if tax::is_tax_class(text) {
        Ok(text.to_owned())
    } else {
        Err("must be a tax class: a word of lower-case letters, digits, _ and -")
    }
}

fn region(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= limits::NAME_CHARS;
    if fits { Ok(text.to_owned()) } else { Err("must be a region as addresses write it") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<(String, String)> {
        let error = Rules::from_toml(text).unwrap_err();
        error.mistakes.into_iter().map(|mistake| (mistake.path, mistake.problem)).collect()
    }

    fn paths(text: &str) -> Vec<String> {
        mistakes(text).into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn the_builtin_rules_are_those_of_the_documentation() {
        let rules = Rules::builtin();
        assert_eq!(rules.rounding(), Rounding::HalfUp);
        assert_eq!(rules.rounding_scope(), RoundingScope::Line);
        assert_eq!(rules.price_mode(), PriceMode::Exclusive);
        assert_eq!(rules.tax().default.rate.to_string(), "0.08");
        assert_eq!(rules.shipping().default.conditional[0].over_minor, Some(5_000));
        assert_eq!(rules.shipping().default.otherwise.price_minor, 599);
    }

    #[test]
    fn every_line_that_the_builtin_file_shows_as_a_comment_is_valid() {
        let uncommented: String = super::super::BUILTIN_TOML
            .lines()
            .map(|line| {
                let bare = line.strip_prefix("# ").unwrap_or(line);
                let is_toml =
                    bare.starts_with("[[") || bare.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
                if is_toml { format!("{bare}\n") } else { format!("{line}\n") }
            })
            .collect();
        let closed = format!("{uncommented}[[shipping.currencies.JPY]]\nname = \"flat\"\nprice = \"600\"\n");
        let rules = Rules::from_toml(&closed).unwrap();
        assert_eq!(rules.tax().rules.len(), 1);
        assert_eq!(rules.tax().shipping_class.as_deref(), Some("shipping"));
        assert_eq!(rules.shipping().currencies.len(), 1);
    }

    #[test]
    fn every_mistake_is_named_with_its_path() {
        let text = r#"
            rounding = "UP"
            price_mode = 1
            surprise = true
            [tax]
            default_rate = 0.08
            [[tax.rules]]
            name = "no place"
            region = "NY"
            rate = "8"
            [[tax.rules]]
            name = "everything"
            rate = "0.5"
            [[tax.rules]]
            name = "nowhere"
            country = "XX"
            region = "NY"
            rate = "0.5"
            [[shipping.default]]
            name = "flat"
            price = "5.999"
            discount = "1"
            [[shipping.currencies.USX]]
            name = "flat"
            price = "1.00"
            [[shipping.currencies.JPY]]
            name = "never-ends"
            over = "-1"
            price = "500"
        "#;
        let expected = [
            "rounding",
            "price_mode",
            "tax.default_rate",
            "tax.rules[0].name",
            "tax.rules[0].region",
            "tax.rules[0].rate",
            "tax.rules[1]",
            "tax.rules[2].country",
            "shipping.default[0].discount",
            "shipping.default[0].price",
            "shipping.currencies.JPY[0].over",
            "shipping.currencies.USX",
            "surprise",
        ];
        let sorted = |mut paths: Vec<String>| {
            paths.sort_unstable();
            paths
        };
        assert_eq!(sorted(paths(text)), sorted(expected.map(String::from).to_vec()));
    }

    #[test]
    fn a_list_of_prices_needs_an_end_and_nothing_after_it() {
        let with = |list: &str| format!("[tax]\ndefault_rate = \"0\"\n{list}");
        let conditional = "[[shipping.default]]\nname = \"a\"\nover = \"1\"\nprice = \"1\"\n";
        let flat = "[[shipping.default]]\nname = \"b\"\nprice = \"1\"\n";
        assert!(Rules::from_toml(&with(&format!("{conditional}{flat}"))).is_ok());
        assert_eq!(paths(&with(conditional)), ["shipping.default"]);
        assert_eq!(paths(&with(&format!("{flat}{flat}"))), ["shipping.default[0]"]);
        assert_eq!(paths(&with("[shipping]")), ["shipping.default"]);
        assert_eq!(paths(&with("")), ["shipping"]);
    }

    #[test]
    fn rules_that_could_both_apply_are_refused() {
        let rule = |name: &str| format!("[[tax.rules]]\nname = \"{name}\"\ncountry = \"DE\"\nrate = \"0.19\"\n");
        let text = format!("{}{}{}", super::super::BUILTIN_TOML, rule("one"), rule("two"));
        assert_eq!(paths(&text), ["tax.rules[1]"]);
    }

    #[test]
    fn what_is_no_toml_is_one_mistake() {
        let error = Rules::from_toml("rounding = ").unwrap_err();
        assert_eq!(error.mistakes.len(), 1);
        assert!(error.to_string().starts_with("the pricing rules have 1 mistake(s)\n"));
    }
}
