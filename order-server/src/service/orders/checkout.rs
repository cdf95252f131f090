//! CartService.Checkout: an order from a cart. One cart makes one order, however often it is checked out.

use std::sync::Arc;

use order_api::v1;
use order_core::{
    cart::{Cart, CartOwner, CartState},
    error::{Refusal, ResourceKind},
    ids::OrderId,
    order::Owner,
};
use order_store::{Mode, OrderKey, PricedCart, Request, Scope};

use super::{
    offer::{Age, Wanted},
    placing::{Placing, place_order, preview, until_still},
};
use crate::{
    app::App,
    auth::Principal,
    convert::{
        actor, cart_token, checked, etag,
        line::WantedLine,
        order,
        order_request::{self, Particulars},
        request,
    },
    error::ApiError,
    service::call,
};

/// A checkout that was read.
struct Asked {
    cart: CartOwner,
    owner: Owner,
    expected_revision: Option<i64>,
    request: Option<Request>,
    particulars: Particulars,
    mode: Mode,
}

/// Orders what is in the caller's cart.
///
/// # Errors
/// As `CreateOrder`, and `CART_EMPTY`, `CART_NOT_FOUND`, `ETAG_MISMATCH`, `CONTENDED` for a cart or
/// a coupon that does not hold still.
pub(crate) async fn checkout(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::CheckoutRequest,
) -> Result<v1::Order, ApiError> {
    let asked = read(app, principal, message)?;
    until_still(|age| attempt(app, (principal, age), &asked)).await
}

fn read(app: &App, principal: &Principal, message: v1::CheckoutRequest) -> Result<Asked, ApiError> {
    let mode = call::mode(message.validate_only);
    let (guest, expected_revision, request, particulars) = checked(|violations| {
        let guest = cart_token::optional(&message.cart_token, violations);
        let etag = etag::optional(&message.etag, "etag", violations);
        let request = request::optional(&message, (principal, app.clock.now()), violations);
        let particulars = order_request::checkout(message, violations);
        Some((guest?, etag?, request?, particulars?))
    })?;
    let cart = actor::cart_owner(principal, guest).ok_or_else(|| Refusal::not_found(ResourceKind::Cart, ""))?;
    let owner = match &cart {
        CartOwner::Customer(id) => Owner::Customer(id.clone()),
        CartOwner::Guest(_) => Owner::Guest,
    };
    Ok(Asked { cart, owner, expected_revision, request, particulars, mode })
}

/// `None` if the cart, the coupon or a product changed between pricing and ordering.
async fn attempt(
    app: &Arc<App>,
    (principal, age): (&Principal, Age),
    asked: &Asked,
) -> Result<Option<v1::Order>, ApiError> {
    let context = app.context(principal, request::id(asked.request.as_ref()), None);
    let cart = app.store.cart(asked.cart.clone(), context.now).await?;
    let cart = match cart {
        Some(Cart { state: CartState::Ordered(order_id), .. }) => return ordered(app, asked, order_id).await.map(Some),
        Some(cart) => cart,
        None => {
            return match &asked.cart {
                CartOwner::Customer(_) => refuse(app, asked, Refusal::CartEmpty).await.map(Some),
                CartOwner::Guest(_) => Err(Refusal::not_found(ResourceKind::Cart, "").into()),
            };
        }
    };
    if asked.expected_revision.is_some_and(|expected| expected != cart.revision) {
        return refuse(app, asked, Refusal::EtagMismatch { current: cart.revision }).await.map(Some);
    }
    let Some(currency) = cart.currency else { return refuse(app, asked, Refusal::CartEmpty).await.map(Some) };
    let placing = Placing {
        request: asked.request.clone(),
        wanted: Wanted {
            list: "items",
            lines: cart.items.iter().map(WantedLine::of_item).collect(),
            currency,
            destination: (&asked.particulars.shipping_address).into(),
            discount: None,
            expected_total: asked.particulars.expected_total,
        },
        owner: asked.owner.clone(),
        particulars: asked.particulars.clone(),
        cart: Some(PricedCart { id: cart.id, owner: asked.cart.clone(), revision: cart.revision }),
        context,
    };
    match asked.mode {
        Mode::Preview => Ok(Some(order::hypothetical(preview(app, &placing).await?))),
        Mode::Apply => Ok(place_order(app, &placing, age).await?.map(order::single)),
    }
}

/// Keeps the refusal under the request id; unless the same request ordered an earlier cart, when the answer is that order:
/// what is in the cart of today has nothing to do with it.
async fn refuse(app: &App, asked: &Asked, refusal: Refusal) -> Result<v1::Order, ApiError> {
    match (&asked.request, asked.mode) {
        (Some(request), Mode::Apply) => Ok(order::single(app.store.conclude(request.clone(), Err(refusal)).await?)),
        (_, Mode::Apply | Mode::Preview) => Err(refusal.into()),
    }
}

/// The order that the cart became. The request id is kept all the same: with another body it would have been refused.
async fn ordered(app: &App, asked: &Asked, order_id: OrderId) -> Result<v1::Order, ApiError> {
    let order = match (&asked.request, asked.mode) {
        (Some(request), Mode::Apply) => app.store.conclude(request.clone(), Ok(order_id)).await?,
        (_, Mode::Apply | Mode::Preview) => {
            let order = app.store.order(OrderKey::Id(order_id), Scope::All).await?;
            order.ok_or_else(|| Refusal::not_found(ResourceKind::Order, order_id))?
        }
    };
    Ok(order::single(order))
}
