//! AdminService.GetProduct.

use order_api::v1;
use order_core::{
    error::{Refusal, ResourceKind},
    ids::ProductId,
};

use crate::{
    app::App,
    convert::{checked, ids, product},
    error::ApiError,
};

/// One product.
///
/// # Errors
/// `INVALID_FIELD`, `PRODUCT_NOT_FOUND`.
pub(super) async fn get_product(app: &App, request: v1::GetProductRequest) -> Result<v1::Product, ApiError> {
    let id = checked(|violations| ids::required(&request.product_id, ProductId::parse, "product_id", violations))?;
    let found = app.store.products(vec![id.clone()]).await?.pop();
    let found = found.ok_or_else(|| Refusal::not_found(ResourceKind::Product, id))?;
    Ok(product::to_proto(&found))
}
