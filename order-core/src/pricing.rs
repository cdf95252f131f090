//! Pricing: what lines cost together, under the rules, at a destination, and why. A pure function.
//!
//! Every figure is a sum of whole minor units: the order's total is the sum of its lines' totals, shipping and the tax on
//! shipping, in either price mode.

mod calculate;
mod discounts;
mod explain;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use self::explain::{Explanation, Step};
pub use crate::address::Destination;
use crate::{
    currency::Currency,
    discount::{CouponProblem, CouponTerms},
    limits,
    money::{Money, MoneyError},
    quantity::Quantity,
    rules::Rules,
};

/// What is to be priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricingInput {
    /// The currency of every amount.
    pub currency: Currency,
    /// Where the goods go, as far as it is known.
    pub destination: Destination,
    /// What is bought. No lines cost nothing, shipping included: a cart may be empty.
    pub lines: Vec<PricingLine>,
    /// The coupon that is used, if one is.
    pub coupon: Option<CouponTerms>,
    /// Taken off the whole order by hand, apportioned to the lines; not negative, at most what the lines' own discounts and the
    /// coupon leave of them.
    pub order_discount: Option<Money>,
}

/// A line to be priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricingLine {
    /// Which product, for the coupon.
    pub product_id: String,
    /// Of one unit, 0 to [`limits::UNIT_PRICE_MINOR_MAX`].
    pub unit_price: Money,
    /// Units.
    pub quantity: Quantity,
    /// Which tax rules apply.
    pub tax_class: String,
    /// Taken off the whole line by hand; not negative, at most its subtotal.
    pub discount: Option<Money>,
}

/// What it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pricing {
    /// One for each line of the input, in its order.
    pub lines: Vec<PricedLine>,
    /// Sum of the lines' subtotals.
    pub subtotal: Money,
    /// Sum of the lines' discounts, not negative.
    pub discount: Money,
    /// Sum of the lines' taxes; tax on shipping stands apart.
    pub tax: Money,
    /// Shipping, without its tax in either price mode.
    pub shipping: Money,
    /// Tax on shipping.
    pub shipping_tax: Money,
    /// Sum of the lines' totals, shipping and tax on shipping.
    pub total: Money,
    /// Why.
    pub explanation: Explanation,
}

/// What a line costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedLine {
    /// Unit price times quantity.
    pub subtotal: Money,
    /// All that is taken off it, its own discount and its shares of the coupon and of the order's; not negative.
    pub discount: Money,
    /// Tax on what is left.
    pub tax: Money,
    /// What the line adds to the order's total: subtotal less discount, plus tax where prices do not contain it.
    pub total: Money,
    /// As a decimal fraction: 0.08.
    pub tax_rate: Decimal,
}

/// Why there is no price. Lines are counted from 0, as in field paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PricingError {
    /// A price in another currency than the order's.
    #[error("line {line} is priced in {actual}, the order is in {expected}")]
    LineCurrency {
        /// Which line.
        line: usize,
        /// The order's currency.
        expected: Currency,
        /// The line's currency.
        actual: Currency,
    },
    /// A negative or absurd price.
    #[error("the price of line {line} must be 0 to {} minor units", limits::UNIT_PRICE_MINOR_MAX)]
    UnitPriceOutOfRange {
        /// Which line.
        line: usize,
    },
    /// A negative discount of the order, or one larger than what it is taken off.
    #[error("the discount must be neither negative nor larger than what the other discounts leave of the subtotal")]
    DiscountOutOfRange,
    /// A negative discount of a line, or one larger than the line's subtotal.
    #[error("the discount of line {line} must be neither negative nor larger than its subtotal")]
    LineDiscountOutOfRange {
        /// Which line.
        line: usize,
    },
    /// The coupon is not for these lines.
    #[error("the coupon cannot be used: {}", .0.describe())]
    Coupon(CouponProblem),
    /// Only reachable with a discount in another currency, or with many times more lines than an order may have.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// Prices lines.
///
/// # Errors
/// [`PricingError`]; never panics, whatever the input.
pub fn price(rules: &Rules, input: &PricingInput) -> Result<Pricing, PricingError> {
    check(input)?;
    calculate::price(rules, input)
}

fn check(input: &PricingInput) -> Result<(), PricingError> {
    for (line, PricingLine { unit_price, .. }) in input.lines.iter().enumerate() {
        let (expected, actual) = (input.currency, unit_price.currency());
        if actual != expected {
            return Err(PricingError::LineCurrency { line, expected, actual });
        }
        if !(0..=limits::UNIT_PRICE_MINOR_MAX).contains(&unit_price.minor()) {
            return Err(PricingError::UnitPriceOutOfRange { line });
        }
    }
    Ok(())
}
