//! What is stored of an order so that it need not be derived each time equals what is derived.

use super::{Invariant, Report, Stored};
use crate::order::{fulfillment_status, payment_status, status};

pub(super) fn check(stored: &Stored<'_>, report: &mut Report) {
    let order = stored.order;
    let payment = payment_status(order);
    let fulfillment = fulfillment_status(&order.lines);
    let word = status(order.state, payment, fulfillment);
    report.order_value(
        Invariant::I7,
        "its payment status does not follow from its ledger",
        (payment, order.payment_status),
    );
    let what = "its fulfilment status does not follow from its lines";
    report.order_value(Invariant::I8, what, (fulfillment, order.fulfillment_status));
    report.order_value(Invariant::I8, "its status does not follow from its three axes", (word, order.status));

    let credited = order.totals.total.minor().saturating_sub(order.due());
    let refunded = order.payments.iter().map(|payment| payment.refunded).fold(0, i64::saturating_add);
    let what = "what the customer was let off, as statistics add it up, does not follow from lines and refunds";
    report.order_value(Invariant::I11, what, (credited, stored.credited));
    let what = "what was given back, as statistics add it up, does not follow from its payments";
    report.order_value(Invariant::I11, what, (refunded, stored.refunded));
    // Its text holds a name and an address, which findings do not.
    match stored.document {
        Some(document) if document == order.search_text() => {}
        Some(_) => report.order(Invariant::I11, "what it can be found by is not what it holds"),
        None => report.order(Invariant::I11, "it cannot be found by all of its words"),
    }
}
