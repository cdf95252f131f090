//! The state table, the derived word, and what commands do to money and goods.

use order_core::{
    error::Refusal,
    order::{
        Command, CommandKind, Details, FulfillmentStatus, Hold, Order, PaymentStatus, State, Status, TRANSITIONS,
        Tracking, status,
    },
    payment::{OperationKind, OperationState, Outcome, PaymentMethod},
    policy::{AllocatePolicy, ConfirmPolicy, Policy},
    stock::MovementKind,
};

use crate::orders::{NOW, approve_all, context, open, order, paid, placed, run, run_with};

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
    let mut order = match (state, command) {
        (State::Confirmed, CommandKind::Deliver) | (State::Processing, CommandKind::Deliver) => walked(Status::Shipped),
        (State::Confirmed | State::Processing | State::Completed, CommandKind::Complete) => walked(Status::Delivered),
        (_, CommandKind::Expire) => {
            let mut unpaid = crate::orders::order(None);
            unpaid.pay_by = Some(NOW.plus_seconds(-1));
            unpaid
        }
        _ => paid(),
    };
    order.state = state;
    order
}

/// The commands of the state table.
fn steps() -> [Command; 7] {
    [
        Command::Confirm,
        Command::StartProcessing,
        Command::Cancel,
        Command::Expire,
        Command::Ship(Tracking::default()),
        Command::Deliver,
        Command::Complete,
    ]
}

#[test]
fn state_table_all_by_all() {
    for &state in State::ALL {
        for command in steps() {
            let kind = command.kind();
            let step = TRANSITIONS.iter().find(|step| step.from == state && step.command == kind);
            let mut order = ready_for(state, kind);
            let before = order.clone();
            match (step, run(&mut order, &command)) {
                (Some(step), Ok(_)) => assert_eq!(order.state, step.to, "{kind} from {state}"),
                (None, Err(Refusal::IllegalTransition { state: named, command, legal, .. })) => {
                    assert_eq!((named, command), (state, kind));
                    assert!(!legal.contains(&kind), "{kind} from {state} is offered and refused");
                    assert_eq!(order, before);
                }
                (expected, got) => panic!("{kind} from {state}: expected {expected:?}, got {got:?}"),
            }
        }
    }
}

#[test]
fn what_is_named_as_legal_is_carried_out() {
    for &state in State::ALL {
        let mut order = ready_for(state, CommandKind::Confirm);
        let refused = run(&mut order, &Command::Refund).err();
        let Some(Refusal::IllegalTransition { legal, .. }) =
            refused.or_else(|| run(&mut order, &Command::Expire).err())
        else {
            continue;
        };
        for command in steps().iter().filter(|command| legal.contains(&command.kind())) {
            run(&mut order.clone(), command).unwrap();
        }
    }
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
fn by_the_table(state: State, payment: PaymentStatus, goods: FulfillmentStatus) -> Status {
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
        (matches!(payment, PaymentStatus::Paid | PaymentStatus::Overpaid), Status::Paid),
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
fn money_that_comes_after_the_cancellation_goes_back() {
    let mut order = order(Some(PaymentMethod::CreditCard));
    run(&mut order, &Command::Cancel).unwrap();
    let sale = open(&order)[0];
    let events =
        run(&mut order, &Command::SettleOperation(sale, Outcome::Succeeded { reference: "late".into() })).unwrap();
    assert_eq!(events.last().unwrap().body.name(), "REFUND_STARTED");
    approve_all(&mut order);
    assert_eq!((order.status, order.money_held()), (Status::Refunded, 0));
}

#[test]
fn an_answer_that_comes_twice_changes_nothing_the_second_time() {
    let mut order = order(Some(PaymentMethod::Wallet));
    let answer = Command::SettleOperation(open(&order)[0], Outcome::Succeeded { reference: "ref".into() });
    assert_eq!(run(&mut order, &answer).unwrap().len(), 1);
    assert_eq!(run(&mut order, &answer).unwrap().len(), 0);
    assert_eq!(order.money_held(), order.totals.total.minor());
}

#[test]
fn a_declined_order_can_be_paid_in_another_way_and_never_twice() {
    let mut order = order(Some(PaymentMethod::CreditCard));
    let declined = Outcome::Failed { code: "insufficient_funds".into() };
    let pay = Command::Pay { method: PaymentMethod::Upi, token: Some("tok".into()) };
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
    assert!(matches!(run(&mut order, &Command::Refund), Err(Refusal::IllegalTransition { .. })), "only once");
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
    run(&mut order, &Command::Pay { method: PaymentMethod::CashOnDelivery, token: None }).unwrap();
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
    let pay = Command::Pay { method: PaymentMethod::CreditCard, token: Some("tok".into()) };
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
    let answer = Command::SettleOperation(sale, Outcome::Succeeded { reference: "ref".into() });
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
