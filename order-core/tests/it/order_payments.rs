//! Money on its way in: promised, taken at once or in parts, given up, and what gateways say of it.

use order_core::{
    error::{AmountLimit, Refusal, ResourceKind},
    ids::PaymentId,
    money::Money,
    order::{Command, Hold, PaymentStatus, State, Status, Tracking},
    payment::{OperationKind, Outcome, PaymentMethod},
    policy::{CapturePolicy, ConfirmPolicy, Policy},
};
use uuid::Uuid;

use crate::{
    orders::{Desk, declined, open, pay, units, usd},
    shop,
};

const MANUAL: Policy = Policy {
    stock_keeping: order_core::policy::StockKeeping::Embedded,
    cart_hold_minutes: None,
    confirm: ConfirmPolicy::Manual,
    capture: CapturePolicy::Manual,
    allocate_on: order_core::policy::AllocatePolicy::Place,
    pay_by_minutes: None,
};
const ON_SHIPMENT: Policy = Policy { capture: CapturePolicy::OnShipment, ..MANUAL };
const AT_ONCE: Policy = Policy { capture: CapturePolicy::AtOnce, ..MANUAL };

/// Two units of 10.80 and one of 5.40 with tax, and 5.99 for shipping: 32.99.
const BOUGHT: [(i64, u32); 2] = [(1000, 2), (500, 1)];
const TOTAL: i64 = 3299;

/// A payment that was promised.
fn promised(policy: Policy) -> Desk {
    let mut desk = Desk::placed(&BOUGHT, Some(PaymentMethod::CreditCard), policy);
    assert_eq!(desk.asked(), [(OperationKind::Authorize, TOTAL)]);
    desk.approve_all();
    assert_eq!((desk.order.payment_status, desk.order.money_held()), (PaymentStatus::Authorized, 0));
    desk
}

fn first_payment(desk: &Desk) -> PaymentId {
    desk.order.payments[0].id
}

fn capture(desk: &Desk, amount: Option<i64>) -> Command {
    Command::Capture { payment_id: first_payment(desk), amount: amount.map(usd) }
}

fn ship(desk: &mut Desk, parts: &[(u32, u32)]) {
    desk.does(Command::CreateShipment { lines: units(parts), tracking: Tracking::default() });
    let id = desk.order.shipments.last().unwrap().id;
    desk.does(Command::Shipment(id, order_core::order::ShipmentStep::Ship(Tracking::default())));
}

#[test]
fn a_promise_is_taken_as_a_whole() {
    let mut desk = promised(MANUAL);
    assert_eq!(desk.does(capture(&desk, None)), ["CAPTURE_STARTED"]);
    assert_eq!(desk.order.payment_status, PaymentStatus::Pending);
    assert!(matches!(desk.refuses(pay(PaymentMethod::Upi)), Refusal::PaymentInProgress { .. }));
    desk.approve_all();
    assert_eq!((desk.order.status, desk.ledger()), (Status::Paid, [TOTAL, TOTAL, 0, 0]));
    let again = capture(&desk, None);
    desk.refuses_since(again, "nothing is due that is not taken or being taken");
}

#[test]
fn a_promise_is_taken_in_parts_and_never_beyond_what_is_due() {
    let mut desk = promised(MANUAL);
    desk.does(capture(&desk, Some(1000)));
    let too_much = capture(&desk, Some(TOTAL - 999));
    let available = usd(TOTAL - 1000);
    let expected = Refusal::AmountExceeded { limit: AmountLimit::Capturable, requested: usd(TOTAL - 999), available };
    assert_eq!(desk.refuses(too_much), expected);
    desk.approve_all();
    assert_eq!(desk.order.payment_status, PaymentStatus::PartiallyPaid);
    desk.does(capture(&desk, None));
    desk.approve_all();
    assert_eq!((desk.order.payment_status, desk.ledger()), (PaymentStatus::Paid, [TOTAL, TOTAL, 0, 0]));
}

