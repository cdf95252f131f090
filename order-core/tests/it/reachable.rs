//! Every order that commands can make of some small ones, and what holds for all of them.
//!
//! Orders are taken to be the same when their counters, their money, their open requests, parcels and returns are: what is over
//! and done with does not count. Of each kind one order is kept, the first that was found, and every command of the alphabet is
//! tried on it.

pub(crate) mod alphabet;
mod checks;
mod counters;
mod likeness;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
    thread,
};

use order_core::{
    order::{Event, FulfillmentStatus, Order, PaymentStatus, State, Status},
    payment::PaymentMethod,
    policy::{AllocatePolicy, CapturePolicy, ConfirmPolicy, Policy},
};

use self::{
    alphabet::{Alphabet, Extra},
    likeness::Likeness,
};
use crate::orders::{NOW, context, placed};

/// How far an exploration goes: enough for every small order, so that a mistake in the likeness comes to an end.
const ORDERS_AT_MOST: usize = 12_000;

/// An order that was reached, how, and what can be reached from it.
struct Reached {
    order: Order,
    from: Option<usize>,
    events: Vec<Event>,
    next: Vec<usize>,
}

/// All orders that can be reached from one.
struct Exploration {
    policy: Policy,
    reached: Vec<Reached>,
}

/// The order that an exploration starts from. How its price came about is of no matter here, and is large.
fn start(bought: &[(i64, u32)], policy: Policy) -> Order {
    let mut order = placed(bought, None, policy).order;
    Arc::make_mut(&mut order.explanation).steps.clear();
    order.metadata.clear();
    order.pay_by = Some(NOW.plus_seconds(-1));
    order
}

fn explore(bought: &[(i64, u32)], policy: Policy, alphabet: Alphabet) -> Exploration {
    let first = start(bought, policy);
    let mut known = HashMap::from([(Likeness::of(&first), 0)]);
    let mut reached = vec![Reached { order: first, from: None, events: Vec::new(), next: Vec::new() }];
    let mut queue = VecDeque::from([0]);
    while let Some(at) = queue.pop_front() {
        let order = reached[at].order.clone();
        let here = context(u128::try_from(order.revision).unwrap() + 10, policy);
        for command in alphabet.commands(&order) {
            let Ok(events) = order.decide(&command, &here) else { continue };
            let mut next = order.clone();
            events.iter().for_each(|event| next.apply(event));
            let found = *known.entry(Likeness::of(&next)).or_insert_with(|| {
                queue.push_back(reached.len());
                reached.push(Reached { order: next, from: Some(at), events, next: Vec::new() });
                reached.len() - 1
            });
            reached[at].next.push(found);
        }
        assert!(reached.len() < ORDERS_AT_MOST, "{bought:?} {policy:?} {alphabet:?} does not end");
    }
    Exploration { policy, reached }
}

fn policy(capture: CapturePolicy, confirm: ConfirmPolicy, allocate_on: AllocatePolicy) -> Policy {
    Policy { confirm, capture, allocate_on, pay_by_minutes: Some(30), ..Policy::default() }
}

/// A small order, the policy it is placed under, and the commands that are tried on it.
type Small = (&'static [(i64, u32)], Policy, Alphabet);

fn explorations() -> Vec<Small> {
    use AllocatePolicy::{Confirm, Place};
    use CapturePolicy::{AtOnce, Manual, OnShipment};
    use Extra::{Amounts, Declines, Holds, Mismatch, Parcels, Refusals, Returns};
    use PaymentMethod::{CashOnDelivery, CreditCard, Upi};
    let by_hand = |capture| policy(capture, ConfirmPolicy::Manual, Place);
    let by_policy = |capture| policy(capture, ConfirmPolicy::WhenPaid, Confirm);
    let tries = |methods, extras| Alphabet { methods, extras };
    vec![
        (&[(333, 1)], by_hand(AtOnce), tries(&[Upi], &[Declines, Refusals, Amounts, Parcels, Returns])),
        (&[(333, 1)], by_hand(AtOnce), tries(&[Upi], &[Declines, Mismatch, Parcels, Returns])),
        (&[(333, 1)], by_policy(AtOnce), tries(&[Upi, CashOnDelivery], &[Declines, Holds, Parcels, Returns])),
        (&[(333, 1)], by_hand(OnShipment), tries(&[CreditCard], &[Declines, Refusals])),
        (&[(333, 1)], by_hand(Manual), tries(&[CreditCard], &[Declines, Parcels, Returns])),
        (&[(333, 1)], by_policy(OnShipment), tries(&[CreditCard, CashOnDelivery], &[Parcels, Returns])),
        (&[(333, 2)], by_hand(AtOnce), tries(&[Upi], &[Declines, Parcels, Returns])),
        (&[(333, 2)], by_policy(OnShipment), tries(&[CreditCard], &[Returns])),
        (&[(333, 3)], by_hand(AtOnce), tries(&[Upi], &[Parcels])),
        (&[(333, 3)], by_hand(AtOnce), tries(&[Upi], &[Returns])),
        (&[(333, 1), (500, 1)], by_hand(AtOnce), tries(&[Upi], &[Parcels, Returns])),
        (&[(333, 1), (500, 2)], by_hand(AtOnce), tries(&[Upi], &[Parcels])),
        (&[(333, 2), (500, 2)], by_hand(AtOnce), tries(&[Upi], &[])),
    ]
}

/// The words that were seen on the way.
#[derive(Default)]
struct Seen {
    states: BTreeSet<State>,
    words: BTreeSet<Status>,
    payment: BTreeSet<PaymentStatus>,
    goods: BTreeSet<FulfillmentStatus>,
}

impl Seen {
    fn note(&mut self, order: &Order) {
        self.states.insert(order.state);
        self.words.insert(order.status);
        self.payment.insert(order.payment_status);
        self.goods.insert(order.fulfillment_status);
    }
}

/// Explores every second of the small orders, checks what it finds, and says what was seen.
fn explore_and_check(first: usize) -> Seen {
    let mut seen = Seen::default();
    for (bought, policy, alphabet) in explorations().into_iter().skip(first).step_by(2) {
        let found = explore(bought, policy, alphabet);
        found.reached.iter().for_each(|reached| seen.note(&reached.order));
        checks::all(&found);
    }
    seen
}

#[test]
fn every_order_that_commands_can_make_of_a_small_one_is_sound_and_can_be_brought_to_an_end() {
    let [mut seen, other] = thread::scope(|scope| {
        [0, 1].map(|first| scope.spawn(move || explore_and_check(first))).map(|thread| thread.join().unwrap())
    });
    seen.states.extend(other.states);
    seen.words.extend(other.words);
    seen.payment.extend(other.payment);
    seen.goods.extend(other.goods);
    assert_eq!(seen.states.len(), State::ALL.len(), "{:?}", seen.states);
    assert_eq!(seen.words.len(), Status::ALL.len(), "{:?}", seen.words);
    assert_eq!(seen.payment.len(), PaymentStatus::ALL.len(), "{:?}", seen.payment);
    assert_eq!(seen.goods.len(), FulfillmentStatus::ALL.len(), "{:?}", seen.goods);
}
