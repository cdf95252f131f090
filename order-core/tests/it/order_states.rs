//! The state table, the derived word, and what commands do to money and goods.

use std::collections::BTreeSet;

use order_core::{
    error::Refusal,
    ids::PaymentId,
    order::{
        Command, CommandKind, Details, Edit, FulfillmentStatus, Hold, Order, PaymentStatus, RefundWish, ReturnLine,
        State, Status, TRANSITIONS, Tracking, status,
    },
    payment::{OperationKind, OperationState, Outcome, PaymentMethod},
    policy::{AllocatePolicy, CapturePolicy, ConfirmPolicy, Policy},
    stock::MovementKind,
};
use uuid::Uuid;

use crate::orders::{NOW, approve_all, context, open, order, paid, placed, run, run_with, units};

fn set_status(status: Status) -> Command {
    Command::SetStatus { status, tracking: Tracking::default() }
}

fn walked(status: Status) -> Order {
    let mut order = paid();
    if status != Status::Paid {
        run(&mut order, &set_status(status)).unwrap();
    }
    assert_eq!(order.status, status);
    order
}

/// An order in a state, in which the guards of a command are satisfied wherever they can be.
fn ready_for(state: State, command: CommandKind) -> Order {
    let mut order = match command {
        CommandKind::Deliver => walked(Status::Shipped),
        CommandKind::Complete | CommandKind::RequestReturn => walked(Status::Delivered),
        CommandKind::Expire => {
            let mut unpaid = order(None);
            unpaid.pay_by = Some(NOW.plus_seconds(-1));
            unpaid
        }
        CommandKind::Pay => order(None),
        CommandKind::Capture | CommandKind::Void => {
            let policy = Policy { capture: CapturePolicy::Manual, ..Policy::default() };
            let mut promised = placed(&[(4999, 1), (1250, 3)], Some(PaymentMethod::CreditCard), policy).order;
            approve_all(&mut promised);
            promised
        }
        CommandKind::Confirm
        | CommandKind::StartProcessing
        | CommandKind::Cancel
        | CommandKind::CancelLines
        | CommandKind::Edit
        | CommandKind::Ship
        | CommandKind::CreateShipment
        | CommandKind::Shipment
        | CommandKind::PlaceHold
        | CommandKind::ReleaseHold
        | CommandKind::Return
        | CommandKind::Refund
        | CommandKind::SetStatus
        | CommandKind::AttemptOperation
        | CommandKind::LoseOperation
        | CommandKind::SettleOperation
        | CommandKind::Update
        | CommandKind::AddNote => paid(),
    };
    order.state = state;
    order
}

/// The commands of the state table, in their plainest form.
fn steps(order: &Order) -> Vec<Command> {
    let payment_id = order.payments.first().map_or(PaymentId::new(Uuid::nil()), |payment| payment.id);
    let back = ReturnLine { line_id: 1, requested: 1, restocked: 0, written_off: 0, reason: String::new() };
    vec![
        Command::Confirm,
        Command::StartProcessing,
        Command::Cancel,
        Command::CancelLines(units(&[(2, 1)])),
        Command::Edit(Edit { quantities: units(&[(2, 2)]), ..Edit::default() }),
        Command::Expire,
        Command::Ship(Tracking::default()),
        Command::CreateShipment { lines: Vec::new(), tracking: Tracking::default() },
        Command::Deliver,
        Command::Complete,
        Command::Refund(RefundWish::All),
        Command::Pay { method: PaymentMethod::Upi, token: Some("tok".into()), amount: None },
        Command::Capture { payment_id, amount: None },
        Command::Void(payment_id),
        Command::RequestReturn(vec![back]),
        Command::PlaceHold(Hold::Manual),
    ]
}

/// What becomes of an order in a state when a command is given to it there.
fn expected(state: State, kind: CommandKind) -> Option<State> {
    TRANSITIONS.iter().find(|step| step.from == state && step.command == kind).map(|step| step.to)
}

#[test]
fn state_table_all_by_all() {
    for &state in State::ALL {
        for kind in steps(&paid()).iter().map(Command::kind) {
            let mut order = ready_for(state, kind);
            let command = steps(&order).into_iter().find(|command| command.kind() == kind).unwrap();
            let before = order.clone();
            match (expected(state, kind), run(&mut order, &command)) {
                (Some(to), Ok(events)) => {
                    assert_eq!(order.state, to, "{kind} from {state}");
                    assert!(!events.is_empty(), "{kind} from {state}");
                }
                (None, Err(Refusal::IllegalTransition { state: named, command, reason, legal, .. })) => {
                    assert_eq!((named, command), (state, kind));
                    assert_eq!(reason, "its state does not allow it", "{kind} from {state}");
                    assert!(!legal.contains(&kind), "{kind} from {state} is offered and refused");
                    assert_eq!(order, before);
                }
                (expected, got) => panic!("{kind} from {state}: expected {expected:?}, got {got:?}"),
            }
        }
    }
}

