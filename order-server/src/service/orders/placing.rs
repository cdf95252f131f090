//! The three phases of placement, for CreateOrder and Checkout alike: prepare, ask the gateway, book its answer.

use std::sync::Arc;

use order_core::{
    cart::CartState,
    discount::Redeemer,
    error::Refusal,
    ids::OrderId,
    order::{Context, Order, OrderDraft, Owner, Placement, place},
    policy::{AllocatePolicy, StockKeeping},
    product::Product,
};
use order_store::{PlaceOrder, PricedCart, PricedCoupon, PricedProduct, Request, StoreError};

use super::offer::{self, Age, Goods, Offer, Wanted};
use crate::{
    app::App,
    convert::order_request::Particulars,
    error::ApiError,
    service::{
        coupons::{self, WantedCoupon},
        inventory::{self, Claim, Held, Reserving},
        payments,
    },
};

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
    let goods = Goods::find(app, &placing.wanted, Age::Now).await?;
    let coupon = coupons::look_up(app, placing.coupon().as_ref()).await?;
    let offer = offer::price(app, (&placing.wanted, goods), coupon)?;
    offer::accept(&placing.wanted, &offer)?;
    Ok(place(draft(app, placing, offer), &placing.context)?.order)
}

/// Places an order and carries out its payment. The order stands even if the payment is declined or its answer got lost.
///
/// A caller who goes away changes nothing about that: what was not sent by then is sent by the reconciler.
///
/// `None` if the cart, the coupon or a product changed while it was priced, if products that are not of this moment would have it
/// refused, or if another attempt at the same is under way: nothing was done, and it is to be priced anew.
///
/// # Errors
/// `PRODUCT_NOT_FOUND`, `PRODUCT_INACTIVE`, `COUPON_NOT_APPLICABLE`, `PRICE_CHANGED`, `INSUFFICIENT_STOCK`, `REQUEST_ID_REUSED`,
/// neighbours and database that are down.
pub(crate) async fn place_order(app: &Arc<App>, placing: &Placing, age: Age) -> Result<Option<Order>, ApiError> {
    let wanted_coupon = placing.coupon();
    let looked_up = async {
        let goods = Goods::find(app, &placing.wanted, age).await?;
        Ok((goods, coupons::look_up(app, wanted_coupon.as_ref()).await?))
    };
    let (goods, coupon) = match looked_up.await {
        Ok(found) => found,
        Err(error) => return recall(app, placing.request.as_ref(), error).await.map(Some),
    };
    let age = goods.age;
    let offer = match (offer::price(app, (&placing.wanted, goods), coupon), age) {
        (Ok(offer), _) => offer,
        (Err(_), Age::Recent) => return Ok(None),
        (Err(error), Age::Now) => return recall(app, placing.request.as_ref(), error).await.map(Some),
    };
    match (offer::accept(&placing.wanted, &offer), age) {
        (Ok(()), _) => {}
        (Err(_), Age::Recent) => return Ok(None),
        (Err(refusal), Age::Now) => return refuse(app, placing.request.clone(), refusal).await.map(Some),
    }
    let coupon = priced_coupon(wanted_coupon, &offer);
    let products = priced_products(app, &offer);
    let placement = place(draft(app, placing, offer), &placing.context)?;
    let held = match promised(app, (placing, &placement)).await {
        Ok(Promised::Here) => None,
        Ok(Promised::Elsewhere(held)) => Some(held),
        Ok(Promised::Before(order)) => return Ok(Some(*order)),
        Ok(Promised::Rivalled) => return Ok(None),
        Ok(Promised::Not(refusal)) if is_current(app, (placing, &placement.order), age).await? => {
            return refuse(app, placing.request.clone(), refusal).await.map(Some);
        }
        Ok(Promised::Not(_)) => return Ok(None),
        Err(error) => return recall(app, placing.request.as_ref(), error).await.map(Some),
    };
    let order = PlaceOrder {
        request: placing.request.clone(),
        products,
        placement,
        cart: placing.cart.clone(),
        coupon,
        reserved: held.as_ref().map(|held| held.reserved().clone()),
        numbering: app.numbering.clone(),
    };
    let effect = match app.store.place(order).await {
        Err(StoreError::Refused(Refusal::PricingStale)) => {
            if let Some(held) = held {
                held.give_back().await;
            }
            return Ok(None);
        }
        placed => placed?,
    };
    if !effect.events.is_empty() {
        metrics::counter!("orders_placed_total").increment(1);
        held.into_iter().for_each(Held::taken_over);
    }
    Ok(Some(payments::settle_started(app, effect).await))
}

/// Whether what an order is refused for is how things are now: its products are still these, and its cart has not become an order meanwhile.
async fn is_current(app: &App, (placing, order): (&Placing, &Order), age: Age) -> Result<bool, ApiError> {
    if let Some(priced) = &placing.cart {
        let cart = app.store.cart(priced.owner.clone(), placing.context.now).await?;
        if cart.is_none_or(|cart| cart.id != priced.id || cart.state != CartState::Active) {
            return Ok(false);
        }
    }
    Ok(age == Age::Now || Goods::find(app, &placing.wanted, Age::Now).await?.are_of(order))
}

