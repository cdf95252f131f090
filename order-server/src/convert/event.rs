//! The history of orders.

use std::collections::BTreeMap;

use order_api::v1;
use order_core::{
    currency::Currency,
    ids::{OrderId, RequestId, ShipmentId},
    money::Money,
    order::{Event, EventBody, Line, LineQuantity, ReceivedLine, ReturnLine, Tracking},
    payment::{Operation, OperationKind, Outcome},
};

use super::{actor, status, time};

/// Who reads a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Whose order it is: internal events are not shown.
    Owner,
    /// Administrators and services.
    Shop,
}

impl Audience {
    /// Whether an event is shown.
    #[must_use]
    pub const fn sees(self, body: &EventBody) -> bool {
        match self {
            Self::Owner => !body.is_internal(),
            Self::Shop => true,
        }
    }
}

/// An event of an order on the wire; `currency` is the order's.
#[must_use]
pub fn to_proto(event: &Event, order_id: OrderId, currency: Currency) -> v1::OrderEvent {
    v1::OrderEvent {
        order_id: order_id.to_string(),
        revision: event.revision,
        r#type: kind(&event.body).into(),
        actor: Some(actor::to_proto(&event.actor)),
        request_id: event.request_id.as_ref().map(RequestId::to_string).unwrap_or_default(),
        reason: event.reason.clone().unwrap_or_default(),
        create_time: Some(time::to_proto(event.time)),
        status_after: status::status_to_proto(event.status_after).into(),
        details: details(&event.body, currency).into_iter().filter(|(_, value)| !value.is_empty()).collect(),
    }
}

const fn kind(body: &EventBody) -> v1::OrderEventType {
    match body {
        EventBody::Placed { .. } => v1::OrderEventType::Placed,
        EventBody::Imported { .. } => v1::OrderEventType::Imported,
        EventBody::StockAllocated { .. } => v1::OrderEventType::StockAllocated,
        EventBody::Confirmed => v1::OrderEventType::Confirmed,
        EventBody::ProcessingStarted => v1::OrderEventType::ProcessingStarted,
        EventBody::Completed => v1::OrderEventType::Completed,
        EventBody::Cancelled => v1::OrderEventType::Cancelled,
        EventBody::Expired => v1::OrderEventType::Expired,
        EventBody::LinesCancelled { .. } => v1::OrderEventType::LinesCancelled,
        EventBody::LinesAdded { .. } => v1::OrderEventType::LinesAdded,
        EventBody::Edited { .. } => v1::OrderEventType::Edited,
        EventBody::ShipmentCreated { .. } => v1::OrderEventType::ShipmentCreated,
        EventBody::ShipmentUpdated { .. } => v1::OrderEventType::ShipmentUpdated,
        EventBody::ShipmentPacked { .. } => v1::OrderEventType::ShipmentPacked,
        EventBody::ShipmentCancelled { .. } => v1::OrderEventType::ShipmentCancelled,
        EventBody::Shipped { .. } => v1::OrderEventType::Shipped,
        EventBody::Delivered { .. } => v1::OrderEventType::Delivered,
        EventBody::ReturnedToSender { .. } => v1::OrderEventType::ShipmentReturnedToSender,
        EventBody::CarrierEventRecorded { .. } => v1::OrderEventType::CarrierEvent,
        EventBody::PaymentOpened { .. } => v1::OrderEventType::PaymentOpened,
        EventBody::OperationStarted { operation, .. } => started(operation.kind),
        EventBody::OperationAttempted { .. } => v1::OrderEventType::PaymentAttempted,
        EventBody::OperationUnknown { .. } => v1::OrderEventType::PaymentUnknown,
        EventBody::OperationSettled { kind, outcome, .. } => settled(*kind, outcome),
        EventBody::PaymentMismatch { .. } => v1::OrderEventType::PaymentMismatch,
        EventBody::LinesRefunded { .. } => v1::OrderEventType::LinesRefunded,
        EventBody::ReturnRequested { .. } => v1::OrderEventType::ReturnRequested,
        EventBody::ReturnCancelled { .. } => v1::OrderEventType::ReturnCancelled,
        EventBody::ReturnApproved { .. } => v1::OrderEventType::ReturnApproved,
        EventBody::ReturnRejected { .. } => v1::OrderEventType::ReturnRejected,
        EventBody::ReturnReceived { .. } => v1::OrderEventType::ReturnReceived,
        EventBody::ReturnClosed { .. } => v1::OrderEventType::ReturnClosed,
        EventBody::DetailsUpdated { .. } => v1::OrderEventType::DetailsUpdated,
        EventBody::NoteAdded { .. } => v1::OrderEventType::NoteAdded,
        EventBody::HoldPlaced { .. } => v1::OrderEventType::HoldPlaced,
        EventBody::HoldReleased { .. } => v1::OrderEventType::HoldReleased,
    }
}

