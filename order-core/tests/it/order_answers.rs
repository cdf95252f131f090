//! Answers of gateways that come late, twice, or against what was said before.

use order_core::{
    error::{Refusal, ResourceKind},
    ids::OperationId,
    limits,
    order::{Command, Hold, PaymentStatus, RefundWish, State, Status, Tracking},
    payment::{OperationKind, OperationState, Outcome, PaymentMethod, RefundCause},
    policy::{CapturePolicy, Policy},
};
use uuid::Uuid;

use crate::orders::{Desk, NOW, declined, open, pay, units, usd};

/// Two units of 10.80 and one of 5.40 with tax, and 5.99 for shipping: 32.99.
const BOUGHT: [(i64, u32); 2] = [(1000, 2), (500, 1)];
const TOTAL: i64 = 3299;

fn placed() -> Desk {
    Desk::placed(&BOUGHT, Some(PaymentMethod::CreditCard), Policy::default())
}

fn manual() -> Policy {
    Policy { capture: CapturePolicy::Manual, ..Policy::default() }
}

fn done() -> Outcome {
    Outcome::succeeded("late")
}

#[test]
fn a_payment_that_counted_as_refused_is_booked_when_it_turns_out_to_have_been_made() {
    let mut desk = placed();
    let sale = open(&desk.order)[0];
    desk.hears(sale, declined());
    assert_eq!(desk.order.payment_status, PaymentStatus::Failed);
    assert_eq!(desk.hears(sale, done()), ["PAYMENT_SUCCEEDED"]);
    assert_eq!((desk.order.status, desk.order.holds.len()), (Status::Paid, 0));
    assert_eq!(desk.newest().decline_code, None);
}

#[test]
fn a_customer_who_was_charged_twice_gets_the_second_charge_back() {
    let mut desk = placed();
    let first = open(&desk.order)[0];
    desk.hears(first, declined());
    desk.does(pay(PaymentMethod::Upi));
    desk.approve_all();
    assert_eq!(desk.hears(first, done()), ["PAYMENT_SUCCEEDED", "REFUND_STARTED"]);
    assert_eq!(desk.newest().cause, Some(RefundCause::Late));
    assert_eq!((desk.order.payment_status, desk.order.money_held()), (PaymentStatus::Paid, TOTAL));
    desk.approve_all();
    assert_eq!(desk.order.payment_status, PaymentStatus::PartiallyRefunded);
}

#[test]
fn a_refund_of_a_second_charge_that_fails_leaves_the_order_overpaid() {
    let mut desk = placed();
    let first = open(&desk.order)[0];
    desk.hears(first, declined());
    desk.does(pay(PaymentMethod::Upi));
    desk.approve_all();
    desk.hears(first, done());
    desk.decline_all();
    assert_eq!((desk.order.payment_status, desk.order.excess()), (PaymentStatus::Overpaid, TOTAL));
    desk.does(Command::Refund(RefundWish::Amount(usd(TOTAL))));
    assert_eq!(desk.newest().concession, 0, "what was too much is no concession");
    assert_eq!((desk.order.payment_status, desk.order.due()), (PaymentStatus::Paid, TOTAL));
}

#[test]
fn units_that_are_called_off_while_their_payment_is_on_its_way_are_paid_back_when_it_arrives() {
    let mut desk = placed();
    desk.does(Command::CancelLines(units(&[(1, 1)])));
    assert_eq!(desk.asked(), [(OperationKind::Sale, TOTAL)]);
    let sale = open(&desk.order)[0];
    assert_eq!(desk.hears(sale, done()), ["PAYMENT_SUCCEEDED", "REFUND_STARTED"]);
    assert_eq!(desk.asked(), [(OperationKind::Refund, 1080)]);
}

#[test]
fn money_for_an_order_that_was_called_off_goes_back_and_promises_are_given_up() {
    for (policy, back) in [(Policy::default(), "REFUND_STARTED"), (manual(), "VOID_STARTED")] {
        let mut desk = Desk::placed(&BOUGHT, Some(PaymentMethod::CreditCard), policy);
        assert_eq!(desk.does(Command::Cancel), ["CANCELLED"]);
        let request = open(&desk.order)[0];
        assert_eq!(desk.hears(request, done()), ["PAYMENT_SUCCEEDED", back]);
        assert_eq!(desk.newest().cause, Some(RefundCause::Late));
        desk.approve_all();
        assert_eq!((desk.order.money_held(), desk.order.money_promised()), (0, 0));
    }
}

