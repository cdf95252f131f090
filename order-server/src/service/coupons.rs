//! Coupons where prices are made: looked up before, and left out of a price where they cannot be used.
//!
//! What is found here may be gone when the order is placed: the limits are decided again inside that transaction, and a coupon
//! whose terms have changed since is priced anew.

use order_core::{
    discount::{Coupon, CouponProblem, Redeemer},
    error::Refusal,
    ids::CouponCode,
    pricing::{self, Pricing, PricingError, PricingInput},
    rules::Rules,
    time::Timestamp,
};
use order_store::CouponUse;

use crate::{app::App, error::ApiError};

/// A coupon that somebody would like to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedCoupon {
    /// Which.
    pub code: CouponCode,
    /// Who; `None` for a guest whose address is not known yet.
    pub redeemer: Option<Redeemer>,
    /// When.
    pub now: Timestamp,
}

/// What became of a coupon that was wanted; `None` where none was.
pub type Found = Option<Result<Coupon, Refusal>>;

/// A price, and whether the coupon that was wanted is in it.
#[derive(Debug, Clone)]
pub struct Priced {
    /// With the coupon, where it can be used.
    pub pricing: Pricing,
    /// The coupon that is in the price, or why it is not.
    pub coupon: Found,
}

/// Looks a coupon up and holds it against its time and, as far as a look can tell, its limits.
///
/// # Errors
/// `DATABASE_UNAVAILABLE`; that a coupon cannot be used is an answer.
pub async fn look_up(app: &App, wanted: Option<&WantedCoupon>) -> Result<Found, ApiError> {
    let Some(WantedCoupon { code, redeemer, now }) = wanted else { return Ok(None) };
    let found = app.store.coupon(code.clone(), redeemer.clone()).await?;
    let usable = found.ok_or(CouponProblem::Unknown).and_then(|CouponUse { coupon, used }| {
        coupon.check_time(*now).and_then(|()| coupon.check_limits(used)).map(|()| coupon)
    });
    Ok(Some(usable.map_err(|problem| Refusal::CouponNotApplicable { code: code.clone(), problem })))
}

/// Prices lines with a coupon; without it where it is not for them.
///
/// # Errors
/// [`PricingError`], but not because of the coupon.
pub fn price(rules: &Rules, input: PricingInput, found: Found) -> Result<Priced, PricingError> {
    let Some(Ok(coupon)) = found else {
        return Ok(Priced { pricing: pricing::price(rules, &input)?, coupon: found });
    };
    let with = PricingInput { coupon: Some(coupon.terms.clone()), ..input.clone() };
    match pricing::price(rules, &with) {
        Err(PricingError::Coupon(problem)) => {
            let refusal = Refusal::CouponNotApplicable { code: coupon.terms.code, problem };
            Ok(Priced { pricing: pricing::price(rules, &input)?, coupon: Some(Err(refusal)) })
        }
        priced => Ok(Priced { pricing: priced?, coupon: Some(Ok(coupon)) }),
    }
}