const fn started(kind: OperationKind) -> v1::OrderEventType {
    match kind {
        OperationKind::Sale | OperationKind::Authorize => v1::OrderEventType::PaymentStarted,
        OperationKind::Capture => v1::OrderEventType::CaptureStarted,
        OperationKind::Refund => v1::OrderEventType::RefundStarted,
        OperationKind::Void => v1::OrderEventType::VoidStarted,
    }
}

const fn settled(kind: OperationKind, outcome: &Outcome) -> v1::OrderEventType {
    match (kind, outcome) {
        (OperationKind::Sale | OperationKind::Authorize, Outcome::Succeeded { .. }) => {
            v1::OrderEventType::PaymentSucceeded
        }
        (OperationKind::Sale | OperationKind::Authorize, Outcome::Failed { .. }) => v1::OrderEventType::PaymentFailed,
        (OperationKind::Capture, Outcome::Succeeded { .. }) => v1::OrderEventType::CaptureSucceeded,
        (OperationKind::Capture, Outcome::Failed { .. }) => v1::OrderEventType::CaptureFailed,
        (OperationKind::Refund, Outcome::Succeeded { .. }) => v1::OrderEventType::RefundSucceeded,
        (OperationKind::Refund, Outcome::Failed { .. }) => v1::OrderEventType::RefundFailed,
        (OperationKind::Void, Outcome::Succeeded { .. }) => v1::OrderEventType::VoidSucceeded,
        (OperationKind::Void, Outcome::Failed { .. }) => v1::OrderEventType::VoidFailed,
    }
}

