//! Parcels: planned, packed, sent, followed, called off, come back; and what holds keep from leaving.

use order_api::v1::{
    self, FulfillmentStatus as Goods, OrderHold, OrderStatus as Word, PaymentStatus as Paid, ShipmentStatus as Parcel,
    StockMovementKind as Moved,
};
use order_store::testing::on_both_engines;
use prost_types::{FieldMask, Timestamp};
use tonic::{Code, Response};

use super::kit::{axes, confirmed, counters, movements, units, world};
use crate::{
    door_input::refusal::{assert_invalid, assert_refused},
    door_races::kit::{ILLEGAL, fact, refused},
    world::{Caller, cash, order_of},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_goes_out_in_two_parcels_and_its_words_follow() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let (ada, office) = (world.customer("ada"), world.admin());
        let order = confirmed(&world, &[("costume", 2), ("fangs", 3)]).await;
        let id = order.order_id.as_str();

        let planned = office.create_shipment(id, &[(1, 1), (2, 3)]).await.unwrap();
        assert_eq!(axes(&planned), (Word::Confirmed, Paid::Paid, Goods::Unfulfilled));
        let [one] = &planned.shipments[..] else { panic!("{:?}", planned.shipments) };
        assert_eq!(
            (one.status(), one.shipment_number.clone()),
            (Parcel::Pending, format!("{}-S1", order.order_number))
        );
        let line = |line_id, quantity| v1::ShipmentLine { line_id, quantity };
        assert_eq!(one.lines, [line(1, 1), line(2, 3)]);
        assert_eq!([counters(&planned, 1), counters(&planned, 2)], [[0, 2, 0, 0], [0, 3, 0, 0]], "still on the shelf");
        let rest = office.create_shipment(id, &[]).await.unwrap();
        assert_eq!(rest.shipments[1].lines, [line(1, 1)], "nothing named means all that is in no parcel yet");
        refused(office.create_shipment(id, &[]).await, ILLEGAL);

        let (one, two) = (one.shipment_id.as_str(), rest.shipments[1].shipment_id.as_str());
        let packed = office.pack(id, one).await.unwrap();
        assert_eq!((packed.shipments[0].status(), packed.fulfillment_status()), (Parcel::Packed, Goods::Unfulfilled));
        assert_eq!(world.shelf("COSTUME").await, (100, 2));
        let shipped = office.ship(id, one).await.unwrap();
        assert_eq!(axes(&shipped), (Word::Shipped, Paid::Paid, Goods::PartiallyShipped));
        assert_eq!([counters(&shipped, 1), counters(&shipped, 2)], [[0, 1, 1, 0], [0, 0, 3, 0]]);
        assert_eq!((world.shelf("COSTUME").await, world.shelf("FANGS").await), ((99, 1), (97, 0)));
        let arrived = office.deliver(id, one).await.unwrap();
        assert_eq!(axes(&arrived), (Word::Shipped, Paid::Paid, Goods::PartiallyDelivered));
        let shipped = office.ship(id, two).await.unwrap();
        assert_eq!(axes(&shipped), (Word::Shipped, Paid::Paid, Goods::PartiallyDelivered));
        assert_eq!(shipped.shipments[1].pack_time, None, "packing may go unsaid");
        let arrived = office.deliver(id, two).await.unwrap();
        assert_eq!(axes(&arrived), (Word::Delivered, Paid::Paid, Goods::Delivered));
        assert_eq!([counters(&arrived, 1), counters(&arrived, 2)], [[0, 0, 2, 2], [0, 0, 3, 3]]);
        let moved = movements(&world, "COSTUME").await;
        let sent = (Moved::Shipped, -1, -1);
        assert_eq!(moved, [(Moved::Received, 100, 0), (Moved::Allocated, 0, 2), sent, sent]);
        let done = office.walk(id, Word::Completed).await.unwrap();
        assert_eq!(axes(&done), (Word::Completed, Paid::Paid, Goods::Delivered));
        assert_eq!(ada.order(id).await.shipments, done.shipments, "the owner sees the same parcels");
    })
    .await;
}

/// What can be done with a parcel, by name.
const STEPS: [&str; 5] = ["pack", "ship", "deliver", "cancel", "send back"];

