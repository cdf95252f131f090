//! AdminService.ListCoupons.

use order_api::v1;
use order_core::ids::CouponCode;
use order_store::{CouponQuery, Page};

use crate::{
    app::App,
    convert::{checked, coupon, page},
    error::ApiError,
};

/// A page of coupons by code.
///
/// # Errors
/// `INVALID_FIELD`, `PAGE_TOKEN_INVALID`.
pub(super) async fn list_coupons(
    app: &App,
    request: v1::ListCouponsRequest,
) -> Result<v1::ListCouponsResponse, ApiError> {
    let size = checked(|violations| page::size(&request, violations))?;
    let after: Option<CouponCode> = page::after(&request)?;
    let query = CouponQuery { active: request.active, size, after };
    let Page { items, more } = app.store.coupon_page(query).await?;
    let coupons = page::fitting(items.iter().map(coupon::to_proto));
    let last = coupons.len().checked_sub(1).map(|at| &items[at]).filter(|_| more || coupons.len() < items.len());
    Ok(v1::ListCouponsResponse {
        next_page_token: last.map(|last| page::token(&request, &last.terms.code)).unwrap_or_default(),
        coupons,
    })
}
