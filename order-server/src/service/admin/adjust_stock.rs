//! AdminService.AdjustStock.

use order_api::v1;
use order_core::{
    error::Refusal,
    ids::Sku,
    stock::{MovementKind, StockChange, StockLevel},
};
use order_store::{AdjustStock, Mode};

use super::get_stock::level;
use crate::{
    app::App,
    auth::Principal,
    convert::{actor, checked, ids, request, stock, text},
    error::ApiError,
    service::call,
};

/// Changes the units in the house of one SKU.
///
/// # Errors
/// `INVALID_FIELD`, `STOCK_NOT_FOUND`, `STOCK_PROMISED`, `REQUEST_ID_REUSED`.
pub(super) async fn adjust_stock(
    app: &App,
    principal: &Principal,
    message: v1::AdjustStockRequest,
) -> Result<v1::Stock, ApiError> {
    let now = app.clock.now();
    let (sku, delta, reason, request) = checked(|violations| {
        let sku = ids::required(&message.sku, Sku::parse, "sku", violations);
        let delta = stock::delta(message.delta, violations);
        let reason = text::REQUIRED_REASON.check(&message.reason, "reason", violations);
        let request = request::optional(&message, (principal, now), violations);
        Some((sku?, delta?, reason?, request?))
    })?;
    let level = match call::mode(message.validate_only) {
        Mode::Preview => preview(level(app, sku).await?, delta)?,
        Mode::Apply => {
            let (reason, actor, ids) = (Some(reason), actor::of(principal), app.ids.seed());
            app.store.adjust_stock(AdjustStock { request, sku, delta, reason, actor, now, ids }).await?
        }
    };
    Ok(stock::to_proto(&level))
}

/// The level as the adjustment would leave it.
fn preview(level: StockLevel, quantity: i64) -> Result<StockLevel, Refusal> {
    let change = StockChange { sku: level.sku.clone(), kind: MovementKind::Adjusted, quantity };
    let promised = level.promised();
    level.after(&change).ok_or(Refusal::StockPromised { sku: level.sku, on_hand: level.on_hand, promised })
}
