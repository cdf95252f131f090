//! Nobody learns of, or touches, what is not theirs; and what does not exist is told by its own reason.

use order_api::v1;
use order_store::testing::on_both_engines;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::kit::{arrived, confirmed, received, units, world};
use crate::{
    door_races::kit::{reason, refused},
    world::{Caller, line},
};

/// An id of nothing.
const NOTHING: &str = "018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f01";

/// Asks everything of an order that its owner may ask about goods, with a return of it, and tells code and reason of each
/// refusal.
async fn owners_calls(who: &Caller, (order_id, return_id): (&str, &str)) -> Vec<(Code, String)> {
    let id = || order_id.to_owned();
    let edit = v1::EditOrderRequest { order_id: id(), add: vec![line("fangs", 1)], ..Default::default() };
    let lower = v1::EditOrderRequest {
        order_id: id(),
        changes: vec![v1::LineChange { line_id: 1, quantity: 0 }],
        ..Default::default()
    };
    let update = v1::UpdateOrderRequest {
        order: Some(v1::Order { order_id: id(), notes: "mine".to_owned(), ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["notes".to_owned()] }),
        ..Default::default()
    };
    let answers = [
        who.cancel_units(order_id, &[(1, 1)]).await.map(drop),
        who.edit(edit).await.map(drop),
        who.edit(lower).await.map(drop),
        who.request_return(order_id, &[(1, 1)]).await.map(drop),
        who.cancel_return(order_id, return_id).await.map(drop),
        who.tracking(order_id).await.map(drop),
        who.orders.clone().update_order(update).await.map(drop),
    ];
    answers.into_iter().map(|answer| answer.unwrap_err()).map(|status| (status.code(), reason(&status))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_order_is_as_unknown_as_one_that_does_not_exist() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let (ada, office) = (world.customer("ada"), world.admin());
        let order = arrived(&world, &[("fangs", 2)]).await;
        let id = order.order_id.as_str();
        let back = ada.request_return(id, &[(1, 1)]).await.unwrap().return_id;
        let before = ada.order(id).await;
        let hidden = vec![(Code::NotFound, "ORDER_NOT_FOUND".to_owned()); 7];
        assert_eq!(owners_calls(&world.customer("eve"), (id, &back)).await, hidden);
        assert_eq!(owners_calls(&world.customer("eve"), (NOTHING, &back)).await, hidden);
        let nobody = vec![(Code::Unauthenticated, "TOKEN_INVALID".to_owned()); 7];
        assert_eq!(owners_calls(&world.guest(), (id, &back)).await, nobody);
        // What only the shop may do, an owner may not, with her own order either.
        let forbidden = (Code::PermissionDenied, "ROLE_REQUIRED");
        refused(ada.approve(id, &back).await, forbidden);
        refused(ada.receive((id, &back), &[(1, 1, 0)]).await, forbidden);
        refused(ada.create_shipment(id, &[]).await, forbidden);
        refused(ada.release(id, v1::OrderHold::Fraud).await, forbidden);
        assert_eq!(ada.order(id).await, before);
        // A return or a parcel of another order is not to be had through one's own.
        let other =
            world.customer("ada").request_return(&arrived(&world, &[("gem", 1)]).await.order_id, &[(1, 1)]).await;
        let other = other.unwrap().return_id;
        refused(ada.cancel_return(id, &other).await, (Code::NotFound, "RETURN_NOT_FOUND"));
        refused(office.approve(id, &other).await, (Code::NotFound, "RETURN_NOT_FOUND"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_told_by_its_own_reason() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let office = world.admin();
        let order = confirmed(&world, &[("fangs", 2)]).await;
        let id = order.order_id.as_str();
        let (no_order, no_parcel, no_return, no_line) =
            ("ORDER_NOT_FOUND", "SHIPMENT_NOT_FOUND", "RETURN_NOT_FOUND", "ORDER_LINE_NOT_FOUND");
        let parcel = office.parcel(id, &[(1, 1)]).await;
        let event = v1::CarrierEvent {
            event_time: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
            code: "SCANNED".to_owned(),
            ..Default::default()
        };
        for (order_id, shipment_id, expected) in [(NOTHING, parcel.as_str(), no_order), (id, NOTHING, no_parcel)] {
            let told = v1::RecordCarrierEventRequest {
                order_id: order_id.to_owned(),
                shipment_id: shipment_id.to_owned(),
                event: Some(event.clone()),
                ..Default::default()
            };
            let update = v1::UpdateShipmentRequest {
                order_id: order_id.to_owned(),
                shipment_id: shipment_id.to_owned(),
                tracking: Some(v1::TrackingInput::default()),
                ..Default::default()
            };
            for answer in [
                office.pack(order_id, shipment_id).await,
                office.ship(order_id, shipment_id).await,
                office.deliver(order_id, shipment_id).await,
                office.cancel_shipment(order_id, shipment_id).await,
                office.send_back(order_id, shipment_id).await,
                office.admin.clone().update_shipment(update).await.map(tonic::Response::into_inner),
                office.admin.clone().record_carrier_event(told).await.map(tonic::Response::into_inner),
            ] {
                refused(answer, (Code::NotFound, expected));
            }
        }
        for (order_id, expected) in [(NOTHING, no_order), (id, no_return)] {
            for answer in [
                office.approve(order_id, NOTHING).await,
                office.reject(order_id, NOTHING, "worn").await,
                office.receive((order_id, NOTHING), &[(1, 1, 0)]).await,
                office.close(order_id, NOTHING).await,
                office.cancel_return(order_id, NOTHING).await,
            ] {
                refused(answer, (Code::NotFound, expected));
            }
        }
        let unknown = received((id, NOTHING), &[(1, 1, 0)]);
        let told = refused(office.admin.clone().receive_return(unknown).await, (Code::NotFound, no_return));
        let named = told.get_error_details().resource_info().cloned().unwrap();
        assert_eq!([named.resource_type.as_str(), &named.resource_name], ["orders.v1.OrderReturn", NOTHING]);
        refused(office.create_shipment(id, &[(3, 1)]).await, (Code::NotFound, no_line));
        refused(office.create_shipment(NOTHING, &[(3, 1)]).await, (Code::NotFound, no_order));
        refused(office.hold(NOTHING, v1::OrderHold::Fraud).await, (Code::NotFound, no_order));
        refused(office.release(NOTHING, v1::OrderHold::Fraud).await, (Code::NotFound, no_order));
        let refund = v1::RefundOrderRequest { order_id: id.into(), lines: units(&[(3, 1)]), ..Default::default() };
        refused(office.admin.clone().refund_order(refund).await, (Code::NotFound, no_line));
    })
    .await;
}