/// The facts of an event. Empty ones are dropped by the caller. No instrument's token, and no address: the order has it.
fn details(body: &EventBody, currency: Currency) -> BTreeMap<String, String> {
    let amount = |minor: i64| Money::new(minor, currency).to_string();
    match body {
        EventBody::Imported { source, external_id, corrections } => facts([
            ("source", source.clone()),
            ("external_id", external_id.clone()),
            ("corrections", corrections.join(",")),
        ]),
        EventBody::Shipped { shipment } | EventBody::ShipmentCreated { shipment } => {
            let lines = [("lines".to_owned(), units(&shipment.lines))];
            tracked(shipment.id, &shipment.tracking).into_iter().chain(lines).collect()
        }
        EventBody::ShipmentUpdated { shipment_id, tracking } => tracked(*shipment_id, tracking),
        EventBody::Delivered { shipment_id }
        | EventBody::ShipmentPacked { shipment_id }
        | EventBody::ShipmentCancelled { shipment_id } => facts([("shipment_id", shipment_id.to_string())]),
        EventBody::ReturnedToSender { shipment_id, lines, .. } => {
            facts([("shipment_id", shipment_id.to_string()), ("lines", units(lines))])
        }
        EventBody::CarrierEventRecorded { shipment_id, carrier_event } => facts([
            ("shipment_id", shipment_id.to_string()),
            ("code", carrier_event.code.clone()),
            ("location", carrier_event.location.clone()),
        ]),
        EventBody::StockAllocated { lines } | EventBody::LinesCancelled { lines, .. } => {
            facts([("lines", units(lines))])
        }
        EventBody::LinesAdded { lines, .. } => facts([("lines", units(&added(lines)))]),
        EventBody::Edited { difference } => facts([("difference", amount(*difference))]),
        EventBody::LinesRefunded { lines, shipping } => facts([
            ("lines", units(&lines.iter().map(|line| line.part).collect::<Vec<_>>())),
            ("amount", amount(lines.iter().map(|line| line.share.total).sum::<i64>() + shipping)),
            ("shipping", amount(*shipping)),
        ]),
        EventBody::PaymentMismatch { operation_id, outcome, .. } => facts([
            ("operation_id", operation_id.to_string()),
            ("reported", reported(outcome)),
            ("decline_code", decline_code(outcome)),
        ]),
        EventBody::ReturnRequested { order_return } => {
            let part = |line: &ReturnLine| LineQuantity { line_id: line.line_id, quantity: line.requested };
            let lines = units(&order_return.lines.iter().map(part).collect::<Vec<_>>());
            facts([("return_id", order_return.id.to_string()), ("lines", lines)])
        }
        EventBody::ReturnReceived { return_id, lines } => {
            let came = |of: fn(&ReceivedLine) -> u32| {
                let part = |line: &ReceivedLine| LineQuantity { line_id: line.line_id, quantity: of(line) };
                units(&lines.iter().map(part).filter(|part| part.quantity > 0).collect::<Vec<_>>())
            };
            facts([
                ("return_id", return_id.to_string()),
                ("restocked", came(|line| line.restocked)),
                ("written_off", came(|line| line.written_off)),
            ])
        }
        EventBody::ReturnCancelled { return_id }
        | EventBody::ReturnApproved { return_id }
        | EventBody::ReturnRejected { return_id }
        | EventBody::ReturnClosed { return_id } => facts([("return_id", return_id.to_string())]),
        EventBody::PaymentOpened { method, amount: minor, .. } => {
            facts([("method", method.as_str().to_owned()), ("amount", amount(*minor))])
        }
        EventBody::OperationStarted { method, operation: Operation { id, kind, amount: minor, .. }, .. } => facts([
            ("operation_id", id.to_string()),
            ("kind", kind.as_str().to_owned()),
            ("method", method.as_str().to_owned()),
            ("amount", amount(*minor)),
        ]),
        EventBody::OperationAttempted { operation_id, .. } => facts([("operation_id", operation_id.to_string())]),
        EventBody::OperationUnknown { operation_id, kind, .. } => {
            facts([("operation_id", operation_id.to_string()), ("kind", kind.as_str().to_owned())])
        }
        EventBody::OperationSettled { operation_id, kind, amount: minor, outcome, .. } => facts([
            ("operation_id", operation_id.to_string()),
            ("kind", kind.as_str().to_owned()),
            ("amount", amount(*minor)),
            ("decline_code", decline_code(outcome)),
        ]),
        EventBody::DetailsUpdated { details } => facts([("fields", details.fields().join(","))]),
        EventBody::NoteAdded { note } => facts([("note", note.clone())]),
        EventBody::HoldPlaced { hold } | EventBody::HoldReleased { hold } => facts([("hold", hold.to_string())]),
        EventBody::Placed { .. }
        | EventBody::Confirmed
        | EventBody::ProcessingStarted
        | EventBody::Completed
        | EventBody::Cancelled
        | EventBody::Expired => BTreeMap::new(),
    }
}

fn facts<const N: usize>(facts: [(&str, String); N]) -> BTreeMap<String, String> {
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn tracked(shipment_id: ShipmentId, tracking: &Tracking) -> BTreeMap<String, String> {
    facts([
        ("shipment_id", shipment_id.to_string()),
        ("carrier", tracking.carrier.clone().unwrap_or_default()),
        ("tracking_number", tracking.tracking_number.clone().unwrap_or_default()),
    ])
}

/// Units by line, as `line:units` separated by commas.
fn units(lines: &[LineQuantity]) -> String {
    let part = |part: &LineQuantity| format!("{}:{}", part.line_id, part.quantity);
    lines.iter().map(part).collect::<Vec<_>>().join(",")
}

fn added(lines: &[Line]) -> Vec<LineQuantity> {
    lines.iter().map(|line| LineQuantity { line_id: line.line_id, quantity: line.counters.ordered }).collect()
}

fn reported(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded { moved: Some(moved), .. } => moved.to_string(),
        Outcome::Succeeded { moved: None, .. } | Outcome::Failed { .. } => String::new(),
    }
}

