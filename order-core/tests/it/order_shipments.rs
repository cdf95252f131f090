//! Parcels: planned, packed, on their way, arrived, called off and sent back.

use order_core::{
    error::{Refusal, ResourceKind},
    ids::ShipmentId,
    limits,
    order::{
        CarrierEvent, Command, CommandKind, FulfillmentStatus, Hold, RefundWish, Shipment, ShipmentStatus,
        ShipmentStep, ShippingRefund, State, Status, Tracking, TrackingChange,
    },
    payment::PaymentMethod,
    policy::{AllocatePolicy, Policy},
    stock::MovementKind,
};
use uuid::Uuid;

use crate::orders::{Desk, NOW, context, run, units};

/// Two units of 10.80 and one of 5.40 with tax, and 5.99 for shipping: 32.99.
const BOUGHT: [(i64, u32); 2] = [(1000, 2), (500, 1)];

fn confirmed() -> Desk {
    Desk::confirmed(&BOUGHT, Policy::default())
}

fn create(parts: &[(u32, u32)]) -> Command {
    Command::CreateShipment { lines: units(parts), tracking: Tracking::default() }
}

/// A parcel of some units, planned.
fn planned(parts: &[(u32, u32)]) -> (Desk, ShipmentId) {
    let mut desk = confirmed();
    assert_eq!(desk.does(create(parts)), ["SHIPMENT_CREATED"]);
    let id = desk.order.shipments[0].id;
    (desk, id)
}

fn step(id: ShipmentId, step: ShipmentStep) -> Command {
    Command::Shipment(id, step)
}

fn leave() -> ShipmentStep {
    ShipmentStep::Ship(Tracking::default())
}

fn parcel(desk: &Desk, id: ShipmentId) -> &Shipment {
    desk.order.shipments.iter().find(|shipment| shipment.id == id).unwrap()
}

fn ups() -> Tracking {
    Tracking { carrier: Some("UPS".into()), tracking_number: Some("1Z".into()), ..Tracking::default() }
}

fn change() -> TrackingChange {
    let Tracking { carrier, tracking_number, .. } = ups();
    TrackingChange { carrier: Some(carrier), tracking_number: Some(tracking_number), ..TrackingChange::default() }
}

#[test]
fn a_parcel_is_planned_packed_shipped_and_delivered_and_the_order_follows() {
    let (mut desk, id) = planned(&[(1, 1)]);
    assert_eq!((desk.counters(1).allocated, desk.order.fulfillment_status), (2, FulfillmentStatus::Unfulfilled));
    let names = [ShipmentStep::Pack, ShipmentStep::Ship(ups()), ShipmentStep::Deliver].map(|s| desk.does(step(id, s)));
    assert_eq!(names, [["SHIPMENT_PACKED"], ["SHIPPED"], ["DELIVERED"]]);
    let known = parcel(&desk, id);
    assert_eq!((known.status, known.sequence), (ShipmentStatus::Delivered, 1));
    assert_eq!((known.ship_time, known.deliver_time, &known.tracking), (Some(NOW), Some(NOW), &ups()));
    assert_eq!(
        (desk.order.status, desk.order.fulfillment_status),
        (Status::Shipped, FulfillmentStatus::PartiallyDelivered)
    );
    desk.does(create(&[]));
    assert_eq!(desk.order.shipments[1].lines, units(&[(1, 1), (2, 1)]), "all that is in no parcel yet");
    let second = desk.order.shipments[1].id;
    desk.does(step(second, leave()));
    desk.does(Command::Deliver);
    assert_eq!((desk.order.status, desk.order.fulfillment_status), (Status::Delivered, FulfillmentStatus::Delivered));
    desk.does(Command::Complete);
}

