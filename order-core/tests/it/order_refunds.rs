//! Money on its way back: by amount, by units, with shipping, and what calling units off gives back.

use order_core::{
    error::{AmountLimit, Refusal, ResourceKind},
    money::Money,
    order::{
        Command, FulfillmentStatus, PaymentStatus, RefundPart, RefundWish, Share, ShippingRefund, SplitLine, State,
        Status, Tracking,
    },
    payment::{OperationKind, Outcome, PaymentMethod, RefundCause},
    policy::{AllocatePolicy, CapturePolicy, Policy},
    pricing::price,
    stock::MovementKind,
};

use crate::{
    orders::{Desk, context, declined, pay, placed_at, run, units, usd},
    shop,
};

/// Two units of 10.80 and one of 5.40 with tax, and 5.99 for shipping: 32.99.
const BOUGHT: [(i64, u32); 2] = [(1000, 2), (500, 1)];
const TOTAL: i64 = 3299;

fn shipped() -> Desk {
    let mut desk = Desk::confirmed(&BOUGHT, Policy::default());
    desk.does(Command::Ship(Tracking::default()));
    desk
}

fn amount(minor: i64) -> Command {
    Command::Refund(RefundWish::Amount(usd(minor)))
}

fn of_lines(parts: &[(u32, u32)], shipping: ShippingRefund) -> RefundWish {
    RefundWish::Lines { lines: units(parts), shipping }
}

fn lines(parts: &[(u32, u32)]) -> Command {
    Command::Refund(of_lines(parts, ShippingRefund::Keep))
}

fn manual() -> Policy {
    Policy { capture: CapturePolicy::Manual, ..Policy::default() }
}

#[test]
fn an_amount_goes_back_and_lowers_what_the_order_costs() {
    let mut desk = shipped();
    assert_eq!(desk.does(amount(300)), ["REFUND_STARTED"]);
    assert_eq!((desk.newest().concession, desk.newest().cause), (300, Some(RefundCause::Requested)));
    assert_eq!((desk.order.due(), desk.order.money_held()), (TOTAL - 300, TOTAL - 300));
    assert_eq!(desk.order.payment_status, PaymentStatus::Paid);
    desk.approve_all();
    assert_eq!(desk.order.payment_status, PaymentStatus::PartiallyRefunded);
    desk.refuses_since(pay(PaymentMethod::Upi), "it is paid");
}

#[test]
fn no_more_goes_back_than_is_held_and_what_is_on_its_way_back_counts_as_gone() {
    let mut desk = shipped();
    desk.does(amount(3000));
    let expected =
        Refusal::AmountExceeded { limit: AmountLimit::Refundable, requested: usd(300), available: usd(TOTAL - 3000) };
    assert_eq!(desk.refuses(amount(300)), expected);
    for wrong in [0, -1] {
        assert!(matches!(desk.refuses(amount(wrong)), Refusal::AmountExceeded { .. }));
    }
    let yen = Command::Refund(RefundWish::Amount(Money::new(100, shop::currency("JPY"))));
    assert!(matches!(desk.refuses(yen), Refusal::CurrencyMismatch { .. }));
    desk.does(Command::Refund(RefundWish::All));
    desk.refuses_since(amount(1), "no money is left to give back");
    desk.approve_all();
    assert_eq!((desk.order.status, desk.ledger()), (Status::Refunded, [TOTAL, TOTAL, TOTAL, 0]));
}

#[test]
fn a_refund_that_fails_can_be_tried_again() {
    let mut desk = shipped();
    for wish in [RefundWish::All, RefundWish::Amount(usd(TOTAL))] {
        desk.does(Command::Refund(wish));
        desk.decline_all();
        assert_eq!((desk.order.payment_status, desk.order.due()), (PaymentStatus::Paid, TOTAL));
    }
    desk.does(lines(&[(1, 1)]));
    desk.decline_all();
    assert_eq!((desk.order.payment_status, desk.order.excess()), (PaymentStatus::Overpaid, 1080));
    desk.does(amount(1080));
    assert_eq!(desk.newest().concession, 0);
    desk.approve_all();
    assert_eq!((desk.order.payment_status, desk.order.due()), (PaymentStatus::PartiallyRefunded, TOTAL - 1080));
}