fn decline_code(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded { .. } => String::new(),
        Outcome::Failed { code } => code.clone(),
    }
}

#[cfg(test)]
mod tests {
    use order_core::{
        ids::{IdSeed, OperationId, PaymentId},
        order::Hold,
        payment::{OperationState, PaymentMethod},
        policy::AllocatePolicy,
        time::Timestamp,
    };
    use uuid::Uuid;

    use super::*;

    const SEED: IdSeed = IdSeed::new(Uuid::from_u128(0x018f_4e9a_7b1c_7c3e_9d2a_5b6c_7d8e_9f01));

    fn operation(kind: OperationKind) -> Operation {
        Operation {
            id: OperationId::new(SEED.nth(1)),
            kind,
            amount: 5998,
            state: OperationState::Sent,
            cause: None,
            concession: 0,
            return_id: None,
            token: Some("tok_secret".into()),
            gateway_reference: None,
            reported: None,
            decline_code: None,
            attempts: 1,
            next_attempt_at: None,
            create_time: Timestamp::UNIX_EPOCH,
            update_time: Timestamp::UNIX_EPOCH,
        }
    }

    fn started(kind: OperationKind) -> EventBody {
        let method = PaymentMethod::CreditCard;
        EventBody::OperationStarted { payment_id: PaymentId::new(SEED.nth(2)), method, operation: operation(kind) }
    }

    fn settled(kind: OperationKind, outcome: Outcome) -> EventBody {
        let (payment_id, operation_id) = (PaymentId::new(SEED.nth(2)), OperationId::new(SEED.nth(1)));
        EventBody::OperationSettled { payment_id, operation_id, kind, amount: 5998, outcome }
    }

    #[test]
    fn events_have_the_names_of_the_domain() {
        let done = || Outcome::succeeded("ref");
        let declined = || Outcome::Failed { code: "insufficient_funds".into() };
        let mut bodies = vec![
            EventBody::Placed { allocate: AllocatePolicy::Place },
            EventBody::StockAllocated { lines: vec![LineQuantity { line_id: 1, quantity: 1 }] },
            EventBody::NoteAdded { note: "call back".into() },
            EventBody::HoldPlaced { hold: Hold::Fraud },
        ];
        for kind in OperationKind::ALL {
            bodies.extend([started(kind), settled(kind, done()), settled(kind, declined())]);
        }
        for body in &bodies {
            assert_eq!(kind(body).as_str_name(), format!("ORDER_EVENT_TYPE_{}", body.name()));
        }
    }

    #[test]
    fn facts_hold_no_token_and_no_empty_values() {
        let usd = Currency::parse("USD").unwrap();
        let facts = details(&started(OperationKind::Sale), usd);
        assert_eq!(facts["amount"], "59.98 USD");
        assert!(!format!("{facts:?}").contains("tok_secret"));
        let event = Event {
            revision: 2,
            actor: order_core::order::Actor::Guest,
            request_id: None,
            reason: None,
            time: Timestamp::UNIX_EPOCH,
            status_after: order_core::order::Status::Paid,
            body: settled(OperationKind::Sale, Outcome::succeeded("ref")),
        };
        let wire = to_proto(&event, OrderId::new(SEED.nth(3)), usd);
        assert!(!wire.details.contains_key("decline_code"));
    }

    #[test]
    fn owners_see_no_internal_events() {
        let note = EventBody::NoteAdded { note: "suspicious".into() };
        assert!(!Audience::Owner.sees(&note) && Audience::Shop.sees(&note));
        assert!(Audience::Owner.sees(&EventBody::Placed { allocate: AllocatePolicy::Place }));
    }
}
