//! Coupons: what a code takes off an order, of what, when, and how often.
//!
//! Pure. Whether a coupon fits the lines is decided where they are priced ([`pricing`](crate::pricing)); whether it is still to be
//! had depends on the orders of others, and is decided again inside the transaction that places the order.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    contact::Email,
    currency::Currency,
    ids::{CouponCode, ProductId},
    limits,
    money::Money,
    order::{Owner, state::words},
    rounding::{Ratio, Rounding},
    tax::{ONE_IN_MILLIONTHS, TaxRate},
    time::Timestamp,
    violation::{Violations, reason},
};

/// A share that is taken off, above 0 and up to 1, with as many decimal places as tax rates have: 0.1 is 10 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiscountRate(TaxRate);

/// The text is no discount rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a decimal fraction above 0 and up to 1 with at most {} decimal places, such as 0.1 for 10 %",
    limits::TAX_RATE_DECIMALS
)]
pub struct DiscountRateError;

impl DiscountRate {
    /// Reads `0.1`.
    ///
    /// # Errors
    /// [`DiscountRateError`].
    pub fn parse(text: &str) -> Result<Self, DiscountRateError> {
        let rate = TaxRate::parse(text).map_err(|_no_share| DiscountRateError)?;
        if rate == TaxRate::ZERO { Err(DiscountRateError) } else { Ok(Self(rate)) }
    }
}

impl fmt::Display for DiscountRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a coupon takes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CouponKind {
    /// A share of what the eligible lines cost.
    Percentage {
        /// How much of it.
        rate: DiscountRate,
        /// The most that is taken off, if there is a bound.
        cap: Option<Money>,
    },
    /// An amount, or what the eligible lines cost if that is less.
    Fixed(Money),
    /// The price of shipping and the tax on it; nothing of the lines.
    FreeShipping,
}

/// What the shop says of a coupon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CouponTerms {
    /// Identity.
    pub code: CouponCode,
    /// What it takes off.
    pub kind: CouponKind,
    /// What the eligible lines must cost at least, after discounts by hand and before this coupon.
    pub minimum_subtotal: Option<Money>,
    /// The products whose lines are eligible; all lines if empty.
    pub products: BTreeSet<ProductId>,
    /// From when on it can be used.
    pub valid_from: Option<Timestamp>,
    /// Until when it can be used; this moment is the first at which it cannot.
    pub valid_until: Option<Timestamp>,
    /// How many orders it may be used for in all.
    pub total_limit: Option<u32>,
    /// How many orders of one customer, or of one guest's address, it may be used for.
    pub per_customer_limit: Option<u32>,
    /// Whether it can be used at all.
    pub active: bool,
}

/// A coupon as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coupon {
    /// What the shop says of it.
    pub terms: CouponTerms,
    /// For how many orders it is used at the moment; those that were called off before anything was shipped do not count.
    pub redeemed: u32,
    /// 1 at first, one more with each change of the terms: the etag. Uses leave it alone, so that a price stays good while others
    /// use the coupon too.
    pub revision: i64,
    /// When it was added.
    pub create_time: Timestamp,
    /// When its terms last changed.
    pub update_time: Timestamp,
}

words! {
    /// Why a coupon takes nothing off an order.
    CouponProblem {
        /// There is no such coupon.
        Unknown = "UNKNOWN",
        /// The shop has switched it off.
        Inactive = "INACTIVE",
        /// Its time has not come.
        NotYetValid = "NOT_YET_VALID",
        /// Its time is over.
        Expired = "EXPIRED",
        /// The eligible lines cost too little.
        BelowMinimum = "BELOW_MINIMUM",
        /// It is for products that are not in the order.
        NoEligibleLine = "NO_ELIGIBLE_LINE",
        /// It is for another currency.
        Currency = "CURRENCY",
        /// It was used for as many orders as it may be.
        Exhausted = "EXHAUSTED",
        /// This customer has used it as often as one may.
        UsedByCustomer = "USED_BY_CUSTOMER",
    }
}

