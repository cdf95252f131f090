//! Changing what an order contains: fewer units, more lines, and the difference in money.

use order_core::{
    error::{PriceDifference, Refusal, ResourceKind},
    limits,
    money::Money,
    order::{Command, CommandKind, Counters, Edit, Line, PaymentStatus, RefundWish, State, Tracking, lines},
    payment::{OperationKind, PaymentMethod, RefundCause},
    policy::{AllocatePolicy, CapturePolicy, Policy},
    pricing::{Step, price},
    product::Product,
    quantity::Quantity,
    rules::Rules,
    stock::MovementKind,
};

use crate::{
    orders::{Desk, pay, product, run, units, usd},
    shop,
};

/// Two units of 10.80 and one of 5.40 with tax, and 5.99 for shipping: 32.99.
const BOUGHT: [(i64, u32); 2] = [(1000, 2), (500, 1)];
const TOTAL: i64 = 3299;

/// Lines at the prices of today, and how those came about.
fn priced(bought: &[(i64, u32)]) -> (Vec<Line>, Vec<Step>) {
    let asked: Vec<_> = bought.iter().map(|&(minor, units)| (minor, units, "standard")).collect();
    let pricing = price(&Rules::builtin(), &shop::order("USD", "US-CA", &asked)).unwrap();
    let sold = |(n, &(minor, units)): (usize, &(i64, u32))| -> (Product, Quantity) {
        (product(n + 7, usd(minor)), Quantity::new(units).unwrap())
    };
    let bought: Vec<_> = bought.iter().enumerate().map(sold).collect();
    (lines(&bought, &pricing), pricing.explanation.steps)
}

fn edit(quantities: &[(u32, u32)], bought: &[(i64, u32)], expected: Option<i64>) -> Command {
    let (added, steps) = if bought.is_empty() { Default::default() } else { priced(bought) };
    Command::Edit(Edit { quantities: units(quantities), added, steps, expected_difference: expected.map(usd) })
}

#[test]
fn fewer_units_cost_less_and_what_was_paid_for_them_goes_back() {
    let mut desk = Desk::confirmed(&BOUGHT, Policy::default());
    let names = desk.does(edit(&[(1, 1)], &[], Some(-1080)));
    assert_eq!(names, ["LINES_CANCELLED", "REFUND_STARTED", "EDITED"]);
    assert_eq!((desk.asked(), desk.newest().cause), (vec![(OperationKind::Refund, 1080)], Some(RefundCause::Edit)));
    assert_eq!((desk.order.due(), desk.counters(1).cancelled), (TOTAL - 1080, 1));
}

#[test]
fn more_lines_cost_more_and_the_order_waits_until_they_are_paid() {
    let mut desk = Desk::confirmed(&BOUGHT, Policy::default());
    let before = desk.order.clone();
    let command = edit(&[], &[(700, 2)], Some(1512));
    let events = run(&mut before.clone(), &command).unwrap();
    let changes: Vec<_> = before.stock_changes(&events[0].body).iter().map(|c| (c.kind, c.quantity)).collect();
    assert_eq!(changes, [(MovementKind::Allocated, 2)]);
    assert_eq!(desk.does(command), ["LINES_ADDED", "EDITED"]);
    let added = &desk.order.lines[2];
    assert_eq!((added.line_id, added.counters), (3, Counters { allocated: 2, ..Counters::ordered(2) }));
    assert_eq!(desk.order.totals.total, usd(TOTAL + 1512));
    assert_eq!(desk.order.totals.subtotal, usd(2500 + 1400));
    assert_eq!((desk.order.payment_status, desk.order.missing()), (PaymentStatus::PartiallyPaid, 1512));
    assert!(desk.order.explanation.steps.len() > before.explanation.steps.len());
    desk.refuses_since(Command::Ship(Tracking::default()), "it is not paid in full");
    desk.does(pay(PaymentMethod::Upi));
    desk.approve_all();
    desk.does(Command::Ship(Tracking::default()));
}

#[test]
fn units_that_are_exchanged_for_a_line_settle_the_difference() {
    let mut desk = Desk::confirmed(&BOUGHT, Policy::default());
    // Less 5.40, more 7.56: nothing goes back, and 2.16 are to be paid.
    let names = desk.does(edit(&[(2, 0)], &[(700, 1)], Some(216)));
    assert_eq!(names, ["LINES_ADDED", "LINES_CANCELLED", "EDITED"]);
    assert_eq!((desk.order.missing(), desk.asked().len()), (216, 0));
    // Less 21.60, more 7.56: what was paid too much by then goes back.
    let names = desk.does(edit(&[(1, 0)], &[(700, 1)], Some(756 - 2160)));
    assert_eq!(names, ["LINES_ADDED", "LINES_CANCELLED", "REFUND_STARTED", "EDITED"]);
    assert_eq!((desk.asked(), desk.order.excess()), (vec![(OperationKind::Refund, 2160 - 756 - 216)], 0));
}

#[test]
fn another_difference_than_the_caller_expects_is_refused_and_named() {
    let mut desk = Desk::confirmed(&BOUGHT, Policy::default());
    let expected = PriceDifference { product_id: None, expected: usd(-1000), actual: usd(-1080) };
    assert_eq!(desk.refuses(edit(&[(1, 1)], &[], Some(-1000))), Refusal::PriceChanged(vec![expected]));
}

