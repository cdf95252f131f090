//! CartService.UpdateCartItem.

use order_api::v1;
use order_core::{cart::CartCommand, ids::CartItemId};

use super::change_cart::Change;
use crate::{
    app::App,
    auth::Principal,
    convert::{checked, ids, quantity},
    error::ApiError,
};

/// Sets how many units of an item are wanted; 0 removes it.
///
/// # Errors
/// `INVALID_FIELD`, `CART_NOT_FOUND`, `CART_ITEM_NOT_FOUND`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`, and neighbours that are
/// down.
pub(super) async fn update_cart_item(
    app: &App,
    principal: &Principal,
    message: v1::UpdateCartItemRequest,
) -> Result<v1::Cart, ApiError> {
    let (change, item_id, quantity) = checked(|violations| {
        let shown = [message.cart_token.as_str(), message.etag.as_str()];
        let change = Change::read((app, principal), (&message, shown), violations);
        let item_id = ids::required(&message.item_id, CartItemId::parse, "item_id", violations);
        let quantity = quantity::or_none(message.quantity, "quantity", violations);
        Some((change?, item_id?, quantity?))
    })?;
    change.carry_out(app, CartCommand::SetQuantity(item_id, quantity)).await
}