async fn take(office: &Caller, step: &str, (order_id, parcel): (&str, &str)) -> Result<v1::Order, tonic::Status> {
    match step {
        "pack" => office.pack(order_id, parcel).await,
        "ship" => office.ship(order_id, parcel).await,
        "deliver" => office.deliver(order_id, parcel).await,
        "cancel" => office.cancel_shipment(order_id, parcel).await,
        "send back" => office.send_back(order_id, parcel).await,
        other => panic!("no such step: {other}"),
    }
}

/// A road, the status that it leads to, and what becomes of it by each step.
type Row = (&'static [&'static str], Parcel, [Option<Parcel>; 5]);

/// For each road to a status: what each of [`STEPS`] leads to from there, or nothing where it is refused.
const TABLE: [Row; 6] = {
    const PACKED: Option<Parcel> = Some(Parcel::Packed);
    const SHIPPED: Option<Parcel> = Some(Parcel::Shipped);
    const DELIVERED: Option<Parcel> = Some(Parcel::Delivered);
    const CANCELLED: Option<Parcel> = Some(Parcel::Cancelled);
    const BACK: Option<Parcel> = Some(Parcel::ReturnedToSender);
    [
        (&[], Parcel::Pending, [PACKED, SHIPPED, None, CANCELLED, None]),
        (&["pack"], Parcel::Packed, [PACKED, SHIPPED, None, CANCELLED, None]),
        (&["pack", "ship"], Parcel::Shipped, [None, SHIPPED, DELIVERED, None, BACK]),
        (&["ship", "deliver"], Parcel::Delivered, [None, None, DELIVERED, None, None]),
        (&["pack", "cancel"], Parcel::Cancelled, [None, None, None, CANCELLED, None]),
        (&["ship", "send back"], Parcel::ReturnedToSender, [None, None, None, None, BACK]),
    ]
};

#[tokio::test(flavor = "multi_thread")]
async fn every_step_of_a_parcel_is_taken_or_refused_as_the_table_says() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let office = world.admin();
        for (road, status, steps) in TABLE {
            for (step, expected) in STEPS.into_iter().zip(steps) {
                let order = confirmed(&world, &[("fangs", 1)]).await;
                let id = order.order_id.as_str();
                let parcel = office.parcel(id, &[]).await;
                for step in road {
                    take(&office, step, (id, &parcel)).await.unwrap();
                }
                let before = office.order(id).await;
                assert_eq!(before.shipments[0].status(), status);
                let answer = take(&office, step, (id, &parcel)).await;
                let after = office.order(id).await;
                match expected {
                    Some(expected) => assert_eq!(answer.unwrap().shipments[0].status(), expected, "{step} {status:?}"),
                    None => drop(refused(answer, ILLEGAL)),
                }
                if expected.is_none_or(|expected| expected == status) {
                    assert_eq!(after, before, "{step} when {status:?} must change nothing");
                }
            }
        }
        assert_eq!(world.shelf("FANGS").await.1, 30 - shipped_for_good(&world).await, "what has not left is promised");
    })
    .await;
}

