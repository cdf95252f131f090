//! Goods that come back: asked for, decided about, received unit by unit, paid back once.

use order_core::{
    error::{Refusal, ResourceKind},
    ids::ReturnId,
    limits,
    order::{
        Command, CommandKind, FulfillmentStatus, OrderReturn, PaymentStatus, ReceivedLine, RefundWish, ReturnLine,
        ReturnRefund, ReturnStatus, ReturnStep, ShippingRefund, Status, Tracking,
    },
    payment::{OperationKind, PaymentMethod, RefundCause},
    policy::{CapturePolicy, Policy},
    stock::MovementKind,
};
use uuid::Uuid;

use crate::orders::{Desk, context, run, units};

/// Three units of 3.60, 3.59 and 3.60 with tax, one of 5.40, and 5.99 for shipping.
const BOUGHT: [(i64, u32); 2] = [(333, 3), (500, 1)];

fn delivered() -> Desk {
    let mut desk = Desk::confirmed(&BOUGHT, Policy::default());
    desk.does(Command::Ship(Tracking::default()));
    desk.does(Command::Deliver);
    desk
}

fn asked(parts: &[(u32, u32)]) -> Command {
    let line = |&(line_id, requested): &(u32, u32)| ReturnLine {
        line_id,
        requested,
        restocked: 0,
        written_off: 0,
        reason: "too small".into(),
    };
    Command::RequestReturn(parts.iter().map(line).collect())
}

/// A return of some units that the shop agreed to.
fn approved(parts: &[(u32, u32)]) -> (Desk, ReturnId) {
    let mut desk = delivered();
    assert_eq!(desk.does(asked(parts)), ["RETURN_REQUESTED"]);
    let id = desk.order.returns[0].id;
    assert_eq!(desk.does(Command::Return(id, ReturnStep::Approve)), ["RETURN_APPROVED"]);
    (desk, id)
}

fn step(id: ReturnId, step: ReturnStep) -> Command {
    Command::Return(id, step)
}

/// Units of lines: `(line, restocked, written off)`.
fn receive(id: ReturnId, parts: &[(u32, u32, u32)], refund: ReturnRefund) -> Command {
    let line = |&(line_id, restocked, written_off): &(u32, u32, u32)| ReceivedLine { line_id, restocked, written_off };
    Command::Return(id, ReturnStep::Receive { lines: parts.iter().map(line).collect(), refund })
}

fn known(desk: &Desk, id: ReturnId) -> &OrderReturn {
    desk.order.returns.iter().find(|order_return| order_return.id == id).unwrap()
}

fn refund_line(desk: &mut Desk, parts: &[(u32, u32)]) {
    desk.does(Command::Refund(RefundWish::Lines { lines: units(parts), shipping: ShippingRefund::Keep }));
    desk.approve_all();
}

#[test]
fn what_comes_back_is_put_on_the_shelf_or_written_off_and_paid_back() {
    let (mut desk, id) = approved(&[(1, 2), (2, 1)]);
    assert_eq!((desk.counters(1).return_requested, known(&desk, id).lines[0].reason.as_str()), (2, "too small"));
    let command = receive(id, &[(1, 1, 1)], ReturnRefund::GiveBack);
    let before = desk.order.clone();
    let events = run(&mut before.clone(), &command).unwrap();
    let changes: Vec<_> = before.stock_changes(&events[0].body).iter().map(|c| (c.kind, c.quantity)).collect();
    assert_eq!(changes, [(MovementKind::Returned, 1)], "what is written off does not go on the shelf");
    assert_eq!(desk.does(command), ["RETURN_RECEIVED", "LINES_REFUNDED", "REFUND_STARTED"]);
    assert_eq!(desk.asked(), [(OperationKind::Refund, 360 + 359)]);
    let refund = desk.newest();
    assert_eq!((refund.cause, refund.return_id, refund.concession), (Some(RefundCause::Return), Some(id), 0));
    let counters = desk.counters(1);
    assert_eq!((counters.return_received, counters.restocked, counters.written_off, counters.refunded), (2, 1, 1, 2));
    desk.approve_all();
    assert_eq!(desk.order.payment_status, PaymentStatus::PartiallyRefunded);
    assert_eq!(desk.order.fulfillment_status, FulfillmentStatus::PartiallyReturned);
    assert_eq!((known(&desk, id).status, desk.order.status), (ReturnStatus::Received, Status::Delivered));
}