#[test]
fn units_are_worth_their_share_of_price_discount_and_tax() {
    let mut input = shop::order("USD", "US-CA", &[(1000, 3, "standard"), (500, 1, "standard")]);
    input.order_discount = Some(usd(1000));
    let pricing = price(&shop::rules(&[]), &input).unwrap();
    let total = pricing.total.minor();
    let bought = [(1000, 3), (500, 1)];
    let mut order = placed_at(pricing, &bought, Some(PaymentMethod::CreditCard), Policy::default()).order;
    crate::orders::approve_all(&mut order);
    run(&mut order, &Command::Confirm).unwrap();
    run(&mut order, &Command::Ship(Tracking::default())).unwrap();
    // Line 1: 30.00 less 8.57, and 1.71 of tax: 23.14. A third of it is 7.71, and 15.43 are two thirds.
    let split = order.refund_split(&of_lines(&[(1, 1)], ShippingRefund::Keep), &context(9, Policy::default())).unwrap();
    let share = Share { total: 771, tax: 57, discount: 286 };
    assert_eq!(split.lines, [SplitLine { part: units(&[(1, 1)])[0], share }]);
    assert_eq!((split.total, split.shipping), (771, 0));
    let payment_id = order.payments[0].id;
    assert_eq!(split.parts, [RefundPart { payment_id, amount: 771 }]);
    let mut given = Vec::new();
    for _ in 0..3 {
        run(&mut order, &lines(&[(1, 1)])).unwrap();
        given.push(order.open_operations().last().unwrap().1.amount);
    }
    assert_eq!(given, [771, 772, 771]);
    run(&mut order, &Command::Refund(of_lines(&[(2, 1)], ShippingRefund::GiveBack))).unwrap();
    assert_eq!((order.money_held(), order.due()), (0, 0));
    assert_eq!(order.payments[0].refund_pending, total);
}

#[test]
fn shipping_and_its_tax_go_back_once() {
    let mut desk = shipped();
    assert_eq!(
        desk.does(Command::Refund(of_lines(&[(2, 1)], ShippingRefund::GiveBack))),
        ["LINES_REFUNDED", "REFUND_STARTED"]
    );
    assert_eq!((desk.asked(), desk.order.shipping_refunded), (vec![(OperationKind::Refund, 540 + 599)], 599));
    desk.approve_all();
    let again = Command::Refund(of_lines(&[], ShippingRefund::GiveBack));
    desk.refuses_since(again, "nothing was paid for that");
    desk.does(Command::Refund(of_lines(&[(1, 1)], ShippingRefund::GiveBack)));
    assert_eq!(desk.asked(), [(OperationKind::Refund, 1080)]);
}

#[test]
fn shipping_alone_goes_back_without_any_units() {
    let mut desk = shipped();
    desk.does(Command::Refund(of_lines(&[], ShippingRefund::GiveBack)));
    assert_eq!(desk.asked(), [(OperationKind::Refund, 599)]);
}

#[test]
fn only_units_that_were_shipped_and_not_refunded_before_are_refunded_by_line() {
    let mut desk = Desk::confirmed(&BOUGHT, Policy::default());
    let exceeded = |line_id, requested, available| Refusal::LineQuantityExceeded {
        command: order_core::order::CommandKind::Refund,
        line_id,
        requested,
        available,
    };
    assert_eq!(desk.refuses(lines(&[(1, 1)])), exceeded(1, 1, 0));
    desk.does(Command::Ship(Tracking::default()));
    assert_eq!(desk.refuses(lines(&[(1, 2), (1, 1)])), exceeded(1, 3, 2), "a line named twice is summed");
    desk.does(lines(&[(1, 1)]));
    assert_eq!(desk.refuses(lines(&[(1, 2)])), exceeded(1, 2, 1));
    assert!(matches!(desk.refuses(lines(&[(9, 1)])), Refusal::NotFound { kind: ResourceKind::OrderLine, .. }));
    desk.refuses_since(lines(&[(1, 0)]), "nothing was paid for that");
}

#[test]
fn units_whose_price_was_lowered_before_give_back_no_more_than_is_held() {
    let mut desk = shipped();
    desk.does(amount(3000));
    desk.does(lines(&[(1, 1)]));
    assert_eq!(desk.newest().amount, TOTAL - 3000);
    assert_eq!((desk.order.money_held(), desk.order.due()), (0, 0));
    desk.approve_all();
    assert_eq!(desk.order.status, Status::Refunded);
}

