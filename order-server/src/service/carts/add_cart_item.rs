//! CartService.AddCartItem.

use order_api::v1;
use order_core::{
    cart::{CartCommand, CartOwner},
    error::Refusal,
    ids::ProductId,
    product::Product,
};

use super::{change_cart::Change, owner};
use crate::{
    app::App,
    auth::Principal,
    convert::{cart_token::CartToken, checked, ids, quantity},
    error::ApiError,
    service::assess::unknown_product,
};

/// Puts some units of a product into the caller's cart, and opens one if there is none.
///
/// # Errors
/// `INVALID_FIELD`, `PRODUCT_NOT_FOUND`, `PRODUCT_INACTIVE`, `CART_NOT_FOUND`, `CART_FULL`, `CURRENCY_MISMATCH`,
/// `ETAG_MISMATCH`, `REQUEST_ID_REUSED`, and neighbours that are down.
pub(super) async fn add_cart_item(
    app: &App,
    principal: &Principal,
    message: v1::AddCartItemRequest,
) -> Result<v1::Cart, ApiError> {
    let (change, product_id, quantity) = checked(|violations| {
        let shown = [message.cart_token.as_str(), message.etag.as_str()];
        let change = Change::read((app, principal), (&message, shown), violations);
        let product_id = ids::required(&message.product_id, ProductId::parse, "product_id", violations);
        let quantity = quantity::required(message.quantity, "quantity", violations);
        Some((change?, product_id?, quantity?))
    })?;
    let product = product(app, &product_id).await?;
    let command = CartCommand::Add(Box::new(product), quantity);
    match &change.owner {
        None => open(app, change, command).await,
        Some(owner) => {
            known(app, owner).await?;
            change.carry_out(app, command).await
        }
    }
}

/// The product, moments ago.
async fn product(app: &App, id: &ProductId) -> Result<Product, ApiError> {
    let found = app.catalog.batch_get(std::slice::from_ref(id)).await?;
    let product = found.into_iter().find(|product| product.id == *id);
    let product = product.ok_or_else(|| unknown_product("product_id", id))?;
    if product.active { Ok(product) } else { Err(Refusal::ProductInactive(vec![product.id]).into()) }
}

/// A guest's token has to lead to a cart: were it enough to make one up, a mistyped token would quietly open another cart.
async fn known(app: &App, owner: &CartOwner) -> Result<(), ApiError> {
    match owner {
        CartOwner::Customer(_) => Ok(()),
        CartOwner::Guest(_) => {
            let cart = app.store.cart(owner.clone(), app.clock.now()).await?;
            cart.map(drop).ok_or_else(|| owner::no_cart().into())
        }
    }
}

/// The first item of a guest: mints the token that leads to the new cart, and shows it this once.
///
/// The request id is not kept. A repetition cannot show the same token, since only its digest is stored; it opens a cart of
/// its own instead, which holds the item once, and nobody can reach the first one any more.
async fn open(app: &App, change: Change, command: CartCommand) -> Result<v1::Cart, ApiError> {
    let token = CartToken::mint()?;
    let change = Change { owner: Some(CartOwner::Guest(token.key())), request: None, ..change };
    let cart = change.carry_out(app, command).await?;
    Ok(v1::Cart { cart_token: token.into_text(), ..cart })
}
