//! AdminService.ListStockMovements.

use order_api::v1;
use order_core::ids::Sku;
use order_store::{MovementQuery, Page};
use uuid::Uuid;

use super::get_stock::level;
use crate::{
    app::App,
    convert::{checked, ids, page, stock},
    error::ApiError,
};

/// A page of the history of one SKU's stock, latest first.
///
/// # Errors
/// `INVALID_FIELD`, `PAGE_TOKEN_INVALID`, `STOCK_NOT_FOUND`.
pub(super) async fn list_stock_movements(
    app: &App,
    request: v1::ListStockMovementsRequest,
) -> Result<v1::ListStockMovementsResponse, ApiError> {
    let (sku, size) = checked(|violations| {
        let sku = ids::required(&request.sku, Sku::parse, "sku", violations);
        let size = page::size(&request, violations);
        Some((sku?, size?))
    })?;
    let after: Option<Uuid> = page::after(&request)?;
    // A SKU without movements is told apart from one that does not exist.
    level(app, sku.clone()).await?;
    let Page { items, more } = app.store.movements(MovementQuery { sku: Some(sku), size, after }).await?;
    let last = items.last().filter(|_| more);
    Ok(v1::ListStockMovementsResponse {
        next_page_token: last.map(|last| page::token(&request, &last.id)).unwrap_or_default(),
        movements: items.iter().map(stock::movement).collect(),
    })
}