#[test]
fn amounts_to_be_taken_are_positive_and_in_the_currency_of_the_order() {
    let mut desk = promised(MANUAL);
    for wrong in [0, -1] {
        let command = capture(&desk, Some(wrong));
        assert!(matches!(desk.refuses(command), Refusal::AmountExceeded { .. }));
    }
    let yen = Money::new(100, shop::currency("JPY"));
    let command = Command::Capture { payment_id: first_payment(&desk), amount: Some(yen) };
    assert!(matches!(desk.refuses(command), Refusal::CurrencyMismatch { .. }));
    let nobody = PaymentId::new(Uuid::nil());
    for command in [Command::Capture { payment_id: nobody, amount: None }, Command::Void(nobody)] {
        assert!(matches!(desk.refuses(command), Refusal::NotFound { kind: ResourceKind::Payment, .. }));
    }
}

#[test]
fn a_promise_that_is_given_up_can_be_replaced_by_another_payment() {
    let mut desk = promised(MANUAL);
    assert_eq!(desk.does(Command::Void(first_payment(&desk))), ["VOID_STARTED"]);
    let again = Command::Void(first_payment(&desk));
    desk.refuses_since(again, "no money is promised");
    desk.approve_all();
    assert_eq!((desk.order.payment_status, desk.ledger()), (PaymentStatus::Voided, [TOTAL, 0, 0, TOTAL]));
    desk.refuses_since(Command::Confirm, "it is not paid");
    desk.does(pay(PaymentMethod::Upi));
    assert_eq!(desk.asked(), [(OperationKind::Sale, TOTAL)], "what cannot be promised is taken at once");
    desk.approve_all();
    assert_eq!(desk.order.status, Status::Paid);
}

#[test]
fn a_void_that_fails_leaves_the_promise_and_can_be_asked_for_again() {
    let mut desk = promised(MANUAL);
    desk.does(Command::Void(first_payment(&desk)));
    desk.decline_all();
    assert_eq!(desk.order.payment_status, PaymentStatus::Authorized);
    desk.does(Command::Void(first_payment(&desk)));
    desk.approve_all();
    assert_eq!(desk.order.payment_status, PaymentStatus::Voided);
}

#[test]
fn the_last_attempt_says_whether_a_payment_failed_or_was_given_up() {
    let mut desk = promised(MANUAL);
    desk.does(Command::Void(first_payment(&desk)));
    desk.approve_all();
    desk.does(pay(PaymentMethod::DebitCard));
    desk.decline_all();
    assert_eq!(desk.order.payment_status, PaymentStatus::Failed);
    desk.does(pay(PaymentMethod::CashOnDelivery));
    assert_eq!(desk.order.payment_status, PaymentStatus::Unpaid);
}

#[test]
fn a_promise_is_enough_to_confirm_and_to_ship() {
    let mut desk = promised(MANUAL);
    desk.does(Command::Confirm);
    desk.does(Command::Ship(Tracking::default()));
    assert_eq!(desk.asked(), [], "money is taken by hand");
    desk.does(Command::Deliver);
    desk.refuses_since(Command::Complete, "it is not paid");
    desk.does(capture(&desk, None));
    desk.refuses_since(Command::Complete, "a payment or refund is on its way");
    desk.approve_all();
    desk.does(Command::Complete);
}

#[test]
fn money_is_taken_with_the_parcels_and_shipping_with_the_first() {
    let mut desk = promised(ON_SHIPMENT);
    desk.does(Command::Confirm);
    ship(&mut desk, &[(1, 1)]);
    assert_eq!(desk.asked(), [(OperationKind::Capture, 1080 + 599)]);
    desk.approve_all();
    ship(&mut desk, &[(2, 1)]);
    assert_eq!(desk.asked(), [(OperationKind::Capture, 540)]);
    // Its answer is still to come when the last parcel leaves: what is on its way counts.
    ship(&mut desk, &[(1, 1)]);
    assert_eq!(desk.asked(), [(OperationKind::Capture, 540), (OperationKind::Capture, 1080)]);
    desk.approve_all();
    assert_eq!((desk.order.payment_status, desk.ledger()), (PaymentStatus::Paid, [TOTAL, TOTAL, 0, 0]));
}