#[test]
fn what_was_paid_too_much_goes_back_before_anything_is_conceded() {
    let mut desk = Desk::placed(&BOUGHT, Some(PaymentMethod::CreditCard), Policy::default());
    let sale = desk.newest().id;
    desk.hears(sale, Outcome::Succeeded { reference: "ref".into(), moved: Some(usd(TOTAL + 100)) });
    assert_eq!((desk.order.payment_status, desk.order.excess()), (PaymentStatus::Overpaid, 100));
    desk.does(amount(150));
    assert_eq!((desk.newest().concession, desk.order.due()), (50, TOTAL - 50));
    desk.approve_all();
    assert_eq!(desk.order.payment_status, PaymentStatus::PartiallyRefunded);
}

#[test]
fn what_goes_back_of_an_order_that_is_not_paid_in_full_stays_owed() {
    let mut desk = Desk::placed(&BOUGHT, None, Policy::default());
    desk.does(Command::Pay { method: PaymentMethod::Upi, token: Some("t".into()), amount: Some(usd(1000)) });
    desk.approve_all();
    desk.does(amount(400));
    assert_eq!((desk.newest().concession, desk.order.due(), desk.order.missing()), (0, TOTAL, TOTAL - 600));
    desk.does(Command::Refund(RefundWish::All));
    desk.approve_all();
    assert_eq!((desk.order.payment_status, desk.order.status), (PaymentStatus::Unpaid, Status::Pending));
    desk.does(pay(PaymentMethod::Upi));
    desk.approve_all();
    assert_eq!((desk.order.payment_status, desk.order.money_held()), (PaymentStatus::PartiallyRefunded, TOTAL));
}

#[test]
fn a_concession_on_an_order_whose_rest_is_promised_does_not_keep_the_rest_from_leaving() {
    let mut desk = Desk::confirmed(&BOUGHT, manual());
    desk.does(Command::Capture { payment_id: desk.order.payments[0].id, amount: Some(usd(1000)) });
    desk.approve_all();
    desk.does(amount(200));
    assert_eq!((desk.newest().concession, desk.order.due(), desk.order.missing()), (200, TOTAL - 200, 0));
    desk.does(Command::Ship(Tracking::default()));
}

#[test]
fn refunds_go_through_the_payments_that_hold_money_oldest_first() {
    let mut desk = Desk::placed(&BOUGHT, None, Policy::default());
    for part in [Some(usd(1000)), None] {
        desk.does(Command::Pay { method: PaymentMethod::Upi, token: Some("t".into()), amount: part });
        desk.approve_all();
    }
    desk.does(amount(1500));
    assert_eq!(desk.asked(), [(OperationKind::Refund, 1000), (OperationKind::Refund, 500)]);
    let conceded: Vec<_> = desk.order.open_operations().map(|(_, op)| op.concession).collect();
    assert_eq!(conceded, [1000, 500]);
    desk.approve_all();
    desk.does(Command::Refund(RefundWish::All));
    desk.approve_all();
    assert_eq!((desk.order.status, desk.order.money_held()), (Status::Refunded, 0));
}

#[test]
fn units_that_are_called_off_are_free_again_and_paid_back() {
    let mut desk = Desk::confirmed(&BOUGHT, Policy::default());
    let before = desk.order.clone();
    assert_eq!(desk.does(Command::CancelLines(units(&[(1, 1)]))), ["LINES_CANCELLED", "REFUND_STARTED"]);
    assert_eq!(
        (desk.asked(), desk.newest().cause),
        (vec![(OperationKind::Refund, 1080)], Some(RefundCause::Cancellation))
    );
    assert_eq!((desk.counters(1).cancelled, desk.counters(1).allocated), (1, 1));
    let mut other = before.clone();
    let events = run(&mut other, &Command::CancelLines(units(&[(1, 1)]))).unwrap();
    let released = before.stock_changes(&events[0].body);
    assert_eq!((released.len(), released[0].kind, released[0].quantity), (1, MovementKind::Released, 1));
    desk.approve_all();
    assert_eq!((desk.order.state, desk.order.payment_status), (State::Confirmed, PaymentStatus::PartiallyRefunded));
}

#[test]
fn units_without_promised_stock_are_called_off_first_and_nothing_is_released() {
    let policy = Policy { allocate_on: AllocatePolicy::Confirm, ..Policy::default() };
    let mut desk = Desk::placed(&BOUGHT, None, policy);
    assert_eq!(desk.does(Command::CancelLines(units(&[(1, 1), (2, 1)]))), ["LINES_CANCELLED"]);
    assert_eq!((desk.counters(1).cancelled, desk.counters(1).allocated, desk.order.due()), (1, 0, 1080 + 599));
    desk.does(pay(PaymentMethod::CashOnDelivery));
    assert_eq!(desk.does(Command::Confirm), ["STOCK_ALLOCATED", "CONFIRMED"]);
    assert_eq!((desk.counters(1).allocated, desk.counters(2).allocated), (1, 0));
}

