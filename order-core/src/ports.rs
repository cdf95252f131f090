//! What the service asks of its neighbours, in the domain's own words. Each has an embedded answer, so that the service is
//! complete on its own, and may be a remote service instead. Nothing here is called while a database transaction is open.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::{
    ids::{CustomerId, OperationId, OrderId, OrderNumber, ProductId, Sku},
    money::Money,
    order::Shipment,
    payment::{OperationKind, Outcome, PaymentMethod},
    product::Product,
    stock::{InventoryOperation, LevelQuery, Shortage},
    time::Timestamp,
};

/// A neighbour that did not answer, or not in a way that means anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{neighbour} is not available: {detail}")]
pub struct Unavailable {
    /// Which one: `catalog`, `inventory`, `payment`, `shipping`, `notification`.
    pub neighbour: &'static str,
    /// What was the matter.
    pub lack: Lack,
    /// For operators; never shown to callers.
    pub detail: String,
}

/// Why a neighbour gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// It is down, cannot be reached, or made no sense.
    Down,
    /// The caller's time was over first: nothing is known of the neighbour.
    TimeOver,
    /// It has more work than it can do in time.
    Overloaded,
}

/// How a neighbour is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It is part of this process.
    Embedded,
    /// It answered.
    Connected,
}

/// Every neighbour can be asked how it is doing.
#[async_trait]
pub trait Neighbour: Send + Sync {
    /// `catalog`, `inventory`, `payment`, `shipping` or `notification`.
    fn name(&self) -> &'static str;

    /// Asks it.
    ///
    /// # Errors
    /// Where it does not answer.
    async fn check(&self) -> Result<Health, Unavailable>;
}

/// Who knows products and prices.
#[async_trait]
pub trait Catalog: Neighbour {
    /// The products of these ids that exist, in any order; one call for a whole order.
    ///
    /// # Errors
    /// Where the neighbour is down: never mistaken for an unknown product.
    async fn batch_get(&self, ids: &[ProductId]) -> Result<Vec<Product>, Unavailable>;

    /// The same products as somebody saw them before, without asking anybody: good enough for an order that is placed, and for no
    /// refusal. `None` where one of them is not at hand.
    fn recent(&self, ids: &[ProductId]) -> Option<Vec<Product>> {
        let _ = ids;
        None
    }

    /// Whether whoever relies on [`recent`](Self::recent) products can, and has to, make sure in its transaction that they are still at the
    /// revisions given there. Others are as old as the catalogue allows.
    fn keeps_revisions(&self) -> bool {
        false
    }
}

/// Who knows what is on the shelf. This is for looking: the embedded shelf is counted inside the placement transaction, any other one
/// through [`Warehouse`].
#[async_trait]
pub trait Inventory: Neighbour {
    /// How many units can be ordered, of those SKUs that exist; such holds only count as have not ended.
    ///
    /// # Errors
    /// Where the neighbour is down: never mistaken for an empty shelf.
    async fn available(&self, query: LevelQuery) -> Result<BTreeMap<Sku, i64>, Unavailable>;
}

/// What became of a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReserveOutcome {
    /// The units are promised.
    Reserved,
    /// There are not enough, and nothing is promised, now or later.
    Short(Vec<Shortage>),
    /// It may or may not have been made: it must be withdrawn.
    Unknown(Unavailable),
    /// Nobody was asked.
    Unasked(Unavailable),
}

/// Who counts the goods, where this service does not.
#[async_trait]
pub trait Warehouse: Send + Sync {
    /// Promises units to an order, all of them or none, once per key.
    async fn reserve(&self, operation: &InventoryOperation) -> ReserveOutcome;

    /// Tells what has happened to goods, or withdraws a reservation; once per key.
    ///
    /// # Errors
    /// Where it is not certain that it was heard; it must be told again.
    async fn tell(&self, operation: &InventoryOperation) -> Result<(), Unavailable>;
}

/// A request to move money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayRequest {
    /// The idempotency key: the same key again never moves money twice.
    pub key: OperationId,
    /// What to do.
    pub kind: OperationKind,
    /// How much.
    pub amount: Money,
    /// With what kind of instrument.
    pub method: PaymentMethod,
    /// The instrument's token, as it was given when the payment began.
    pub token: Option<String>,
    /// Under which name the gateway knows the money that was promised or taken; absent while there is none.
    pub reference: Option<String>,
    /// What to print on the statement.
    pub order_number: Option<OrderNumber>,
    /// When it is asked.
    pub now: Timestamp,
}

/// A gateway's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayAnswer {
    /// It is decided.
    Decided(Outcome),
    /// It may or may not have happened: ask again, by key.
    Unknown,
    /// The gateway has never heard of the key; nothing moved.
    NeverSeen,
}

/// Who moves money.
#[async_trait]
pub trait PaymentGateway: Neighbour {
    /// Moves money, once per key.
    ///
    /// # Errors
    /// None: a request that got lost is [`GatewayAnswer::Unknown`], since nobody can tell whether it was carried out.
    async fn execute(&self, request: &GatewayRequest) -> GatewayAnswer;

    /// Asks what became of a request.
    async fn look_up(&self, key: OperationId) -> GatewayAnswer;
}

/// Who carries parcels.
#[async_trait]
pub trait Shipping: Neighbour {
    /// Fills in what the carrier knows of a parcel: a link to follow it, when it should arrive.
    ///
    /// # Errors
    /// Where the neighbour is down.
    async fn describe(&self, shipment: &Shipment) -> Result<Shipment, Unavailable>;
}

/// What customers are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotificationKind {
    /// The order was placed.
    OrderConfirmation,
    /// Its payment was taken.
    PaymentConfirmation,
    /// Its status changed.
    OrderStatusUpdate,
    /// A parcel left or arrived.
    ShippingUpdate,
    /// It was called off.
    OrderCancellation,
    /// Its money went back.
    RefundConfirmation,
}

/// Something that a customer is to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Which: the same for the same event of the same order.
    pub key: String,
    /// Of which order.
    pub order_id: OrderId,
    /// Its number, for people.
    pub order_number: OrderNumber,
    /// Who ordered; none for guests.
    pub customer_id: Option<CustomerId>,
    /// What happened.
    pub kind: NotificationKind,
    /// When.
    pub time: Timestamp,
}

/// Who tells customers.
#[async_trait]
pub trait Notifier: Neighbour {
    /// Whether there is anybody to be told at all.
    fn listens(&self) -> bool;

    /// Tells the customer of an order. May be told twice; must not matter. News that are refused for good count as told.
    ///
    /// # Errors
    /// Where the neighbour is down.
    async fn notify(&self, news: &News) -> Result<(), Unavailable>;
}