#[test]
fn the_last_capture_takes_exactly_the_rest_whatever_was_rounded_before() {
    let mut desk = Desk::placed(&[(333, 3)], Some(PaymentMethod::Wallet), ON_SHIPMENT);
    desk.approve_all();
    desk.does(Command::Confirm);
    let mut taken = Vec::new();
    for _ in 0..3 {
        ship(&mut desk, &[(1, 1)]);
        taken.push(desk.asked()[0].1);
        desk.approve_all();
    }
    assert_eq!(taken, [360 + 599, 359, 360]);
    assert_eq!(desk.order.money_held(), desk.order.totals.total.minor());
}

#[test]
fn what_is_not_needed_of_a_promise_is_given_up_with_the_last_parcel() {
    let mut desk = promised(ON_SHIPMENT);
    desk.does(Command::Confirm);
    desk.does(Command::CancelLines(units(&[(1, 1)])));
    assert_eq!(desk.asked(), [], "a promise cannot be given up in part while it is needed");
    desk.does(Command::Ship(Tracking::default()));
    assert_eq!(desk.asked(), [(OperationKind::Capture, TOTAL - 1080), (OperationKind::Void, 1080)]);
    desk.approve_all();
    assert_eq!((desk.order.payment_status, desk.ledger()), (PaymentStatus::Paid, [TOTAL, TOTAL - 1080, 0, 1080]));
}

#[test]
fn what_is_left_of_a_promise_is_given_up_once_all_that_was_taken_by_hand_has_left() {
    let mut desk = promised(MANUAL);
    desk.does(Command::Confirm);
    desk.does(capture(&desk, Some(TOTAL - 1080)));
    desk.approve_all();
    desk.does(Command::CancelLines(units(&[(1, 1)])));
    let events = desk.does(Command::Ship(Tracking::default()));
    assert_eq!(events, ["SHIPPED", "VOID_STARTED"]);
    desk.approve_all();
    desk.does(Command::Deliver);
    desk.does(Command::Complete);
}

#[test]
fn a_capture_that_is_refused_can_be_tried_again_after_the_parcel_has_left() {
    let mut desk = promised(ON_SHIPMENT);
    desk.does(Command::Confirm);
    desk.does(Command::Ship(Tracking::default()));
    desk.decline_all();
    assert_eq!(desk.order.payment_status, PaymentStatus::Authorized);
    desk.does(Command::Deliver);
    desk.refuses_since(Command::Complete, "it is not paid");
    desk.does(capture(&desk, None));
    desk.decline_all();
    desk.does(Command::Void(first_payment(&desk)));
    desk.approve_all();
    desk.does(pay(PaymentMethod::CreditCard));
    assert_eq!(desk.asked(), [(OperationKind::Sale, TOTAL)], "goods that have left are paid at once");
    desk.approve_all();
    desk.does(Command::Complete);
}

#[test]
fn two_payments_pay_one_order() {
    let mut desk = Desk::placed(&BOUGHT, None, MANUAL);
    let part = |method, minor| Command::Pay { method, token: Some("tok".into()), amount: Some(usd(minor)) };
    desk.does(part(PaymentMethod::Wallet, 1000));
    desk.approve_all();
    desk.refuses_since(Command::Confirm, "it is not paid");
    assert!(matches!(desk.refuses(part(PaymentMethod::CreditCard, TOTAL)), Refusal::AmountExceeded { .. }));
    desk.does(part(PaymentMethod::CreditCard, TOTAL - 1000));
    desk.approve_all();
    assert_eq!(desk.order.payment_status, PaymentStatus::Authorized);
    desk.refuses_since(pay(PaymentMethod::Upi), "its payment is already promised");
    let [wallet, card] = [desk.order.payments[0].id, desk.order.payments[1].id];
    for payment_id in [card, wallet] {
        desk.does(Command::Capture { payment_id, amount: None });
        desk.approve_all();
        let again = Command::Capture { payment_id, amount: None };
        assert!(matches!(desk.refuses(again), Refusal::IllegalTransition { .. }));
    }
    assert_eq!((desk.order.status, desk.ledger()), (Status::Paid, [TOTAL, TOTAL, 0, 0]));
}

