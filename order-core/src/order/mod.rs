//! The order: its content, how events change it, and what each change means for the shelf.

mod command;
mod decide;
mod event;
mod import;
mod line;
mod paying;
mod place;
mod shipment;
pub(crate) mod state;
mod walk;

use std::collections::BTreeMap;

pub use command::{Command, CommandKind, Context, TRANSITIONS, Transition};
pub use event::{Actor, Details, Event, EventBody};
pub use import::{ImportDraft, ImportLine, ImportSource, import};
pub use line::{Counters, Line, LineQuantity};
pub use place::{OrderDraft, Placement, place};
pub use shipment::{Shipment, ShipmentStatus, Tracking};
pub use state::{FulfillmentStatus, Hold, PaymentStatus, State, Status, fulfillment_status, payment_status, status};
pub use walk::StatusOptions;

use crate::{
    address::Address,
    contact::Contact,
    ids::{CartId, CustomerId, OperationId, OrderId, OrderNumber, PaymentId},
    money::Money,
    payment::{Operation, OperationState, Payment, PaymentMethod},
    pricing::Explanation,
    stock::{MovementKind, StockChange},
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
    /// How the totals came about.
    pub explanation: Explanation,
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
    /// A word to the shop.
    pub notes: String,
    /// The caller's own labels.
    pub metadata: BTreeMap<String, String>,
    /// Why it was called off.
    pub cancel_reason: Option<String>,
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

    /// Minor units taken and not given back.
    #[must_use]
    pub fn money_held(&self) -> i64 {
        self.payments.iter().map(|p| p.captured - p.refunded).sum()
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

    /// What people may search it by, lower-cased: number, e-mail, name, products, SKUs, and its name elsewhere.
    #[must_use]
    pub fn search_text(&self) -> String {
        let mut words: Vec<&str> = Vec::new();
        words.extend(self.number.as_ref().map(OrderNumber::as_str));
        if let Some(contact) = &self.contact {
            words.extend([contact.email.as_str(), contact.name.as_str()]);
        }
        words.extend(self.import.as_ref().map(|import| import.external_id.as_str()));
        for line in &self.lines {
            words.extend([line.name.as_str(), line.product_id.as_str(), line.sku.as_str()]);
        }
        words.join("\n").to_lowercase()
    }

    /// Applies an event that `decide` made for this order as it stands.
    pub fn apply(&mut self, event: &Event) {
        debug_assert_eq!(event.revision, self.revision + 1, "events are applied in order, each once");
        self.apply_body(event);
        self.derive();
        self.revision = event.revision;
        self.update_time = event.time;
        debug_assert!(self.is_sound(), "an event left order {} unsound: {event:?}", self.id);
    }

    fn apply_body(&mut self, event: &Event) {
        match &event.body {
            EventBody::Placed | EventBody::Imported { .. } | EventBody::NoteAdded { .. } => {}
            EventBody::StockAllocated { lines } => self.count(lines, |counters, units| counters.allocated += units),
            EventBody::Confirmed => self.state = State::Confirmed,
            EventBody::ProcessingStarted => self.state = State::Processing,
            EventBody::Completed => self.state = State::Completed,
            EventBody::Cancelled => self.close(State::Cancelled, event.reason.clone()),
            EventBody::Expired => self.close(State::Expired, event.reason.clone()),
            EventBody::Shipped { shipment } => {
                self.count(&shipment.lines, |counters, units| {
                    counters.allocated -= units;
                    counters.shipped += units;
                });
                self.shipments.push(shipment.clone());
            }
            EventBody::Delivered { shipment_id } => {
                if let Some(at) = self.shipments.iter().position(|s| s.id == *shipment_id) {
                    self.shipments[at].status = ShipmentStatus::Delivered;
                    self.shipments[at].deliver_time = Some(event.time);
                    let lines = self.shipments[at].lines.clone();
                    self.count(&lines, |counters, units| counters.delivered += units);
                }
            }
            EventBody::PaymentOpened { payment_id, method, amount } => {
                self.payments.push(self.open_payment((*payment_id, *method), *amount, event.time));
                // What is paid at the door is not paid in advance: there is nothing to wait for any more.
                self.pay_by = None;
            }
            EventBody::OperationStarted { .. }
            | EventBody::OperationAttempted { .. }
            | EventBody::OperationUnknown { .. }
            | EventBody::OperationSettled { .. } => self.apply_operation(event),
            EventBody::DetailsUpdated { details } => self.update_details(details),
            EventBody::HoldPlaced { hold } => self.holds.push(*hold),
            EventBody::HoldReleased { hold } => self.holds.retain(|held| held != hold),
        }
    }

    fn apply_operation(&mut self, event: &Event) {
        match &event.body {
            EventBody::OperationStarted { payment_id, method, operation } => {
                if !self.payments.iter().any(|p| p.id == *payment_id) {
                    self.payments.push(self.open_payment((*payment_id, *method), operation.amount, event.time));
                }
                if let Some(payment) = self.payments.iter_mut().find(|p| p.id == *payment_id) {
                    payment.begin(operation.clone());
                }
            }
            EventBody::OperationSettled { payment_id, operation_id, outcome, .. } => {
                if let Some(payment) = self.payments.iter_mut().find(|p| p.id == *payment_id) {
                    payment.settle(*operation_id, outcome, event.time);
                }
            }
            EventBody::OperationAttempted { payment_id, operation_id, next_attempt_at } => {
                if let Some(operation) = self.operation_mut((*payment_id, *operation_id)) {
                    operation.state = OperationState::Sent;
                    operation.attempts += 1;
                    operation.next_attempt_at = Some(*next_attempt_at);
                    operation.update_time = event.time;
                }
            }
            EventBody::OperationUnknown { payment_id, operation_id, next_attempt_at, .. } => {
                if let Some(operation) = self.operation_mut((*payment_id, *operation_id)) {
                    operation.state = OperationState::Unknown;
                    operation.next_attempt_at = Some(*next_attempt_at);
                    operation.update_time = event.time;
                }
            }
            EventBody::Placed
            | EventBody::Imported { .. }
            | EventBody::StockAllocated { .. }
            | EventBody::Confirmed
            | EventBody::ProcessingStarted
            | EventBody::Shipped { .. }
            | EventBody::Delivered { .. }
            | EventBody::Completed
            | EventBody::Cancelled
            | EventBody::Expired
            | EventBody::PaymentOpened { .. }
            | EventBody::DetailsUpdated { .. }
            | EventBody::NoteAdded { .. }
            | EventBody::HoldPlaced { .. }
            | EventBody::HoldReleased { .. } => {}
        }
    }

    fn open_payment(&self, (id, method): (PaymentId, PaymentMethod), amount: i64, now: Timestamp) -> Payment {
        Payment::open(id, method, Money::new(amount, self.totals.total.currency()), now)
    }

    fn operation_mut(&mut self, (payment_id, operation_id): (PaymentId, OperationId)) -> Option<&mut Operation> {
        let payment = self.payments.iter_mut().find(|p| p.id == payment_id)?;
        payment.operations.iter_mut().find(|op| op.id == operation_id)
    }

    fn count(&mut self, lines: &[LineQuantity], change: impl Fn(&mut Counters, u32)) {
        for part in lines {
            if let Some(line) = self.lines.iter_mut().find(|line| line.line_id == part.line_id) {
                change(&mut line.counters, part.quantity);
            }
        }
    }

    fn close(&mut self, state: State, reason: Option<String>) {
        self.state = state;
        self.cancel_reason = reason;
        for line in &mut self.lines {
            line.counters.cancelled = line.counters.ordered - line.counters.shipped;
            line.counters.allocated = 0;
        }
    }

    fn update_details(&mut self, details: &Details) {
        if let Some(address) = &details.shipping_address {
            self.shipping_address = Some(address.clone());
        }
        if let Some(contact) = &details.contact {
            self.contact = Some(contact.clone());
        }
        if let Some(notes) = &details.notes {
            self.notes.clone_from(notes);
        }
        if let Some(metadata) = &details.metadata {
            self.metadata.clone_from(metadata);
        }
    }

    pub(crate) fn derive(&mut self) {
        self.payment_status = payment_status(self.totals.total.minor(), &self.payments);
        self.fulfillment_status = fulfillment_status(&self.lines);
        self.status = status(self.state, self.payment_status, self.fulfillment_status);
    }

    /// The invariants of one order: counters and ledger in bounds, totals are sums, nothing negative.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let lines = self.lines.iter().map(|line| line.total.minor()).sum::<i64>();
        let totals = &self.totals;
        self.lines.iter().all(|line| line.counters.is_sound())
            && self.payments.iter().all(Payment::is_sound)
            && totals.total.minor() == lines + totals.shipping.minor() + totals.shipping_tax.minor()
            && totals.total.minor() >= 0
    }

    /// What an event, about to be applied to this order, means for the shelf.
    #[must_use]
    pub fn stock_changes(&self, event: &EventBody) -> Vec<StockChange> {
        match event {
            EventBody::StockAllocated { lines } => self.changes(MovementKind::Allocated, lines),
            EventBody::Shipped { shipment } => self.changes(MovementKind::Shipped, &shipment.lines),
            EventBody::Cancelled | EventBody::Expired => {
                let allocated: Vec<_> = self
                    .lines
                    .iter()
                    .filter(|line| line.counters.allocated > 0)
                    .map(|line| LineQuantity { line_id: line.line_id, quantity: line.counters.allocated })
                    .collect();
                self.changes(MovementKind::Released, &allocated)
            }
            EventBody::Placed
            | EventBody::Imported { .. }
            | EventBody::Confirmed
            | EventBody::ProcessingStarted
            | EventBody::Delivered { .. }
            | EventBody::Completed
            | EventBody::PaymentOpened { .. }
            | EventBody::OperationStarted { .. }
            | EventBody::OperationAttempted { .. }
            | EventBody::OperationUnknown { .. }
            | EventBody::OperationSettled { .. }
            | EventBody::DetailsUpdated { .. }
            | EventBody::NoteAdded { .. }
            | EventBody::HoldPlaced { .. }
            | EventBody::HoldReleased { .. } => Vec::new(),
        }
    }

    /// One change per SKU, in SKU order, which is the order in which shelves are locked.
    fn changes(&self, kind: MovementKind, lines: &[LineQuantity]) -> Vec<StockChange> {
        let skus = lines.iter().filter_map(|part| {
            let line = self.lines.iter().find(|line| line.line_id == part.line_id)?;
            Some((&line.sku, part.quantity))
        });
        crate::stock::demand(skus).into_iter().map(|(sku, quantity)| StockChange { sku, kind, quantity }).collect()
    }
}
