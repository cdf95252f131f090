//! AdminService.GetCoupon.

use order_api::v1;
use order_core::{
    error::{Refusal, ResourceKind},
    ids::CouponCode,
};

use crate::{
    app::App,
    convert::{checked, coupon, ids},
    error::ApiError,
};

/// One coupon.
///
/// # Errors
/// `INVALID_FIELD`, `COUPON_NOT_FOUND`.
pub(super) async fn get_coupon(app: &App, request: v1::GetCouponRequest) -> Result<v1::Coupon, ApiError> {
    let code = checked(|violations| ids::required(&request.coupon_code, CouponCode::parse, "coupon_code", violations))?;
    let found = app.store.coupon(code.clone(), None).await?;
    let found = found.ok_or_else(|| Refusal::not_found(ResourceKind::Coupon, code))?;
    Ok(coupon::to_proto(&found.coupon))
}
