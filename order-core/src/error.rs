//! Every way in which the domain says no.
//!
//! Two kinds, because callers do different things about them: [`Violations`] mean the request can never work and must be
//! written differently; a [`Refusal`] means the request is well formed but the state of the world is against it. Refusals
//! can be stored, since a retry under the same request id must hear the same answer.

use serde::{Deserialize, Serialize};

use crate::{
    discount::CouponProblem,
    ids::{CouponCode, OrderId, ProductId, Sku},
    money::Money,
    order::{CommandKind, State, Status},
    stock::{Demand, Shortage},
    violation::Violations,
};

/// The domain's no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// The input breaks rules; all of them are named.
    #[error("the request is not valid")]
    Invalid(Violations),
    /// The state of the world is against it.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// A kind of thing that was asked for and is not there, or not the caller's: the two look the same on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    /// An order.
    Order,
    /// A cart.
    Cart,
    /// A line of a cart.
    CartItem,
    /// A product.
    Product,
    /// A stock keeping unit.
    Stock,
    /// A line of an order.
    OrderLine,
    /// A parcel.
    Shipment,
    /// Goods that come back.
    Return,
    /// A way in which an order is paid.
    Payment,
    /// A request to a payment gateway.
    PaymentOperation,
    /// A coupon.
    Coupon,
}

impl ResourceKind {
    /// The word for people.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Cart => "cart",
            Self::CartItem => "cart item",
            Self::Product => "product",
            Self::Stock => "stock",
            Self::OrderLine => "order line",
            Self::Shipment => "shipment",
            Self::Return => "return",
            Self::Payment => "payment",
            Self::PaymentOperation => "payment operation",
            Self::Coupon => "coupon",
        }
    }
}

/// What bounds an amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AmountLimit {
    /// What is still to be paid.
    Due,
    /// What is promised, due, and not taken.
    Capturable,
    /// What was taken and has not gone back.
    Refundable,
}

impl AmountLimit {
    /// For people.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Capturable => "to be taken",
            Self::Refundable => "left to give back",
        }
    }
}

/// A price that is not what the caller had seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceDifference {
    /// The product; absent for the order's total.
    pub product_id: Option<ProductId>,
    /// What the caller expected.
    pub expected: Money,
    /// What holds now.
    pub actual: Money,
}

/// A word that cannot be reached now, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarredStatus {
    /// The word.
    pub status: Status,
    /// What stands in the way, for people.
    pub reason: String,
}

