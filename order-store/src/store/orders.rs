//! Orders.

use async_trait::async_trait;
use order_core::{
    cart::CartOwner,
    error::Refusal,
    ids::{CartId, CustomerId, OrderId, ProductId},
    order::{Command, Context, Event, ImportDraft, Order, Placement},
    stock::Reserved,
    time::Timestamp,
};

use crate::{
    error::StoreError,
    query::{CustomerSummary, OrderFilter, OrderKey, OrderQuery, Page, Scope, Stats, StatsQuery},
    request::Request,
    store::PricedCoupon,
};

/// How order numbers are made: `{prefix}-{year}-{counter:06}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbering {
    /// E.g. `SPK`.
    pub prefix: String,
    /// The first counter of a year.
    pub first: i64,
}

/// A cart as it was priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedCart {
    /// Identity.
    pub id: CartId,
    /// Whose it is.
    pub owner: CartOwner,
    /// The revision that was priced.
    pub revision: i64,
}

/// A product as it was priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedProduct {
    /// Identity.
    pub id: ProductId,
    /// The revision that was priced.
    pub revision: i64,
}

/// An order that is priced and decided, waiting for stock and a number.
#[derive(Debug, Clone)]
pub struct PlaceOrder {
    /// Idempotency, where the caller asked for it.
    pub request: Option<Request>,
    /// The order and its first events.
    pub placement: Placement,
    /// The cart that it consumes.
    pub cart: Option<PricedCart>,
    /// The coupon that it uses.
    pub coupon: Option<PricedCoupon>,
    /// Products that must still be as they were when they were priced; those that were read for this order need not be named.
    pub products: Vec<PricedProduct>,
    /// Units that an inventory service has promised to it: its whole demand, where it is promised at once and counted elsewhere.
    pub reserved: Option<Reserved>,
    /// How its number is made.
    pub numbering: Numbering,
}

/// Whether a change is carried out or only shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Carry it out.
    Apply,
    /// Show what it would do; write nothing.
    Preview,
}

/// A change to one order.
#[derive(Debug, Clone)]
pub struct ChangeOrder {
    /// Idempotency, where the caller asked for it.
    pub request: Option<Request>,
    /// Which order.
    pub order_id: OrderId,
    /// Whose order it must be: otherwise there is no such order.
    pub scope: Scope,
    /// The revision that the caller has seen, if it must not have changed since.
    pub expected_revision: Option<i64>,
    /// The change.
    pub command: Command,
    /// Units that an inventory service has promised for it. For a preview they are taken at their word.
    pub reserved: Option<Reserved>,
    /// Under which circumstances.
    pub context: Context,
    /// For real?
    pub mode: Mode,
}

/// An order, and what this call did to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// As it is after the call.
    pub order: Order,
    /// What this very call appended; empty for a replay.
    pub events: Vec<Event>,
}

/// An order to take over from another system.
#[derive(Debug, Clone)]
pub struct ImportOrder {
    /// Its new identity, should it not have been taken over before.
    pub id: OrderId,
    /// What was judged fit.
    pub draft: ImportDraft,
    /// Under which circumstances.
    pub context: Context,
}

/// What became of an order to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// It is ours now.
    New(Box<Order>),
    /// It was ours already; nothing was changed.
    Known(Box<Order>),
}

/// Orders.
#[async_trait]
pub trait OrderStore: Send + Sync {
    /// Stores a new order: uses its coupon; promises its stock, all of it or nothing, first of all what its cart holds, or takes its
    /// reservation over; marks its cart ordered; draws its number; appends its events. A cart that was ordered already gives the order it
    /// became.
    ///
    /// # Errors
    /// Refused with `InsufficientStock` (every shortage), `PricingStale` (the cart, the coupon or a product is not at the
    /// revision that was priced, or the reservation was given up), `CouponNotApplicable` (it is used up, or its time is over), `CartClosed`, `RequestIdReused`.
    async fn place(&self, order: PlaceOrder) -> Result<Effect, StoreError>;

    /// Decides a command against the order as it is, under its lock, and stores what follows: the order, its events, the
    /// shelf or what is to be told of it elsewhere, the coupon. A command that finds its work done changes nothing.
    ///
    /// # Errors
    /// `UnknownOutcome` where the answer to its commit got lost and it has no request id. `Unreserved` where an inventory service has to promise units first: nothing was done, and nothing of it is remembered. Refused with `NotFound`, `EtagMismatch`, `InsufficientStock`, `RequestIdReused`, or as the command's decision says.
    async fn change(&self, change: ChangeOrder) -> Result<Effect, StoreError>;

    /// Keeps an answer that was found before any transaction began, so that a retry hears it again: an order that exists
    /// already, or a refusal. If the same request led to something earlier, that is the answer.
    ///
    /// # Errors
    /// The refusal, this one or the one that was kept earlier, or `RequestIdReused`.
    async fn conclude(&self, request: Request, answer: Result<OrderId, Refusal>) -> Result<Order, StoreError>;

    /// What an earlier attempt at a request led to, if there was one: the order as it is now. For requests that come to nothing
    /// before any transaction begins.
    ///
    /// # Errors
    /// The refusal that was kept, or `RequestIdReused`.
    async fn recall(&self, request: Request) -> Result<Option<Order>, StoreError>;

    /// Takes orders over from another system, all in one transaction, in their order; those that were taken over before are
    /// left as they are.
    ///
    /// # Errors
    /// None of its own.
    async fn import(&self, orders: Vec<ImportOrder>, numbering: Numbering) -> Result<Vec<Imported>, StoreError>;

    /// One order, if it exists and the scope allows.
    ///
    /// # Errors
    /// None of its own.
    async fn order(&self, key: OrderKey, scope: Scope) -> Result<Option<Order>, StoreError>;

    /// A page of orders. Rows inserted meanwhile never push others out of or into later pages.
    ///
    /// # Errors
    /// None of its own.
    async fn orders(&self, query: OrderQuery) -> Result<Page<Order>, StoreError>;

    /// How many orders fit, counted up to `most`.
    ///
    /// # Errors
    /// None of its own.
    async fn count(&self, filter: OrderFilter, most: u32) -> Result<u32, StoreError>;

    /// A page of an order's history behind a revision, oldest first. Empty for an order that does not exist or is not in scope.
    ///
    /// # Errors
    /// None of its own.
    async fn events(&self, order_id: OrderId, after: i64, size: u32) -> Result<Page<Event>, StoreError>;

    /// Statistics over all orders, from one snapshot.
    ///
    /// # Errors
    /// None of its own.
    async fn stats(&self, query: StatsQuery) -> Result<Stats, StoreError>;

    /// What one customer has ordered, from one snapshot; `recent` counts orders placed since `since`.
    ///
    /// # Errors
    /// None of its own.
    async fn customer_summary(&self, customer: CustomerId, since: Timestamp) -> Result<CustomerSummary, StoreError>;
}
