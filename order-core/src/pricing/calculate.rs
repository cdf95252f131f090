//! The calculation behind [`price`](super::price), step by step.

use super::{Explanation, PricedLine, Pricing, PricingError, PricingInput, PricingLine, Step};
use crate::{
    discount::CouponKind,
    money::{Money, MoneyError},
    rounding::{Ratio, RoundingScope},
    rules::{PriceMode, Rules},
    shipping::ListKind,
    tax::{ONE_IN_MILLIONTHS, TaxRate, TaxRule},
};

/// Prices checked input.
pub(super) fn price(rules: &Rules, input: &PricingInput) -> Result<Pricing, PricingError> {
    let mut pricer = Pricer { rules, input, explanation: Explanation::under(rules) };
    let subtotals = pricer.subtotals()?;
    let subtotal = pricer.sum(subtotals.iter().copied())?;
    let discounted = pricer.discounted(&subtotals)?;
    let mut lines = Vec::with_capacity(input.lines.len());
    for (n, (subtotal, left)) in subtotals.into_iter().zip(discounted).enumerate() {
        lines.push(pricer.line(n, subtotal, left)?);
    }
    let discount = pricer.sum(lines.iter().map(|line| line.discount))?;
    let tax = pricer.sum(lines.iter().map(|line| line.tax))?;
    let (shipping, shipping_tax) = pricer.shipping(subtotal.checked_sub(discount)?)?;
    let goods = pricer.sum(lines.iter().map(|line| line.total))?;
    let total = pricer.sum([goods, shipping, shipping_tax])?;
    let step = Step::exactly("total", "order", total)
        .with("lines", goods.to_decimal())
        .with("shipping", shipping.to_decimal())
        .with("shipping_tax", shipping_tax.to_decimal());
    pricer.explanation.steps.push(step);
    Ok(Pricing { lines, subtotal, discount, tax, shipping, shipping_tax, total, explanation: pricer.explanation })
}

/// What is known while a price is calculated.
pub(super) struct Pricer<'a> {
    pub(super) rules: &'a Rules,
    pub(super) input: &'a PricingInput,
    pub(super) explanation: Explanation,
}

/// Something to be taxed.
struct Taxable<'a> {
    /// For the explanation.
    subject: String,
    /// What the tax is a share of, discounts taken off.
    base: Money,
    /// Units that the base is for; 1 where rounding does not care.
    units: u32,
    /// Which rule.
    rule: &'a TaxRule,
}

impl<'a> Pricer<'a> {
    pub(super) fn sum(&self, amounts: impl IntoIterator<Item = Money>) -> Result<Money, MoneyError> {
        Money::sum(amounts, self.input.currency)
    }

    fn subtotals(&self) -> Result<Vec<Money>, MoneyError> {
        let subtotal = |line: &PricingLine| line.unit_price.checked_mul(i64::from(line.quantity.get()));
        self.input.lines.iter().map(subtotal).collect()
    }

    fn line(&mut self, n: usize, subtotal: Money, base: Money) -> Result<PricedLine, MoneyError> {
        let line = &self.input.lines[n];
        let rule = self.rules.tax().find(&self.input.destination, &line.tax_class);
        let discount = subtotal.checked_sub(base)?;
        let tax = self.tax(&Taxable { subject: line_subject(n), base, units: line.quantity.get(), rule })?;
        let total = match self.rules.price_mode() {
            PriceMode::Exclusive => base.checked_add(tax)?,
            PriceMode::Inclusive => base,
        };
        Ok(PricedLine { subtotal, discount, tax, total, tax_rate: rule.rate.decimal() })
    }

    /// The price of shipping and the tax on it; their sum is what the customer pays for it.
    fn shipping(&mut self, discounted: Money) -> Result<(Money, Money), MoneyError> {
        let nothing = Money::zero(self.input.currency);
        if self.input.lines.is_empty() {
            return Ok((nothing, nothing));
        }
        let rules = self.rules;
        let (rule, list) = rules.shipping().find(discounted, &self.input.destination);
        let price = Money::new(rule.price_minor, self.input.currency);
        let mut step = Step::exactly(format!("shipping.{}", rule.name), "shipping", price)
            .with("discounted_subtotal", discounted.to_decimal());
        if let Some(over) = rule.over_minor {
            step = step.with("over", Money::new(over, self.input.currency).to_decimal());
        }
        if list == ListKind::Default && self.input.currency.exponent() != 2 {
            step = step.noting("the default list is written for two decimals and counts minor units here");
        }
        self.explanation.steps.push(step);
        if let Some(coupon) = self.input.coupon.as_ref().filter(|coupon| coupon.kind == CouponKind::FreeShipping) {
            let step = Step::exactly(format!("shipping.coupon.{}", coupon.code), "shipping", nothing);
            self.explanation.steps.push(step.with("price", price.to_decimal()));
            return Ok((nothing, nothing));
        }
        let Some(rule) = rules.tax().find_for_shipping(&self.input.destination) else { return Ok((price, nothing)) };
        let tax = self.tax(&Taxable { subject: "shipping".to_owned(), base: price, units: 1, rule })?;
        match rules.price_mode() {
            PriceMode::Exclusive => Ok((price, tax)),
            PriceMode::Inclusive => Ok((price.checked_sub(tax)?, tax)),
        }
    }

    /// Rounds the tax and notes how it came about.
    fn tax(&mut self, taxable: &Taxable<'a>) -> Result<Money, MoneyError> {
        let units = match self.rules.rounding_scope() {
            RoundingScope::Line => 1,
            RoundingScope::Unit => taxable.units,
        };
        let exact = exact_tax(taxable.base, taxable.rule.rate, self.rules.price_mode(), units)?;
        let rounded = Money::from_wide(exact.round(self.rules.rounding()), taxable.base.currency())?;
        let tax = rounded.checked_mul(i64::from(units))?;
        let mut step = Step::exactly(format!("tax.{}", taxable.rule.name), taxable.subject.clone(), rounded)
            .before_rounding(exact)
            .with("base", taxable.base.to_decimal())
            .with("rate", taxable.rule.rate);
        if units > 1 {
            step = step.with("units", units).noting(format!("of one unit; {units} units make {}", tax.to_decimal()));
        }
        self.explanation.steps.push(step);
        Ok(tax)
    }
}

/// The tax of one of `units` units that cost `base` together, in minor units.
///
/// Added to a price it is `base * rate`; contained in a price it is `base * rate / (1 + rate)`. Both are kept as fractions
/// of integers: base and rate fit 64 and 20 bits, so 128 are plenty.
fn exact_tax(base: Money, rate: TaxRate, mode: PriceMode, units: u32) -> Result<Ratio, MoneyError> {
    let numerator = i128::from(base.minor()) * rate.millionths();
    let whole = match mode {
        PriceMode::Exclusive => ONE_IN_MILLIONTHS,
        PriceMode::Inclusive => ONE_IN_MILLIONTHS + rate.millionths(),
    };
    Ratio::new(numerator, whole * i128::from(units)).ok_or(MoneyError::Overflow)
}

/// A line as explanations name it, counted from 1 as people do.
pub(super) fn line_subject(n: usize) -> String {
    format!("line {}", n + 1)
}