#[test]
fn parcels_take_their_money_from_the_payments_in_turn() {
    let mut desk = Desk::placed(&BOUGHT, None, ON_SHIPMENT);
    for amount in [Some(usd(1000)), None] {
        desk.does(Command::Pay { method: PaymentMethod::CreditCard, token: Some("tok".into()), amount });
        desk.approve_all();
    }
    desk.does(Command::Confirm);
    ship(&mut desk, &[(1, 1)]);
    assert_eq!(desk.asked(), [(OperationKind::Capture, 1000), (OperationKind::Capture, 679)]);
}

#[test]
fn a_part_that_is_promised_is_not_asked_for_at_the_door() {
    let mut desk = Desk::placed(&BOUGHT, None, ON_SHIPMENT);
    desk.does(Command::Pay { method: PaymentMethod::Wallet, token: Some("tok".into()), amount: Some(usd(1000)) });
    desk.approve_all();
    let all = Command::Pay { method: PaymentMethod::CashOnDelivery, token: None, amount: Some(usd(500)) };
    desk.refuses_since(all, "cash on delivery is for all that is due");
    desk.does(pay(PaymentMethod::CashOnDelivery));
    desk.refuses_since(pay(PaymentMethod::CashOnDelivery), "it is to be paid on delivery already");
    desk.does(Command::Confirm);
    desk.does(Command::Ship(Tracking::default()));
    desk.approve_all();
    desk.does(Command::Deliver);
    let captured: Vec<_> = desk.order.payments.iter().map(|payment| payment.captured).collect();
    assert_eq!(captured, [1000, TOTAL - 1000]);
    desk.does(Command::Complete);
}

#[test]
fn cash_stays_agreed_when_a_card_that_was_tried_meanwhile_is_refused() {
    let mut desk = Desk::placed(&BOUGHT, Some(PaymentMethod::CashOnDelivery), AT_ONCE);
    desk.does(Command::Confirm);
    desk.does(pay(PaymentMethod::CreditCard));
    let cash = capture(&desk, None);
    desk.refuses_since(cash, "a payment is on its way");
    desk.decline_all();
    desk.does(Command::Ship(Tracking::default()));
    desk.does(Command::Deliver);
    assert_eq!((desk.order.payment_status, desk.order.money_held()), (PaymentStatus::Paid, TOTAL));
}

#[test]
fn cash_is_not_taken_where_a_card_has_paid_meanwhile() {
    let mut desk = Desk::placed(&BOUGHT, Some(PaymentMethod::CashOnDelivery), AT_ONCE);
    desk.does(pay(PaymentMethod::CreditCard));
    desk.approve_all();
    desk.does(Command::Confirm);
    desk.does(Command::Ship(Tracking::default()));
    assert_eq!(desk.does(Command::Deliver), ["DELIVERED"]);
    assert_eq!(desk.ledger()[1], TOTAL);
}

#[test]
fn cash_that_is_handed_over_in_parts_is_noted_in_parts() {
    let mut desk = Desk::placed(&BOUGHT, Some(PaymentMethod::CashOnDelivery), AT_ONCE);
    desk.does(Command::Confirm);
    desk.does(capture(&desk, Some(1000)));
    assert_eq!(desk.order.payment_status, PaymentStatus::PartiallyPaid);
    desk.does(Command::Ship(Tracking::default()));
    desk.does(Command::Deliver);
    assert_eq!((desk.order.payment_status, desk.ledger()[1]), (PaymentStatus::Paid, TOTAL));
}

