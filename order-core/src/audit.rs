//! Holding an order against itself: everything that is stored of it and follows from something else is derived anew, from its
//! lines, its ledger and its history, and what differs is a [`Finding`].
//!
//! What needs more than one order, shelves and carts and numbers, is the store's to check; it speaks of it in the same words.
//! Nothing here trusts what it reads: an order that breaks every rule leads to findings, never to a panic.

mod counters;
mod derived;
mod history;
mod ledger;
mod replay;
mod totals;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{OrderId, PaymentId},
    order::{Event, Order, state::words},
};

/// What a finding says for people, at most.
const MESSAGE_CHARS: usize = 500;

words! {
    /// What must hold, whatever happened.
    Invariant {
        /// Every acknowledged order is there exactly once, with the content that was acknowledged.
        I1 = "I1",
        /// No order without a request for it; at most one per request id and per cart.
        I2 = "I2",
        /// One request id, one answer.
        I3 = "I3",
        /// What shelves say is the sum of their movements and of what is promised.
        I4 = "I4",
        /// Nothing is oversold.
        I5 = "I5",
        /// Totals are sums, in one currency, and nothing is negative.
        I6 = "I6",
        /// The ledger balances, and agrees with the gateway's own log.
        I7 = "I7",
        /// Every history is a legal path without gaps, and leads to what is stored.
        I8 = "I8",
        /// What is told of histories is what happened.
        I9 = "I9",
        /// A cart, and a coupon's use, is consumed once, by the order that came out of it.
        I10 = "I10",
        /// What is kept for lists and statistics equals a recount.
        I11 = "I11",
    }
}

words! {
    /// What a finding is about.
    SubjectKind {
        /// An order, by id.
        Order = "order",
        /// A shelf, by SKU.
        Sku = "sku",
        /// A payment, by id; of the simulated gateway's log, by key.
        Payment = "payment",
        /// A coupon, by code.
        Coupon = "coupon",
        /// A cart, by id.
        Cart = "cart",
        /// A request, by method and id.
        Request = "request",
        /// The numbers of a year, by prefix and year.
        Number = "number",
        /// Sums that statistics are made of, by kind of period, status and currency.
        Statistics = "statistics",
        /// A customer, by id, and the currency.
        Customer = "customer",
    }
}

/// An invariant that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which.
    pub invariant: Invariant,
    /// What it is about.
    pub subject_kind: SubjectKind,
    /// Which one.
    pub subject: String,
    /// What is wrong, for people, at most 500 characters. Names no customer.
    pub message: String,
    /// What should be there; empty if that cannot be said in a value.
    pub expected: String,
    /// What is there; empty like `expected`.
    pub actual: String,
}

impl Finding {
    /// A finding that has no values.
    #[must_use]
    pub fn new(invariant: Invariant, (subject_kind, subject): (SubjectKind, String), message: &str) -> Self {
        let message = message.chars().take(MESSAGE_CHARS).collect();
        Self { invariant, subject_kind, subject, message, expected: String::new(), actual: String::new() }
    }

    /// With what should be there and what is.
    #[must_use]
    pub fn with(self, expected: impl fmt::Display, actual: impl fmt::Display) -> Self {
        Self { expected: expected.to_string(), actual: actual.to_string(), ..self }
    }
}

/// An order as it is stored, with all that is stored beside it.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// The order.
    pub order: &'a Order,
    /// Its whole history, by revision.
    pub events: &'a [Event],
    /// The sum of what was given back, as it is kept for statistics; minor units.
    pub refunded: i64,
    /// The sum of what the customer was let off, as it is kept for statistics; minor units.
    pub credited: i64,
    /// What it can be found by; `None` if there is nothing.
    pub document: Option<&'a str>,
}

/// Derives anew what is stored of an order, and tells what differs.
#[must_use]
pub fn check(stored: &Stored<'_>) -> Vec<Finding> {
    let order = stored.order;
    let mut report = Report { order: order.id, findings: Vec::new() };
    totals::check(order, &mut report);
    counters::check(order, &mut report);
    ledger::check(order, stored.events, &mut report);
    if order.is_sound() {
        // Both derive from counters and amounts, which must be in bounds for it.
        derived::check(stored, &mut report);
        history::check(order, stored.events, &mut report);
    }
    report.findings
}

/// What was found of one order so far.
struct Report {
    order: OrderId,
    findings: Vec<Finding>,
}

impl Report {
    fn order(&mut self, invariant: Invariant, message: &str) {
        self.findings.push(Finding::new(invariant, (SubjectKind::Order, self.order.to_string()), message));
    }

    /// Notes a value of the order that is not what it should be.
    fn order_value<T: PartialEq + fmt::Display>(
        &mut self,
        invariant: Invariant,
        what: &str,
        (expected, actual): (T, T),
    ) {
        if expected != actual {
            let subject = (SubjectKind::Order, self.order.to_string());
            self.findings.push(Finding::new(invariant, subject, what).with(expected, actual));
        }
    }

    /// Notes a value of a payment, which belongs to the ledger.
    fn payment_value<T: PartialEq + fmt::Display>(&mut self, id: PaymentId, what: &str, (expected, actual): (T, T)) {
        if expected != actual {
            let message = format!("{what}, of order {}", self.order);
            let subject = (SubjectKind::Payment, id.to_string());
            self.findings.push(Finding::new(Invariant::I7, subject, &message).with(expected, actual));
        }
    }
}
