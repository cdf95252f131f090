//! The three phases of placement, for CreateOrder and Checkout alike: prepare, ask the gateway, book its answer.

use std::sync::Arc;

use order_core::{
    error::Refusal,
    ids::OrderId,
    order::{Context, Order, OrderDraft, Owner, place},
};
use order_store::{PlaceOrder, PricedCart, Request};

use super::offer::{self, Offer, Wanted};
use crate::{app::App, convert::order_request::Particulars, error::ApiError, service::payments};

/// An order to be placed.
#[derive(Debug, Clone)]
pub(crate) struct Placing {
    /// Idempotency, where the caller asked for it.
    pub request: Option<Request>,
    /// What is wanted, and what the caller expects it to cost.
    pub wanted: Wanted,
    /// Who buys.
    pub owner: Owner,
    /// Where it goes, how it is paid, and the rest.
    pub particulars: Particulars,
    /// The cart that it consumes.
    pub cart: Option<PricedCart>,
    /// When, by whom, under which id.
    pub context: Context,
}

/// What the order would look like: everything but stock is checked, nothing is stored.
///
/// # Errors
/// As [`place_order`], less those that need the store.
pub(crate) async fn preview(app: &App, placing: &Placing) -> Result<Order, ApiError> {
    let offer = offer::price(app, &placing.wanted).await?;
    offer::accept(&placing.wanted, &offer)?;
    Ok(place(draft(app, placing, offer), &placing.context)?.order)
}

/// Places an order and carries out its payment. The order stands even if the payment is declined or its answer got lost.
///
/// A caller who goes away changes nothing about that: what was not sent by then is sent by the reconciler.
///
/// # Errors
/// `PRODUCT_NOT_FOUND`, `PRODUCT_INACTIVE`, `PRICE_CHANGED`, `INSUFFICIENT_STOCK`, `REQUEST_ID_REUSED`, neighbours and
/// database that are down.
pub(crate) async fn place_order(app: &Arc<App>, placing: Placing) -> Result<Order, ApiError> {
    let offer = offer::price(app, &placing.wanted).await?;
    if let Err(refusal) = offer::accept(&placing.wanted, &offer) {
        return refuse(app, placing.request, refusal).await;
    }
    let placement = place(draft(app, &placing, offer), &placing.context)?;
    let order =
        PlaceOrder { request: placing.request, placement, cart: placing.cart, numbering: app.numbering.clone() };
    let effect = app.store.place(order).await?;
    if !effect.events.is_empty() {
        metrics::counter!("orders_placed_total").increment(1);
    }
    Ok(payments::settle_started(app, effect).await)
}

/// A refusal that was found before any transaction is kept under the request id; and if that id placed an order earlier, at
/// prices that have changed since, the answer is that order.
async fn refuse(app: &App, request: Option<Request>, refusal: Refusal) -> Result<Order, ApiError> {
    match request {
        Some(request) => Ok(app.store.conclude(request, Err(refusal)).await?),
        None => Err(refusal.into()),
    }
}

fn draft(app: &App, placing: &Placing, offer: Offer) -> OrderDraft {
    let particulars = placing.particulars.clone();
    OrderDraft {
        id: OrderId::new(app.ids.seed().nth(0)),
        owner: placing.owner.clone(),
        cart_id: placing.cart.as_ref().map(|cart| cart.id),
        lines: offer.lines,
        pricing: offer.pricing,
        contact: particulars.contact,
        shipping_address: particulars.shipping_address,
        billing_address: particulars.billing_address,
        payment: particulars.payment,
        notes: particulars.notes,
        metadata: particulars.metadata,
    }
}