#[test]
fn other_money_than_was_asked_for_is_booked_as_said_and_keeps_the_order_until_somebody_looked() {
    for (moved, status) in [(TOTAL - 1, PaymentStatus::PartiallyPaid), (TOTAL + 1, PaymentStatus::Overpaid)] {
        let mut desk = Desk::placed(&BOUGHT, Some(PaymentMethod::CreditCard), AT_ONCE);
        let sale = open(&desk.order)[0];
        let said = Outcome::Succeeded { reference: "ref".into(), moved: Some(usd(moved)) };
        assert_eq!(desk.hears(sale, said.clone()), ["PAYMENT_SUCCEEDED", "PAYMENT_MISMATCH", "HOLD_PLACED"]);
        assert_eq!((desk.order.payment_status, desk.order.money_held()), (status, moved));
        assert_eq!(desk.order.holds, [Hold::Payment]);
        assert_eq!(desk.newest().reported, Some(usd(moved)));
        assert_eq!(desk.hears(sale, said), [""; 0], "the same answer again");
        desk.refuses_since(Command::Confirm, "its payment is being looked at");
        desk.refuses_since(pay(PaymentMethod::Upi), "its payment is being looked at");
        desk.does(Command::ReleaseHold(Hold::Payment));
        assert_eq!(desk.order.holds, []);
    }
}

#[test]
fn an_order_that_is_held_for_its_payment_is_neither_processed_nor_shipped() {
    let mut desk = Desk::confirmed(&BOUGHT, AT_ONCE);
    let sale = desk.newest().id;
    assert_eq!(desk.hears(sale, declined()), ["PAYMENT_MISMATCH", "HOLD_PLACED"], "it took its word back");
    assert_eq!(desk.hears(sale, declined()), [""; 0]);
    assert_eq!(desk.order.money_held(), TOTAL, "it is not believed");
    desk.refuses_since(Command::StartProcessing, "it is on hold");
    desk.refuses_since(Command::Ship(Tracking::default()), "it is on hold");
    desk.does(Command::ReleaseHold(Hold::Payment));
    desk.does(Command::StartProcessing);
}

#[test]
fn another_amount_is_noticed_whichever_word_comes_first() {
    let says = |minor| Outcome::Succeeded { reference: "ref".into(), moved: Some(usd(minor)) };
    let yen = Outcome::Succeeded { reference: "ref".into(), moved: Some(Money::new(TOTAL, shop::currency("JPY"))) };
    for other in [says(TOTAL + 1), yen] {
        let mut desk = Desk::confirmed(&BOUGHT, AT_ONCE);
        let sale = desk.newest().id;
        assert_eq!(desk.hears(sale, says(TOTAL)), [""; 0], "as it was asked and answered");
        assert_eq!(desk.hears(sale, other.clone()), ["PAYMENT_MISMATCH", "HOLD_PLACED"]);
        assert_eq!(desk.hears(sale, other), [""; 0], "the same word again");
        assert_eq!(desk.order.money_held(), TOTAL, "the first word holds until somebody has looked");
    }
}

#[test]
fn a_capture_that_was_carried_out_after_its_promise_was_given_up_is_looked_at() {
    let mut desk = promised(MANUAL);
    desk.does(capture(&desk, Some(1000)));
    let taken = desk.newest().id;
    desk.hears(taken, declined());
    desk.does(Command::Void(first_payment(&desk)));
    desk.approve_all();
    assert_eq!(desk.ledger()[3], TOTAL);
    let events = desk.hears(taken, Outcome::succeeded("ref"));
    assert_eq!(events, ["CAPTURE_SUCCEEDED", "PAYMENT_MISMATCH", "HOLD_PLACED"]);
    assert_eq!(desk.order.money_held(), 1000);
}

#[test]
fn money_that_differs_is_noted_even_where_the_payment_is_looked_at_already() {
    let mut desk = Desk::confirmed(&BOUGHT, AT_ONCE);
    desk.does(Command::PlaceHold(Hold::Payment));
    desk.does(Command::Refund(order_core::order::RefundWish::Amount(usd(100))));
    let refund = desk.newest().id;
    let events = desk.hears(refund, Outcome::Succeeded { reference: "ref".into(), moved: Some(usd(99_999)) });
    assert_eq!(events, ["REFUND_SUCCEEDED", "PAYMENT_MISMATCH"]);
}