#[test]
fn an_unpaid_order_costs_less_and_a_promise_is_taken_in_part_after_units_were_called_off() {
    let mut unpaid = Desk::placed(&BOUGHT, None, Policy::default());
    unpaid.does(Command::CancelLines(units(&[(2, 1)])));
    assert_eq!((unpaid.order.missing(), unpaid.asked().len()), (TOTAL - 540, 0));
    let mut promised = Desk::confirmed(&BOUGHT, manual());
    promised.does(Command::CancelLines(units(&[(2, 1)])));
    assert_eq!((promised.order.to_capture(), promised.order.payment_status), (TOTAL - 540, PaymentStatus::Authorized));
}

#[test]
fn calling_all_units_off_is_calling_the_order_off() {
    let mut by_units = Desk::confirmed(&BOUGHT, Policy::default());
    let mut as_a_whole = by_units.clone();
    let all = Command::CancelLines(units(&[(1, 2), (2, 1)]));
    assert_eq!(by_units.does(all), as_a_whole.does(Command::Cancel));
    assert_eq!(by_units.order, as_a_whole.order);
    let mut in_parts = Desk::confirmed(&BOUGHT, Policy::default());
    in_parts.does(Command::CancelLines(units(&[(1, 2)])));
    assert_eq!(in_parts.does(Command::CancelLines(units(&[(2, 1)]))), ["CANCELLED", "REFUND_STARTED"]);
    in_parts.approve_all();
    assert_eq!((in_parts.order.status, in_parts.ledger()), (Status::Refunded, [TOTAL, TOTAL, TOTAL, 0]));
    assert_eq!(in_parts.order.fulfillment_status, FulfillmentStatus::Cancelled);
}

#[test]
fn calling_off_the_rest_of_an_order_that_shipped_in_part_leaves_it_standing() {
    let mut desk = Desk::confirmed(&BOUGHT, Policy::default());
    desk.does(Command::CreateShipment { lines: units(&[(1, 1)]), tracking: Tracking::default() });
    let parcel = desk.order.shipments[0].id;
    let planned = Command::CancelLines(units(&[(1, 2)]));
    assert!(matches!(desk.refuses(planned), Refusal::LineQuantityExceeded { available: 1, .. }));
    desk.does(Command::Shipment(parcel, order_core::order::ShipmentStep::Ship(Tracking::default())));
    desk.does(Command::CancelLines(units(&[(1, 1), (2, 1)])));
    assert_eq!(desk.order.fulfillment_status, FulfillmentStatus::Shipped);
    desk.refuses_since(Command::Cancel, "some of it has been shipped");
    let more = Command::CancelLines(units(&[(2, 1)]));
    desk.refuses_since(more, "nothing is left that is neither shipped nor in a shipment");
    desk.approve_all();
    desk.does(Command::Deliver);
    desk.does(Command::Complete);
    assert_eq!(desk.order.money_held(), 1080 + 599);
}

#[test]
fn what_lies_in_planned_parcels_is_called_off_with_the_order() {
    let mut desk = Desk::confirmed(&BOUGHT, Policy::default());
    desk.does(Command::CreateShipment { lines: Vec::new(), tracking: Tracking::default() });
    let all = Command::CancelLines(units(&[(1, 1)]));
    desk.refuses_since(all, "nothing is left that is neither shipped nor in a shipment");
    desk.does(Command::Cancel);
    assert_eq!(desk.order.shipments[0].status, order_core::order::ShipmentStatus::Cancelled);
}

#[test]
fn a_refund_by_the_word_goes_the_way_that_fits() {
    let refunded = || Command::SetStatus { status: Status::Refunded, tracking: Tracking::default() };
    let mut early = Desk::confirmed(&BOUGHT, Policy::default());
    assert_eq!(early.does(refunded()), ["CANCELLED", "REFUND_STARTED"]);
    let mut late = shipped();
    assert_eq!(late.does(refunded()), ["REFUND_STARTED"]);
    let mut unpaid = Desk::placed(&BOUGHT, None, Policy::default());
    assert!(matches!(unpaid.refuses(refunded()), Refusal::IllegalStatus { .. }));
    let id = late.newest().id;
    late.hears(id, declined());
    assert_eq!(late.order.status, Status::Shipped);
}
