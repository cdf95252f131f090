//! AdminService.GetStock.

use order_api::v1;
use order_core::{
    error::{Refusal, ResourceKind},
    ids::Sku,
    stock::{LevelQuery, StockLevel},
};

use super::our_shelves;
use crate::{
    app::App,
    convert::{checked, ids, stock},
    error::ApiError,
};

/// The stock of one SKU.
///
/// # Errors
/// `INVALID_FIELD`, `STOCK_NOT_FOUND`, `STOCK_KEPT_ELSEWHERE`.
pub(super) async fn get_stock(app: &App, request: v1::GetStockRequest) -> Result<v1::Stock, ApiError> {
    let sku = checked(|violations| ids::required(&request.sku, Sku::parse, "sku", violations))?;
    our_shelves::required(app)?;
    Ok(stock::to_proto(&level(app, sku).await?))
}

/// The level of a SKU that there is.
///
/// # Errors
/// `STOCK_NOT_FOUND`.
pub(super) async fn level(app: &App, sku: Sku) -> Result<StockLevel, ApiError> {
    let query = LevelQuery { skus: vec![sku.clone()], now: app.clock.now(), cart_id: None };
    let found = app.store.levels(query).await?.pop();
    found.ok_or_else(|| Refusal::not_found(ResourceKind::Stock, sku).into())
}
