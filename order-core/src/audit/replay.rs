//! Telling a history again from its beginning.
//!
//! The beginning is not stored. It is what is stored now, with everything taken back that only events can have brought about.
//! What an event changed and no other event mentions thus counts as agreed; what the history says of it later must be there.

use std::collections::BTreeMap;

use crate::{
    ids::{PaymentId, ReturnId, ShipmentId},
    limits,
    money::Money,
    order::{Counters, Event, EventBody, Line, LineQuantity, Order, State, Status, Totals},
    payment::{Operation, OperationKind, Payment, PaymentMethod},
};

/// Why an event cannot have happened to an order.
type Unfit = &'static str;

const UNKNOWN: Unfit = "it names what was not there";
const TOO_MANY: Unfit = "it moves more units than there were";

/// The order before its first event.
pub(super) fn beginning(order: &Order, events: &[Event]) -> Order {
    let added: Vec<&Line> = events.iter().flat_map(|event| added_by(&event.body)).collect();
    let mut start = Order {
        state: State::Pending,
        holds: Vec::new(),
        payments: Vec::new(),
        shipments: Vec::new(),
        returns: Vec::new(),
        shipping_refunded: 0,
        cancel_reason: None,
        revision: 0,
        totals: less(&order.totals, &added),
        ..order.clone()
    };
    start.lines.retain(|line| added.iter().all(|added| added.line_id != line.line_id));
    for line in &mut start.lines {
        line.counters = Counters::ordered(line.counters.ordered);
    }
    if order.import.is_some() {
        take_over(&mut start, order, events.first());
    }
    start
}

fn added_by(body: &EventBody) -> &[Line] {
    if let EventBody::LinesAdded { lines, .. } = body { lines } else { &[] }
}

/// What was there before lines were added.
fn less(totals: &Totals, added: &[&Line]) -> Totals {
    let before = |sum: Money, part: fn(&Line) -> Money| {
        let added = added.iter().map(|line| part(line).minor()).fold(0, i64::saturating_add);
        Money::new(sum.minor().saturating_sub(added), sum.currency())
    };
    Totals {
        subtotal: before(totals.subtotal, |line| line.subtotal),
        discount: before(totals.discount, |line| line.discount),
        tax: before(totals.tax, |line| line.tax),
        total: before(totals.total, |line| line.total),
        ..*totals
    }
}

/// An imported order begins as the other system had it, which was one of three: called off, delivered, or neither. Its own
/// payment is closed from the start; nothing ever changes it here.
fn take_over(start: &mut Order, order: &Order, first: Option<&Event>) {
    start.payments.extend(order.payments.iter().filter(|payment| payment.method == PaymentMethod::External).cloned());
    let Some(word) = first.map(|event| event.status_after) else { return };
    let (state, called_off, arrived) = match word {
        Status::Cancelled | Status::Refunded => (State::Cancelled, true, false),
        Status::Delivered | Status::Completed => (State::Processing, false, true),
        Status::Pending | Status::Paid | Status::Confirmed | Status::Processing | Status::Shipped => {
            (State::Pending, false, false)
        }
    };
    start.state = state;
    for line in &mut start.lines {
        let ordered = line.counters.ordered;
        let units = |all: bool| if all { ordered } else { 0 };
        let (cancelled, shipped) = (units(called_off), units(arrived));
        line.counters = Counters { cancelled, shipped, delivered: shipped, ..Counters::ordered(ordered) };
    }
}

/// Applies an event of a stored history, of which nothing is taken for granted.
pub(super) fn apply(order: &mut Order, event: &Event) -> Result<(), Unfit> {
    fits(order, &event.body)?;
    order.apply_body(event);
    if order.is_sound() { Ok(()) } else { Err("it breaks the bounds of units or money") }
}

