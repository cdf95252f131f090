//! AdminService.AdjustStock.

use order_api::v1;
use order_core::ids::Sku;
use order_store::{AdjustStock, Mode};

use super::{get_stock::level, our_shelves};
use crate::{
    app::App,
    auth::Principal,
    convert::{actor, checked, ids, request, stock, text},
    error::ApiError,
    service::call,
};

/// Changes the units in the house of one SKU, or how many more may be promised.
///
/// # Errors
/// `INVALID_FIELD`, `STOCK_NOT_FOUND`, `STOCK_PROMISED`, `STOCK_KEPT_ELSEWHERE`, `REQUEST_ID_REUSED`.
pub(super) async fn adjust_stock(
    app: &App,
    principal: &Principal,
    message: v1::AdjustStockRequest,
) -> Result<v1::Stock, ApiError> {
    let now = app.clock.now();
    let (sku, adjustment, reason, request) = checked(|violations| {
        let sku = ids::required(&message.sku, Sku::parse, "sku", violations);
        let adjustment = stock::adjustment((message.delta, message.backorder_limit), violations);
        let reason = text::REQUIRED_REASON.check(&message.reason, "reason", violations);
        let request = request::optional(&message, (principal, now), violations);
        Some((sku?, adjustment?, reason?, request?))
    })?;
    our_shelves::required(app)?;
    let level = match call::mode(message.validate_only) {
        Mode::Preview => level(app, sku).await?.adjusted(adjustment)?,
        Mode::Apply => {
            let (reason, actor, ids) = (Some(reason), actor::of(principal), app.ids.seed());
            app.store.adjust_stock(AdjustStock { request, sku, adjustment, reason, actor, now, ids }).await?
        }
    };
    Ok(stock::to_proto(&level))
}