#[test]
fn units_come_back_in_parts_and_never_more_than_were_asked_for() {
    let (mut desk, id) = approved(&[(1, 2)]);
    desk.does(receive(id, &[(1, 1, 0)], ReturnRefund::GiveBack));
    let exceeded =
        Refusal::LineQuantityExceeded { command: CommandKind::Return, line_id: 1, requested: 2, available: 1 };
    assert_eq!(desk.refuses(receive(id, &[(1, 1, 1)], ReturnRefund::GiveBack)), exceeded);
    assert_eq!(desk.refuses(receive(id, &[(1, 1, 0), (1, 1, 0)], ReturnRefund::GiveBack)), exceeded);
    let other = desk.refuses(receive(id, &[(2, 1, 0)], ReturnRefund::GiveBack));
    assert!(matches!(other, Refusal::NotFound { kind: ResourceKind::OrderLine, .. }));
    let nothing = receive(id, &[(1, 0, 0)], ReturnRefund::GiveBack);
    desk.refuses_since(nothing, "return 1 is RECEIVED: no units were named");
    desk.does(receive(id, &[(1, 0, 1)], ReturnRefund::GiveBack));
    desk.does(step(id, ReturnStep::Close));
    assert_eq!(desk.does(step(id, ReturnStep::Close)), [""; 0]);
    assert_eq!(desk.counters(1).return_requested, 2);
}

#[test]
fn all_parts_of_an_order_that_comes_back_add_up_to_what_was_paid_for_it() {
    let (mut desk, id) = approved(&[(1, 3), (2, 1)]);
    for parts in [[(1, 1, 0)], [(2, 1, 0)], [(1, 0, 1)], [(1, 1, 0)]] {
        desk.does(receive(id, &parts, ReturnRefund::GiveBack));
        desk.approve_all();
    }
    assert_eq!((desk.order.due(), desk.order.money_held()), (599, 599), "shipping is kept");
    assert_eq!(desk.order.fulfillment_status, FulfillmentStatus::Returned);
    desk.does(Command::Refund(RefundWish::Lines { lines: Vec::new(), shipping: ShippingRefund::GiveBack }));
    desk.approve_all();
    assert_eq!((desk.order.status, desk.order.money_held()), (Status::Refunded, 0));
}

#[test]
fn only_units_that_arrived_and_that_nobody_asked_for_yet_can_come_back() {
    let mut desk = Desk::confirmed(&BOUGHT, Policy::default());
    desk.refuses_since(asked(&[(1, 1)]), "nothing has arrived that could come back");
    desk.does(Command::Ship(Tracking::default()));
    desk.refuses_since(asked(&[(1, 1)]), "nothing has arrived that could come back");
    desk.does(Command::Deliver);
    desk.refuses_since(asked(&[]), "no units were named");
    desk.refuses_since(asked(&[(1, 0)]), "no units were named");
    desk.does(asked(&[(1, 2)]));
    assert!(matches!(desk.refuses(asked(&[(1, 2)])), Refusal::LineQuantityExceeded { available: 1, .. }));
    assert!(matches!(desk.refuses(asked(&[(8, 1)])), Refusal::NotFound { .. }));
    let nobody = step(ReturnId::new(Uuid::nil()), ReturnStep::Approve);
    assert!(matches!(desk.refuses(nobody), Refusal::NotFound { kind: ResourceKind::Return, .. }));
}

#[test]
fn what_is_not_sent_back_after_all_can_be_asked_for_again() {
    for (last, name, status) in [
        (ReturnStep::Cancel, "RETURN_CANCELLED", ReturnStatus::Cancelled),
        (ReturnStep::Close, "RETURN_CLOSED", ReturnStatus::Closed),
    ] {
        let (mut desk, id) = approved(&[(1, 3)]);
        assert_eq!(desk.does(step(id, last.clone())), [name]);
        assert_eq!(desk.does(step(id, last)), [""; 0]);
        assert_eq!((known(&desk, id).status, desk.counters(1).return_requested), (status, 0));
        desk.does(asked(&[(1, 3)]));
        assert_eq!(desk.order.returns[1].sequence, 2);
    }
}

#[test]
fn a_return_that_the_shop_rejects_says_why() {
    let mut desk = delivered();
    desk.does(asked(&[(1, 1)]));
    let id = desk.order.returns[0].id;
    assert_eq!(desk.does(step(id, ReturnStep::Reject)), ["RETURN_REJECTED"]);
    assert_eq!(desk.does(step(id, ReturnStep::Reject)), [""; 0]);
    assert_eq!(known(&desk, id).decision_reason.as_deref(), Some("because"));
    assert_eq!(desk.counters(1).return_requested, 0);
}