#[test]
fn nothing_that_is_there_already_is_an_edit_of_nothing() {
    let mut desk = Desk::confirmed(&BOUGHT, Policy::default());
    assert_eq!(desk.does(edit(&[(1, 2), (2, 1)], &[], Some(0))), [""; 0]);
    assert_eq!(desk.does(edit(&[], &[], None)), [""; 0]);
}

#[test]
fn an_edit_never_leaves_an_order_empty() {
    let mut desk = Desk::confirmed(&BOUGHT, Policy::default());
    desk.refuses_since(edit(&[(1, 0), (2, 0)], &[], None), "nothing of it would be left; cancel it instead");
    desk.does(edit(&[(1, 0), (2, 0)], &[(700, 1)], None));
    assert_eq!((desk.order.state, desk.order.lines.len()), (State::Confirmed, 3));
}

#[test]
fn lines_do_not_grow_and_are_named_once_and_must_exist() {
    let mut desk = Desk::confirmed(&BOUGHT, Policy::default());
    desk.refuses_since(edit(&[(1, 3)], &[], None), "a line cannot grow, its price was agreed; add a line");
    for wrong in [[(1, 1), (1, 1)], [(1, 1), (9, 1)]] {
        let refusal = desk.refuses(edit(&wrong, &[], None));
        assert!(matches!(refusal, Refusal::NotFound { kind: ResourceKind::OrderLine, .. }));
    }
    desk.does(edit(&[(1, 1)], &[], None));
    desk.refuses_since(edit(&[(1, 2)], &[], None), "a line cannot grow, its price was agreed; add a line");
}

#[test]
fn what_is_in_a_parcel_or_has_left_cannot_be_edited_away() {
    let mut desk = Desk::confirmed(&BOUGHT, Policy::default());
    desk.does(Command::CreateShipment { lines: units(&[(1, 1)]), tracking: Tracking::default() });
    let exceeded = Refusal::LineQuantityExceeded { command: CommandKind::Edit, line_id: 1, requested: 2, available: 1 };
    assert_eq!(desk.refuses(edit(&[(1, 0)], &[], None)), exceeded);
    desk.does(Command::Ship(Tracking::default()));
    desk.refuses_since(edit(&[], &[(700, 1)], None), "nothing is left that is neither shipped nor in a shipment");
}

#[test]
fn an_order_has_only_so_many_lines_and_costs_only_so_much() {
    let mut desk = Desk::confirmed(&BOUGHT, Policy::default());
    let many: Vec<_> = (0..limits::LINES_PER_ORDER - 1).map(|_| (1, 1)).collect();
    desk.refuses_since(edit(&[], &many, None), "it would have more lines than an order may have");
    let (mut added, steps) = priced(&[(700, 1)]);
    added[0].total = usd(limits::ORDER_TOTAL_MINOR_MAX);
    let dear = Command::Edit(Edit { added, steps, ..Edit::default() });
    desk.refuses_since(dear, "it would cost more than an order may cost");
    let (mut added, steps) = priced(&[(700, 1)]);
    added[0].total = Money::new(1, shop::currency("JPY"));
    let foreign = Command::Edit(Edit { added, steps, ..Edit::default() });
    assert!(matches!(desk.refuses(foreign), Refusal::IllegalTransition { command: CommandKind::Edit, .. }));
}

#[test]
fn what_is_added_before_the_confirmation_is_promised_by_the_policy_and_at_once_afterwards() {
    let policy = Policy { allocate_on: AllocatePolicy::Confirm, ..Policy::default() };
    let mut desk = Desk::placed(&BOUGHT, Some(PaymentMethod::CashOnDelivery), policy);
    desk.does(edit(&[], &[(700, 1)], None));
    assert_eq!(desk.counters(3).allocated, 0);
    desk.does(Command::Confirm);
    desk.does(edit(&[], &[(700, 1)], None));
    assert_eq!((desk.counters(3).allocated, desk.counters(4).allocated), (1, 1));
    desk.does(Command::Ship(Tracking::default()));
    desk.does(Command::Deliver);
    assert_eq!(desk.order.money_held(), TOTAL + 2 * 756, "the door pays for all of it");
}

#[test]
fn a_promise_covers_what_it_can_and_the_rest_is_promised_anew() {
    let policy = Policy { capture: CapturePolicy::OnShipment, ..Policy::default() };
    let mut desk = Desk::confirmed(&BOUGHT, policy);
    desk.does(edit(&[(1, 1)], &[(700, 2)], Some(1512 - 1080)));
    assert_eq!(desk.order.missing(), 432);
    desk.does(pay(PaymentMethod::CreditCard));
    assert_eq!(desk.asked(), [(OperationKind::Authorize, 432)]);
    desk.approve_all();
    desk.does(Command::Ship(Tracking::default()));
    assert_eq!(desk.asked(), [(OperationKind::Capture, TOTAL), (OperationKind::Capture, 432)]);
    desk.approve_all();
    assert_eq!(desk.order.payment_status, PaymentStatus::Paid);
}

#[test]
fn what_was_given_back_for_an_order_does_not_pay_for_other_goods() {
    let mut desk = Desk::confirmed(&[(3333, 3)], Policy::default());
    desk.does(Command::Refund(RefundWish::Amount(usd(5000))));
    desk.approve_all();
    desk.does(Command::CancelLines(units(&[(1, 2)])));
    desk.approve_all();
    assert_eq!((desk.order.payment_status, desk.order.due()), (PaymentStatus::Refunded, 0));
    desk.refuses_since(edit(&[], &[(3333, 1)], None), "its money was given back");
}