/// Units that left and did not come back undelivered.
async fn shipped_for_good(world: &crate::world::World) -> i64 {
    let orders = world.admin().all_orders().await;
    orders.iter().map(|order| i64::from(counters(order, 1)[2])).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_called_off_or_came_back_undelivered_is_sent_again() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let office = world.admin();
        let order = confirmed(&world, &[("costume", 2)]).await;
        let id = order.order_id.as_str();
        let first = office.parcel(id, &[(1, 2)]).await;
        let off = office.cancel_shipment(id, &first).await.unwrap();
        assert_eq!((counters(&off, 1), world.shelf("COSTUME").await), ([0, 2, 0, 0], (100, 2)), "still promised");

        let second = office.parcel(id, &[(1, 2)]).await;
        office.ship(id, &second).await.unwrap();
        assert_eq!(world.shelf("COSTUME").await, (98, 0));
        let back = office.send_back(id, &second).await.unwrap();
        assert_eq!(axes(&back), (Word::Confirmed, Paid::Paid, Goods::Unfulfilled));
        assert_eq!((counters(&back, 1), world.shelf("COSTUME").await), ([0, 2, 0, 0], (100, 2)));
        let moved = movements(&world, "COSTUME").await;
        let promised = (Moved::Allocated, 0, 2);
        let (out, home) = ((Moved::Shipped, -2, -2), (Moved::Returned, 2, 0));
        assert_eq!(moved, [(Moved::Received, 100, 0), promised, promised, out, home]);

        let third = office.hand_over(id, &[]).await;
        assert_eq!(axes(&third), (Word::Delivered, Paid::Paid, Goods::Delivered));
        let parcels: Vec<_> = third.shipments.iter().map(v1::Shipment::status).collect();
        assert_eq!(parcels, [Parcel::Cancelled, Parcel::ReturnedToSender, Parcel::Delivered]);
        assert_eq!((counters(&third, 1), world.shelf("COSTUME").await), ([0, 0, 2, 2], (98, 0)));
        // What came back may be called off instead, and its money goes back.
        let other = confirmed(&world, &[("fangs", 1)]).await;
        let parcel = office.parcel(&other.order_id, &[]).await;
        office.ship(&other.order_id, &parcel).await.unwrap();
        office.send_back(&other.order_id, &parcel).await.unwrap();
        let off = world.customer("ada").cancel(&other.order_id).await.unwrap();
        assert_eq!(axes(&off), (Word::Refunded, Paid::Refunded, Goods::Cancelled));
        assert_eq!(world.shelf("FANGS").await, (100, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_parcel_holds_more_than_there_is_for_it() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let (ada, office) = (world.customer("ada"), world.admin());
        let unpaid = ada.create(order_of(&[("fangs", 1)], None)).await.unwrap();
        refused(office.create_shipment(&unpaid.order_id, &[]).await, ILLEGAL);
        let order = confirmed(&world, &[("costume", 2), ("fangs", 3)]).await;
        let id = order.order_id.as_str();
        office.create_shipment(id, &[(1, 1)]).await.unwrap();
        let exceeded = (Code::FailedPrecondition, "LINE_QUANTITY_EXCEEDED");
        let told = refused(office.create_shipment(id, &[(2, 3), (1, 2)]).await, exceeded);
        assert_eq!(["line_id", "requested", "available"].map(|name| fact(&told, name)), ["1", "2", "1"]);
        let unknown = (Code::NotFound, "ORDER_LINE_NOT_FOUND");
        refused(office.create_shipment(id, &[(1, 1), (9, 1)]).await, unknown);
        for (wrong, path) in
            [((1, 0), "lines[0].quantity"), ((0, 1), "lines[0].line_id"), ((1, -1), "lines[0].quantity")]
        {
            let request =
                v1::CreateShipmentRequest { order_id: id.to_owned(), lines: units(&[wrong]), ..Default::default() };
            assert_invalid(office.admin.clone().create_shipment(request).await, &[path]);
        }
        let twice = v1::CreateShipmentRequest {
            order_id: id.to_owned(),
            lines: units(&[(1, 1), (1, 1)]),
            ..Default::default()
        };
        assert_invalid(office.admin.clone().create_shipment(twice.clone()).await, &["lines[1].line_id"]);
        // A check shows the parcel and plans none.
        let before = office.order(id).await;
        let check = v1::CreateShipmentRequest { lines: units(&[(1, 1)]), validate_only: true, ..twice };
        let shown = office.admin.clone().create_shipment(check).await.unwrap().into_inner();
        assert_eq!((shown.shipments.len(), office.order(id).await), (2, before));
        // Cash on delivery leaves the house unpaid, and is paid with the last parcel.
        let order = ada.create(order_of(&[("fangs", 2)], Some(cash()))).await.unwrap();
        let id = order.order_id.as_str();
        office.walk(id, Word::Confirmed).await.unwrap();
        assert_eq!(
            axes(&office.hand_over(id, &[(1, 1)]).await),
            (Word::Shipped, Paid::Unpaid, Goods::PartiallyDelivered)
        );
        assert_eq!(axes(&office.hand_over(id, &[(1, 1)]).await), (Word::Delivered, Paid::Paid, Goods::Delivered));
    })
    .await;
}

fn told(seconds: i64, code: &str) -> v1::CarrierEvent {
    v1::CarrierEvent {
        event_time: Some(Timestamp { seconds, nanos: 0 }),
        code: code.to_owned(),
        description: format!("{code} it is"),
        location: "Oakland".to_owned(),
        create_time: None,
    }
}

