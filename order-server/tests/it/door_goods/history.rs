//! The history of an order tells everything that happened to its goods, with the facts.

use order_api::v1::{self, ActorType as By, OrderEventType as Kind, OrderHold};
use order_store::testing::on_both_engines;

use super::kit::{confirmed, units, world};
use crate::world::{World, line};

/// An event: its kind, who did it, its facts.
type Told = (Kind, By, &'static [(&'static str, &'static str)]);

/// Every kind of event about goods, in this order, with who did it and its facts but for identities. Refunds are left out.
const EXPECTED: &[Told] = &[
    (Kind::Placed, By::Customer, &[]),
    (Kind::Confirmed, By::Admin, &[]),
    (Kind::LinesCancelled, By::Customer, &[("lines", "2:1")]),
    (Kind::LinesAdded, By::Customer, &[("lines", "3:3")]),
    (Kind::LinesCancelled, By::Customer, &[("lines", "1:1")]),
    (Kind::Edited, By::Customer, &[("difference", "-43.20 USD")]),
    (Kind::HoldPlaced, By::Admin, &[("hold", "ADDRESS")]),
    (Kind::HoldReleased, By::Admin, &[("hold", "ADDRESS")]),
    (Kind::ShipmentCreated, By::Admin, &[("lines", "1:1,3:2")]),
    (Kind::ShipmentPacked, By::Admin, &[]),
    (Kind::ShipmentCancelled, By::Admin, &[]),
    (Kind::ShipmentCreated, By::Admin, &[("lines", "1:1,2:2,3:3")]),
    (Kind::ShipmentUpdated, By::Admin, &[("carrier", "DHL"), ("tracking_number", "JD014600")]),
    (Kind::Shipped, By::Admin, &[("carrier", "DHL"), ("lines", "1:1,2:2,3:3"), ("tracking_number", "JD014600")]),
    (Kind::CarrierEvent, By::Service, &[("code", "REFUSED"), ("location", "Oakland")]),
    (Kind::ShipmentReturnedToSender, By::Admin, &[("lines", "1:1,2:2,3:3")]),
    (Kind::ShipmentCreated, By::Admin, &[("lines", "1:1,2:2,3:3")]),
    (Kind::Shipped, By::Admin, &[("lines", "1:1,2:2,3:3")]),
    (Kind::Delivered, By::Admin, &[]),
    (Kind::ReturnRequested, By::Customer, &[("lines", "2:1")]),
    (Kind::ReturnCancelled, By::Customer, &[]),
    (Kind::ReturnRequested, By::Customer, &[("lines", "2:1")]),
    (Kind::ReturnRejected, By::Admin, &[]),
    (Kind::ReturnRequested, By::Customer, &[("lines", "2:2,3:2")]),
    (Kind::ReturnApproved, By::Admin, &[]),
    (Kind::ReturnReceived, By::Admin, &[("restocked", "2:1,3:1"), ("written_off", "3:1")]),
    (Kind::LinesRefunded, By::Admin, &[("amount", "20.69 USD"), ("lines", "2:1,3:2"), ("shipping", "0.00 USD")]),
    (Kind::ReturnClosed, By::Admin, &[]),
];

/// Does everything to an order that can be done with goods, and answers its id.
async fn eventful(world: &World) -> String {
    let (ada, office) = (world.customer("ada"), world.admin());
    let order = confirmed(world, &[("costume", 2), ("fangs", 3)]).await;
    let id = order.order_id.as_str();
    ada.cancel_units(id, &[(2, 1)]).await.unwrap();
    let edit = v1::EditOrderRequest {
        order_id: id.to_owned(),
        changes: vec![v1::LineChange { line_id: 1, quantity: 1 }],
        add: vec![line("gem", 3)],
        ..Default::default()
    };
    ada.edit(edit).await.unwrap();
    office.hold(id, OrderHold::Address).await.unwrap();
    office.release(id, OrderHold::Address).await.unwrap();
    let first = office.parcel(id, &[(1, 1), (3, 2)]).await;
    office.pack(id, &first).await.unwrap();
    office.cancel_shipment(id, &first).await.unwrap();
    sends_twice(world, id).await;
    goes_back(world, id).await;
    order.order_id
}

async fn sends_twice(world: &World, id: &str) {
    let office = world.admin();
    let parcel = office.parcel(id, &[]).await;
    let update = v1::UpdateShipmentRequest {
        order_id: id.to_owned(),
        shipment_id: parcel.clone(),
        tracking: Some(v1::TrackingInput {
            carrier: "DHL".to_owned(),
            tracking_number: "JD014600".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    office.admin.clone().update_shipment(update).await.unwrap();
    office.ship(id, &parcel).await.unwrap();
    let told = v1::RecordCarrierEventRequest {
        order_id: id.to_owned(),
        shipment_id: parcel.clone(),
        event: Some(v1::CarrierEvent {
            event_time: Some(prost_types::Timestamp { seconds: 1_772_366_400, nanos: 0 }),
            code: "REFUSED".to_owned(),
            location: "Oakland".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    world.service().admin.clone().record_carrier_event(told).await.unwrap();
    office.send_back(id, &parcel).await.unwrap();
    office.hand_over(id, &[]).await;
}

async fn goes_back(world: &World, id: &str) {
    let (ada, office) = (world.customer("ada"), world.admin());
    let first = ada.request_return(id, &[(2, 1)]).await.unwrap().return_id;
    ada.cancel_return(id, &first).await.unwrap();
    let second = ada.request_return(id, &[(2, 1)]).await.unwrap().return_id;
    office.reject(id, &second, "worn").await.unwrap();
    let third = office.approved_return(&ada, (id, &[(2, 2), (3, 2)])).await;
    office.receive((id, &third), &[(2, 1, 0), (3, 1, 1)]).await.unwrap();
    office.close(id, &third).await.unwrap();
}

/// Whether an event is about money alone.
fn is_about_money(kind: Kind) -> bool {
    ["PAYMENT", "REFUND", "CAPTURE", "VOID"]
        .iter()
        .any(|word| kind.as_str_name().starts_with(&format!("ORDER_EVENT_TYPE_{word}_")))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_tells_everything_with_the_facts() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let id = eventful(&world).await;
        let (all, seen) = (world.admin().history(&id).await, world.customer("ada").history(&id).await);
        let order = world.admin().order(&id).await;
        assert!(all.iter().zip(1..).all(|(event, revision)| event.revision == revision));
        assert_eq!(order.etag, all.len().to_string());
        let is_hold = |event: &&v1::OrderEvent| [Kind::HoldPlaced, Kind::HoldReleased].contains(&event.r#type());
        let holds = [&all, &seen].map(|history| history.iter().filter(is_hold).count());
        assert_eq!(holds, [2, 0], "why the shop holds an order is its own affair");
        let goods: Vec<_> = all.iter().filter(|event| !is_about_money(event.r#type())).collect();
        let named: Vec<_> = goods.iter().map(|event| event.r#type()).collect();
        assert_eq!(named, EXPECTED.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>());
        for (event, (kind, by, facts)) in goods.iter().zip(EXPECTED) {
            let mut told = event.details.clone();
            let shipment = told.remove("shipment_id");
            let back = told.remove("return_id");
            let word = kind.as_str_name();
            let of_parcel = word.contains("SHIP") || word.ends_with("DELIVERED") || word.contains("CARRIER");
            assert_eq!(shipment.is_some(), of_parcel, "{event:?}");
            assert!(shipment.is_none_or(|id| order.shipments.iter().any(|parcel| parcel.shipment_id == id)));
            assert_eq!(back.is_some(), word.contains("_RETURN_"), "{event:?}");
            assert!(back.is_none_or(|id| order.returns.iter().any(|known| known.return_id == id)));
            let facts = facts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!((told, event.actor.as_ref().unwrap().r#type()), (facts, *by), "{word}");
        }
        let rejected = goods.iter().find(|event| event.r#type() == Kind::ReturnRejected).unwrap();
        assert_eq!(rejected.reason, "worn");
        let refunds = all.iter().filter(|event| event.r#type() == Kind::RefundSucceeded);
        let amounts: Vec<_> = refunds.map(|event| event.details["amount"].as_str()).collect();
        assert_eq!(amounts, ["13.50 USD", "43.20 USD", "20.69 USD"]);
        let nothing = v1::CreateShipmentRequest { order_id: id.clone(), lines: units(&[(1, 1)]), ..Default::default() };
        world.admin().admin.create_shipment(nothing).await.unwrap_err();
        assert_eq!(world.admin().history(&id).await, all, "what is refused is no part of it");
    })
    .await;
}
