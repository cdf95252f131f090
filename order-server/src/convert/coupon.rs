//! Coupons.

use std::collections::BTreeSet;

use order_api::v1::{self, coupon::Kind};
use order_core::{
    discount::{Coupon, CouponKind, CouponTerms, DiscountRate},
    ids::{CouponCode, ProductId},
    limits,
    violation::{Violations, reason},
};

use super::{etag, ids, int32, money, time};

/// A coupon that somebody wants to add or change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upsert {
    /// The coupon as it should be.
    pub terms: CouponTerms,
    /// The revision that the caller has seen, if it must not have changed since.
    pub expected_revision: Option<i64>,
}

/// A coupon on the wire.
#[must_use]
pub fn to_proto(coupon: &Coupon) -> v1::Coupon {
    let terms = &coupon.terms;
    let limit = |limit: Option<u32>| limit.map(int32).unwrap_or_default();
    v1::Coupon {
        coupon_code: terms.code.to_string(),
        kind: Some(kind_to_proto(&terms.kind)),
        minimum_subtotal: terms.minimum_subtotal.map(money::to_proto),
        product_ids: terms.products.iter().map(ToString::to_string).collect(),
        valid_from: terms.valid_from.map(time::to_proto),
        valid_until: terms.valid_until.map(time::to_proto),
        total_limit: limit(terms.total_limit),
        per_customer_limit: limit(terms.per_customer_limit),
        active: terms.active,
        redeemed: int32(coupon.redeemed),
        etag: etag::to_text(coupon.revision),
        create_time: Some(time::to_proto(coupon.create_time)),
        update_time: Some(time::to_proto(coupon.update_time)),
    }
}

fn kind_to_proto(kind: &CouponKind) -> Kind {
    match kind {
        CouponKind::Percentage { rate, cap } => {
            Kind::Percentage(v1::PercentageDiscount { rate: rate.to_string(), cap: cap.map(money::to_proto) })
        }
        CouponKind::Fixed(amount) => Kind::Fixed(money::to_proto(*amount)),
        CouponKind::FreeShipping => Kind::FreeShipping(v1::FreeShipping {}),
    }
}

/// Reads the code of a coupon that may be left out.
pub fn optional_code(text: &str, violations: &mut Violations) -> Option<Option<CouponCode>> {
    ids::optional(text, CouponCode::parse, "coupon_code", violations)
}

/// Reads a coupon as it should be.
pub fn upsert(coupon: Option<v1::Coupon>, violations: &mut Violations) -> Option<Upsert> {
    let Some(coupon) = coupon else {
        violations.push("coupon", reason::REQUIRED, "must be set");
        return None;
    };
    let code = ids::required(&coupon.coupon_code, CouponCode::parse, "coupon.coupon_code", violations);
    let kind = kind(coupon.kind.as_ref(), violations);
    let minimum_subtotal =
        money::optional_amount(coupon.minimum_subtotal.as_ref(), "coupon.minimum_subtotal", violations);
    let products = products(&coupon.product_ids, violations);
    let valid_from = time::optional(coupon.valid_from.as_ref(), "coupon.valid_from", violations);
    let valid_until = time::optional(coupon.valid_until.as_ref(), "coupon.valid_until", violations);
    let total_limit = limit(coupon.total_limit, "coupon.total_limit", violations);
    let per_customer_limit = limit(coupon.per_customer_limit, "coupon.per_customer_limit", violations);
    let expected_revision = etag::optional(&coupon.etag, "coupon.etag", violations);
    let terms = CouponTerms {
        code: code?,
        kind: kind?,
        minimum_subtotal: minimum_subtotal?,
        products: products?,
        valid_from: valid_from?,
        valid_until: valid_until?,
        total_limit: total_limit?,
        per_customer_limit: per_customer_limit?,
        active: coupon.active,
    };
    let before = violations.len();
    terms.check("coupon", violations);
    (violations.len() == before).then_some(Upsert { terms, expected_revision: expected_revision? })
}

fn kind(kind: Option<&Kind>, violations: &mut Violations) -> Option<CouponKind> {
    match kind {
        None => {
            let why = "one of percentage, fixed and free_shipping must be set";
            violations.push("coupon.kind", reason::REQUIRED, why);
            None
        }
        Some(Kind::Percentage(percentage)) => {
            let rate = DiscountRate::parse(&percentage.rate)
                .map_err(|error| violations.push("coupon.percentage.rate", reason::MALFORMED, error.to_string()));
            let cap = money::optional_amount(percentage.cap.as_ref(), "coupon.percentage.cap", violations);
            Some(CouponKind::Percentage { rate: rate.ok()?, cap: cap? })
        }
        Some(Kind::Fixed(amount)) => money::amount(Some(amount), "coupon.fixed", violations).map(CouponKind::Fixed),
        Some(Kind::FreeShipping(_nothing_more)) => Some(CouponKind::FreeShipping),
    }
}

