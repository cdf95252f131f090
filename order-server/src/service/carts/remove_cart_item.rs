//! CartService.RemoveCartItem.

use order_api::v1;
use order_core::{cart::CartCommand, ids::CartItemId};

use super::change_cart::Change;
use crate::{
    app::App,
    auth::Principal,
    convert::{checked, ids},
    error::ApiError,
};

/// Takes an item out of the cart.
///
/// # Errors
/// `INVALID_FIELD`, `CART_NOT_FOUND`, `CART_ITEM_NOT_FOUND`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`, and neighbours that are
/// down.
pub(super) async fn remove_cart_item(
    app: &App,
    principal: &Principal,
    message: v1::RemoveCartItemRequest,
) -> Result<v1::Cart, ApiError> {
    let (change, item_id) = checked(|violations| {
        let shown = [message.cart_token.as_str(), message.etag.as_str()];
        let change = Change::read((app, principal), (&message, shown), violations);
        let item_id = ids::required(&message.item_id, CartItemId::parse, "item_id", violations);
        Some((change?, item_id?))
    })?;
    change.carry_out(app, CartCommand::SetQuantity(item_id, None)).await
}
