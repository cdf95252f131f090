//! An order from the customer's side: placed, changed, paid, followed, called off.

use std::time::Duration;

use order_api::v1::{
    self, AddNoteRequest, Address, CancelOrderRequest, Contact, FulfillmentStatus, GetOrderRequest,
    GetOrderStatusRequest, GetOrderTrackingRequest, ListOrderEventsRequest, Order, OrderEventType, OrderStatus,
    PayOrderRequest, PaymentStatus, TrackingInput, UpdateOrderRequest, UpdateOrderStatusRequest,
};
use order_store::testing::on_both_engines;
use tonic::Code;

use crate::{
    door_input::refusal::assert_refused,
    world::{Caller, World, address, card, cash, contact, money, order_of, request_id},
};

fn update(order: Order, paths: &[&str]) -> UpdateOrderRequest {
    UpdateOrderRequest {
        order: Some(order),
        update_mask: Some(prost_types::FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() }),
        ..Default::default()
    }
}

pub(crate) fn walk(order_id: &str, status: OrderStatus) -> UpdateOrderStatusRequest {
    UpdateOrderStatusRequest { order_id: order_id.into(), status: status.into(), ..Default::default() }
}

async fn events(caller: &mut Caller, order_id: &str) -> Vec<v1::OrderEvent> {
    let request = ListOrderEventsRequest { order_id: order_id.into(), ..Default::default() };
    caller.orders.list_order_events(request).await.unwrap().into_inner().events
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_mask_names_is_changed() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let mut ada = world.customer("ada");
        let placed = ada.orders.create_order(order_of(&[("costume", 1)], None)).await.unwrap().into_inner();
        let wanted = Order {
            order_id: placed.order_id.clone(),
            contact: Some(Contact { name: "Ada B.".into(), ..contact() }),
            shipping_address: Some(Address { city: "Berkeley".into(), region: "NY".into(), ..address() }),
            notes: "Ring twice".into(),
            metadata: [("gift".to_owned(), "yes".to_owned())].into(),
            total: Some(money(("USD", 0, 0))),
            status: OrderStatus::Refunded.into(),
            ..Default::default()
        };
        let changed = ada.orders.update_order(update(wanted.clone(), &["notes"])).await.unwrap().into_inner();
        let expected = Order { notes: "Ring twice".into(), etag: changed.etag.clone(), ..placed.clone() };
        assert_eq!(changed, expected);
        assert_ne!(changed.etag, placed.etag);
        let all = ["shipping_address", "contact", "notes", "metadata"];
        let changed = ada.orders.update_order(update(wanted.clone(), &all)).await.unwrap().into_inner();
        let expected = Order {
            contact: wanted.contact.clone(),
            shipping_address: wanted.shipping_address.clone(),
            metadata: wanted.metadata.clone(),
            etag: changed.etag.clone(),
            ..expected
        };
        assert_eq!(changed, expected, "prices and taxes stay as they were");
        let read = GetOrderRequest { order_id: placed.order_id.clone() };
        assert_eq!(ada.orders.get_order(read).await.unwrap().into_inner(), changed);
        let emptied = Order { order_id: placed.order_id.clone(), ..Default::default() };
        let changed = ada.orders.update_order(update(emptied, &["notes", "metadata"])).await.unwrap().into_inner();
        assert_eq!((changed.notes.as_str(), changed.metadata.len()), ("", 0));
        // Once something has shipped, the address stays; notes may still change.
        let payment = Some(card("tok_approve"));
        let pay = PayOrderRequest { order_id: placed.order_id.clone(), payment, ..Default::default() };
        ada.orders.pay_order(pay).await.unwrap();
        world.admin().admin.update_order_status(walk(&placed.order_id, OrderStatus::Shipped)).await.unwrap();
        for path in ["shipping_address", "contact"] {
            let late = ada.orders.update_order(update(wanted.clone(), &[path, "notes"])).await;
            assert_refused(late, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
        }
        ada.orders.update_order(update(wanted, &["notes", "metadata"])).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_can_be_followed_from_the_shelf_to_the_door() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let (mut ada, mut admin) = (world.customer("ada"), world.admin());
        let placed = ada.orders.create_order(order_of(&[("costume", 2)], Some(card("tok_approve")))).await.unwrap();
        let order_id = placed.into_inner().order_id;
        let status = GetOrderStatusRequest { order_id: order_id.clone() };
        let paid = ada.orders.get_order_status(status.clone()).await.unwrap().into_inner();
        assert_eq!((paid.status(), paid.payment_status()), (OrderStatus::Paid, PaymentStatus::Paid));
        let tracking = GetOrderTrackingRequest { order_id: order_id.clone() };
        let nothing = ada.orders.get_order_tracking(tracking.clone()).await.unwrap().into_inner();
        assert_eq!((nothing.shipments.len(), nothing.estimated_delivery), (0, None));
        let note = AddNoteRequest { order_id: order_id.clone(), note: "a suspicious one".into(), ..Default::default() };
        admin.admin.add_note(note).await.unwrap();
        world.clock.advance(Duration::from_secs(3600));
        let expected = prost_types::Timestamp { seconds: 1_772_625_600, nanos: 0 };
        let ship = UpdateOrderStatusRequest {
            tracking: Some(TrackingInput {
                carrier: "DHL".into(),
                tracking_number: "1Z999AA10123456784".into(),
                tracking_url: "https://example.com/track/1".into(),
                estimated_delivery: Some(expected),
            }),
            reason: "packed by Kim".into(),
            request_id: request_id(),
            ..walk(&order_id, OrderStatus::Shipped)
        };
        admin.admin.update_order_status(ship.clone()).await.unwrap();
        let shipped = ada.orders.get_order_status(status).await.unwrap().into_inner();
        assert_eq!(
            (shipped.status(), shipped.fulfillment_status()),
            (OrderStatus::Shipped, FulfillmentStatus::Shipped)
        );
        assert_eq!(shipped.status_time.unwrap().seconds, 1_772_366_400 + 3600);
        let followed = ada.orders.get_order_tracking(tracking).await.unwrap().into_inner();
        assert_eq!(followed.estimated_delivery, Some(expected));
        let [parcel] = followed.shipments.try_into().unwrap();
        assert_eq!(
            [parcel.shipment_number.as_str(), &parcel.carrier, &parcel.tracking_number, &parcel.tracking_url],
            ["SPK-2026-001001-S1", "DHL", "1Z999AA10123456784", "https://example.com/track/1"]
        );
        assert_eq!(parcel.lines, [v1::ShipmentLine { line_id: 1, quantity: 2 }]);
        the_history_is_whole_and_its_notes_are_the_shops(&world, (&order_id, &ship.request_id)).await;
    })
    .await;
}

