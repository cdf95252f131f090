//! CartService.GetCart.

use order_api::v1;
use order_core::cart::{Cart, CartOwner, CartState};

use super::{owner, view};
use crate::{app::App, auth::Principal, convert::checked, error::ApiError};

/// The cart that the caller can change. After a checkout that is the next one, which is empty at first.
///
/// # Errors
/// `INVALID_FIELD`, `CART_NOT_FOUND` for a token that leads nowhere, and neighbours that are down.
pub(super) async fn get_cart(
    app: &App,
    principal: &Principal,
    message: v1::GetCartRequest,
) -> Result<v1::Cart, ApiError> {
    let owner = checked(|violations| owner::read(principal, &message.cart_token, violations))?;
    let Some(owner) = owner else { return Ok(view::nothing(app, None)) };
    match (app.store.cart(owner.clone(), app.clock.now()).await?, &owner) {
        (Some(cart @ Cart { state: CartState::Active, .. }), _) => view::show(app, &cart).await,
        // Merged and expired ones do not get here; whatever is no longer active has made room for the next one.
        (Some(_), _) | (None, CartOwner::Customer(_)) => Ok(view::nothing(app, Some(&owner))),
        (None, CartOwner::Guest(_)) => Err(owner::no_cart().into()),
    }
}
