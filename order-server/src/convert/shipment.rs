//! Shipments and tracking.

use order_api::v1;
use order_core::{
    limits,
    order::{CarrierEvent, Order, Shipment, ShipmentStatus, Tracking, TrackingChange},
    text::{self, CardNumbers, Presence, TextRule},
    time::Timestamp,
    violation::{Violations, reason},
};

use super::{int32, mask, order::number, status, time};

/// A carrier's name.
const CARRIER: TextRule = TextRule { max_chars: 100, ..text::OPTIONAL_NAME };
/// A URL; the numbers in it are a carrier's, not a card's.
const URL: TextRule =
    TextRule { max_chars: limits::URL_CHARS, card_numbers: CardNumbers::Ignored, ..text::OPTIONAL_NAME };

/// Reads what is known of a parcel; all of it may be left out.
pub fn tracking_from_proto(
    input: Option<&v1::TrackingInput>,
    field: &str,
    violations: &mut Violations,
) -> Option<Tracking> {
    let Some(input) = input else { return Some(Tracking::default()) };
    let given = |text: String| (!text.is_empty()).then_some(text);
    let carrier = CARRIER.check(&input.carrier, &format!("{field}.carrier"), violations);
    let number = format!("{field}.tracking_number");
    let tracking_number = text::TRACKING_NUMBER.check(&input.tracking_number, &number, violations);
    let tracking_url = url(&input.tracking_url, &format!("{field}.tracking_url"), violations);
    let expected = format!("{field}.estimated_delivery");
    let estimated_delivery = time::optional(input.estimated_delivery.as_ref(), &expected, violations);
    Some(Tracking {
        carrier: given(carrier?),
        tracking_number: given(tracking_number?),
        tracking_url: given(tracking_url?),
        estimated_delivery: estimated_delivery?,
    })
}

/// Customers click on it: `javascript:` and its like have no business here.
fn url(text: &str, field: &str, violations: &mut Violations) -> Option<String> {
    let text = URL.check(text, field, violations)?;
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plausible = host.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']));
    if text.is_empty() || plausible && !text.contains(char::is_whitespace) {
        return Some(text);
    }
    violations.push(field, reason::MALFORMED, "must be an http or https URL");
    None
}

/// A shipment on the wire.
#[must_use]
pub fn to_proto(shipment: &Shipment, order_number: &str) -> v1::Shipment {
    let tracking = shipment.tracking.clone();
    let lines = shipment.lines.iter();
    let line = |part: &order_core::order::LineQuantity| v1::ShipmentLine {
        line_id: int32(part.line_id),
        quantity: int32(part.quantity),
    };
    v1::Shipment {
        shipment_id: shipment.id.to_string(),
        shipment_number: format!("{order_number}-S{}", shipment.sequence),
        status: status_to_proto(shipment.status).into(),
        carrier: tracking.carrier.unwrap_or_default(),
        tracking_number: tracking.tracking_number.unwrap_or_default(),
        tracking_url: tracking.tracking_url.unwrap_or_default(),
        estimated_delivery: tracking.estimated_delivery.map(time::to_proto),
        lines: lines.map(line).collect(),
        ship_time: shipment.ship_time.map(time::to_proto),
        deliver_time: shipment.deliver_time.map(time::to_proto),
        carrier_events: shipment.carrier_events.iter().map(carrier_event).collect(),
        create_time: Some(time::to_proto(shipment.create_time)),
        pack_time: shipment.pack_time.map(time::to_proto),
    }
}

/// A shipment in a list: without what the carrier said.
#[must_use]
pub fn listed(shipment: &Shipment, order_number: &str) -> v1::Shipment {
    v1::Shipment { carrier_events: Vec::new(), ..to_proto(shipment, order_number) }
}

fn carrier_event(event: &CarrierEvent) -> v1::CarrierEvent {
    v1::CarrierEvent {
        event_time: Some(time::to_proto(event.time)),
        code: event.code.clone(),
        description: event.description.clone(),
        location: event.location.clone(),
        create_time: Some(time::to_proto(event.create_time)),
    }
}

/// A carrier's own word.
const CODE: TextRule = TextRule { max_chars: limits::CARRIER_CODE_CHARS, presence: Presence::Required, ..URL };
/// A carrier's sentence.
const DESCRIPTION: TextRule = TextRule { max_chars: limits::REASON_CHARS, ..URL };
/// A place.
const LOCATION: TextRule = TextRule { max_chars: limits::NAME_CHARS, ..URL };