impl CouponProblem {
    /// What is the matter, for people.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Unknown => "there is no such coupon",
            Self::Inactive => "it is not in use",
            Self::NotYetValid => "it is not valid yet",
            Self::Expired => "it is no longer valid",
            Self::BelowMinimum => "the order is too small for it",
            Self::NoEligibleLine => "it is for other products",
            Self::Currency => "it is for another currency",
            Self::Exhausted => "it has been used up",
            Self::UsedByCustomer => "you have used it as often as one may",
        }
    }
}

/// Who uses a coupon, as the limit for one customer counts it. The text is `customer:ID` or `guest:ADDRESS`, the address in lower
/// case; no customer's text is a guest's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Redeemer(String);

impl Redeemer {
    /// Who uses a coupon for an order; a guest is known by address only.
    #[must_use]
    pub fn of(owner: &Owner, email: &Email) -> Self {
        Self::of_owner(owner).unwrap_or_else(|| Self(format!("guest:{}", email.as_str().to_lowercase())))
    }

    /// Who would use a coupon, where no address is known yet; `None` for a guest.
    #[must_use]
    pub fn of_owner(owner: &Owner) -> Option<Self> {
        owner.customer_id().map(|id| Self(format!("customer:{id}")))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A line as a coupon sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CouponLine<'a> {
    /// Which product.
    pub product_id: &'a str,
    /// What the line costs after the discounts before the coupon.
    pub left: Money,
}

impl CouponTerms {
    /// The currency of its amounts; `None` for a coupon that is good for any.
    #[must_use]
    pub fn currency(&self) -> Option<Currency> {
        self.amounts().next().map(|(_, amount)| amount.currency())
    }

    /// Its amounts, each with the path of its field.
    fn amounts(&self) -> impl Iterator<Item = (&'static str, Money)> {
        let of_kind = match self.kind {
            CouponKind::Percentage { cap, .. } => cap.map(|cap| ("percentage.cap", cap)),
            CouponKind::Fixed(amount) => Some(("fixed", amount)),
            CouponKind::FreeShipping => None,
        };
        of_kind.into_iter().chain(self.minimum_subtotal.map(|minimum| ("minimum_subtotal", minimum)))
    }

    /// Holds the terms against the limits and against each other; everything that is wrong is pushed below `path`.
    pub fn check(&self, path: &str, violations: &mut Violations) {
        let mut wrong = |field: &str, reason, why: String| violations.push(format!("{path}.{field}"), reason, why);
        let currency = self.currency();
        for (field, amount) in self.amounts() {
            if !(1..=limits::ORDER_TOTAL_MINOR_MAX).contains(&amount.minor()) {
                let most = Money::new(limits::ORDER_TOTAL_MINOR_MAX, amount.currency());
                wrong(field, reason::OUT_OF_RANGE, format!("must be more than nothing and at most {most}"));
            }
            if currency.is_some_and(|currency| currency != amount.currency()) {
                let why = "must be in the currency of the coupon's other amount".to_owned();
                wrong(&format!("{field}.currency_code"), reason::UNKNOWN_VALUE, why);
            }
        }
        for (field, limit) in [("total_limit", self.total_limit), ("per_customer_limit", self.per_customer_limit)] {
            if limit.is_some_and(|limit| !(1..=limits::COUPON_USES_MAX).contains(&limit)) {
                let why = format!("must be 1 to {}, or 0 for no limit", limits::COUPON_USES_MAX);
                wrong(field, reason::OUT_OF_RANGE, why);
            }
        }
        if self.products.len() > limits::COUPON_PRODUCTS {
            let why = format!("must have at most {} products", limits::COUPON_PRODUCTS);
            wrong("product_ids", reason::TOO_MANY, why);
        }
        if self.valid_from.zip(self.valid_until).is_some_and(|(from, until)| from >= until) {
            wrong("valid_until", reason::OUT_OF_RANGE, "must be later than valid_from".to_owned());
        }
    }