/// How many there may be is checked first: nobody is told of every one of ten thousand.
fn products(texts: &[String], violations: &mut Violations) -> Option<BTreeSet<ProductId>> {
    if texts.len() > limits::COUPON_PRODUCTS {
        let most = format!("must have at most {} products", limits::COUPON_PRODUCTS);
        violations.push("coupon.product_ids", reason::TOO_MANY, most);
        return None;
    }
    let before = violations.len();
    let mut products = BTreeSet::new();
    for (n, text) in texts.iter().enumerate() {
        let field = format!("coupon.product_ids[{n}]");
        if let Some(id) = ids::required(text, ProductId::parse, &field, violations)
            && !products.insert(id)
        {
            violations.push(field, reason::DUPLICATE, "must be named once");
        }
    }
    (violations.len() == before).then_some(products)
}

/// 0 is no limit; what is too large is found with the rest of the terms.
fn limit(limit: i32, field: &str, violations: &mut Violations) -> Option<Option<u32>> {
    match u32::try_from(limit) {
        Ok(0) => Some(None),
        Ok(limit) => Some(Some(limit)),
        Err(_negative) => {
            violations.push(field, reason::OUT_OF_RANGE, "must not be negative");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use order_core::time::Timestamp;

    use super::*;

    fn usd(units: i64) -> Option<order_api::Money> {
        Some(order_api::Money { currency_code: "USD".into(), units, nanos: 0 })
    }

    fn percentage(rate: &str, cap: Option<order_api::Money>) -> Option<Kind> {
        Some(Kind::Percentage(v1::PercentageDiscount { rate: rate.into(), cap }))
    }

    fn coupon() -> v1::Coupon {
        v1::Coupon {
            coupon_code: " summer-10 ".into(),
            kind: percentage("0.10", usd(20)),
            minimum_subtotal: usd(50),
            product_ids: vec!["costume".into(), "cape".into()],
            valid_from: Some(prost_types::Timestamp { seconds: 10, nanos: 0 }),
            valid_until: Some(prost_types::Timestamp { seconds: 20, nanos: 0 }),
            total_limit: 100,
            active: true,
            ..Default::default()
        }
    }

    fn violated(coupon: v1::Coupon) -> Vec<String> {
        let mut violations = Violations::new();
        assert_eq!(upsert(Some(coupon), &mut violations), None);
        violations.into_iter().map(|found| found.field).collect()
    }

    #[test]
    fn what_is_read_is_shown_again() {
        for kind in [
            percentage("0.1", None),
            percentage("0.1", usd(20)),
            usd(5).map(Kind::Fixed),
            Some(Kind::FreeShipping(v1::FreeShipping {})),
        ] {
            let read = upsert(Some(v1::Coupon { kind: kind.clone(), ..coupon() }), &mut Violations::new()).unwrap();
            let time = Timestamp::UNIX_EPOCH;
            let stored = read.terms.upsert(None, time).unwrap();
            let expected = v1::Coupon {
                coupon_code: "SUMMER-10".into(),
                kind,
                product_ids: vec!["cape".into(), "costume".into()],
                etag: "1".into(),
                create_time: Some(time::to_proto(time)),
                update_time: Some(time::to_proto(time)),
                ..coupon()
            };
            assert_eq!(to_proto(&stored), expected);
        }
    }

    #[test]
    fn every_wrong_field_is_named() {
        let wrong = v1::Coupon {
            coupon_code: "a%".into(),
            kind: percentage("10", usd(-1)),
            minimum_subtotal: usd(-1),
            product_ids: vec!["a b".into(), "a".into(), "a".into()],
            valid_from: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }),
            total_limit: -1,
            per_customer_limit: -1,
            etag: "garbage".into(),
            ..coupon()
        };
        let expected = [
            "coupon.coupon_code",
            "coupon.percentage.rate",
            "coupon.percentage.cap",
            "coupon.minimum_subtotal",
            "coupon.product_ids[0]",
            "coupon.product_ids[2]",
            "coupon.valid_from",
            "coupon.total_limit",
            "coupon.per_customer_limit",
            "coupon.etag",
        ];
        assert_eq!(violated(wrong), expected);
        assert_eq!(violated(v1::Coupon { kind: None, ..coupon() }), ["coupon.kind"]);
        assert_eq!(violated(v1::Coupon { product_ids: vec!["x".into(); 501], ..coupon() }), ["coupon.product_ids"]);
        assert_eq!(upsert(None, &mut Violations::new()), None);
    }

    #[test]
    fn fields_that_do_not_fit_together_are_named() {
        let yen = order_api::Money { currency_code: "JPY".into(), units: 50, nanos: 0 };
        let wrong = v1::Coupon {
            kind: usd(0).map(Kind::Fixed),
            minimum_subtotal: Some(yen),
            valid_until: coupon().valid_from,
            total_limit: i32::MAX,
            ..coupon()
        };
        let expected =
            ["coupon.fixed", "coupon.minimum_subtotal.currency_code", "coupon.total_limit", "coupon.valid_until"];
        assert_eq!(violated(wrong), expected);
    }
}
