//! AdminService.UpsertCoupon.

use order_api::v1;
use order_store::UpsertCoupon;

use crate::{
    app::App,
    auth::Principal,
    convert::{
        checked,
        coupon::{self, Upsert},
        request,
    },
    error::ApiError,
    service::call,
};

/// Adds or changes a coupon.
///
/// # Errors
/// `INVALID_FIELD`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(super) async fn upsert_coupon(
    app: &App,
    principal: &Principal,
    mut message: v1::UpsertCouponRequest,
) -> Result<v1::Coupon, ApiError> {
    let now = app.clock.now();
    let (Upsert { terms, expected_revision }, request) = checked(|violations| {
        let request = request::optional(&message, (principal, now), violations);
        let upsert = coupon::upsert(message.coupon.take(), violations);
        Some((upsert?, request?))
    })?;
    let asked = UpsertCoupon { request, terms, expected_revision, mode: call::mode(message.validate_only), now };
    Ok(coupon::to_proto(&app.store.upsert_coupon(asked).await?))
}