#[test]
fn a_refused_payment_of_an_order_that_was_called_off_needs_nothing_more() {
    let mut desk = placed();
    desk.does(Command::Cancel);
    desk.decline_all();
    assert_eq!((desk.order.status, desk.order.payment_status), (Status::Cancelled, PaymentStatus::Failed));
}

#[test]
fn a_promise_that_was_being_taken_when_the_order_was_called_off_goes_back_or_is_given_up() {
    for (answer, then, ledger) in [
        (done(), OperationKind::Refund, [TOTAL, TOTAL, TOTAL, 0]),
        (declined(), OperationKind::Void, [TOTAL, 0, 0, TOTAL]),
    ] {
        let mut desk = Desk::placed(&BOUGHT, Some(PaymentMethod::CreditCard), manual());
        desk.approve_all();
        desk.does(Command::Capture { payment_id: desk.order.payments[0].id, amount: None });
        assert_eq!(desk.does(Command::Cancel), ["CANCELLED"]);
        let capture = open(&desk.order)[0];
        desk.hears(capture, answer);
        assert_eq!(desk.asked(), [(then, TOTAL)]);
        desk.approve_all();
        assert_eq!(desk.ledger(), ledger);
    }
}

#[test]
fn a_void_that_fails_on_an_order_that_was_called_off_can_be_asked_for_again() {
    let mut desk = Desk::placed(&BOUGHT, Some(PaymentMethod::CreditCard), manual());
    desk.approve_all();
    assert_eq!(desk.does(Command::Cancel), ["CANCELLED", "VOID_STARTED"]);
    desk.decline_all();
    desk.does(Command::Void(desk.order.payments[0].id));
    desk.approve_all();
    assert_eq!((desk.order.state, desk.order.payment_status), (State::Cancelled, PaymentStatus::Voided));
}

#[test]
fn every_answer_counts_once() {
    let mut desk = placed();
    let sale = open(&desk.order)[0];
    for answer in [declined(), done()] {
        assert_eq!(desk.hears(sale, answer.clone()).len(), 1);
        assert_eq!(desk.hears(sale, answer), [""; 0]);
    }
    desk.does(Command::Cancel);
    let refund = desk.newest();
    assert_eq!(desk.hears(refund.id, done()), ["REFUND_SUCCEEDED"]);
    assert_eq!(desk.hears(refund.id, done()), [""; 0]);
    assert_eq!(desk.ledger(), [TOTAL, TOTAL, TOTAL, 0]);
}

#[test]
fn a_refund_that_was_made_again_and_turns_out_to_have_been_made_the_first_time_is_looked_at() {
    let mut desk = placed();
    desk.approve_all();
    desk.does(Command::Refund(RefundWish::All));
    let first = desk.newest().id;
    desk.decline_all();
    desk.does(Command::Refund(RefundWish::All));
    desk.approve_all();
    assert_eq!(desk.hears(first, done()), ["REFUND_SUCCEEDED", "PAYMENT_MISMATCH", "HOLD_PLACED"]);
    assert_eq!((desk.ledger(), desk.order.money_held()), ([TOTAL, TOTAL, TOTAL, 0], 0));
}

#[test]
fn a_void_that_turns_out_to_have_been_made_after_the_money_was_taken_is_looked_at() {
    let mut desk = Desk::placed(&BOUGHT, Some(PaymentMethod::CreditCard), manual());
    desk.approve_all();
    let payment_id = desk.order.payments[0].id;
    desk.does(Command::Void(payment_id));
    let void = desk.newest().id;
    desk.decline_all();
    desk.does(Command::Capture { payment_id, amount: None });
    desk.approve_all();
    desk.hears(void, done());
    assert_eq!((desk.order.holds.as_slice(), desk.ledger()), ([Hold::Payment].as_slice(), [TOTAL, TOTAL, 0, 0]));
}