#[test]
fn the_table_names_every_command_that_depends_on_the_state_and_each_step_once() {
    let tried: BTreeSet<_> = steps(&paid()).iter().map(Command::kind).collect();
    let listed: BTreeSet<_> = TRANSITIONS.iter().map(|step| step.command).collect();
    assert_eq!(tried, listed);
    let steps: BTreeSet<_> = TRANSITIONS.iter().map(|step| (step.from, step.command)).collect();
    assert_eq!(steps.len(), TRANSITIONS.len());
}

#[test]
fn the_word_follows_from_the_axes_and_the_first_match_wins() {
    for &state in State::ALL {
        for &payment in PaymentStatus::ALL {
            for &goods in FulfillmentStatus::ALL {
                assert_eq!(
                    status(state, payment, goods),
                    by_the_table(state, payment, goods),
                    "{state} {payment} {goods}"
                );
            }
        }
    }
}

/// The table of the README, line by line.
pub(crate) fn by_the_table(state: State, payment: PaymentStatus, goods: FulfillmentStatus) -> Status {
    use FulfillmentStatus as F;
    let called_off = matches!(state, State::Cancelled | State::Expired);
    let refunded = payment == PaymentStatus::Refunded;
    let rows = [
        (state == State::Cancelled && refunded, Status::Refunded),
        (called_off, Status::Cancelled),
        (refunded, Status::Refunded),
        (state == State::Completed, Status::Completed),
        (matches!(goods, F::Delivered | F::PartiallyReturned | F::Returned), Status::Delivered),
        (matches!(goods, F::Shipped | F::PartiallyShipped | F::PartiallyDelivered), Status::Shipped),
        (state == State::Processing, Status::Processing),
        (state == State::Confirmed, Status::Confirmed),
        (
            matches!(payment, PaymentStatus::Paid | PaymentStatus::Overpaid | PaymentStatus::PartiallyRefunded),
            Status::Paid,
        ),
        (true, Status::Pending),
    ];
    rows.into_iter().find(|(fits, _)| *fits).unwrap().1
}

#[test]
fn a_new_order_promises_its_stock_and_waits_for_its_payment() {
    let order = order(Some(PaymentMethod::CreditCard));
    assert_eq!(
        (order.state, order.status, order.payment_status),
        (State::Pending, Status::Pending, PaymentStatus::Pending)
    );
    assert!(order.lines.iter().all(|line| line.counters.allocated == line.counters.ordered));
    let operation = order.open_operations().next().unwrap().1.clone();
    assert_eq!((operation.kind, operation.state), (OperationKind::Sale, OperationState::Sent));
    assert_eq!(operation.amount, order.totals.total.minor());
}

#[test]
fn one_word_walks_the_whole_way_and_leaves_every_step_in_the_history() {
    let mut order = paid();
    let events = run(&mut order, &set_status(Status::Completed)).unwrap();
    let names: Vec<_> = events.iter().map(|event| event.body.name()).collect();
    assert_eq!(names, ["CONFIRMED", "PROCESSING_STARTED", "SHIPPED", "DELIVERED", "COMPLETED"]);
    let words: Vec<_> = events.iter().map(|event| event.status_after).collect();
    let expected = [Status::Confirmed, Status::Processing, Status::Shipped, Status::Delivered, Status::Completed];
    assert_eq!(words, expected);
}

#[test]
fn a_walk_past_a_guard_is_refused_as_a_whole_and_says_which_words_are_legal() {
    let mut order = order(Some(PaymentMethod::CreditCard));
    let Err(Refusal::IllegalStatus { legal, barred, reason, .. }) = run(&mut order, &set_status(Status::Shipped))
    else {
        panic!("an unpaid order shipped");
    };
    assert_eq!(reason, "cannot confirm: its payment is on its way");
    assert_eq!(legal, [Status::Cancelled]);
    assert_eq!(barred.len() + legal.len(), Status::ALL.len());
    assert_eq!(order.state, State::Pending);
}

#[test]
fn orders_do_not_go_back() {
    let mut order = walked(Status::Delivered);
    for word in
        [Status::Pending, Status::Paid, Status::Confirmed, Status::Processing, Status::Shipped, Status::Delivered]
    {
        assert!(matches!(run(&mut order, &set_status(word)), Err(Refusal::IllegalStatus { .. })), "{word}");
    }
}

