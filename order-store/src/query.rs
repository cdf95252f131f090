//! What can be asked of the store: filters, orderings, pages and the shapes of the answers.

use std::collections::BTreeMap;

use order_core::{
    currency::Currency,
    ids::{CartId, CouponCode, CustomerId, OrderId, OrderNumber, ProductId, Sku},
    limits,
    order::{Actor, Event, FulfillmentStatus, PaymentStatus, Status},
    stock::MovementKind,
    time::Timestamp,
};

/// Whose orders a caller may see. Part of every query, so that nothing foreign is ever shown; orders that are to be changed are locked many at
/// once, and looked at then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everybody's.
    All,
    /// One customer's own.
    Customer(CustomerId),
    /// Those that guests placed with this e-mail, in lower case. An order of a customer is none of them.
    Guest(String),
}

/// How an order is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderKey {
    /// By identity.
    Id(OrderId),
    /// By its number and the e-mail it was placed with; both must fit. For guests.
    NumberAndEmail(String, String),
}

/// Which orders. Every part that is given must fit; an empty list means any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFilter {
    /// Whose.
    pub scope: Scope,
    /// Of one of these words.
    pub statuses: Vec<Status>,
    /// Of one of these payment statuses.
    pub payment_statuses: Vec<PaymentStatus>,
    /// Of one of these fulfilment statuses.
    pub fulfillment_statuses: Vec<FulfillmentStatus>,
    /// Placed at or after.
    pub created_from: Option<Timestamp>,
    /// Placed before.
    pub created_before: Option<Timestamp>,
    /// In this currency; always given together with a total.
    pub currency: Option<Currency>,
    /// Of at least this total, minor units.
    pub total_min: Option<i64>,
    /// Of at most this total, minor units.
    pub total_max: Option<i64>,
    /// Of this customer.
    pub customer_id: Option<CustomerId>,
    /// With this contact address, exactly, lower-cased.
    pub email: Option<String>,
    /// With a line of this product.
    pub product_id: Option<ProductId>,
    /// With a line of this SKU.
    pub sku: Option<Sku>,
    /// This one, by its whole id. Search documents hold no ids: every short word of hexadecimal digits is in some of them.
    pub order_id: Option<OrderId>,
    /// The one with this number, whole.
    pub order_number: Option<OrderNumber>,
    /// Whose search document holds each of these words, lower-cased, anywhere.
    pub words: Vec<String>,
}

impl OrderFilter {
    /// All that a scope allows.
    #[must_use]
    pub const fn of(scope: Scope) -> Self {
        Self {
            scope,
            statuses: Vec::new(),
            payment_statuses: Vec::new(),
            fulfillment_statuses: Vec::new(),
            created_from: None,
            created_before: None,
            currency: None,
            total_min: None,
            total_max: None,
            customer_id: None,
            email: None,
            product_id: None,
            sku: None,
            order_id: None,
            order_number: None,
            words: Vec::new(),
        }
    }

    /// Lines that a search document must have, for the index over documents: each product and each SKU of an order is one
    /// ([`Order::search_text`](order_core::order::Order::search_text)).
    pub(crate) fn document_lines(&self) -> Vec<String> {
        let product = self.product_id.iter().map(|product| product.as_str().to_lowercase());
        let sku = self.sku.iter().map(|sku| sku.as_str().to_lowercase());
        product.chain(sku).collect()
    }
}

/// What a list of orders is sorted by; ties go by identity in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderSort {
    /// When they were placed.
    CreateTime,
    /// Their total in minor units, whatever the currency.
    Total,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// Where a page of orders begins: behind the row with this sort value and identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderCursor {
    /// Microseconds or minor units, by what the list is sorted.
    pub value: i64,
    /// The row.
    pub id: OrderId,
}

/// One page of a list of orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderQuery {
    /// Which.
    pub filter: OrderFilter,
    /// Sorted by what.
    pub sort: OrderSort,
    /// Which way.
    pub direction: Direction,
    /// Rows, 1 to 500.
    pub size: u32,
    /// Behind which row; `None` from the start.
    pub after: Option<OrderCursor>,
}

/// A page and whether there are more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Whether a further page follows.
    pub more: bool,
}

/// A place in the feed, the events of all orders one after the other: between two events, or before or behind them all. On
/// PostgreSQL the position is that of a transaction, on SQLite of an event; within a transaction events stand by order and revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedCursor {
    /// The position of the event before it.
    pub position: i64,
    /// The order of the event before it.
    pub order_id: OrderId,
    /// The revision of the event before it.
    pub revision: i64,
}

impl FeedCursor {
    /// Before all events.
    pub const BEGINNING: Self = Self { position: 0, order_id: OrderId::new(uuid::Uuid::nil()), revision: 0 };
}

