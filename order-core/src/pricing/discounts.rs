//! What is taken off the lines, in the one order in which it is: by hand off single lines, by the coupon, by hand off the whole.
//!
//! Each step sees what the ones before it left, so that no line can fall below nothing.

use super::{PricingError, Step, calculate::Pricer, calculate::line_subject};
use crate::{
    apportion::largest_remainder,
    discount::{CouponKind, CouponLine, CouponTerms, Reduction},
    money::{Money, MoneyError},
    rounding::Ratio,
};

/// An amount that is apportioned to lines.
struct Apportioned<'a> {
    /// For the explanation.
    rule: &'a str,
    /// How much.
    amount: Money,
    /// In proportion to what; minor units, none for lines that get nothing.
    weights: &'a [i64],
    /// What the explanation calls the sum of the weights.
    whole: &'static str,
}

impl Pricer<'_> {
    /// What is left of each line's subtotal.
    pub(super) fn discounted(&mut self, subtotals: &[Money]) -> Result<Vec<Money>, PricingError> {
        let mut left = subtotals.to_vec();
        self.line_discounts(&mut left)?;
        if let Some(coupon) = &self.input.coupon {
            self.coupon(coupon, &mut left)?;
        }
        self.order_discount(&mut left)?;
        Ok(left)
    }

    fn line_discounts(&mut self, left: &mut [Money]) -> Result<(), PricingError> {
        for (line, (left, asked)) in left.iter_mut().zip(&self.input.lines).enumerate() {
            let Some(discount) = asked.discount.filter(|discount| !discount.is_zero()) else { continue };
            let after = left.checked_sub(discount)?;
            if discount.is_negative() || after.is_negative() {
                return Err(PricingError::LineDiscountOutOfRange { line });
            }
            let step = Step::exactly("discount.line", line_subject(line), discount);
            self.explanation.steps.push(step.with("line_subtotal", left.to_decimal()));
            *left = after;
        }
        Ok(())
    }

    /// Rounded once for all its lines, so that ten lines do not round ten times.
    fn coupon(&mut self, coupon: &CouponTerms, left: &mut [Money]) -> Result<(), PricingError> {
        let lines = self.input.lines.iter().zip(&*left);
        let lines: Vec<_> = lines.map(|(line, &left)| CouponLine { product_id: &line.product_id, left }).collect();
        let weights = coupon.eligible(self.input.currency, &lines).map_err(PricingError::Coupon)?;
        let rule = format!("discount.coupon.{}", coupon.code);
        let eligible = self.sum(weights.iter().map(|&minor| Money::new(minor, self.input.currency)))?;
        let Reduction { exact, used } = coupon.reduction(eligible.minor(), self.rules.rounding());
        let amount = Money::new(used, self.input.currency);
        let step = Step::exactly(rule.clone(), "order", amount)
            .before_rounding(exact)
            .with("eligible_subtotal", eligible.to_decimal());
        let step = match coupon.kind {
            CouponKind::Percentage { rate, cap: None } => step.with("rate", rate),
            CouponKind::Percentage { rate, cap: Some(cap) } => step.with("rate", rate).with("cap", cap.to_decimal()),
            CouponKind::Fixed(fixed) => step.with("amount", fixed.to_decimal()),
            // It is told where shipping is priced.
            CouponKind::FreeShipping => return Ok(()),
        };
        self.explanation.steps.push(step);
        Ok(self.apportion(&Apportioned { rule: &rule, amount, weights: &weights, whole: "eligible_subtotal" }, left)?)
    }

    fn order_discount(&mut self, left: &mut [Money]) -> Result<(), PricingError> {
        let Some(discount) = self.input.order_discount else { return Ok(()) };
        let whole = self.sum(left.iter().copied())?;
        if discount.is_negative() || whole.checked_sub(discount)?.is_negative() {
            return Err(PricingError::DiscountOutOfRange);
        }
        let weights: Vec<i64> = left.iter().map(|left| left.minor()).collect();
        Ok(self.apportion(
            &Apportioned { rule: "discount.order", amount: discount, weights: &weights, whole: "order_subtotal" },
            left,
        )?)
    }

    /// Takes an amount off lines by largest remainder. It is no more than the weights add up to, and no weight is more than its
    /// line has left: so no share is either.
    fn apportion(&mut self, off: &Apportioned<'_>, left: &mut [Money]) -> Result<(), MoneyError> {
        if off.amount.is_zero() {
            return Ok(());
        }
        let currency = self.input.currency;
        let whole = self.sum(off.weights.iter().map(|&minor| Money::new(minor, currency)))?;
        let shares = largest_remainder(off.amount.minor(), off.weights);
        for (n, (left, (share, &weight))) in left.iter_mut().zip(shares.into_iter().zip(off.weights)).enumerate() {
            let share = Money::new(share, currency);
            *left = left.checked_sub(share)?;
            if weight > 0 {
                let line = Money::new(weight, currency);
                self.explanation.steps.push(share_step((off, n), share, [line, whole]));
            }
        }
        Ok(())
    }
}

fn share_step((off, n): (&Apportioned<'_>, usize), share: Money, [line, whole]: [Money; 2]) -> Step {
    let step = Step::exactly(off.rule, line_subject(n), share)
        .with("discount", off.amount.to_decimal())
        .with("line_subtotal", line.to_decimal())
        .with(off.whole, whole.to_decimal());
    let Some(exact) = Ratio::new(i128::from(off.amount.minor()) * i128::from(line.minor()), i128::from(whole.minor()))
    else {
        return step;
    };
    let got_remainder = i128::from(share.minor()) > exact.floor();
    let step = step.before_rounding(exact);
    if got_remainder { step.noting("got one minor unit of the remainder") } else { step }
}
