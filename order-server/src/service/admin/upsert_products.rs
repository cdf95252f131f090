//! AdminService.UpsertProducts.

use order_api::v1;
use order_store::{UpsertOutcome, UpsertProducts, Upserted};

use super::our_shelves;
use crate::{
    app::App,
    auth::Principal,
    convert::{
        actor, checked,
        product::{self, Upsert},
        request,
    },
    error::ApiError,
    service::call,
};

/// Adds and changes products, all or none.
///
/// # Errors
/// `INVALID_FIELD`, `ETAG_MISMATCH`, `SKU_TAKEN`, `REQUEST_ID_REUSED`; `STOCK_KEPT_ELSEWHERE` where stock is given.
pub(crate) async fn upsert_products(
    app: &App,
    principal: &Principal,
    mut message: v1::UpsertProductsRequest,
) -> Result<v1::UpsertProductsResponse, ApiError> {
    let now = app.clock.now();
    let (upserts, request) = checked(|violations| {
        let request = request::optional(&message, (principal, now), violations);
        let upserts = product::upserts(std::mem::take(&mut message.products), violations);
        Some((upserts?, request?))
    })?;
    if upserts.iter().any(|upsert| upsert.draft.initial_stock > 0) {
        our_shelves::required(app)?;
    }
    let expectation = |upsert: &Upsert| Some((upsert.draft.id.clone(), upsert.expected_revision?));
    let expected = upserts.iter().filter_map(expectation).collect();
    let drafts = upserts.into_iter().map(|upsert| upsert.draft).collect();
    let (mode, actor, ids) = (call::mode(message.validate_only), actor::of(principal), app.ids.seed());
    let asked = UpsertProducts { request, drafts, expected, mode, actor, now, ids };
    let products = app.store.upsert_products(asked).await?;
    Ok(v1::UpsertProductsResponse { results: products.iter().map(result).collect() })
}

fn result(upserted: &Upserted) -> v1::ProductUpsertResult {
    let outcome = match upserted.outcome {
        UpsertOutcome::Created => v1::ProductUpsertOutcome::Created,
        UpsertOutcome::Updated => v1::ProductUpsertOutcome::Updated,
        UpsertOutcome::Unchanged => v1::ProductUpsertOutcome::Unchanged,
    };
    v1::ProductUpsertResult { outcome: outcome.into(), product: Some(product::to_proto(&upserted.product)) }
}