/// An event in the feed, with what its order is filtered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEvent {
    /// Behind this event.
    pub cursor: FeedCursor,
    /// Whose event it is.
    pub order_id: OrderId,
    /// The order's number.
    pub order_number: OrderNumber,
    /// Who ordered; none for guests.
    pub customer_id: Option<CustomerId>,
    /// The order's currency.
    pub currency: Currency,
    /// What happened.
    pub event: Event,
}

/// A part of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPage {
    /// In the order of the feed. Never will there be others between them.
    pub events: Vec<FeedEvent>,
    /// Where to go on: behind the last event, or where one was. Never beyond the last event that there is: a place that nothing stands
    /// at would mean something else in a database that was restored.
    pub next: FeedCursor,
    /// Whether there is more at once.
    pub is_full: bool,
}

/// An event that a consumer could not get rid of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Who wanted to pass it on.
    pub consumer: String,
    /// Where the event stands.
    pub event: FeedCursor,
    /// What whoever refused it said last.
    pub reason: String,
    /// When it was given up.
    pub time: Timestamp,
}

impl DeadLetter {
    /// A letter, with as much of the reason as is kept.
    #[must_use]
    pub fn new(consumer: &str, event: FeedCursor, (reason, time): (&str, Timestamp)) -> Self {
        let reason = reason.chars().take(limits::DEAD_LETTER_REASON_CHARS).collect();
        Self { consumer: consumer.to_owned(), event, reason, time }
    }
}

/// One page of a consumer's dead letters, in the order of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterQuery {
    /// Whose.
    pub consumer: String,
    /// How many at most.
    pub size: u32,
    /// Behind this one.
    pub after: Option<FeedCursor>,
}

/// One page of the catalogue, by product id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductQuery {
    /// Only those for sale, or only those not.
    pub active: Option<bool>,
    /// Words that id, SKU or name must hold, lower-cased.
    pub words: Vec<String>,
    /// Rows, 1 to 500.
    pub size: u32,
    /// Behind which product.
    pub after: Option<ProductId>,
}

/// One page of the coupons, by code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CouponQuery {
    /// Only those that are in use, or only those that are not.
    pub active: Option<bool>,
    /// Rows, 1 to 500.
    pub size: u32,
    /// Behind which coupon.
    pub after: Option<CouponCode>,
}

/// One page of a shelf's history, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovementQuery {
    /// Of which SKU; `None` for all.
    pub sku: Option<Sku>,
    /// Rows, 1 to 500.
    pub size: u32,
    /// Behind which movement.
    pub after: Option<uuid::Uuid>,
}

/// One entry of a shelf's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Identity, in order of time.
    pub id: uuid::Uuid,
    /// Which SKU.
    pub sku: Sku,
    /// What happened.
    pub kind: MovementKind,
    /// Differences to on_hand, reserved and allocated.
    pub deltas: [i64; 3],
    /// For which order.
    pub order_id: Option<OrderId>,
    /// For which cart's hold.
    pub cart_id: Option<CartId>,
    /// Why.
    pub reason: Option<String>,
    /// Who.
    pub actor: Actor,
    /// When.
    pub time: Timestamp,
}

/// What statistics are to cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatsQuery {
    /// When today began, in the caller's time zone.
    pub today: Timestamp,
    /// When this month began there.
    pub month: Timestamp,
    /// When the days of the series begin, ascending, and the end of the last one: one entry more than there are days.
    pub days: Vec<Timestamp>,
}

/// Numbers of orders and sums of money, from one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    /// Orders by word.
    pub by_status: BTreeMap<Status, u64>,
    /// Totals of the orders that were confirmed and not called off, less what went back; minor units.
    pub revenue: BTreeMap<Currency, i64>,
    /// What went back, of all orders; minor units.
    pub refunds: BTreeMap<Currency, i64>,
    /// Orders placed since today began.
    pub today: u64,
    /// Orders placed since this month began.
    pub month: u64,
    /// Day by day.
    pub days: Vec<DayStats>,
}

/// One day of the series.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DayStats {
    /// Orders placed that day.
    pub orders: u64,
    /// Their revenue, as in [`Stats::revenue`].
    pub revenue: BTreeMap<Currency, i64>,
}

/// What one customer has ordered, from one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerSummary {
    /// Orders in all.
    pub orders: u64,
    /// Money taken and not given back, per currency; minor units.
    pub spent: BTreeMap<Currency, i64>,
    /// Orders since the moment that was asked for.
    pub recent: u64,
    /// The newest order.
    pub last: Option<(OrderId, Timestamp)>,
}
