//! The order: its content, what is asked of it, how it decides, and how events change it.

mod apply;
mod balance;
mod cancel;
mod command;
mod decide;
mod edit;
mod event;
mod fulfil;
mod goods;
mod import;
mod line;
mod paying;
mod place;
mod refund;
mod returning;
mod returns;
mod shipment;
pub(crate) mod state;
mod walk;

use std::{collections::BTreeMap, sync::Arc};

pub use balance::Share;
pub use command::{
    Command, CommandKind, Context, Edit, RefundWish, ReturnRefund, ReturnStep, ShipmentStep, ShippingRefund,
    TRANSITIONS, Transition,
};
pub use event::{Actor, Details, Event, EventBody};
pub use import::{ImportDraft, ImportLine, ImportSource, import};
pub use line::{Counters, Line, LineQuantity};
pub use place::{OrderDraft, Placement, lines, place};
pub use refund::{RefundPart, RefundSplit, SplitLine};
pub use returns::{OrderReturn, ReceivedLine, ReturnLine, ReturnStatus};
pub use shipment::{CarrierEvent, Shipment, ShipmentStatus, Tracking, TrackingChange};
pub use state::{FulfillmentStatus, Hold, PaymentStatus, State, Status, fulfillment_status, payment_status, status};
pub use walk::StatusOptions;

use crate::{
    address::Address,
    contact::Contact,
    ids::{CartId, CouponCode, CustomerId, OrderId, OrderNumber},
    money::Money,
    payment::{Operation, Payment},
    policy::StockKeeping,
    pricing::Explanation,
    time::Timestamp,
};

/// Whose order it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Owner {
    /// Somebody with an account.
    Customer(CustomerId),
    /// Somebody without; known by order number and e-mail only.
    Guest,
}

impl Owner {
    /// The customer, where there is one.
    #[must_use]
    pub const fn customer_id(&self) -> Option<&CustomerId> {
        match self {
            Self::Customer(id) => Some(id),
            Self::Guest => None,
        }
    }
}

/// What an order adds up to. Sums of stored integers: nothing is recomputed from rates after placement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Sum of the lines' subtotals.
    pub subtotal: Money,
    /// Sum of the lines' discounts.
    pub discount: Money,
    /// Sum of the lines' taxes.
    pub tax: Money,
    /// For sending it.
    pub shipping: Money,
    /// Tax on shipping.
    pub shipping_tax: Money,
    /// Sum of the lines' totals, shipping and shipping tax.
    pub total: Money,
}

/// An order as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Identity.
    pub id: OrderId,
    /// The number for people; `None` only until the store has drawn it.
    pub number: Option<OrderNumber>,
    /// Whose it is.
    pub owner: Owner,
    /// The cart it came from; one cart makes one order.
    pub cart_id: Option<CartId>,
    /// The coupon that is in its price.
    pub coupon_code: Option<CouponCode>,
    /// First axis.
    pub state: State,
    /// Second axis, derived.
    pub payment_status: PaymentStatus,
    /// Third axis, derived.
    pub fulfillment_status: FulfillmentStatus,
    /// The word for people, derived.
    pub status: Status,
    /// What keeps it from being processed and shipped.
    pub holds: Vec<Hold>,
    /// What was bought.
    pub lines: Vec<Line>,
    /// What it adds up to.
    pub totals: Totals,
    /// How the totals came about. Shared, because it is the largest part of an order and seldom changes.
    pub explanation: Arc<Explanation>,
    /// Whom to write to; only imported orders may lack it.
    pub contact: Option<Contact>,
    /// Where it goes; only imported orders may lack it.
    pub shipping_address: Option<Address>,
    /// Where the bill goes.
    pub billing_address: Option<Address>,
    /// How it is paid, oldest first.
    pub payments: Vec<Payment>,
    /// Parcels, oldest first.
    pub shipments: Vec<Shipment>,
    /// Goods that come back, oldest first.
    pub returns: Vec<OrderReturn>,
    /// What of shipping and its tax was refunded, in minor units.
    pub shipping_refunded: i64,
    /// A word to the shop.
    pub notes: String,
    /// The caller's own labels.
    pub metadata: BTreeMap<String, String>,
    /// Why it was called off.
    pub cancel_reason: Option<String>,
    /// Who counts its goods.
    pub stock_keeping: StockKeeping,
    /// Until when it must be paid.
    pub pay_by: Option<Timestamp>,
    /// Where it was imported from.
    pub import: Option<ImportSource>,
    /// When it was placed.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
    /// The revision of its last event.
    pub revision: i64,
}

impl Order {
    /// The payment that counts: the newest one.
    #[must_use]
    pub fn payment(&self) -> Option<&Payment> {
        self.payments.last()
    }

    /// Whether money may be on its way in.
    #[must_use]
    pub fn is_collecting(&self) -> bool {
        self.payments.iter().any(Payment::is_collecting)
    }

    /// The requests to gateways whose outcome is still to come.
    pub fn open_operations(&self) -> impl Iterator<Item = (&Payment, &Operation)> {
        self.payments.iter().flat_map(|payment| payment.open_operations().map(move |op| (payment, op)))
    }

    /// What stands between the two parts of its [`search_text`](Self::search_text).
    pub const GOODS_BEHIND: &'static str = "\n\n";

    /// What people may search it by, lower-cased, a line each: number, e-mail, name, and its name elsewhere; behind an empty line, of
    /// each of its lines name, product, and SKU. The latter are few and the same for many orders, and a store may keep them apart.
    #[must_use]
    pub fn search_text(&self) -> String {
        let mut own: Vec<&str> = Vec::new();
        if let Some(contact) = &self.contact {
            own.extend([contact.email.as_str(), contact.name.as_str()]);
        }
        own.extend(self.import.as_ref().map(|import| import.external_id.as_str()));
        let goods = self
            .lines
            .iter()
            .flat_map(|line| [line.name.as_str(), line.product_id.as_str(), line.sku.as_str()])
            .collect();
        // Whatever is empty would end the part that it stands in.
        let joined = |mut words: Vec<&str>| {
            words.retain(|word| !word.is_empty());
            words.join("\n").to_lowercase()
        };
        let (own, goods) = (joined(own), joined(goods));
        let text = format!("{own}{}{goods}", Self::GOODS_BEHIND);
        match &self.number {
            None => text,
            Some(number) => Self::search_text_with(number, &text),
        }
    }

    /// The [`search_text`](Self::search_text) of an order with this number, from what it is without one.
    #[must_use]
    pub fn search_text_with(number: &OrderNumber, text: &str) -> String {
        let number = number.as_str().to_lowercase();
        if text.starts_with(Self::GOODS_BEHIND) { number + text } else { format!("{number}\n{text}") }
    }

    pub(crate) fn derive(&mut self) {
        self.payment_status = payment_status(self);
        self.fulfillment_status = fulfillment_status(&self.lines);
        self.status = status(self.state, self.payment_status, self.fulfillment_status);
    }

    /// The invariants of one order: counters and ledger in bounds, totals are sums, nothing negative.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        // In 128 bits: it is also asked of what somebody else's hand has written.
        let minor = |money: Money| i128::from(money.minor());
        let lines = self.lines.iter().map(|line| minor(line.total)).sum::<i128>();
        let totals = &self.totals;
        let shipping = minor(totals.shipping) + minor(totals.shipping_tax);
        self.lines.iter().all(|line| line.counters.is_sound())
            && self.payments.iter().all(Payment::is_sound)
            && minor(totals.total) == lines + shipping
            && totals.total.minor() >= 0
            && (0..=shipping).contains(&i128::from(self.shipping_refunded))
    }
}