/// Reads what a carrier says, which must be given.
pub fn told(event: Option<&v1::CarrierEvent>, now: Timestamp, violations: &mut Violations) -> Option<CarrierEvent> {
    let Some(event) = event else {
        violations.push("event", reason::REQUIRED, "must be set");
        return None;
    };
    let time = time::required(event.event_time.as_ref(), "event.event_time", violations);
    let code = CODE.check(&event.code, "event.code", violations);
    let description = DESCRIPTION.check(&event.description, "event.description", violations);
    let location = LOCATION.check(&event.location, "event.location", violations);
    let (description, location) = (description?, location?);
    Some(CarrierEvent { time: time?, code: code?, description, location, create_time: now })
}

/// The fields of a shipment that can be changed.
const FIELDS: &[&str] = &["carrier", "tracking_number", "tracking_url", "estimated_delivery"];

/// Reads what is to be changed: the fields that the mask names, or all of them without one.
pub fn change(message: &v1::UpdateShipmentRequest, violations: &mut Violations) -> Option<TrackingChange> {
    if message.tracking.is_none() {
        violations.push("tracking", reason::REQUIRED, "must be set");
    }
    let tracking = tracking_from_proto(message.tracking.as_ref(), "tracking", violations);
    let fields = match &message.update_mask {
        None => Some(FIELDS.iter().copied().collect()),
        Some(given) => mask::required(Some(given), FIELDS, violations),
    };
    let (tracking, fields) = (message.tracking.as_ref().and(tracking)?, fields?);
    Some(TrackingChange {
        carrier: fields.contains("carrier").then_some(tracking.carrier),
        tracking_number: fields.contains("tracking_number").then_some(tracking.tracking_number),
        tracking_url: fields.contains("tracking_url").then_some(tracking.tracking_url),
        estimated_delivery: fields.contains("estimated_delivery").then_some(tracking.estimated_delivery),
    })
}

/// Where the goods of an order are.
#[must_use]
pub fn tracking(order: &Order) -> v1::OrderTracking {
    let order_number = number(order);
    let under_way = order.shipments.iter().filter(|shipment| shipment.status == ShipmentStatus::Shipped);
    let estimated_delivery = under_way.filter_map(|shipment| shipment.tracking.estimated_delivery).max();
    v1::OrderTracking {
        order_id: order.id.to_string(),
        status: status::status_to_proto(order.status).into(),
        fulfillment_status: status::fulfillment_to_proto(order.fulfillment_status).into(),
        shipments: order.shipments.iter().map(|shipment| to_proto(shipment, &order_number)).collect(),
        estimated_delivery: estimated_delivery.map(time::to_proto),
        order_number,
    }
}

const fn status_to_proto(status: ShipmentStatus) -> v1::ShipmentStatus {
    match status {
        ShipmentStatus::Pending => v1::ShipmentStatus::Pending,
        ShipmentStatus::Packed => v1::ShipmentStatus::Packed,
        ShipmentStatus::Shipped => v1::ShipmentStatus::Shipped,
        ShipmentStatus::Delivered => v1::ShipmentStatus::Delivered,
        ShipmentStatus::Cancelled => v1::ShipmentStatus::Cancelled,
        ShipmentStatus::ReturnedToSender => v1::ShipmentStatus::ReturnedToSender,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &v1::TrackingInput) -> Result<Tracking, Vec<String>> {
        let mut violations = Violations::new();
        let tracking = tracking_from_proto(Some(input), "tracking", &mut violations);
        tracking.ok_or_else(|| violations.into_iter().map(|found| found.field).collect())
    }

    #[test]
    fn all_of_it_may_be_left_out() {
        assert_eq!(read(&v1::TrackingInput::default()), Ok(Tracking::default()));
        assert_eq!(tracking_from_proto(None, "tracking", &mut Violations::new()), Some(Tracking::default()));
    }

    #[test]
    fn every_wrong_part_is_named() {
        let input = v1::TrackingInput {
            carrier: "x".repeat(101),
            tracking_number: "1\n2".into(),
            tracking_url: "javascript:alert(1)".into(),
            estimated_delivery: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }),
        };
        let expected = ["carrier", "tracking_number", "tracking_url", "estimated_delivery"];
        assert_eq!(read(&input).unwrap_err(), expected.map(|name| format!("tracking.{name}")));
    }

    #[test]
    fn only_web_addresses_are_urls() {
        let with = |url: &str| read(&v1::TrackingInput { tracking_url: url.into(), ..Default::default() });
        assert!(with("https://example.com/track/1Z999AA10123456784").is_ok());
        for wrong in ["example.com", "ftp://example.com", "https://", "https:///x", "https://a b.com"] {
            assert!(with(wrong).is_err(), "{wrong}");
        }
    }
}