#[test]
fn a_hold_on_an_order_that_is_over_can_be_tidied_up() {
    let mut desk = placed();
    desk.approve_all();
    let sale = desk.newest().id;
    desk.does(Command::Cancel);
    desk.approve_all();
    desk.hears(sale, declined());
    assert_eq!(desk.order.holds, [Hold::Payment]);
    desk.does(Command::ReleaseHold(Hold::Payment));
    assert_eq!((desk.order.status, desk.order.holds.len()), (Status::Refunded, 0));
    assert!(matches!(desk.refuses(Command::PlaceHold(Hold::Manual)), Refusal::IllegalTransition { .. }));
}

#[test]
fn requests_are_attempted_lost_and_asked_after_until_they_are_answered() {
    let mut desk = placed();
    let sale = open(&desk.order)[0];
    assert_eq!(desk.does(Command::LoseOperation(sale)), ["PAYMENT_UNKNOWN"]);
    assert_eq!(desk.does(Command::AttemptOperation(sale)), ["PAYMENT_ATTEMPTED"]);
    let request = desk.newest();
    assert_eq!((request.state, request.attempts), (OperationState::Sent, 2));
    assert_eq!(request.next_attempt_at, Some(NOW.plus_seconds(30)));
    desk.approve_all();
    for command in [Command::LoseOperation(sale), Command::AttemptOperation(sale)] {
        assert_eq!(desk.does(command), [""; 0], "it was answered");
    }
    assert_eq!(desk.newest().next_attempt_at, None);
    let nobody = Command::SettleOperation(OperationId::new(Uuid::nil()), done());
    assert!(matches!(desk.refuses(nobody), Refusal::NotFound { kind: ResourceKind::PaymentOperation, .. }));
}

#[test]
fn people_start_only_so_many_requests_and_what_the_books_need_is_never_kept_from_them() {
    let mut desk = Desk::placed(&[(100_000, 2)], Some(PaymentMethod::CreditCard), manual());
    desk.approve_all();
    let payment_id = desk.order.payments[0].id;
    let cent = Command::Capture { payment_id, amount: Some(usd(1)) };
    for _ in 1..limits::OPERATIONS_PER_ORDER {
        desk.does(cent.clone());
        desk.approve_all();
    }
    desk.refuses_since(cent, "it has as many payment operations as it may");
    let refund = Command::Refund(RefundWish::Amount(usd(1)));
    desk.refuses_since(refund, "it has as many payment operations as it may");
    assert_eq!(desk.does(Command::Cancel), ["CANCELLED", "REFUND_STARTED", "VOID_STARTED"]);
}

#[test]
fn nothing_expires_that_is_paid_promised_on_its_way_or_free() {
    let policy = Policy { pay_by_minutes: Some(30), ..manual() };
    let mut promised = Desk::placed(&BOUGHT, Some(PaymentMethod::CreditCard), policy);
    promised.order.pay_by = Some(NOW.plus_seconds(-1));
    promised.refuses_since(Command::Expire, "a payment is on its way");
    promised.approve_all();
    promised.refuses_since(Command::Expire, "money is promised for it");
    promised.does(Command::Capture { payment_id: promised.order.payments[0].id, amount: None });
    promised.approve_all();
    promised.refuses_since(Command::Expire, "money was taken for it");
    promised.does(Command::Refund(RefundWish::All));
    promised.refuses_since(Command::Expire, "nothing is to be paid for it");
    let mut unlimited = Desk::placed(&BOUGHT, None, manual());
    unlimited.refuses_since(Command::Expire, "it has no time limit");
}

#[test]
fn what_was_given_back_is_neither_confirmed_nor_shipped_nor_paid_again() {
    let mut desk = placed();
    desk.approve_all();
    let mut confirmed = desk.clone();
    desk.does(Command::Refund(RefundWish::All));
    desk.refuses_since(Command::Confirm, "its money was given back");
    desk.refuses_since(pay(PaymentMethod::Upi), "its money was given back");
    confirmed.does(Command::Confirm);
    confirmed.does(Command::Refund(RefundWish::All));
    for _ in 0..2 {
        confirmed.refuses_since(Command::Ship(Tracking::default()), "its money was given back");
        confirmed.approve_all();
    }
    assert_eq!(confirmed.order.status, Status::Refunded);
    confirmed.does(Command::Cancel);
    assert_eq!((confirmed.order.state, confirmed.asked().len()), (State::Cancelled, 0));
}