/// Which steps each status of a return takes, and which change nothing since they were taken before.
#[test]
fn the_steps_of_a_return_all_by_all() {
    let steps = || {
        let received = vec![ReceivedLine { line_id: 1, restocked: 1, written_off: 0 }];
        [
            ReturnStep::Cancel,
            ReturnStep::Approve,
            ReturnStep::Reject,
            ReturnStep::Receive { lines: received, refund: ReturnRefund::Skip },
            ReturnStep::Close,
        ]
    };
    // x: refused, o: carried out, -: was done before.
    let table = [
        (ReturnStatus::Requested, "oooxx"),
        (ReturnStatus::Approved, "o-xoo"),
        (ReturnStatus::Rejected, "xx-xx"),
        (ReturnStatus::Received, "xxxoo"),
        (ReturnStatus::Closed, "xxxx-"),
        (ReturnStatus::Cancelled, "-xxxx"),
    ];
    assert_eq!(table.map(|(status, _)| status), ReturnStatus::ALL);
    for (status, row) in table {
        for (taken, expected) in steps().into_iter().zip(row.chars()) {
            let (mut desk, id) = in_status(status);
            let before = desk.order.revision;
            let got = match run(&mut desk.order, &step(id, taken.clone())) {
                Err(Refusal::IllegalTransition { command: CommandKind::Return, .. }) => 'x',
                Err(other) => panic!("{other:?}"),
                Ok(events) if events.is_empty() => '-',
                Ok(_) => 'o',
            };
            assert_eq!(got, expected, "{taken:?} of a return that is {status}");
            assert_eq!(desk.order.revision > before, got == 'o');
        }
    }
}

fn in_status(status: ReturnStatus) -> (Desk, ReturnId) {
    let mut desk = delivered();
    desk.does(asked(&[(1, 2)]));
    let id = desk.order.returns[0].id;
    let path = match status {
        ReturnStatus::Requested => Vec::new(),
        ReturnStatus::Approved => vec![step(id, ReturnStep::Approve)],
        ReturnStatus::Rejected => vec![step(id, ReturnStep::Reject)],
        ReturnStatus::Received => {
            vec![step(id, ReturnStep::Approve), receive(id, &[(1, 1, 0)], ReturnRefund::Skip)]
        }
        ReturnStatus::Closed => vec![step(id, ReturnStep::Approve), step(id, ReturnStep::Close)],
        ReturnStatus::Cancelled => vec![step(id, ReturnStep::Cancel)],
    };
    for command in path {
        desk.does(command);
    }
    assert_eq!(known(&desk, id).status, status);
    (desk, id)
}

#[test]
fn units_whose_money_went_back_before_are_not_paid_back_again() {
    let (mut desk, id) = approved(&[(1, 2)]);
    refund_line(&mut desk, &[(1, 1)]);
    assert_eq!(desk.does(receive(id, &[(1, 1, 0)], ReturnRefund::GiveBack)), ["RETURN_RECEIVED"]);
    assert_eq!(
        desk.does(receive(id, &[(1, 1, 0)], ReturnRefund::GiveBack)),
        ["RETURN_RECEIVED", "LINES_REFUNDED", "REFUND_STARTED"]
    );
    assert_eq!((desk.counters(1).refunded, desk.newest().amount), (2, 359));
}

#[test]
fn a_refund_after_a_return_gives_back_no_more_units_than_are_left() {
    let (mut desk, id) = approved(&[(1, 3)]);
    desk.does(receive(id, &[(1, 3, 0)], ReturnRefund::GiveBack));
    let again = Command::Refund(RefundWish::Lines { lines: units(&[(1, 1)]), shipping: ShippingRefund::Keep });
    assert!(matches!(desk.refuses(again), Refusal::LineQuantityExceeded { available: 0, .. }));
}

#[test]
fn goods_that_are_exchanged_are_received_without_a_refund() {
    let (mut desk, id) = approved(&[(1, 2)]);
    assert_eq!(desk.does(receive(id, &[(1, 1, 0)], ReturnRefund::Skip)), ["RETURN_RECEIVED"]);
    assert_eq!(desk.counters(1).refunded, 0);
    desk.does(receive(id, &[(1, 1, 0)], ReturnRefund::GiveBack));
    assert_eq!(desk.newest().amount, 360);
}