/// Whether an event fits an order that is sound, as far as applying it takes for granted.
fn fits(order: &Order, body: &EventBody) -> Result<(), Unfit> {
    match body {
        EventBody::StockAllocated { lines } => within(order, lines, Counters::to_allocate),
        EventBody::LinesCancelled { lines, released } => {
            within(order, lines, Counters::to_ship)?;
            within(order, released, |counters| counters.allocated)
        }
        EventBody::LinesAdded { lines, .. } => new_lines(order, lines),
        EventBody::LinesRefunded { lines, shipping } => {
            let units: Vec<_> = lines.iter().map(|line| line.part).collect();
            within(order, &units, |counters| counters.shipped - counters.refunded)?;
            if (0..=limits::ORDER_TOTAL_MINOR_MAX).contains(shipping) { Ok(()) } else { Err("it moves no amount") }
        }
        EventBody::ShipmentCreated { .. }
        | EventBody::ShipmentUpdated { .. }
        | EventBody::ShipmentPacked { .. }
        | EventBody::ShipmentCancelled { .. }
        | EventBody::Shipped { .. }
        | EventBody::Delivered { .. }
        | EventBody::ReturnedToSender { .. }
        | EventBody::CarrierEventRecorded { .. } => fits_parcels(order, body),
        EventBody::PaymentOpened { .. }
        | EventBody::OperationStarted { .. }
        | EventBody::OperationAttempted { .. }
        | EventBody::OperationUnknown { .. }
        | EventBody::OperationSettled { .. }
        | EventBody::PaymentMismatch { .. } => fits_payments(order, body),
        EventBody::ReturnRequested { .. }
        | EventBody::ReturnCancelled { .. }
        | EventBody::ReturnApproved { .. }
        | EventBody::ReturnRejected { .. }
        | EventBody::ReturnReceived { .. }
        | EventBody::ReturnClosed { .. } => fits_returns(order, body),
        EventBody::Placed { .. }
        | EventBody::Imported { .. }
        | EventBody::Edited { .. }
        | EventBody::Confirmed
        | EventBody::ProcessingStarted
        | EventBody::Completed
        | EventBody::Cancelled
        | EventBody::Expired
        | EventBody::DetailsUpdated { .. }
        | EventBody::NoteAdded { .. }
        | EventBody::HoldPlaced { .. }
        | EventBody::HoldReleased { .. } => Ok(()),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the outer match names every event and sends each to its part")]
fn fits_parcels(order: &Order, body: &EventBody) -> Result<(), Unfit> {
    let parcel = |id: &ShipmentId| order.shipments.iter().find(|parcel| parcel.id == *id).ok_or(UNKNOWN);
    match body {
        EventBody::ShipmentCreated { shipment } | EventBody::Shipped { shipment } => {
            within(order, &shipment.lines, |counters| counters.allocated)
        }
        EventBody::ShipmentUpdated { shipment_id, .. }
        | EventBody::ShipmentPacked { shipment_id }
        | EventBody::ShipmentCancelled { shipment_id }
        | EventBody::CarrierEventRecorded { shipment_id, .. } => parcel(shipment_id).map(|_there| ()),
        EventBody::Delivered { shipment_id } => {
            within(order, &parcel(shipment_id)?.lines, |counters| counters.shipped - counters.delivered)
        }
        EventBody::ReturnedToSender { shipment_id, lines, cancelled } => {
            parcel(shipment_id)?;
            within(order, lines, |counters| counters.shipped - counters.delivered)?;
            within(order, cancelled, |counters| counters.refunded)?;
            let back = per_line(lines);
            let among = |(line, units): (&u32, &u64)| back.get(line).is_some_and(|back| units <= back);
            if per_line(cancelled).iter().all(among) { Ok(()) } else { Err(TOO_MANY) }
        }
        _ => Ok(()),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the outer match names every event and sends each to its part")]
fn fits_payments(order: &Order, body: &EventBody) -> Result<(), Unfit> {
    let payment = |id: &PaymentId| order.payments.iter().find(|payment| payment.id == *id);
    match body {
        EventBody::PaymentOpened { payment_id, .. } => known(payment(payment_id).is_none()),
        EventBody::OperationStarted { payment_id, operation, .. } => startable(payment(payment_id), operation),
        EventBody::OperationAttempted { payment_id, operation_id, .. }
        | EventBody::OperationUnknown { payment_id, operation_id, .. }
        | EventBody::OperationSettled { payment_id, operation_id, .. }
        | EventBody::PaymentMismatch { payment_id, operation_id, .. } => {
            let operations = &payment(payment_id).ok_or(UNKNOWN)?.operations;
            let operation = operations.iter().find(|operation| operation.id == *operation_id).ok_or(UNKNOWN)?;
            if operation.attempts < u32::MAX { Ok(()) } else { Err("nothing can be tried so often") }
        }
        _ => Ok(()),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the outer match names every event and sends each to its part")]
fn fits_returns(order: &Order, body: &EventBody) -> Result<(), Unfit> {
    let back = |id: &ReturnId| order.returns.iter().find(|back| back.id == *id).ok_or(UNKNOWN);
    let awaited = |counters: &Counters| counters.return_requested - counters.return_received;
    match body {
        EventBody::ReturnRequested { order_return } => {
            let requested = order_return.lines.iter().map(|line| part(line.line_id, line.requested));
            within(order, &requested.collect::<Vec<_>>(), Counters::returnable)
        }
        EventBody::ReturnApproved { return_id } => back(return_id).map(|_there| ()),
        EventBody::ReturnCancelled { return_id }
        | EventBody::ReturnRejected { return_id }
        | EventBody::ReturnClosed { return_id } => {
            let back = back(return_id)?;
            if !back.status.is_open() {
                return Err("its return was over");
            }
            let kept = back.lines.iter().map(|line| part(line.line_id, line.outstanding()));
            within(order, &kept.collect::<Vec<_>>(), awaited)
        }
        EventBody::ReturnReceived { return_id, lines } => {
            back(return_id)?;
            let received = lines.iter().map(|line| part(line.line_id, line.quantity()));
            within(order, &received.collect::<Vec<_>>(), awaited)
        }
        _ => Ok(()),
    }
}

const fn part(line_id: u32, quantity: u32) -> LineQuantity {
    LineQuantity { line_id, quantity }
}

const fn known(there: bool) -> Result<(), Unfit> {
    if there { Ok(()) } else { Err(UNKNOWN) }
}

/// Whether lines have so many units to give. Each must be there; of lines that are named twice, the sum counts.
fn within(order: &Order, parts: &[LineQuantity], available: impl Fn(&Counters) -> u32) -> Result<(), Unfit> {
    for (line_id, units) in per_line(parts) {
        let line = order.lines.iter().find(|line| line.line_id == line_id).ok_or(UNKNOWN)?;
        if units > u64::from(available(&line.counters)) {
            return Err(TOO_MANY);
        }
    }
    Ok(())
}

fn per_line(parts: &[LineQuantity]) -> BTreeMap<u32, u64> {
    let mut sums = BTreeMap::new();
    for part in parts {
        *sums.entry(part.line_id).or_default() += u64::from(part.quantity);
    }
    sums
}

/// Whether lines can be added: new ones, priced in the order's currency, so few and small that their sums fit.
fn new_lines(order: &Order, lines: &[Line]) -> Result<(), Unfit> {
    let currency = order.totals.total.currency();
    let amount =
        |money: Money| money.currency() == currency && (0..=limits::ORDER_TOTAL_MINOR_MAX).contains(&money.minor());
    let priced = |line: &Line| [line.subtotal, line.discount, line.tax, line.total].into_iter().all(amount);
    let few = order.lines.len() + lines.len() <= limits::LINES_PER_ORDER;
    let new = |line: &Line| order.lines.iter().all(|there| there.line_id != line.line_id);
    let fit = few && lines.iter().all(|line| priced(line) && new(line));
    if fit { Ok(()) } else { Err("it adds lines that cannot be added") }
}

/// Whether a request can be written down: a new one, of an amount that fits beside those that are pending.
fn startable(payment: Option<&Payment>, operation: &Operation) -> Result<(), Unfit> {
    let pending = payment.map_or(0, |payment| match operation.kind {
        OperationKind::Sale | OperationKind::Authorize => payment.auth_pending,
        OperationKind::Capture => payment.capture_pending,
        OperationKind::Refund => payment.refund_pending,
        OperationKind::Void => payment.void_pending,
    });
    let new = payment.is_none_or(|payment| payment.operations.iter().all(|known| known.id != operation.id));
    let fits = operation.amount >= 0 && pending.checked_add(operation.amount).is_some();
    if new && fits { Ok(()) } else { Err("it starts what cannot be started") }
}