/// Why a well-formed request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Unknown, or someone else's.
    #[error("there is no such {}", .kind.noun())]
    NotFound {
        /// What was asked for.
        kind: ResourceKind,
        /// Its name as the caller gave it.
        name: String,
    },
    /// The request id was used before, with another body.
    #[error("this request_id was already used for a different request; use a new one")]
    RequestIdReused,
    /// Somebody changed it since the caller looked.
    #[error("it has changed since you read it; read it again and retry with its current etag")]
    EtagMismatch {
        /// The etag that holds now.
        current: i64,
    },
    /// The order's state does not allow the command.
    #[error("an order that is {state} cannot {command}: {reason}")]
    IllegalTransition {
        /// The order.
        order_id: OrderId,
        /// The state it is in.
        state: State,
        /// What was attempted.
        command: CommandKind,
        /// What stands in the way, for people.
        reason: String,
        /// What could be done instead.
        legal: Vec<CommandKind>,
    },
    /// The status word cannot be reached from here.
    #[error("an order that is {current} cannot become {wanted}: {reason}")]
    IllegalStatus {
        /// The order.
        order_id: OrderId,
        /// The word that holds now.
        current: Status,
        /// The word asked for.
        wanted: Status,
        /// What stands in the way, for people.
        reason: String,
        /// The words that could be reached now.
        legal: Vec<Status>,
        /// Why each of the others could not.
        barred: Vec<BarredStatus>,
    },
    /// Not enough of something; nothing was taken.
    #[error("there is not enough stock for {} product(s)", .0.len())]
    InsufficientStock(Vec<Shortage>),
    /// Prices differ from what the caller had seen.
    #[error("prices have changed; read the current ones and confirm them")]
    PriceChanged(Vec<PriceDifference>),
    /// The products exist but are not sold now.
    #[error("{} product(s) are not for sale at the moment", .0.len())]
    ProductInactive(Vec<ProductId>),
    /// There is nothing in the cart.
    #[error("the cart is empty; add a product first")]
    CartEmpty,
    /// The cart was ordered, merged or has expired.
    #[error("the cart is {state} and can no longer be changed")]
    CartClosed {
        /// What became of it.
        state: String,
    },
    /// The cart holds as many lines as it may.
    #[error("a cart holds at most {max} products")]
    CartFull {
        /// The limit.
        max: u32,
    },
    /// The sum of quantities would pass the limit.
    #[error("at most {max} units of a product fit in a cart or an order")]
    QuantityTooLarge {
        /// The limit.
        max: u32,
    },
    /// One cart, one currency.
    #[error("the cart is in {cart} and the product is priced in {product}")]
    CurrencyMismatch {
        /// The cart's currency.
        cart: String,
        /// The product's currency.
        product: String,
    },
    /// The gateway said no; the order stands and can be paid in another way.
    #[error("the payment was declined ({code}); the order stands and can be paid with another method")]
    PaymentDeclined {
        /// The order.
        order_id: OrderId,
        /// The gateway's code.
        code: String,
    },
    /// A payment is on its way; a second one could charge twice.
    #[error("a payment for this order is on its way; wait for its outcome")]
    PaymentInProgress {
        /// The order.
        order_id: OrderId,
    },
    /// More money than there is, or none at all.
    #[error("{requested} was asked for and {available} is {}", .limit.noun())]
    AmountExceeded {
        /// What bounds it.
        limit: AmountLimit,
        /// What was asked for.
        requested: Money,
        /// The most that could be had.
        available: Money,
    },
    /// More units of a line than there are for it.
    #[error("cannot {command} {requested} unit(s) of line {line_id}: {available} are there for it")]
    LineQuantityExceeded {
        /// What was attempted.
        command: CommandKind,
        /// The line.
        line_id: u32,
        /// Units asked for.
        requested: u32,
        /// Units that could be had.
        available: u32,
    },
    /// What an order or a change rests on, a cart, a coupon, a reservation, changed in between, again and again.
    #[error("what this rests on keeps changing meanwhile; try again")]
    PricingStale,
    /// Goods that an inventory service counts are to be reserved there first. Never heard outside: whoever asks reserves them and comes
    /// again.
    #[error("goods must be reserved with the inventory service first")]
    Unreserved(Demand),
    /// The coupon takes nothing off this order.
    #[error("coupon {code} cannot be used: {}", .problem.describe())]
    CouponNotApplicable {
        /// The coupon.
        code: CouponCode,
        /// Why not.
        problem: CouponProblem,
    },
    /// Stock, with its backorder limit, may not fall below what is promised.
    #[error(
        "{sku}: {promised} units are promised, which the shelf of {on_hand} and its backorder limit must go on covering"
    )]
    StockPromised {
        /// What would fall short.
        sku: Sku,
        /// On the shelf now, units.
        on_hand: i64,
        /// Reserved and allocated, units.
        promised: i64,
    },
    /// A SKU belongs to one product.
    #[error("SKU {sku} already belongs to product {product_id}")]
    SkuTaken {
        /// The SKU.
        sku: Sku,
        /// Whose it is.
        product_id: ProductId,
    },
}

impl Refusal {
    /// Something is not there, or not the caller's.
    #[must_use]
    pub fn not_found(kind: ResourceKind, name: impl ToString) -> Self {
        Self::NotFound { kind, name: name.to_string() }
    }
}
