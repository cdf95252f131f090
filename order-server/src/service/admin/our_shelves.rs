//! What the administration of stock has in common: there must be shelves of ours.

use crate::{
    app::App,
    error::{ApiError, Reason},
};

/// Whether this service counts the goods.
///
/// # Errors
/// `STOCK_KEPT_ELSEWHERE`.
pub(super) fn required(app: &App) -> Result<(), ApiError> {
    match app.warehouse {
        None => Ok(()),
        Some(_) => Err(ApiError::new(
            Reason::StockKeptElsewhere,
            "the inventory service counts the goods; ask and change what is on the shelf there",
        )),
    }
}