#[test]
fn each_step_of_a_parcel_counts_once_and_none_goes_back() {
    let (mut desk, id) = planned(&[(1, 1)]);
    for taken in [ShipmentStep::Pack, leave(), ShipmentStep::Deliver] {
        desk.does(step(id, taken.clone()));
        assert_eq!(desk.does(step(id, taken)), [""; 0]);
    }
    for refused in [ShipmentStep::Pack, leave(), ShipmentStep::Cancel, ShipmentStep::ReturnToSender] {
        let Refusal::IllegalTransition { command, .. } = desk.refuses(step(id, refused)) else { panic!() };
        assert_eq!(command, CommandKind::Shipment);
    }
    assert_eq!(desk.counters(1).delivered, 1);
}

#[test]
fn a_parcel_that_is_called_off_gives_its_units_free_for_another_one() {
    let (mut desk, id) = planned(&[(1, 2), (2, 1)]);
    desk.refuses_since(create(&[]), "nothing is left to ship that is in no shipment yet");
    desk.does(step(id, ShipmentStep::Cancel));
    assert_eq!(desk.does(step(id, ShipmentStep::Cancel)), [""; 0]);
    for refused in [ShipmentStep::Pack, leave(), ShipmentStep::Deliver, ShipmentStep::Update(change())] {
        assert!(matches!(desk.refuses(step(id, refused)), Refusal::IllegalTransition { .. }));
    }
    desk.does(create(&[(1, 1)]));
    desk.does(Command::CancelLines(units(&[(1, 1)])));
}

#[test]
fn no_unit_is_in_two_parcels_and_none_is_in_one_that_was_not_ordered() {
    let (mut desk, _) = planned(&[(1, 1)]);
    let exceeded =
        Refusal::LineQuantityExceeded { command: CommandKind::CreateShipment, line_id: 1, requested: 2, available: 1 };
    assert_eq!(desk.refuses(create(&[(1, 2)])), exceeded);
    assert!(matches!(desk.refuses(create(&[(7, 1)])), Refusal::NotFound { kind: ResourceKind::OrderLine, .. }));
    desk.refuses_since(create(&[(1, 0)]), "no units were named");
    let nobody = step(ShipmentId::new(Uuid::nil()), ShipmentStep::Pack);
    assert!(matches!(desk.refuses(nobody), Refusal::NotFound { kind: ResourceKind::Shipment, .. }));
}

#[test]
fn shipping_all_that_remains_takes_the_planned_parcels_along() {
    let (mut desk, id) = planned(&[(1, 1)]);
    assert_eq!(desk.does(Command::Ship(ups())), ["SHIPPED", "SHIPPED"]);
    assert_eq!(parcel(&desk, id).tracking, ups());
    assert_eq!(desk.order.shipments[1].lines, units(&[(1, 1), (2, 1)]));
    assert_eq!(desk.order.fulfillment_status, FulfillmentStatus::Shipped);
    desk.refuses_since(Command::Ship(ups()), "nothing is left to ship");
}

#[test]
fn nothing_leaves_that_is_not_paid_promised_or_to_be_paid_at_the_door() {
    let mut desk = Desk::placed(&BOUGHT, Some(PaymentMethod::CashOnDelivery), Policy::default());
    desk.does(Command::Confirm);
    desk.does(create(&[(1, 1)]));
    let parcel = desk.order.shipments[0].id;
    desk.order.payments.clear();
    for command in [create(&[]), Command::Ship(ups()), step(parcel, leave())] {
        desk.refuses_since(command, "it is not paid in full");
    }
}

#[test]
fn nothing_leaves_that_has_no_stock_promised() {
    let policy = Policy { allocate_on: AllocatePolicy::Confirm, ..Policy::default() };
    let mut desk = Desk::placed(&BOUGHT, Some(PaymentMethod::CashOnDelivery), policy);
    desk.order.state = State::Confirmed;
    desk.refuses_since(create(&[]), "it has no stock promised");
    desk.refuses_since(Command::Ship(ups()), "not all of it has stock promised");
}