#[test]
fn an_order_that_becomes_paid_by_costing_less_is_confirmed_where_the_policy_says_so() {
    let policy = Policy { confirm: ConfirmPolicy::WhenPaid, ..AT_ONCE };
    let mut desk = Desk::placed(&BOUGHT, None, policy);
    let part = Command::Pay { method: PaymentMethod::CreditCard, token: Some("tok".into()), amount: Some(usd(2000)) };
    desk.does(part);
    desk.approve_all();
    assert_eq!((desk.order.state, desk.order.payment_status), (State::Pending, PaymentStatus::PartiallyPaid));
    assert_eq!(desk.does(Command::CancelLines(units(&[(1, 1), (2, 1)]))).last(), Some(&"CONFIRMED"));
}

#[test]
fn a_card_that_is_being_asked_keeps_an_order_to_be_paid_at_the_door_from_leaving() {
    let mut desk = Desk::placed(&BOUGHT, Some(PaymentMethod::CashOnDelivery), ON_SHIPMENT);
    desk.does(Command::Confirm);
    desk.does(pay(PaymentMethod::CreditCard));
    desk.refuses_since(Command::Ship(Tracking::default()), "its payment is on its way");
    let card = desk.newest().id;
    desk.hears(card, declined());
    desk.does(Command::Ship(Tracking::default()));
    desk.does(Command::Deliver);
    assert_eq!(desk.order.payment_status, PaymentStatus::Paid, "in cash after all");
}

#[test]
fn what_is_promised_for_goods_that_have_left_is_taken_at_once() {
    let mut desk = Desk::placed(&BOUGHT, Some(PaymentMethod::CashOnDelivery), ON_SHIPMENT);
    desk.does(Command::Confirm);
    ship(&mut desk, &[(1, 2)]);
    desk.does(pay(PaymentMethod::CreditCard));
    let card = desk.newest().id;
    let events = desk.hears(card, Outcome::succeeded("ref"));
    assert_eq!(events, ["PAYMENT_SUCCEEDED", "CAPTURE_STARTED"], "two units and shipping");
    assert_eq!(desk.newest().amount, 2160 + 599);
}

#[test]
fn an_order_with_too_many_payment_operations_is_not_called_off_bit_by_bit() {
    let most = u32::try_from(order_core::limits::OPERATIONS_PER_ORDER).unwrap();
    let mut desk = Desk::placed(&[(1000, most + 5)], Some(PaymentMethod::CreditCard), AT_ONCE);
    desk.approve_all();
    for _ in 1..most {
        desk.does(Command::CancelLines(units(&[(1, 1)])));
        desk.approve_all();
    }
    desk.refuses_since(Command::CancelLines(units(&[(1, 1)])), "it has as many payment operations as it may");
    desk.does(Command::Cancel);
    desk.approve_all();
    assert_eq!(desk.order.money_held(), 0);
}

#[test]
fn other_currencies_cannot_stand_in_the_ledger() {
    let mut desk = Desk::placed(&BOUGHT, Some(PaymentMethod::CreditCard), AT_ONCE);
    let yen = Money::new(TOTAL, shop::currency("JPY"));
    let sale = open(&desk.order)[0];
    desk.hears(sale, Outcome::Succeeded { reference: "ref".into(), moved: Some(yen) });
    assert_eq!((desk.order.money_held(), desk.newest().reported), (0, Some(yen)));
    assert_eq!(desk.order.holds, [Hold::Payment]);
}

#[test]
fn a_policy_that_confirms_what_is_paid_waits_for_a_payment_that_is_looked_at() {
    let policy = Policy { confirm: ConfirmPolicy::WhenPaid, ..AT_ONCE };
    let mut desk = Desk::placed(&BOUGHT, Some(PaymentMethod::CreditCard), policy);
    let sale = open(&desk.order)[0];
    desk.hears(sale, Outcome::Succeeded { reference: "ref".into(), moved: Some(usd(TOTAL + 5)) });
    assert_eq!(desk.order.state, State::Pending);
    assert_eq!(desk.does(Command::ReleaseHold(Hold::Payment)), ["HOLD_RELEASED", "CONFIRMED"]);
}