async fn carrier_says(
    who: &Caller,
    (order_id, shipment_id): (&str, &str),
    event: v1::CarrierEvent,
) -> Result<Response<v1::Order>, tonic::Status> {
    let (order_id, shipment_id) = (order_id.to_owned(), shipment_id.to_owned());
    let request = v1::RecordCarrierEventRequest { order_id, shipment_id, event: Some(event), ..Default::default() };
    who.admin.clone().record_carrier_event(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_carriers_say_is_kept_once_and_changes_no_status() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let (ada, office, adapter) = (world.customer("ada"), world.admin(), world.service());
        let order = confirmed(&world, &[("fangs", 1)]).await;
        let id = order.order_id.as_str();
        let parcel = office.parcel(id, &[]).await;
        let at = (id, parcel.as_str());
        office.ship(id, &parcel).await.unwrap();
        carrier_says(&adapter, at, told(200, "OUT_FOR_DELIVERY")).await.unwrap();
        let late = carrier_says(&adapter, at, told(100, "DELIVERED")).await.unwrap().into_inner();
        let again = carrier_says(&office, at, told(100, "DELIVERED")).await.unwrap().into_inner();
        assert_eq!(again.etag, late.etag, "the same news twice is news once");
        let followed = ada.tracking(id).await.unwrap();
        let [shown] = &followed.shipments[..] else { panic!("{followed:?}") };
        let codes: Vec<_> = shown.carrier_events.iter().map(|event| event.code.as_str()).collect();
        assert_eq!((codes, shown.status()), (vec!["DELIVERED", "OUT_FOR_DELIVERY"], Parcel::Shipped), "by time");
        assert!(shown.carrier_events.iter().all(|event| event.create_time.is_some() && event.location == "Oakland"));
        assert_eq!(followed.fulfillment_status(), Goods::Shipped, "a carrier's word delivers nothing");
        assert!(office.all_orders().await[0].shipments[0].carrier_events.is_empty(), "lists leave them out");

        assert_refused(carrier_says(&ada, at, told(1, "X")).await, Code::PermissionDenied, "ROLE_REQUIRED");
        assert_refused(carrier_says(&world.guest(), at, told(1, "X")).await, Code::Unauthenticated, "TOKEN_INVALID");
        refused(adapter.ship(id, &parcel).await, (Code::PermissionDenied, "ROLE_REQUIRED"));
        let wrong = v1::CarrierEvent { event_time: None, code: String::new(), ..told(1, "x") };
        assert_invalid(carrier_says(&adapter, at, wrong).await, &["event.event_time", "event.code"]);
        for n in 3..=100 {
            carrier_says(&adapter, at, told(n, "SCANNED")).await.unwrap();
        }
        assert_refused(carrier_says(&adapter, at, told(101, "SCANNED")).await, ILLEGAL.0, ILLEGAL.1);
        carrier_says(&adapter, at, told(50, "SCANNED")).await.expect("old news is still welcome");
        assert_eq!(office.order(id).await.shipments[0].carrier_events.len(), 100);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_a_parcel_can_be_followed_is_changed_by_mask_or_as_a_whole() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let (ada, office) = (world.customer("ada"), world.admin());
        let order = confirmed(&world, &[("fangs", 3)]).await;
        let id = order.order_id.as_str();
        let day = |day: i64| Some(Timestamp { seconds: 1_772_366_400 + day * 86_400, nanos: 0 });
        let known = |carrier: &str, number: &str, due| v1::TrackingInput {
            carrier: carrier.to_owned(),
            tracking_number: number.to_owned(),
            tracking_url: String::new(),
            estimated_delivery: due,
        };
        let parcel = office.parcel(id, &[(1, 1)]).await;
        let update = |tracking, paths: Option<&[&str]>| {
            let mask = paths.map(|paths| FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() });
            let (order_id, shipment_id) = (id.to_owned(), parcel.clone());
            v1::UpdateShipmentRequest { order_id, shipment_id, tracking, update_mask: mask, ..Default::default() }
        };
        let send = async |request| office.admin.clone().update_shipment(request).await;
        let all = update(Some(known("DHL", "1Z999AA10123456784", day(3))), None);
        let before = send(all.clone()).await.unwrap().into_inner();
        let [shown] = &before.shipments[..] else { panic!("{before:?}") };
        assert_eq!((shown.carrier.as_str(), shown.tracking_number.as_str()), ("DHL", "1Z999AA10123456784"));
        assert_eq!(send(all).await.unwrap().into_inner().etag, before.etag, "the same again changes nothing");
        let one = send(update(Some(known("", "JD014600", day(9))), Some(&["tracking_number"]))).await.unwrap();
        let shown = &one.into_inner().shipments[0];
        assert_eq!([shown.carrier.as_str(), &shown.tracking_number], ["DHL", "JD014600"], "only what the mask names");
        assert_eq!(shown.estimated_delivery, day(3));
        assert_invalid(send(update(None, Some(&["status"]))).await, &["tracking", "update_mask"]);
        assert_eq!(ada.tracking(id).await.unwrap().estimated_delivery, None, "it is not under way yet");
        office.ship(id, &parcel).await.unwrap();
        assert_eq!(ada.tracking(id).await.unwrap().estimated_delivery, day(3));
        let second = office.parcel(id, &[(1, 1)]).await;
        let (order_id, shipment_id) = (id.to_owned(), second.clone());
        let ship = v1::MarkShippedRequest {
            order_id,
            shipment_id,
            tracking: Some(known("UPS", "", day(5))),
            ..Default::default()
        };
        office.admin.clone().mark_shipped(ship).await.unwrap();
        assert_eq!(ada.tracking(id).await.unwrap().estimated_delivery, day(5), "the last of what is under way");
        office.deliver(id, &second).await.unwrap();
        let cleared = send(update(Some(known("", "", None)), None)).await.unwrap().into_inner();
        let shown = &cleared.shipments[0];
        assert_eq!([shown.carrier.as_str(), &shown.tracking_number], ["", ""], "without a mask, all is meant");
        assert_eq!(ada.tracking(id).await.unwrap().estimated_delivery, None);
        let third = office.parcel(id, &[]).await;
        office.cancel_shipment(id, &third).await.unwrap();
        let dead = v1::UpdateShipmentRequest { shipment_id: third, ..update(Some(known("X", "", None)), None) };
        assert_refused(send(dead).await, ILLEGAL.0, ILLEGAL.1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_the_house_while_there_is_a_hold() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let office = world.admin();
        let order = confirmed(&world, &[("fangs", 3)]).await;
        let id = order.order_id.as_str();
        let (on_the_way, planned) = (office.parcel(id, &[(1, 1)]).await, office.parcel(id, &[(1, 1)]).await);
        office.ship(id, &on_the_way).await.unwrap();
        let held = office.hold(id, OrderHold::Fraud).await.unwrap();
        assert_eq!(held.holds, [OrderHold::Fraud as i32]);
        assert_eq!(office.hold(id, OrderHold::Fraud).await.unwrap().etag, held.etag, "once is enough");
        office.hold(id, OrderHold::Manual).await.unwrap();
        office.deliver(id, &on_the_way).await.expect("what has left arrives all the same");
        let before = office.release(id, OrderHold::Fraud).await.unwrap();
        assert_eq!(before.holds, [OrderHold::Manual as i32], "each hold is released for itself");
        for answer in [
            office.create_shipment(id, &[]).await,
            office.pack(id, &planned).await,
            office.ship(id, &planned).await,
            office.walk(id, Word::Delivered).await,
        ] {
            refused(answer, ILLEGAL);
        }
        assert_eq!(office.order(id).await.etag, before.etag);
        let free = office.release(id, OrderHold::Manual).await.unwrap();
        assert_eq!(free.holds, [0; 0]);
        assert_eq!(office.release(id, OrderHold::Manual).await.unwrap().etag, free.etag);
        office.pack(id, &planned).await.unwrap();
        let done = office.walk(id, Word::Delivered).await.unwrap();
        assert_eq!((axes(&done).2, done.shipments.len()), (Goods::Delivered, 3), "what was planned, and the rest");
        assert_eq!(world.shelf("FANGS").await, (97, 0));

        let waiting = confirmed(&world, &[("fangs", 1)]).await;
        office.hold(&waiting.order_id, OrderHold::Address).await.unwrap();
        refused(office.walk(&waiting.order_id, Word::Processing).await, ILLEGAL);
        let off = office.cancel(&waiting.order_id).await.unwrap();
        assert_eq!(off.status(), Word::Refunded, "a hold keeps nobody from calling it off");
    })
    .await;
}
