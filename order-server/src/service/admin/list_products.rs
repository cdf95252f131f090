//! AdminService.ListProducts.

use order_api::v1;
use order_core::ids::ProductId;
use order_store::{Page, ProductQuery};

use crate::{
    app::App,
    convert::{checked, page, product, text},
    error::ApiError,
};

/// A page of products by id.
///
/// # Errors
/// `INVALID_FIELD`, `PAGE_TOKEN_INVALID`.
pub(super) async fn list_products(
    app: &App,
    request: v1::ListProductsRequest,
) -> Result<v1::ListProductsResponse, ApiError> {
    let (words, size) = checked(|violations| {
        let words = text::words(&request.query, violations);
        let size = page::size(&request, violations);
        Some((words?, size?))
    })?;
    let after: Option<ProductId> = page::after(&request)?;
    let query = ProductQuery { active: request.active, words, size, after };
    let Page { items, more } = app.store.product_page(query).await?;
    let products = page::fitting(items.iter().map(product::to_proto));
    let last = products.len().checked_sub(1).map(|at| &items[at]).filter(|_| more || products.len() < items.len());
    Ok(v1::ListProductsResponse {
        next_page_token: last.map(|last| page::token(&request, &last.id)).unwrap_or_default(),
        products,
    })
}