/// Where the goods of an order that is about to be placed are promised to it.
enum Promised {
    /// By the transaction that places it, or later.
    Here,
    /// By the service that counts them, already.
    Elsewhere(Held),
    /// Nowhere: the same request has led to this order before.
    Before(Box<Order>),
    /// Nowhere: there is not enough.
    Not(Refusal),
    /// Nowhere: another attempt at the same is under way, or was given up a moment ago.
    Rivalled,
}

/// Has the goods promised, or looked for, where they are counted elsewhere: with one call, and before any transaction. An order that was
/// placed before must not be promised its goods again, not even for a moment: they may be the last.
async fn promised(app: &Arc<App>, (placing, placement): (&Placing, &Placement)) -> Result<Promised, ApiError> {
    match placement.order.stock_keeping {
        StockKeeping::Embedded => return Ok(Promised::Here),
        StockKeeping::Remote => {}
    }
    if let Some(request) = &placing.request
        && let Some(order) = app.store.recall(request.clone()).await?
    {
        return Ok(Promised::Before(Box::new(order)));
    }
    match placement.allocate {
        AllocatePolicy::Confirm => {
            Ok(inventory::check(app, &placement.demand).await?.map_or_else(Promised::Not, |()| Promised::Here))
        }
        AllocatePolicy::Place => {
            let claim = Claim::placing(placement.order.id, (placing.request.as_ref(), placing.cart.as_ref()));
            Ok(match inventory::reserve(app, claim, placement.demand.clone()).await? {
                Reserving::Held(held) => Promised::Elsewhere(held),
                Reserving::Short(refusal) => Promised::Not(refusal),
                Reserving::Rivalled => Promised::Rivalled,
            })
        }
    }
}

/// How often is priced anew what changes while it is being ordered.
const ATTEMPTS: usize = 4;

/// Attempts to place an order until what is priced holds still; an attempt that answers `None` was overtaken. One more comes first, with
/// what is known of products already.
///
/// # Errors
/// The attempt's; `CONTENDED` for a cart or a coupon that does not hold still.
pub(crate) async fn until_still<T, W>(attempt: impl Fn(Age) -> W) -> Result<T, ApiError>
where
    W: Future<Output = Result<Option<T>, ApiError>>,
{
    for age in [Age::Recent].into_iter().chain([Age::Now; ATTEMPTS]) {
        if let Some(placed) = attempt(age).await? {
            return Ok(placed);
        }
    }
    Err(Refusal::PricingStale.into())
}

impl Placing {
    /// The coupon that is to be used, and by whom.
    fn coupon(&self) -> Option<WantedCoupon> {
        let code = self.particulars.coupon_code.clone()?;
        let redeemer = Redeemer::of(&self.owner, &self.particulars.contact.email);
        Some(WantedCoupon { code, redeemer: Some(redeemer), now: self.context.now })
    }
}

/// The coupon as it is in the price.
fn priced_coupon(wanted: Option<WantedCoupon>, offer: &Offer) -> Option<PricedCoupon> {
    let (redeemer, coupon) = (wanted?.redeemer?, offer.coupon.as_ref()?.as_ref().ok()?);
    Some(PricedCoupon { code: coupon.terms.code.clone(), redeemer, revision: coupon.revision })
}

/// The products as they are in the price, if that must be compared.
fn priced_products(app: &App, offer: &Offer) -> Vec<PricedProduct> {
    if offer.age == Age::Now || !app.catalog.keeps_revisions() {
        return Vec::new();
    }
    let priced = |(product, _): &(Product, _)| PricedProduct { id: product.id.clone(), revision: product.revision };
    offer.lines.iter().map(priced).collect()
}

/// A refusal that was found before any transaction is kept under the request id; and if that id placed an order earlier, at
/// prices that have changed since, the answer is that order.
async fn refuse(app: &App, request: Option<Request>, refusal: Refusal) -> Result<Order, ApiError> {
    match request {
        Some(request) => Ok(app.store.conclude(request, Err(refusal)).await?),
        None => Err(refusal.into()),
    }
}

/// What was ordered may have no price any more; if the same request placed an order earlier, the answer is that order.
///
/// # Errors
/// Why it has no price, or the refusal that was kept.
pub(super) async fn recall(app: &App, request: Option<&Request>, error: ApiError) -> Result<Order, ApiError> {
    match request {
        Some(request) => app.store.recall(request.clone()).await?.ok_or(error),
        None => Err(error),
    }
}

fn draft(app: &App, placing: &Placing, offer: Offer) -> OrderDraft {
    let particulars = placing.particulars.clone();
    let coupon = offer.coupon.and_then(Result::ok);
    OrderDraft {
        id: OrderId::new(app.ids.seed().nth(0)),
        owner: placing.owner.clone(),
        cart_id: placing.cart.as_ref().map(|cart| cart.id),
        lines: offer.lines,
        pricing: offer.pricing,
        coupon_code: coupon.map(|coupon| coupon.terms.code),
        contact: particulars.contact,
        shipping_address: particulars.shipping_address,
        billing_address: particulars.billing_address,
        payment: particulars.payment,
        notes: particulars.notes,
        metadata: particulars.metadata,
    }
}
