//! A history is a legal path without gaps, and it leads to what is stored.

use super::{Invariant, Report, replay};
use crate::{
    order::{CommandKind, Event, EventBody, Line, Order, Shipment, State, TRANSITIONS},
    payment::{Operation, Payment},
};

pub(super) fn check(order: &Order, events: &[Event], report: &mut Report) {
    if !check_revisions(order, events, report) {
        return;
    }
    let Some((first, last)) = events.first().zip(events.last()) else { return };
    report.order_value(Invariant::I9, "its last event tells another status", (order.status, last.status_after));
    let begins = match order.import {
        None => matches!(first.body, EventBody::Placed { .. }),
        Some(_) => matches!(first.body, EventBody::Imported { .. }),
    };
    if !begins {
        return report.order(Invariant::I8, "its history does not begin with its placement or import");
    }
    let mut replayed = replay::beginning(order, events);
    for event in events {
        let before = replayed.state;
        if let Err(why) = replay::apply(&mut replayed, event) {
            let what = format!("event {} ({}) cannot have happened: {why}", event.revision, event.body.name());
            return report.order(Invariant::I8, &what);
        }
        check_step((before, replayed.state), event, report);
    }
    compare(&replayed, order, report);
}

/// Whether the history can be replayed: it has every revision, once.
fn check_revisions(order: &Order, events: &[Event], report: &mut Report) -> bool {
    if let Some((expected, event)) = (1..).zip(events).find(|(expected, event)| event.revision != *expected) {
        report.order_value(Invariant::I8, "its history has a gap", (expected, event.revision));
        return false;
    }
    let last = events.last().map_or(0, |event| event.revision);
    report.order_value(Invariant::I8, "its revision is not that of its last event", (last, order.revision));
    last == order.revision
}

/// Whether the table of transitions knows the step.
fn check_step((from, to): (State, State), event: &Event, report: &mut Report) {
    let commands = commands(&event.body);
    let known = TRANSITIONS.iter().any(|step| step.from == from && step.to == to && commands.contains(&step.command));
    if !commands.is_empty() && !known {
        let what = format!("event {} ({}) is no legal step from {from} to {to}", event.revision, event.body.name());
        report.order(Invariant::I8, &what);
    }
}

/// The commands of the table that lead to an event; none where the table does not decide about it.
const fn commands(body: &EventBody) -> &'static [CommandKind] {
    match body {
        EventBody::Confirmed => &[CommandKind::Confirm],
        EventBody::ProcessingStarted => &[CommandKind::StartProcessing],
        EventBody::Completed => &[CommandKind::Complete],
        EventBody::Cancelled => &[CommandKind::Cancel],
        EventBody::Expired => &[CommandKind::Expire],
        EventBody::LinesCancelled { .. } => &[CommandKind::CancelLines, CommandKind::Edit],
        EventBody::LinesAdded { .. } => &[CommandKind::Edit],
        EventBody::ShipmentCreated { .. } => &[CommandKind::CreateShipment],
        EventBody::PaymentOpened { .. } => &[CommandKind::Pay],
        EventBody::ReturnRequested { .. } => &[CommandKind::RequestReturn],
        EventBody::Placed { .. }
        | EventBody::Imported { .. }
        | EventBody::Edited { .. }
        | EventBody::StockAllocated { .. }
        | EventBody::ShipmentUpdated { .. }
        | EventBody::ShipmentPacked { .. }
        | EventBody::ShipmentCancelled { .. }
        | EventBody::Shipped { .. }
        | EventBody::ReturnedToSender { .. }
        | EventBody::CarrierEventRecorded { .. }
        | EventBody::Delivered { .. }
        | EventBody::OperationStarted { .. }
        | EventBody::OperationAttempted { .. }
        | EventBody::OperationUnknown { .. }
        | EventBody::OperationSettled { .. }
        | EventBody::PaymentMismatch { .. }
        | EventBody::LinesRefunded { .. }
        | EventBody::ReturnCancelled { .. }
        | EventBody::ReturnApproved { .. }
        | EventBody::ReturnRejected { .. }
        | EventBody::ReturnReceived { .. }
        | EventBody::ReturnClosed { .. }
        | EventBody::DetailsUpdated { .. }
        | EventBody::NoteAdded { .. }
        | EventBody::HoldPlaced { .. }
        | EventBody::HoldReleased { .. } => &[],
    }
}

fn compare(replayed: &Order, order: &Order, report: &mut Report) {
    report.order_value(Invariant::I8, "its state is not where its history leads", (replayed.state, order.state));
    let holds = |order: &Order| order.holds.iter().map(|hold| hold.as_str()).collect::<Vec<_>>().join(", ");
    report.order_value(Invariant::I8, "its holds are not those of its history", (holds(replayed), holds(order)));
    let what = "what of shipping was refunded is not what its history says";
    report.order_value(Invariant::I7, what, (replayed.shipping_refunded, order.shipping_refunded));
    compare_content(replayed, order, report);
    compare_lines(&replayed.lines, &order.lines, report);
    compare_payments(replayed, order, report);
    compare_parcels(replayed, order, report);
    compare_returns(replayed, order, report);
}