#[test]
fn holds_keep_parcels_from_being_planned_packed_and_shipped_and_are_kept_once() {
    let (mut desk, id) = planned(&[(1, 1)]);
    for hold in [Hold::Fraud, Hold::Address] {
        assert_eq!(desk.does(Command::PlaceHold(hold)), ["HOLD_PLACED"]);
        assert_eq!(desk.does(Command::PlaceHold(hold)), [""; 0]);
    }
    for command in [create(&[]), step(id, ShipmentStep::Pack), step(id, leave()), Command::Ship(ups())] {
        desk.refuses_since(command, "it is on hold");
    }
    desk.does(step(id, ShipmentStep::Update(change())));
    desk.does(Command::ReleaseHold(Hold::Fraud));
    desk.refuses_since(Command::StartProcessing, "it is on hold");
    desk.does(Command::ReleaseHold(Hold::Address));
    assert_eq!(desk.does(Command::ReleaseHold(Hold::Address)), [""; 0]);
    desk.does(step(id, ShipmentStep::Pack));
    desk.does(step(id, leave()));
}

#[test]
fn what_is_known_of_a_parcel_is_put_over_what_was_known() {
    let (mut desk, id) = planned(&[(1, 1)]);
    assert_eq!(desk.does(step(id, ShipmentStep::Update(change()))), ["SHIPMENT_UPDATED"]);
    assert_eq!(desk.does(step(id, ShipmentStep::Update(change()))), [""; 0]);
    let news = Tracking { estimated_delivery: Some(NOW.plus_seconds(86_400)), ..Tracking::default() };
    desk.does(step(id, ShipmentStep::Ship(news.clone())));
    assert_eq!(parcel(&desk, id).tracking, ups().updated(&news));
    let cleared = TrackingChange { carrier: Some(None), ..TrackingChange::default() };
    desk.does(step(id, ShipmentStep::Update(cleared)));
    assert_eq!(parcel(&desk, id).tracking, Tracking { carrier: None, ..ups().updated(&news) });
}

#[test]
fn carriers_are_heard_once_in_the_order_of_time_and_not_without_end() {
    let (mut desk, id) = planned(&[(1, 1)]);
    let said = |n: i64, heard: i64| CarrierEvent {
        time: NOW.plus_seconds(n),
        code: format!("S{n}"),
        description: String::new(),
        location: String::new(),
        create_time: NOW.plus_seconds(heard),
    };
    let record = |n, heard| step(id, ShipmentStep::Record(said(n, heard)));
    for n in (0..100).rev() {
        assert_eq!(desk.does(record(n, 500)), ["CARRIER_EVENT"]);
        assert_eq!(desk.does(record(n, 600)), [""; 0]);
    }
    assert_eq!(limits::CARRIER_EVENTS_PER_SHIPMENT, 100);
    assert!(matches!(desk.refuses(record(100, 700)), Refusal::IllegalTransition { .. }));
    let events = &parcel(&desk, id).carrier_events;
    assert!(events.is_sorted_by_key(|event| event.time));
    assert_eq!(parcel(&desk, id).status, ShipmentStatus::Pending, "what carriers say is not our status");
}

#[test]
fn an_order_has_only_so_many_parcels_and_can_still_be_shipped() {
    let mut desk = confirmed();
    for n in 0..limits::SHIPMENTS_PER_ORDER {
        desk.does(create(&[(1, 1)]));
        desk.does(step(desk.order.shipments[n].id, ShipmentStep::Cancel));
    }
    desk.refuses_since(create(&[]), "it has as many shipments as it may");
    desk.does(Command::Ship(ups()));
}

