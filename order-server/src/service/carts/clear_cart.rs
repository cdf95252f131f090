//! CartService.ClearCart.

use order_api::v1;
use order_core::cart::CartCommand;

use super::change_cart::Change;
use crate::{app::App, auth::Principal, convert::checked, error::ApiError};

/// Takes everything out of the cart.
///
/// # Errors
/// `INVALID_FIELD`, `CART_NOT_FOUND`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`.
pub(super) async fn clear_cart(
    app: &App,
    principal: &Principal,
    message: v1::ClearCartRequest,
) -> Result<v1::Cart, ApiError> {
    let shown = [message.cart_token.as_str(), message.etag.as_str()];
    let change = checked(|violations| Change::read((app, principal), (&message, shown), violations))?;
    change.carry_out(app, CartCommand::Clear).await
}
