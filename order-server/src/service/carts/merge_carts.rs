//! CartService.MergeCarts: a guest has signed in.

use order_api::v1;
use order_core::cart::CartOwner;
use order_store::{MergeCarts, Merged};

use super::view;
use crate::{
    app::App,
    auth::{Principal, Role},
    convert::{cart, cart_token, checked, request},
    error::{ApiError, Reason},
};

/// Moves the items of a guest's cart into the caller's. Merging the same cart again changes nothing.
///
/// # Errors
/// `INVALID_FIELD`, `ROLE_REQUIRED` for callers who have no cart of their own, `CART_NOT_FOUND`, `CART_CLOSED`,
/// `REQUEST_ID_REUSED`, and neighbours that are down.
pub(super) async fn merge_carts(
    app: &App,
    principal: &Principal,
    message: v1::MergeCartsRequest,
) -> Result<v1::MergeCartsResponse, ApiError> {
    let Some(customer) = principal.customer_id() else {
        let needed = "only customers have a cart of their own to merge into";
        return Err(ApiError::new(Reason::RoleRequired, needed).with_metadata("required_role", Role::Customer.as_str()));
    };
    let now = app.clock.now();
    let (guest, request) = checked(|violations| {
        let guest = cart_token::required(&message.cart_token, violations);
        let request = request::optional(&message, (principal, now), violations);
        Some((guest?, request?))
    })?;
    let (hold_until, ids) = (app.policy.hold_until(now), app.ids.seed());
    let merge = MergeCarts { request, guest, customer: customer.clone(), hold_until, now, ids };
    let Merged { cart: merged, report } = app.store.merge_carts(merge).await?;
    let shown = match merged {
        Some(merged) => view::show(app, &merged).await?,
        None => view::nothing(app, Some(&CartOwner::Customer(customer.clone()))),
    };
    Ok(v1::MergeCartsResponse { cart: Some(shown), lines: report.iter().map(cart::merged_line).collect() })
}