#[test]
fn every_word_that_is_offered_can_be_reached() {
    let starts = [
        order(None),
        order(Some(PaymentMethod::CashOnDelivery)),
        paid(),
        walked(Status::Processing),
        walked(Status::Shipped),
    ];
    for start in starts {
        for word in start.status_options(&context(5, Policy::default())).legal {
            run(&mut start.clone(), &set_status(word)).unwrap();
        }
    }
}

#[test]
fn cancelling_a_paid_order_frees_its_stock_and_enqueues_its_refund() {
    let mut order = paid();
    let before = order.clone();
    let events = run(&mut order, &Command::Cancel).unwrap();
    let names: Vec<_> = events.iter().map(|event| event.body.name()).collect();
    assert_eq!(names, ["CANCELLED", "REFUND_STARTED"]);
    let released = before.stock_changes(&events[0].body);
    assert!(released.iter().all(|change| change.kind == MovementKind::Released));
    assert_eq!(released.iter().map(|change| change.quantity).sum::<i64>(), 4);
    assert!(order.lines.iter().all(|line| line.counters.allocated == 0));
    assert_eq!(order.status, Status::Cancelled);
    approve_all(&mut order);
    assert_eq!((order.status, order.money_held()), (Status::Refunded, 0));
}

#[test]
fn a_declined_order_can_be_paid_in_another_way_and_never_twice() {
    let mut order = order(Some(PaymentMethod::CreditCard));
    let declined = Outcome::Failed { code: "insufficient_funds".into() };
    let pay = Command::Pay { method: PaymentMethod::Upi, token: Some("tok".into()), amount: None };
    assert!(matches!(run(&mut order, &pay), Err(Refusal::PaymentInProgress { .. })));
    let sale = open(&order)[0];
    run(&mut order, &Command::SettleOperation(sale, declined)).unwrap();
    assert_eq!((order.status, order.payment_status), (Status::Pending, PaymentStatus::Failed));
    run(&mut order, &pay).unwrap();
    approve_all(&mut order);
    assert_eq!(order.status, Status::Paid);
    assert!(matches!(run(&mut order, &pay), Err(Refusal::IllegalTransition { .. })));
    assert_eq!(order.payments.iter().map(|payment| payment.captured).sum::<i64>(), order.totals.total.minor());
}

#[test]
fn a_lost_answer_keeps_the_payment_open() {
    let mut order = order(Some(PaymentMethod::CreditCard));
    let sale = open(&order)[0];
    run(&mut order, &Command::LoseOperation(sale)).unwrap();
    let (payment, operation) = order.open_operations().next().unwrap();
    assert_eq!((operation.state, payment.is_collecting()), (OperationState::Unknown, true));
    assert!(operation.next_attempt_at.unwrap() > NOW);
    assert_eq!(order.payment_status, PaymentStatus::Pending);
}

#[test]
fn cash_is_captured_on_delivery_and_not_before() {
    let mut order = order(Some(PaymentMethod::CashOnDelivery));
    assert_eq!(order.payment_status, PaymentStatus::Unpaid);
    run(&mut order, &set_status(Status::Shipped)).unwrap();
    assert_eq!(order.money_held(), 0);
    run(&mut order, &set_status(Status::Delivered)).unwrap();
    assert_eq!((order.payment_status, order.money_held()), (PaymentStatus::Paid, order.totals.total.minor()));
    run(&mut order, &set_status(Status::Completed)).unwrap();
}

#[test]
fn what_has_shipped_is_refunded_and_not_cancelled() {
    let mut order = walked(Status::Shipped);
    assert!(matches!(run(&mut order, &Command::Cancel), Err(Refusal::IllegalTransition { .. })));
    run(&mut order, &set_status(Status::Refunded)).unwrap();
    approve_all(&mut order);
    assert_eq!((order.status, order.state), (Status::Refunded, State::Processing));
    assert!(
        matches!(run(&mut order, &Command::Refund(RefundWish::All)), Err(Refusal::IllegalTransition { .. })),
        "only once"
    );
}

#[test]
fn a_hold_keeps_an_order_from_processing_and_shipping() {
    let mut order = walked(Status::Confirmed);
    order.holds.push(Hold::Fraud);
    for command in [Command::StartProcessing, Command::Ship(Tracking::default())] {
        assert!(matches!(run(&mut order, &command), Err(Refusal::IllegalTransition { .. })), "{command:?}");
    }
    run(&mut order, &Command::Cancel).unwrap();
}

