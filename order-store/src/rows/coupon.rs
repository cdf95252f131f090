//! `coupon` and `coupon_redemption`.

use std::collections::BTreeSet;

use order_core::{
    discount::{Coupon, CouponKind, CouponTerms, DiscountRate, Redeemer},
    ids::{CouponCode, OrderId, ProductId},
    money::Money,
    time::Timestamp,
    violation::Violations,
};

use super::{count, currency, from_json, json, key, row, stored};
use crate::{
    error::StoreError,
    fields::{At, Id},
};

row! {
    /// A coupon.
    coupon, CouponRow {
        coupon_code: String,
        kind: String,
        rate: Option<String>,
        amount: Option<i64>,
        cap: Option<i64>,
        minimum_subtotal: Option<i64>,
        currency: Option<String>,
        product_ids: String,
        valid_from: Option<At>,
        valid_until: Option<At>,
        total_limit: Option<i32>,
        per_customer_limit: Option<i32>,
        redeemed: i32,
        active: bool,
        revision: i64,
        create_time: At,
        update_time: At,
    }
}

row! {
    /// The use of a coupon for an order.
    coupon_redemption, RedemptionRow {
        order_id: Id,
        coupon_code: String,
        redeemer: String,
        create_time: At,
    }
}

const PERCENTAGE: &str = "PERCENTAGE";
const FIXED: &str = "FIXED";
const FREE_SHIPPING: &str = "FREE_SHIPPING";

/// A kind as columns: its word, rate, amount and cap.
fn kind_columns(kind: &CouponKind) -> (&'static str, Option<String>, Option<i64>, Option<i64>) {
    match kind {
        CouponKind::Percentage { rate, cap } => (PERCENTAGE, Some(rate.to_string()), None, cap.map(Money::minor)),
        CouponKind::Fixed(amount) => (FIXED, None, Some(amount.minor()), None),
        CouponKind::FreeShipping => (FREE_SHIPPING, None, None, None),
    }
}

impl From<&Coupon> for CouponRow {
    fn from(coupon: &Coupon) -> Self {
        let terms = &coupon.terms;
        let (kind, rate, amount, cap) = kind_columns(&terms.kind);
        Self {
            coupon_code: terms.code.to_string(),
            kind: kind.to_owned(),
            rate,
            amount,
            cap,
            minimum_subtotal: terms.minimum_subtotal.map(Money::minor),
            currency: terms.currency().map(|currency| currency.code().to_owned()),
            product_ids: json(&terms.products),
            valid_from: terms.valid_from.map(At),
            valid_until: terms.valid_until.map(At),
            total_limit: terms.total_limit.map(stored),
            per_customer_limit: terms.per_customer_limit.map(stored),
            redeemed: stored(coupon.redeemed),
            active: terms.active,
            revision: coupon.revision,
            create_time: At(coupon.create_time),
            update_time: At(coupon.update_time),
        }
    }
}

impl CouponRow {
    fn money(&self, minor: Option<i64>) -> Result<Option<Money>, StoreError> {
        let Some(minor) = minor else { return Ok(None) };
        let code = self.currency.as_deref().ok_or_else(|| StoreError::corrupt("an amount without a currency"))?;
        Ok(Some(Money::new(minor, currency(code)?)))
    }

    fn kind(&self) -> Result<CouponKind, StoreError> {
        match (self.kind.as_str(), &self.rate, self.money(self.amount)?) {
            (PERCENTAGE, Some(rate), None) => Ok(CouponKind::Percentage {
                rate: DiscountRate::parse(rate).map_err(StoreError::corrupt)?,
                cap: self.money(self.cap)?,
            }),
            (FIXED, None, Some(amount)) => Ok(CouponKind::Fixed(amount)),
            (FREE_SHIPPING, None, None) => Ok(CouponKind::FreeShipping),
            (word, ..) => Err(StoreError::corrupt(format!("coupon kind {word}"))),
        }
    }
}

impl TryFrom<CouponRow> for Coupon {
    type Error = StoreError;

    fn try_from(row: CouponRow) -> Result<Self, StoreError> {
        let terms = CouponTerms {
            code: key(CouponCode::parse(&row.coupon_code))?,
            kind: row.kind()?,
            minimum_subtotal: row.money(row.minimum_subtotal)?,
            products: from_json::<BTreeSet<ProductId>>(&row.product_ids)?,
            valid_from: row.valid_from.map(|at| at.0),
            valid_until: row.valid_until.map(|at| at.0),
            total_limit: row.total_limit.map(count).transpose()?,
            per_customer_limit: row.per_customer_limit.map(count).transpose()?,
            active: row.active,
        };
        let mut violations = Violations::new();
        terms.check("coupon", &mut violations);
        violations.into_result().map_err(StoreError::corrupt)?;
        Ok(Self {
            terms,
            redeemed: count(row.redeemed)?,
            revision: row.revision,
            create_time: row.create_time.0,
            update_time: row.update_time.0,
        })
    }
}

impl RedemptionRow {
    pub(crate) fn new((code, order_id): (&CouponCode, OrderId), redeemer: &Redeemer, time: Timestamp) -> Self {
        Self {
            order_id: Id(order_id.uuid()),
            coupon_code: code.to_string(),
            redeemer: redeemer.as_str().to_owned(),
            create_time: At(time),
        }
    }
}