/// What was agreed, and what was changed of it since. Without the values, which say who the customer is.
fn compare_content(replayed: &Order, order: &Order, report: &mut Report) {
    for (what, same) in [
        ("its contact", replayed.contact == order.contact),
        ("its address", replayed.shipping_address == order.shipping_address),
        ("its notes", replayed.notes == order.notes),
        ("its metadata", replayed.metadata == order.metadata),
        ("the reason why it was called off", replayed.cancel_reason == order.cancel_reason),
    ] {
        if !same {
            report.order(Invariant::I1, &format!("{what} is not what its history says"));
        }
    }
}

fn compare_lines(replayed: &[Line], stored: &[Line], report: &mut Report) {
    let ids = |lines: &[Line]| lines.iter().map(|line| line.line_id.to_string()).collect::<Vec<_>>().join(", ");
    report.order_value(Invariant::I1, "its lines are not those of its history", (ids(replayed), ids(stored)));
    for (expected, actual) in pairs(replayed, stored, |line| line.line_id) {
        if (Line { counters: actual.counters, ..expected.clone() }) != *actual {
            report.order(Invariant::I1, &format!("line {} is not what was agreed", actual.line_id));
        }
        if expected.counters != actual.counters {
            let what = format!("the counters of line {} are not where its history leads", actual.line_id);
            let shown = |line: &Line| format!("{:?}", line.counters);
            report.order_value(Invariant::I8, &what, (shown(expected), shown(actual)));
        }
    }
}

fn compare_payments(replayed: &Order, order: &Order, report: &mut Report) {
    let ids =
        |order: &Order| order.payments.iter().map(|payment| payment.id.to_string()).collect::<Vec<_>>().join(", ");
    report.order_value(Invariant::I7, "its payments are not those of its history", (ids(replayed), ids(order)));
    for (expected, actual) in pairs(&replayed.payments, &order.payments, |payment| payment.id) {
        let what = "its amounts are not those of its history";
        report.payment_value(actual.id, what, (amounts(expected), amounts(actual)));
        let what = "its operations are not those of its history";
        report.payment_value(actual.id, what, (operations(expected), operations(actual)));
    }
}

fn amounts(payment: &Payment) -> String {
    let Payment { authorized, captured, refunded, voided, .. } = payment;
    let Payment { auth_pending, capture_pending, refund_pending, void_pending, .. } = payment;
    let (method, amount, currency) = (payment.method.as_str(), payment.amount.minor(), payment.amount.currency());
    format!(
        "{method} of {amount} {currency}: {authorized} authorised, {captured} captured, {refunded} refunded, {voided} voided; \
         {auth_pending}, {capture_pending}, {refund_pending}, {void_pending} pending"
    )
}

/// Without why money went back: what was written down before there were words for it got them later.
fn operations(payment: &Payment) -> String {
    let operation = |op: &Operation| {
        let reported = op.reported.map(|moved| format!(" reported {} {}", moved.minor(), moved.currency()));
        format!("{} {} {} {}{}", op.id, op.kind.as_str(), op.amount, op.state.as_str(), reported.unwrap_or_default())
    };
    payment.operations.iter().map(operation).collect::<Vec<_>>().join(", ")
}

fn compare_parcels(replayed: &Order, order: &Order, report: &mut Report) {
    let shown = |order: &Order| {
        let parcel = |parcel: &Shipment| {
            let lines = parcel.lines.iter().map(|part| format!("{} of line {}", part.quantity, part.line_id));
            format!("{} {} ({})", parcel.sequence, parcel.status, lines.collect::<Vec<_>>().join(", "))
        };
        order.shipments.iter().map(parcel).collect::<Vec<_>>().join(", ")
    };
    report.order_value(Invariant::I8, "its shipments are not those of its history", (shown(replayed), shown(order)));
    for (expected, actual) in pairs(&replayed.shipments, &order.shipments, |parcel| parcel.id) {
        if expected.tracking != actual.tracking || expected.carrier_events != actual.carrier_events {
            let what = format!("the tracking of shipment {} is not what its history says", actual.sequence);
            report.order(Invariant::I8, &what);
        }
    }
}

fn compare_returns(replayed: &Order, order: &Order, report: &mut Report) {
    let shown = |order: &Order| {
        let line = |line: &crate::order::ReturnLine| {
            let (id, requested, restocked, written_off) =
                (line.line_id, line.requested, line.restocked, line.written_off);
            format!("line {id}: {requested} requested, {restocked} restocked, {written_off} written off")
        };
        let back = |back: &crate::order::OrderReturn| {
            let lines = back.lines.iter().map(line).collect::<Vec<_>>().join("; ");
            format!("{} {} ({lines})", back.sequence, back.status)
        };
        order.returns.iter().map(back).collect::<Vec<_>>().join(", ")
    };
    report.order_value(Invariant::I8, "its returns are not those of its history", (shown(replayed), shown(order)));
}

/// What is in both lists.
fn pairs<'a, T, K: PartialEq>(
    expected: &'a [T],
    actual: &'a [T],
    key: impl Fn(&T) -> K,
) -> impl Iterator<Item = (&'a T, &'a T)> {
    actual.iter().filter_map(move |actual| {
        let expected = expected.iter().find(|expected| key(expected) == key(actual))?;
        Some((expected, actual))
    })
}
