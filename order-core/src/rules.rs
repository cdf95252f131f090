//! The rules of pricing: data, read from a TOML file once, never changed while the process runs.

mod read;
mod section;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    rounding::{Rounding, RoundingScope},
    shipping::ShippingRules,
    tax::TaxRules,
};

/// Whether prices contain tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PriceMode {
    /// Tax is added to them.
    #[default]
    Exclusive,
    /// Tax is contained in them.
    Inclusive,
}

impl PriceMode {
    /// Both modes, for tables and tests.
    pub const ALL: [Self; 2] = [Self::Exclusive, Self::Inclusive];

    /// The word that is stored, configured and logged.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exclusive => "EXCLUSIVE",
            Self::Inclusive => "INCLUSIVE",
        }
    }
}

/// How prices come about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    rounding: Rounding,
    rounding_scope: RoundingScope,
    price_mode: PriceMode,
    tax: TaxRules,
    shipping: ShippingRules,
}

/// The rules that hold where the operator gives none; the file also documents the format.
pub const BUILTIN_TOML: &str = include_str!("rules/default.toml");

impl Rules {
    /// Reads a rule file. `BUILTIN_TOML` shows and explains its format.
    ///
    /// # Errors
    /// [`RulesError`] with every mistake, each under the path of its key; also for keys that no rule has, since a misspelt
    /// rule would silently not hold.
    pub fn from_toml(text: &str) -> Result<Self, RulesError> {
        read::rules(text)
    }

    /// The rules that hold where the operator gives none: 8 % tax, shipping free over 50.00, else 5.99.
    #[must_use]
    pub fn builtin() -> Self {
        Self::from_toml(BUILTIN_TOML).expect("the file is compiled in, and a test reads it")
    }

    /// How halves are rounded.
    #[must_use]
    pub const fn rounding(&self) -> Rounding {
        self.rounding
    }

    /// Where rounding happens.
    #[must_use]
    pub const fn rounding_scope(&self) -> RoundingScope {
        self.rounding_scope
    }

    /// Whether prices contain tax.
    #[must_use]
    pub const fn price_mode(&self) -> PriceMode {
        self.price_mode
    }

    /// Tax rules.
    #[must_use]
    pub const fn tax(&self) -> &TaxRules {
        &self.tax
    }

    /// Shipping rules.
    #[must_use]
    pub const fn shipping(&self) -> &ShippingRules {
        &self.shipping
    }
}

/// Something in a rule file that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Path of the key: `shipping.default[1].price`. Empty if the file is no TOML at all.
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Every mistake of a rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesError {
    /// At least one.
    pub mistakes: Vec<Mistake>,
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the pricing rules have {} mistake(s)", self.mistakes.len())?;
        for Mistake { path, problem } in &self.mistakes {
            let separator = if path.is_empty() { "" } else { ": " };
            write!(f, "\n  {path}{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for RulesError {}