#[test]
fn goods_that_come_back_unpaid_lower_what_is_due_and_nothing_goes_back() {
    let policy = Policy { capture: CapturePolicy::Manual, ..Policy::default() };
    let mut desk = Desk::confirmed(&BOUGHT, policy);
    desk.does(Command::Ship(Tracking::default()));
    desk.does(Command::Deliver);
    desk.does(asked(&[(2, 1)]));
    let id = desk.order.returns[0].id;
    desk.does(step(id, ReturnStep::Approve));
    let due = desk.order.due();
    assert_eq!(desk.does(receive(id, &[(2, 1, 0)], ReturnRefund::GiveBack)), ["RETURN_RECEIVED", "LINES_REFUNDED"]);
    assert_eq!(desk.order.to_capture(), due - 540);
    desk.does(Command::Capture { payment_id: desk.order.payments[0].id, amount: None });
    desk.approve_all();
    assert_eq!((desk.order.payment_status, desk.ledger()[3]), (PaymentStatus::Paid, 540), "the rest is given up");
    desk.does(Command::Complete);
}

#[test]
fn goods_that_come_back_while_their_payment_is_being_taken_are_paid_back_when_it_is() {
    let policy = Policy { capture: CapturePolicy::OnShipment, ..Policy::default() };
    let mut desk = Desk::confirmed(&BOUGHT, policy);
    desk.does(Command::Ship(Tracking::default()));
    desk.does(Command::Deliver);
    desk.does(asked(&[(2, 1)]));
    let id = desk.order.returns[0].id;
    desk.does(step(id, ReturnStep::Approve));
    desk.does(receive(id, &[(2, 1, 0)], ReturnRefund::GiveBack));
    desk.approve_all();
    assert_eq!((desk.order.payment_status, desk.ledger()[2]), (PaymentStatus::PartiallyRefunded, 540));
}

#[test]
fn goods_come_back_after_the_order_was_completed() {
    let mut desk = delivered();
    desk.does(Command::Complete);
    desk.does(asked(&[(1, 1)]));
    let id = desk.order.returns[0].id;
    desk.does(step(id, ReturnStep::Approve));
    desk.does(receive(id, &[(1, 1, 0)], ReturnRefund::GiveBack));
    desk.approve_all();
    assert_eq!((desk.order.status, desk.order.due()), (Status::Completed, desk.order.money_held()));
}

#[test]
fn goods_that_come_back_before_the_rest_has_arrived_do_not_make_the_order_look_delivered() {
    let mut desk = Desk::confirmed(&BOUGHT, Policy::default());
    desk.does(Command::CreateShipment { lines: units(&[(2, 1)]), tracking: Tracking::default() });
    let parcel = desk.order.shipments[0].id;
    desk.does(Command::Shipment(parcel, order_core::order::ShipmentStep::Ship(Tracking::default())));
    desk.does(Command::Deliver);
    desk.does(asked(&[(2, 1)]));
    let id = desk.order.returns[0].id;
    desk.does(step(id, ReturnStep::Approve));
    desk.does(receive(id, &[(2, 1, 0)], ReturnRefund::GiveBack));
    desk.approve_all();
    assert_eq!(
        (desk.order.status, desk.order.fulfillment_status),
        (Status::Shipped, FulfillmentStatus::PartiallyDelivered)
    );
    let completed = Command::SetStatus { status: Status::Completed, tracking: Tracking::default() };
    desk.does(completed);
}

#[test]
fn an_order_has_only_so_many_returns() {
    let mut desk = delivered();
    for n in 0..limits::RETURNS_PER_ORDER {
        desk.does(asked(&[(1, 1)]));
        desk.does(step(desk.order.returns[n].id, ReturnStep::Cancel));
    }
    desk.refuses_since(asked(&[(1, 1)]), "it has as many returns as it may");
    assert!(!desk.order.legal_commands(&context(1, Policy::default())).contains(&CommandKind::RequestReturn));
}

#[test]
fn cash_goes_back_for_what_came_back_without_a_gateway() {
    let mut desk = Desk::placed(&BOUGHT, Some(PaymentMethod::CashOnDelivery), Policy::default());
    desk.does(Command::Confirm);
    desk.does(Command::Ship(Tracking::default()));
    desk.does(Command::Deliver);
    desk.does(asked(&[(2, 1)]));
    let id = desk.order.returns[0].id;
    desk.does(step(id, ReturnStep::Approve));
    let names = desk.does(receive(id, &[(2, 1, 0)], ReturnRefund::GiveBack));
    assert_eq!(names, ["RETURN_RECEIVED", "LINES_REFUNDED", "REFUND_STARTED", "REFUND_SUCCEEDED"]);
}