async fn the_history_is_whole_and_its_notes_are_the_shops(world: &World, (order_id, shipping): (&str, &str)) {
    let (mut ada, mut admin) = (world.customer("ada"), world.admin());
    let all = events(&mut admin, order_id).await;
    assert!(all.iter().zip(1..).all(|(event, revision)| event.revision == revision));
    let kinds: Vec<_> = all.iter().map(v1::OrderEvent::r#type).collect();
    for kind in [
        OrderEventType::Placed,
        OrderEventType::PaymentStarted,
        OrderEventType::PaymentSucceeded,
        OrderEventType::NoteAdded,
        OrderEventType::Confirmed,
        OrderEventType::ProcessingStarted,
        OrderEventType::Shipped,
    ] {
        assert_eq!(kinds.iter().filter(|found| **found == kind).count(), 1, "{kind:?} in {kinds:?}");
    }
    let shipped = all.iter().find(|event| event.r#type() == OrderEventType::Shipped).unwrap();
    assert_eq!((shipped.reason.as_str(), shipped.request_id.as_str()), ("packed by Kim", shipping));
    assert_eq!(shipped.actor, Some(v1::Actor { r#type: v1::ActorType::Admin.into(), id: "kim".into() }));
    assert_eq!(shipped.details["tracking_number"], "1Z999AA10123456784");
    let seen = events(&mut ada, order_id).await;
    let public: Vec<_> = all.iter().filter(|event| event.r#type() != OrderEventType::NoteAdded).cloned().collect();
    assert_eq!(seen, public);
    assert!(!format!("{seen:?}").contains("suspicious"));
    let mut paged = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListOrderEventsRequest { order_id: order_id.into(), page_size: 2, page_token };
        let page = admin.orders.list_order_events(request).await.unwrap().into_inner();
        paged.extend(page.events);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_payment_leaves_the_order_to_be_paid_in_another_way() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let mut ada = world.customer("ada");
        let declined = Some(card("tok_decline_expired_card"));
        let placed = ada.orders.create_order(order_of(&[("fangs", 1)], declined)).await.unwrap().into_inner();
        assert_eq!((placed.status(), placed.payment_status()), (OrderStatus::Pending, PaymentStatus::Failed));
        assert_eq!(placed.payment.as_ref().unwrap().decline_code, "expired_card");
        let pay = |token: &str| PayOrderRequest {
            order_id: placed.order_id.clone(),
            payment: Some(card(token)),
            ..Default::default()
        };
        let again = ada.orders.pay_order(pay("tok_decline_expired_card")).await;
        assert_refused(again, Code::FailedPrecondition, "PAYMENT_DECLINED");
        let paid = ada.orders.pay_order(pay("tok_approve")).await.unwrap().into_inner();
        assert_eq!((paid.status(), paid.payment_status()), (OrderStatus::Paid, PaymentStatus::Paid));
        let ledger = paid.payment.unwrap();
        assert_eq!((ledger.captured, ledger.decline_code.as_str()), (paid.total.clone(), ""));
        assert_refused(ada.orders.pay_order(pay("tok_approve")).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
        let cancel =
            CancelOrderRequest { order_id: placed.order_id, reason: "changed my mind".into(), ..Default::default() };
        let cancelled = ada.orders.cancel_order(cancel).await.unwrap().into_inner();
        assert_eq!((cancelled.status(), cancelled.state()), (OrderStatus::Refunded, v1::OrderState::Cancelled));
        assert_eq!(
            (cancelled.payment.unwrap().refunded, cancelled.cancel_reason.as_str()),
            (paid.total, "changed my mind")
        );
        assert_eq!(world.shelf("FANGS").await, (100, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cash_is_captured_when_the_last_parcel_arrives() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let (mut ada, mut admin) = (world.customer("ada"), world.admin());
        let placed = ada.orders.create_order(order_of(&[("costume", 1)], Some(cash()))).await.unwrap().into_inner();
        assert_eq!((placed.status(), placed.payment_status()), (OrderStatus::Pending, PaymentStatus::Unpaid));
        let shipped = admin.admin.update_order_status(walk(&placed.order_id, OrderStatus::Shipped)).await.unwrap();
        assert_eq!(shipped.into_inner().payment_status(), PaymentStatus::Unpaid);
        assert_eq!(world.shelf("COSTUME").await, (99, 0));
        let delivered = admin.admin.update_order_status(walk(&placed.order_id, OrderStatus::Delivered)).await.unwrap();
        let delivered = delivered.into_inner();
        assert_eq!(delivered.payment_status(), PaymentStatus::Paid);
        assert_eq!(delivered.payment.unwrap().captured, placed.total);
        let done = admin.admin.update_order_status(walk(&placed.order_id, OrderStatus::Completed)).await.unwrap();
        assert_eq!(done.into_inner().state(), v1::OrderState::Completed);
    })
    .await;
}
