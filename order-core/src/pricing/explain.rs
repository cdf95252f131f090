//! The trace of a price: every rule that was applied, what went into it and what came out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    money::Money,
    rounding::{Ratio, Rounding, RoundingScope},
    rules::{PriceMode, Rules},
};

/// How a price came about. Stored with the order as JSON; after placement nothing is calculated again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Explanation {
    /// How halves were rounded.
    pub rounding: Rounding,
    /// Where rounding happened.
    pub rounding_scope: RoundingScope,
    /// Whether prices contained tax.
    pub price_mode: PriceMode,
    /// What was calculated, in order.
    pub steps: Vec<Step>,
}

/// One calculation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which rule: `discount.line`, `discount.coupon.` and the code, `discount.order`, `tax.` or `shipping.` and the rule's
    /// name, `shipping.coupon.` and the code, `total`. Subtotals among a discount's inputs are less the discounts before it.
    pub rule: String,
    /// What it was applied to: `line 1`, `shipping`, `order`.
    pub subject: String,
    /// What went into it, by name; amounts as decimal numbers in the order's currency.
    pub inputs: BTreeMap<String, String>,
    /// The value before rounding, in units of the currency, cut after 20 decimal places.
    pub exact: String,
    /// The value that was used.
    pub rounded: Money,
    /// For people; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Explanation {
    /// An explanation that has said nothing yet but under which rules.
    pub(super) const fn under(rules: &Rules) -> Self {
        Self {
            rounding: rules.rounding(),
            rounding_scope: rules.rounding_scope(),
            price_mode: rules.price_mode(),
            steps: Vec::new(),
        }
    }
}

impl Step {
    /// A step whose value needed no rounding.
    pub(super) fn exactly(rule: impl Into<String>, subject: impl Into<String>, value: Money) -> Self {
        Self {
            rule: rule.into(),
            subject: subject.into(),
            inputs: BTreeMap::new(),
            exact: value.to_decimal().to_string(),
            rounded: value,
            note: String::new(),
        }
    }

    /// The value before rounding, in minor units.
    pub(super) fn before_rounding(mut self, exact_minor: Ratio) -> Self {
        self.exact = exact_minor.to_decimal_text(self.rounded.currency().exponent());
        self
    }

    /// Something that went into it.
    pub(super) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.inputs.insert(name.to_owned(), value.to_string());
        self
    }

    /// Something worth saying.
    pub(super) fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}