#[test]
fn only_an_unpaid_order_past_its_time_expires() {
    let policy = Policy { pay_by_minutes: Some(30), ..Policy::default() };
    let mut unpaid = placed(&[(1000, 1)], None, policy).order;
    assert_eq!(unpaid.pay_by, Some(NOW.plus_seconds(1800)));
    assert!(run(&mut unpaid, &Command::Expire).is_err(), "before its time");
    let mut in_flight = placed(&[(1000, 1)], Some(PaymentMethod::CreditCard), policy).order;
    let mut with_money = in_flight.clone();
    approve_all(&mut with_money);
    for (order, may) in [(&mut unpaid, true), (&mut in_flight, false), (&mut with_money, false)] {
        order.pay_by = Some(NOW.plus_seconds(-1));
        assert_eq!(run(order, &Command::Expire).is_ok(), may);
    }
    assert_eq!(unpaid.status, Status::Cancelled);
    assert_eq!(placed(&[(1000, 1)], Some(PaymentMethod::CashOnDelivery), policy).order.pay_by, None);
}

#[test]
fn an_order_that_is_to_be_paid_at_the_door_does_not_expire() {
    let policy = Policy { pay_by_minutes: Some(30), ..Policy::default() };
    let mut order = placed(&[(1000, 1)], Some(PaymentMethod::CreditCard), policy).order;
    let sale = open(&order)[0];
    run(&mut order, &Command::SettleOperation(sale, Outcome::Failed { code: "expired_card".into() })).unwrap();
    run(&mut order, &Command::Pay { method: PaymentMethod::CashOnDelivery, token: None, amount: None }).unwrap();
    assert_eq!(order.pay_by, None);
    assert!(run(&mut order, &Command::Expire).is_err());
}

#[test]
fn cash_that_goes_back_is_booked_without_a_gateway() {
    let mut order = order(Some(PaymentMethod::CashOnDelivery));
    run(&mut order, &set_status(Status::Delivered)).unwrap();
    run(&mut order, &set_status(Status::Refunded)).unwrap();
    assert_eq!((order.status, order.money_held(), open(&order).len()), (Status::Refunded, 0, 0));
}

#[test]
fn an_order_is_not_paid_for_ever() {
    let mut order = order(None);
    let pay = Command::Pay { method: PaymentMethod::CreditCard, token: Some("tok".into()), amount: None };
    for _ in 0..order_core::limits::PAYMENTS_PER_ORDER {
        run(&mut order, &pay).unwrap();
        let sale = open(&order)[0];
        run(&mut order, &Command::SettleOperation(sale, Outcome::Failed { code: "stolen_card".into() })).unwrap();
    }
    assert!(matches!(run(&mut order, &pay), Err(Refusal::IllegalTransition { .. })));
}

#[test]
fn the_policy_confirms_what_is_paid_and_what_is_paid_on_delivery() {
    let policy = Policy { confirm: ConfirmPolicy::WhenPaid, ..Policy::default() };
    assert_eq!(placed(&[(1000, 1)], Some(PaymentMethod::CashOnDelivery), policy).order.status, Status::Confirmed);
    let mut order = placed(&[(1000, 1)], Some(PaymentMethod::CreditCard), policy).order;
    let sale = open(&order)[0];
    let answer = Command::SettleOperation(sale, Outcome::succeeded("ref"));
    run_with(&mut order, &answer, policy).unwrap();
    assert_eq!(order.status, Status::Confirmed);
}

#[test]
fn stock_that_is_promised_late_is_promised_by_the_confirmation() {
    let policy = Policy { allocate_on: AllocatePolicy::Confirm, ..Policy::default() };
    let mut order = placed(&[(1000, 2)], Some(PaymentMethod::CashOnDelivery), policy).order;
    assert_eq!(order.lines[0].counters.allocated, 0);
    let events = run(&mut order, &Command::Confirm).unwrap();
    assert_eq!(events[0].body.name(), "STOCK_ALLOCATED");
    assert_eq!(order.lines[0].counters.allocated, 2);
}

#[test]
fn address_and_contact_change_only_until_it_ships() {
    let details = |order: &Order| Details { shipping_address: order.shipping_address.clone(), ..Details::default() };
    let mut early = walked(Status::Processing);
    let change = Command::Update(details(&early));
    run(&mut early, &change).unwrap();
    let mut late = walked(Status::Shipped);
    let change = Command::Update(details(&late));
    assert!(run(&mut late, &change).is_err());
    run(&mut late, &Command::Update(Details { notes: Some("ring twice".into()), ..Details::default() })).unwrap();
    assert_eq!(late.notes, "ring twice");
}