#[test]
fn what_comes_back_undelivered_is_promised_again_and_can_be_sent_again_or_called_off() {
    let (mut desk, id) = planned(&[(1, 2)]);
    desk.does(step(id, leave()));
    let before = desk.order.clone();
    let mut order = before.clone();
    let events = run(&mut order, &step(id, ShipmentStep::ReturnToSender)).unwrap();
    let changes: Vec<_> = before.stock_changes(&events[0].body).iter().map(|c| (c.kind, c.quantity)).collect();
    assert_eq!(changes, [(MovementKind::Returned, 2), (MovementKind::Allocated, 2)]);
    desk.does(step(id, ShipmentStep::ReturnToSender));
    assert_eq!(desk.does(step(id, ShipmentStep::ReturnToSender)), [""; 0]);
    assert_eq!((desk.counters(1).allocated, desk.counters(1).shipped), (2, 0));
    assert_eq!(desk.order.fulfillment_status, FulfillmentStatus::Unfulfilled);
    let mut again = desk.clone();
    again.does(Command::Ship(ups()));
    again.does(Command::Deliver);
    again.does(Command::Complete);
    desk.does(Command::Cancel);
    desk.approve_all();
    assert_eq!(desk.order.status, Status::Refunded);
}

/// A parcel of line 1 that is on its way, of which one unit was refunded.
fn refunded_on_its_way(parts: u32) -> (Desk, ShipmentId) {
    let (mut desk, id) = planned(&[(1, parts)]);
    desk.does(step(id, leave()));
    refund_one(&mut desk);
    (desk, id)
}

fn refund_one(desk: &mut Desk) {
    let lines = units(&[(1, 1)]);
    desk.does(Command::Refund(RefundWish::Lines { lines, shipping: ShippingRefund::Keep }));
    desk.approve_all();
}

#[test]
fn units_that_come_back_undelivered_after_their_money_went_back_count_as_called_off() {
    let (mut desk, id) = refunded_on_its_way(2);
    let due = desk.order.due();
    desk.does(step(id, ShipmentStep::ReturnToSender));
    let counters = desk.counters(1);
    assert_eq!((counters.cancelled, counters.refunded, counters.allocated, counters.shipped), (1, 0, 1, 0));
    assert_eq!((desk.order.due(), desk.asked().len()), (due, 0), "nothing goes back twice");
    desk.does(Command::Ship(ups()));
    desk.does(Command::Deliver);
    desk.does(Command::Complete);
}

#[test]
fn a_refunded_unit_that_comes_back_is_not_sent_again_where_another_one_was_delivered() {
    let (mut desk, first) = planned(&[(1, 1)]);
    desk.does(step(first, leave()));
    desk.does(step(first, ShipmentStep::Deliver));
    desk.does(create(&[(1, 1)]));
    let second = desk.order.shipments[1].id;
    desk.does(step(second, leave()));
    refund_one(&mut desk);
    desk.does(step(second, ShipmentStep::ReturnToSender));
    let counters = desk.counters(1);
    assert_eq!((counters.cancelled, counters.refunded, counters.delivered, counters.allocated), (1, 0, 1, 0));
}

#[test]
fn an_order_all_of_whose_units_were_refunded_and_came_back_can_be_closed_either_way() {
    let mut desk = Desk::confirmed(&[(1000, 1)], Policy::default());
    desk.does(Command::Ship(ups()));
    refund_one(&mut desk);
    desk.does(step(desk.order.shipments[0].id, ShipmentStep::ReturnToSender));
    assert_eq!(desk.order.fulfillment_status, FulfillmentStatus::Cancelled);
    for command in [Command::Cancel, Command::Complete] {
        desk.clone().does(command);
    }
}

#[test]
fn marking_all_as_delivered_needs_something_on_its_way() {
    let (mut desk, id) = planned(&[(1, 1)]);
    desk.refuses_since(Command::Deliver, "nothing is on its way");
    desk.refuses_since(step(id, ShipmentStep::Deliver), "shipment 1 is PENDING: it is not on its way");
    assert!(!desk.order.legal_commands(&context(3, Policy::default())).contains(&CommandKind::Deliver));
}
