//! Events of the feed as CloudEvents 1.0, in JSON: what a broker and an endpoint get.

use order_api::v1;
use order_store::FeedEvent;
use serde_json::json;

use super::{event::Audience, json, watch::Filter};
use crate::gateways::Message;

/// What `type` begins with.
const TYPE: &str = "orders.v1.order";
/// `source`: a reference, since a service does not know its own address.
const SOURCE: &str = "/orders.v1";

/// The message about an event. Its `data` is what WatchOrders tells of it.
#[must_use]
pub fn message(found: &FeedEvent) -> Message {
    let everything = Filter { order_id: None, customer_id: None, types: Default::default(), audience: Audience::Shop };
    let told = everything.tell(found).expect("the shop is told of everything");
    let kind = told.event.as_ref().map(|event| kind(event.r#type())).expect("it is told of an event");
    let id = format!("{}:{}", found.order_id, found.event.revision);
    let body = json!({
        "specversion": "1.0",
        "id": id,
        "source": SOURCE,
        "type": format!("{TYPE}.{kind}"),
        "subject": found.order_id.to_string(),
        "time": found.event.time.to_string(),
        "datacontenttype": "application/json",
        "data": json::of("WatchOrdersResponse", &told),
    });
    Message { id, kind, body: body.to_string().into() }
}

/// `ORDER_EVENT_TYPE_STOCK_ALLOCATED` is `stock_allocated`.
fn kind(kind: v1::OrderEventType) -> String {
    let name = kind.as_str_name();
    name.strip_prefix("ORDER_EVENT_TYPE_").unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use order_core::{
        currency::Currency,
        ids::{CustomerId, OrderId, OrderNumber},
        order::{Actor, Event, EventBody, Status},
        policy::AllocatePolicy,
        time::Timestamp,
    };
    use order_store::FeedCursor;
    use serde_json::Value;

    use super::*;

    #[test]
    fn an_event_is_a_cloud_event_whose_data_is_what_a_watcher_is_told() {
        let order_id = OrderId::parse("018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f01").unwrap();
        let event = Event {
            revision: 1,
            time: Timestamp::from_micros(1_700_000_000_123_456),
            actor: Actor::Guest,
            request_id: None,
            reason: None,
            status_after: Status::Pending,
            body: EventBody::Placed { allocate: AllocatePolicy::Place },
        };
        let found = FeedEvent {
            cursor: FeedCursor { position: 7, order_id, revision: 1 },
            order_id,
            order_number: OrderNumber::new("SPK", 2026, 1001),
            customer_id: Some(CustomerId::parse("ada").unwrap()),
            currency: Currency::parse("USD").unwrap(),
            event,
        };
        let message = message(&found);
        assert_eq!((message.id.as_str(), message.kind.as_str()), ("018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f01:1", "placed"));
        let read: Value = serde_json::from_slice(&message.body).unwrap();
        let text = |name: &str| read[name].as_str().unwrap().to_owned();
        assert_eq!(text("specversion"), "1.0");
        assert_eq!(text("id"), message.id);
        assert_eq!(text("type"), "orders.v1.order.placed");
        assert_eq!(text("subject"), order_id.to_string());
        assert_eq!(text("time"), "2023-11-14T22:13:20.123456Z");
        let data = &read["data"];
        assert_eq!(data["order_number"], "SPK-2026-001001");
        assert_eq!(data["customer_id"], "ada");
        assert_eq!(data["event"]["type"], "ORDER_EVENT_TYPE_PLACED");
        // As protobuf's JSON has it: a 64-bit number is a text.
        assert_eq!(data["event"]["revision"], "1");
        assert_eq!(data["event"]["status_after"], "ORDER_STATUS_PENDING");
        assert!(!data["cursor"].as_str().unwrap().is_empty());
    }
}