    /// The coupon after these terms are written over `current`, or `None` where nothing would change.
    #[must_use]
    pub fn upsert(&self, current: Option<&Coupon>, now: Timestamp) -> Option<Coupon> {
        if current.is_some_and(|coupon| coupon.terms == *self) {
            return None;
        }
        Some(Coupon {
            terms: self.clone(),
            redeemed: current.map_or(0, |coupon| coupon.redeemed),
            revision: current.map_or(1, |coupon| coupon.revision + 1),
            create_time: current.map_or(now, |coupon| coupon.create_time),
            update_time: now,
        })
    }

    /// What the coupon counts of each line, in minor units: nothing of those that are not eligible.
    ///
    /// # Errors
    /// What keeps the coupon from these lines.
    pub fn eligible(&self, currency: Currency, lines: &[CouponLine<'_>]) -> Result<Vec<i64>, CouponProblem> {
        if self.currency().is_some_and(|own| own != currency) {
            return Err(CouponProblem::Currency);
        }
        if !lines.iter().any(|line| self.covers(line)) {
            return Err(CouponProblem::NoEligibleLine);
        }
        let left = |line: &CouponLine<'_>| if self.covers(line) { line.left.minor() } else { 0 };
        let left: Vec<i64> = lines.iter().map(left).collect();
        let sum: i128 = left.iter().copied().map(i128::from).sum();
        match self.minimum_subtotal {
            Some(minimum) if sum < i128::from(minimum.minor()) => Err(CouponProblem::BelowMinimum),
            Some(_) | None => Ok(left),
        }
    }

    fn covers(&self, line: &CouponLine<'_>) -> bool {
        self.products.is_empty() || self.products.iter().any(|product| product.as_str() == line.product_id)
    }

    /// What is taken off eligible lines that cost so much together: exactly, and as it is used. All in minor units.
    pub(crate) fn reduction(&self, eligible: i64, rounding: Rounding) -> Reduction {
        let whole = |minor: i64| Ratio::new(i128::from(minor), 1).expect("1 is positive");
        match self.kind {
            CouponKind::Percentage { rate, cap } => {
                let numerator = i128::from(eligible) * rate.0.millionths();
                let exact = Ratio::new(numerator, ONE_IN_MILLIONTHS).expect("a million is positive");
                let rounded = i64::try_from(exact.round(rounding)).expect("a share is no larger than the whole");
                Reduction { exact, used: cap.map_or(rounded, |cap| rounded.min(cap.minor())) }
            }
            CouponKind::Fixed(amount) => Reduction { exact: whole(amount.minor()), used: amount.minor().min(eligible) },
            CouponKind::FreeShipping => Reduction { exact: whole(0), used: 0 },
        }
    }
}

/// What a coupon takes off lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reduction {
    /// Before rounding and bounds.
    pub(crate) exact: Ratio,
    /// Minor units; never more than the lines cost.
    pub(crate) used: i64,
}

impl Coupon {
    /// Whether it can be used at a moment, whatever the order.
    ///
    /// # Errors
    /// What keeps it from being used.
    pub fn check_time(&self, now: Timestamp) -> Result<(), CouponProblem> {
        let terms = &self.terms;
        if !terms.active {
            Err(CouponProblem::Inactive)
        } else if terms.valid_from.is_some_and(|from| now < from) {
            Err(CouponProblem::NotYetValid)
        } else if terms.valid_until.is_some_and(|until| now >= until) {
            Err(CouponProblem::Expired)
        } else {
            Ok(())
        }
    }

    /// Whether it can be used once more by somebody who has used it for `used` orders.
    ///
    /// # Errors
    /// Which limit is reached.
    pub fn check_limits(&self, used: u32) -> Result<(), CouponProblem> {
        if self.terms.total_limit.is_some_and(|limit| self.redeemed >= limit) {
            Err(CouponProblem::Exhausted)
        } else if self.terms.per_customer_limit.is_some_and(|limit| used >= limit) {
            Err(CouponProblem::UsedByCustomer)
        } else {
            Ok(())
        }
    }
}
