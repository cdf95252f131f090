//! Coupons.

use async_trait::async_trait;
use order_core::{
    discount::{Coupon, CouponTerms, Redeemer},
    ids::CouponCode,
    time::Timestamp,
};

use crate::{
    error::StoreError,
    query::{CouponQuery, Page},
    request::Request,
    store::Mode,
};

/// A coupon to add or change.
#[derive(Debug, Clone)]
pub struct UpsertCoupon {
    /// Idempotency, where the caller asked for it.
    pub request: Option<Request>,
    /// As it should be.
    pub terms: CouponTerms,
    /// The revision that the caller saw, if it must not have changed since; 0 for one that must be new.
    pub expected_revision: Option<i64>,
    /// For real?
    pub mode: Mode,
    /// When.
    pub now: Timestamp,
}

/// A coupon as it was priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedCoupon {
    /// Which.
    pub code: CouponCode,
    /// Who uses it.
    pub redeemer: Redeemer,
    /// The revision of the terms that were priced.
    pub revision: i64,
}

/// A coupon, and how often somebody has used it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CouponUse {
    /// The coupon.
    pub coupon: Coupon,
    /// For how many orders; none where nobody was named.
    pub used: u32,
}

/// Coupons. They are used by [`place`](super::OrderStore::place), and freed by [`change`](super::OrderStore::change) when the order is
/// called off before anything was shipped.
#[async_trait]
pub trait CouponStore: Send + Sync {
    /// Adds or changes a coupon. One that is as it should be keeps its revision; a repeated request finds it so.
    ///
    /// # Errors
    /// Refused with `EtagMismatch`, `RequestIdReused`.
    async fn upsert_coupon(&self, upsert: UpsertCoupon) -> Result<Coupon, StoreError>;

    /// A coupon, if it exists, and how often somebody has used it, from one snapshot.
    ///
    /// # Errors
    /// None of its own.
    async fn coupon(&self, code: CouponCode, redeemer: Option<Redeemer>) -> Result<Option<CouponUse>, StoreError>;

    /// A page of coupons.
    ///
    /// # Errors
    /// None of its own.
    async fn coupon_page(&self, query: CouponQuery) -> Result<Page<Coupon>, StoreError>;
}
