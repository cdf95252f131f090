//! What each event changes. The only way in which an order changes, and the same when it is replayed.

use std::sync::Arc;

use super::{
    Order, State,
    event::{Details, Event, EventBody},
    line::{Counters, Line, LineQuantity},
    returns::{OrderReturn, ReceivedLine, ReturnStatus},
    shipment::{Shipment, ShipmentStatus},
};
use crate::{
    ids::{OperationId, PaymentId, ReturnId, ShipmentId},
    money::Money,
    payment::{Operation, OperationState, Payment, PaymentMethod},
    policy::AllocatePolicy,
    pricing::Step,
    time::Timestamp,
};

impl Order {
    /// Applies an event that `decide` made for this order as it stands.
    pub fn apply(&mut self, event: &Event) {
        debug_assert_eq!(event.revision, self.revision + 1, "events are applied in order, each once");
        self.apply_body(event);
        self.derive();
        self.revision = event.revision;
        self.update_time = event.time;
        debug_assert!(self.is_sound(), "an event left order {} unsound: {event:?}", self.id);
    }

    /// Applies what an event says and nothing else. An event that was not made for this order as it stands may not fit it;
    /// [`audit`](crate::audit) looks first.
    pub(crate) fn apply_body(&mut self, event: &Event) {
        match &event.body {
            EventBody::Placed { allocate } => self.promise_all(*allocate),
            EventBody::Imported { .. } | EventBody::Edited { .. } | EventBody::NoteAdded { .. } => {}
            EventBody::StockAllocated { lines } => self.count(lines, |counters, units| counters.allocated += units),
            EventBody::Confirmed => self.state = State::Confirmed,
            EventBody::ProcessingStarted => self.state = State::Processing,
            EventBody::Completed => self.state = State::Completed,
            EventBody::Cancelled => self.close(State::Cancelled, event.reason.clone()),
            EventBody::Expired => self.close(State::Expired, event.reason.clone()),
            EventBody::LinesCancelled { lines, released } => {
                self.count(released, |counters, units| counters.allocated -= units);
                self.count(lines, |counters, units| counters.cancelled += units);
            }
            EventBody::LinesAdded { lines, allocate, steps } => self.add_lines(lines, *allocate, steps),
            EventBody::LinesRefunded { lines, shipping } => {
                let units: Vec<_> = lines.iter().map(|line| line.part).collect();
                self.count(&units, |counters, units| counters.refunded += units);
                self.shipping_refunded += shipping;
            }
            EventBody::DetailsUpdated { details } => self.update_details(details),
            EventBody::HoldPlaced { hold } => self.holds.push(*hold),
            EventBody::HoldReleased { hold } => self.holds.retain(|held| held != hold),
            EventBody::ShipmentCreated { .. }
            | EventBody::ShipmentUpdated { .. }
            | EventBody::ShipmentPacked { .. }
            | EventBody::ShipmentCancelled { .. }
            | EventBody::Shipped { .. }
            | EventBody::Delivered { .. }
            | EventBody::ReturnedToSender { .. }
            | EventBody::CarrierEventRecorded { .. } => self.apply_to_shipments(event),
            EventBody::PaymentOpened { .. }
            | EventBody::OperationStarted { .. }
            | EventBody::OperationAttempted { .. }
            | EventBody::OperationUnknown { .. }
            | EventBody::OperationSettled { .. }
            | EventBody::PaymentMismatch { .. } => self.apply_to_payments(event),
            EventBody::ReturnRequested { .. }
            | EventBody::ReturnCancelled { .. }
            | EventBody::ReturnApproved { .. }
            | EventBody::ReturnRejected { .. }
            | EventBody::ReturnReceived { .. }
            | EventBody::ReturnClosed { .. } => self.apply_to_returns(event),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the outer match names every event and sends each to its part")]
    fn apply_to_shipments(&mut self, event: &Event) {
        match &event.body {
            EventBody::ShipmentCreated { shipment } => self.shipments.push(shipment.clone()),
            EventBody::ShipmentUpdated { shipment_id, tracking } => {
                self.shipment_mut(*shipment_id, |shipment| shipment.tracking = tracking.clone());
            }
            EventBody::ShipmentPacked { shipment_id } => {
                self.shipment_mut(*shipment_id, |shipment| {
                    shipment.status = ShipmentStatus::Packed;
                    shipment.pack_time = Some(event.time);
                });
            }
            EventBody::ShipmentCancelled { shipment_id } => {
                self.shipment_mut(*shipment_id, |shipment| shipment.status = ShipmentStatus::Cancelled);
            }
            EventBody::Shipped { shipment } => self.ship(shipment),
            EventBody::Delivered { shipment_id } => {
                let mut lines = Vec::new();
                self.shipment_mut(*shipment_id, |shipment| {
                    shipment.status = ShipmentStatus::Delivered;
                    shipment.deliver_time = Some(event.time);
                    lines.clone_from(&shipment.lines);
                });
                self.count(&lines, |counters, units| counters.delivered += units);
            }
            EventBody::ReturnedToSender { shipment_id, lines, cancelled } => {
                self.shipment_mut(*shipment_id, |shipment| shipment.status = ShipmentStatus::ReturnedToSender);
                self.count(lines, |counters, units| {
                    counters.shipped -= units;
                    counters.allocated += units;
                });
                self.count(cancelled, |counters, units| {
                    counters.allocated -= units;
                    counters.refunded -= units;
                    counters.cancelled += units;
                });
            }
            EventBody::CarrierEventRecorded { shipment_id, carrier_event } => {
                self.shipment_mut(*shipment_id, |shipment| {
                    shipment.carrier_events.push(carrier_event.clone());
                    shipment.carrier_events.sort_by_key(|told| told.time);
                });
            }
            body => unreachable_elsewhere(body),
        }
    }

    fn ship(&mut self, shipment: &Shipment) {
        self.count(&shipment.lines, |counters, units| {
            counters.allocated -= units;
            counters.shipped += units;
        });
        match self.shipments.iter_mut().find(|known| known.id == shipment.id) {
            Some(planned) => planned.clone_from(shipment),
            None => self.shipments.push(shipment.clone()),
        }
    }

    fn shipment_mut(&mut self, id: ShipmentId, change: impl FnOnce(&mut Shipment)) {
        if let Some(shipment) = self.shipments.iter_mut().find(|shipment| shipment.id == id) {
            change(shipment);
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the outer match names every event and sends each to its part")]
    fn apply_to_payments(&mut self, event: &Event) {
        match &event.body {
            EventBody::PaymentOpened { payment_id, method, amount } => {
                self.payments.push(self.open_payment((*payment_id, *method), *amount, event.time));
                // What is paid at the door is not paid in advance: there is nothing to wait for any more.
                self.pay_by = None;
            }
            EventBody::OperationStarted { payment_id, method, operation } => {
                if !self.payments.iter().any(|p| p.id == *payment_id) {
                    self.payments.push(self.open_payment((*payment_id, *method), operation.amount, event.time));
                }
                self.payment_mut(*payment_id, |payment| payment.begin(operation.clone()));
            }
            EventBody::OperationSettled { payment_id, operation_id, outcome, .. } => {
                self.payment_mut(*payment_id, |payment| payment.settle(*operation_id, outcome, event.time));
            }
            EventBody::OperationAttempted { payment_id, operation_id, next_attempt_at } => {
                self.operation_mut((*payment_id, *operation_id), |operation| {
                    operation.state = OperationState::Sent;
                    operation.attempts += 1;
                    operation.next_attempt_at = Some(*next_attempt_at);
                    operation.update_time = event.time;
                });
            }
            EventBody::OperationUnknown { payment_id, operation_id, next_attempt_at, .. } => {
                self.operation_mut((*payment_id, *operation_id), |operation| {
                    operation.state = OperationState::Unknown;
                    operation.next_attempt_at = Some(*next_attempt_at);
                    operation.update_time = event.time;
                });
            }
            // It says what a gateway said; what follows from it is in events of its own.
            EventBody::PaymentMismatch { .. } => {}
            body => unreachable_elsewhere(body),
        }
    }

    fn open_payment(&self, (id, method): (PaymentId, PaymentMethod), amount: i64, now: Timestamp) -> Payment {
        Payment::open(id, method, Money::new(amount, self.totals.total.currency()), now)
    }

    fn payment_mut(&mut self, id: PaymentId, change: impl FnOnce(&mut Payment)) {
        if let Some(payment) = self.payments.iter_mut().find(|payment| payment.id == id) {
            change(payment);
        }
    }

    fn operation_mut(&mut self, (payment, operation): (PaymentId, OperationId), change: impl FnOnce(&mut Operation)) {
        self.payment_mut(payment, |payment| {
            if let Some(operation) = payment.operations.iter_mut().find(|known| known.id == operation) {
                change(operation);
            }
        });
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the outer match names every event and sends each to its part")]
    fn apply_to_returns(&mut self, event: &Event) {
        match &event.body {
            EventBody::ReturnRequested { order_return } => {
                self.count(&requested(order_return), |counters, units| counters.return_requested += units);
                self.returns.push(order_return.clone());
            }
            EventBody::ReturnApproved { return_id } => {
                self.return_mut(*return_id, event, |order_return| {
                    order_return.status = ReturnStatus::Approved;
                    order_return.decision_reason.clone_from(&event.reason);
                });
            }
            EventBody::ReturnCancelled { return_id } => self.end_return(*return_id, event, ReturnStatus::Cancelled),
            EventBody::ReturnRejected { return_id } => {
                self.end_return(*return_id, event, ReturnStatus::Rejected);
                self.return_mut(*return_id, event, |rejected| rejected.decision_reason.clone_from(&event.reason));
            }
            EventBody::ReturnClosed { return_id } => self.end_return(*return_id, event, ReturnStatus::Closed),
            EventBody::ReturnReceived { return_id, lines } => {
                self.return_mut(*return_id, event, |order_return| {
                    order_return.status = ReturnStatus::Received;
                    for part in lines {
                        if let Some(line) = order_return.lines.iter_mut().find(|line| line.line_id == part.line_id) {
                            line.restocked += part.restocked;
                            line.written_off += part.written_off;
                        }
                    }
                });
                self.receive(lines);
            }
            body => unreachable_elsewhere(body),
        }
    }

    fn receive(&mut self, lines: &[ReceivedLine]) {
        for part in lines {
            if let Some(line) = self.lines.iter_mut().find(|line| line.line_id == part.line_id) {
                line.counters.return_received += part.quantity();
                line.counters.restocked += part.restocked;
                line.counters.written_off += part.written_off;
            }
        }
    }

    /// What did not come back stays with the customer, and may be asked to be taken back again.
    fn end_return(&mut self, id: ReturnId, event: &Event, status: ReturnStatus) {
        let mut kept = Vec::new();
        self.return_mut(id, event, |order_return| {
            order_return.status = status;
            kept = outstanding(order_return);
        });
        self.count(&kept, |counters, units| counters.return_requested -= units);
    }

    fn return_mut(&mut self, id: ReturnId, event: &Event, change: impl FnOnce(&mut OrderReturn)) {
        if let Some(order_return) = self.returns.iter_mut().find(|known| known.id == id) {
            change(order_return);
            order_return.update_time = event.time;
        }
    }

    fn count(&mut self, lines: &[LineQuantity], change: impl Fn(&mut Counters, u32)) {
        for part in lines {
            if let Some(line) = self.lines.iter_mut().find(|line| line.line_id == part.line_id) {
                change(&mut line.counters, part.quantity);
            }
        }
    }

    fn promise_all(&mut self, allocate: AllocatePolicy) {
        for line in &mut self.lines {
            promise(line, allocate);
        }
    }

    fn add_lines(&mut self, lines: &[Line], allocate: AllocatePolicy, steps: &[Step]) {
        let add = |sum: &mut Money, part: Money| {
            *sum = sum.checked_add(part).expect("the total was checked when it was edited")
        };
        for line in lines {
            let mut line = line.clone();
            promise(&mut line, allocate);
            add(&mut self.totals.subtotal, line.subtotal);
            add(&mut self.totals.discount, line.discount);
            add(&mut self.totals.tax, line.tax);
            add(&mut self.totals.total, line.total);
            self.lines.push(line);
        }
        Arc::make_mut(&mut self.explanation).steps.extend_from_slice(steps);
    }

    fn close(&mut self, state: State, reason: Option<String>) {
        self.state = state;
        self.cancel_reason = reason;
        for line in &mut self.lines {
            line.counters.cancelled = line.counters.ordered - line.counters.shipped;
            line.counters.allocated = 0;
        }
        for shipment in self.shipments.iter_mut().filter(|shipment| shipment.status.is_open()) {
            shipment.status = ShipmentStatus::Cancelled;
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
}

fn promise(line: &mut Line, allocate: AllocatePolicy) {
    line.counters.allocated = match allocate {
        AllocatePolicy::Place => line.counters.ordered,
        AllocatePolicy::Confirm => 0,
    };
}

fn requested(order_return: &OrderReturn) -> Vec<LineQuantity> {
    let part = |line: &super::returns::ReturnLine| LineQuantity { line_id: line.line_id, quantity: line.requested };
    order_return.lines.iter().map(part).collect()
}

fn outstanding(order_return: &OrderReturn) -> Vec<LineQuantity> {
    let part = |line: &super::returns::ReturnLine| LineQuantity { line_id: line.line_id, quantity: line.outstanding() };
    order_return.lines.iter().map(part).collect()
}

/// The outer match names every event and sends each to its part.
fn unreachable_elsewhere(body: &EventBody) {
    debug_assert!(false, "{} was sent to the wrong part", body.name());
}
