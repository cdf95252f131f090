//! Placing an order: copying everything that was agreed, so that nothing that is bought later changes.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Order, Owner, State, Totals,
    command::Context,
    decide::Script,
    event::{Event, EventBody},
    line::{Counters, Line},
    state::{FulfillmentStatus, PaymentStatus, Status},
};
use crate::{
    address::Address,
    contact::Contact,
    error::Refusal,
    ids::{CartId, CouponCode, OrderId, OrderNumber},
    payment::PaymentMethod,
    policy::{AllocatePolicy, StockKeeping},
    pricing::{PricedLine, Pricing},
    product::Product,
    quantity::Quantity,
    stock::{Demand, demand},
};

/// What was agreed: products and prices of one moment, and who buys.
#[derive(Debug, Clone)]
pub struct OrderDraft {
    /// Identity.
    pub id: OrderId,
    /// Who buys.
    pub owner: Owner,
    /// The cart it comes from.
    pub cart_id: Option<CartId>,
    /// What is bought; at least one.
    pub lines: Vec<(Product, Quantity)>,
    /// What that costs; one priced line for each of `lines`, in their order.
    pub pricing: Pricing,
    /// The coupon that is in the price.
    pub coupon_code: Option<CouponCode>,
    /// Whom to write to.
    pub contact: Contact,
    /// Where it goes.
    pub shipping_address: Address,
    /// Where the bill goes, if elsewhere.
    pub billing_address: Option<Address>,
    /// How it is paid, and the gateway's token; `None` to pay later.
    pub payment: Option<(PaymentMethod, Option<String>)>,
    /// A word to the shop.
    pub notes: String,
    /// The caller's own labels.
    pub metadata: BTreeMap<String, String>,
}

/// A new order with its first events, ready to be stored once its stock is promised and its number drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The order as its events leave it, without a number.
    pub order: Order,
    /// Its history so far, from revision 1.
    pub events: Vec<Event>,
    /// What must be on the shelf.
    pub demand: Demand,
    /// Whether the demand is promised to it now; otherwise it is only checked.
    pub allocate: AllocatePolicy,
}

/// Nothing at all.
const NOTHING: &Demand = &Demand::new();

impl Placement {
    /// What of its demand is counted here.
    #[must_use]
    pub const fn on_our_shelves(&self) -> &Demand {
        match self.order.stock_keeping {
            StockKeeping::Embedded => &self.demand,
            StockKeeping::Remote => NOTHING,
        }
    }

    /// What of its demand must be promised to it elsewhere before it is stored.
    #[must_use]
    pub const fn promised_elsewhere(&self) -> &Demand {
        match (self.order.stock_keeping, self.allocate) {
            (StockKeeping::Remote, AllocatePolicy::Place) => &self.demand,
            (StockKeeping::Remote, AllocatePolicy::Confirm) | (StockKeeping::Embedded, _) => NOTHING,
        }
    }

    /// Gives the order its number.
    pub fn number(&mut self, number: OrderNumber) {
        self.order.number = Some(number);
    }
}

/// Places an order.
///
/// # Errors
/// Refusals of its payment; none with an order that has just begun, but they are passed on rather than assumed away.
pub fn place(draft: OrderDraft, context: &Context) -> Result<Placement, Refusal> {
    let payment = draft.payment.clone();
    let allocate = context.policy.allocate_on;
    let order = initial(draft, context);
    let demand = demand(order.lines.iter().map(|line| (&line.sku, line.counters.ordered)));
    let mut script = Script::on(order, context);
    script.emit(EventBody::Placed { allocate });
    if let Some((method, token)) = payment.filter(|_| script.order.totals.total.minor() > 0) {
        script.pay((method, token.as_deref()), None)?;
    }
    // Where nothing is due, nothing has to be waited for.
    script.confirm_by_policy();
    let Script { order, events, .. } = script;
    Ok(Placement { order, events, demand, allocate })
}

fn initial(draft: OrderDraft, context: &Context) -> Order {
    let on_delivery = matches!(draft.payment, Some((PaymentMethod::CashOnDelivery, _)));
    let minutes = context.policy.pay_by_minutes.filter(|_| !on_delivery);
    let pricing = &draft.pricing;
    let mut order = Order {
        id: draft.id,
        number: None,
        owner: draft.owner,
        cart_id: draft.cart_id,
        coupon_code: draft.coupon_code,
        state: State::Pending,
        payment_status: PaymentStatus::Unpaid,
        fulfillment_status: FulfillmentStatus::Unfulfilled,
        status: Status::Pending,
        holds: Vec::new(),
        lines: lines(&draft.lines, pricing),
        totals: Totals {
            subtotal: pricing.subtotal,
            discount: pricing.discount,
            tax: pricing.tax,
            shipping: pricing.shipping,
            shipping_tax: pricing.shipping_tax,
            total: pricing.total,
        },
        explanation: Arc::new(draft.pricing.explanation),
        contact: Some(draft.contact),
        shipping_address: Some(draft.shipping_address),
        billing_address: draft.billing_address,
        payments: Vec::new(),
        shipments: Vec::new(),
        returns: Vec::new(),
        shipping_refunded: 0,
        notes: draft.notes,
        metadata: draft.metadata,
        cancel_reason: None,
        stock_keeping: context.policy.stock_keeping,
        pay_by: minutes.map(|m| context.now.plus_micros(i64::from(m) * 60_000_000)),
        import: None,
        create_time: context.now,
        update_time: context.now,
        revision: 0,
    };
    order.derive();
    order
}

/// Lines as they are bought: a copy of the products and of what they cost.
#[must_use]
pub fn lines(bought: &[(Product, Quantity)], pricing: &Pricing) -> Vec<Line> {
    let line = |(line_id, ((product, quantity), priced)): (u32, (&(Product, Quantity), &PricedLine))| Line {
        line_id,
        product_id: product.id.clone(),
        sku: product.sku.clone(),
        name: product.name.clone(),
        unit_price: product.price,
        subtotal: priced.subtotal,
        discount: priced.discount,
        tax: priced.tax,
        total: priced.total,
        tax_rate: priced.tax_rate.to_string(),
        tax_class: product.tax_class.clone(),
        counters: Counters::ordered(quantity.get()),
    };
    (1..).zip(bought.iter().zip(&pricing.lines)).map(line).collect()
}
