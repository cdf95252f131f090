//! Random commands and random answers of gateways, early and late, right and wrong: whatever comes, the books and the shelf agree.

use std::collections::BTreeMap;

use order_core::{
    ids::Sku,
    money::Money,
    order::{Command, Event, Order, Status, Tracking},
    payment::{Operation, OperationKind, OperationState, Outcome, Payment, PaymentMethod},
    policy::{AllocatePolicy, CapturePolicy, ConfirmPolicy, Policy},
    stock::StockLevel,
};
use proptest::prelude::*;

use crate::{
    orders::{NOW, context, declined, placed},
    reachable::alphabet::Alphabet,
    shop,
};

/// What the shelf has of everything before the order is placed.
const ON_HAND: i64 = 20;

fn any_policy() -> impl Strategy<Value = Policy> {
    let capture = prop::sample::select(vec![CapturePolicy::AtOnce, CapturePolicy::OnShipment, CapturePolicy::Manual]);
    let confirm = prop::sample::select(vec![ConfirmPolicy::Manual, ConfirmPolicy::WhenPaid]);
    let allocate_on = prop::sample::select(vec![AllocatePolicy::Place, AllocatePolicy::Confirm]);
    (capture, confirm, allocate_on).prop_map(|(capture, confirm, allocate_on)| Policy {
        confirm,
        capture,
        allocate_on,
        pay_by_minutes: Some(30),
        ..Policy::default()
    })
}

/// The order and the shelf that it takes from.
struct World {
    order: Order,
    shelf: BTreeMap<Sku, StockLevel>,
    policy: Policy,
}

impl World {
    fn new(bought: &[(i64, u32)], method: Option<PaymentMethod>, policy: Policy) -> Self {
        let mut order = placed(bought, method, policy).order;
        order.pay_by = order.pay_by.map(|_| NOW.plus_seconds(-1));
        let level = |line: &order_core::order::Line| {
            let allocated = i64::from(line.counters.allocated);
            (line.sku.clone(), StockLevel { on_hand: ON_HAND, allocated, ..StockLevel::empty(line.sku.clone()) })
        };
        let shelf = order.lines.iter().map(level).collect();
        Self { order, shelf, policy }
    }

    /// Everything that could be asked or answered now; what makes no sense is refused, and that is a case, too.
    fn choices(&self) -> Vec<Command> {
        let mut all = Alphabet::FULL.commands(&self.order);
        all.extend(self.order.payments.iter().flat_map(|payment| &payment.operations).flat_map(answers));
        let tracking = Tracking::default;
        all.extend(Status::ALL.iter().map(|&status| Command::SetStatus { status, tracking: tracking() }));
        all
    }

    fn play(&mut self, choice: usize) {
        let choices = self.choices();
        let command = &choices[choice % choices.len()];
        let here = context(u128::try_from(self.order.revision).unwrap() + 10, self.policy);
        let Ok(events) = self.order.decide(command, &here) else { return };
        for event in &events {
            self.apply(event);
        }
        assert!(self.order.is_sound());
        self.order.payments.iter().for_each(the_ledger_is_what_the_answers_say);
        self.the_shelf_agrees();
    }

    fn apply(&mut self, event: &Event) {
        for change in self.order.stock_changes(&event.body) {
            let level = &self.shelf[&change.sku];
            let next = level.after(&change).unwrap_or_else(|| panic!("{change:?} of {level:?} by {event:?}"));
            self.shelf.insert(change.sku, next);
        }
        self.order.apply(event);
    }

    fn the_shelf_agrees(&self) {
        for line in &self.order.lines {
            let (level, counters) = (&self.shelf[&line.sku], line.counters);
            assert_eq!(level.allocated, i64::from(counters.allocated));
            assert_eq!(level.on_hand, ON_HAND - i64::from(counters.shipped) + i64::from(counters.restocked));
        }
    }
}

/// Answers to a request, whether it was answered before or not: as asked, refused, with less, more and foreign money.
fn answers(operation: &Operation) -> Vec<Command> {
    let says = |minor, code| Outcome::Succeeded {
        reference: "ref".into(),
        moved: Some(Money::new(minor, shop::currency(code))),
    };
    let amount = operation.amount;
    let all = [
        Outcome::succeeded("ref"),
        declined(),
        says(amount, "USD"),
        says(amount - 1, "USD"),
        says(amount + 7, "USD"),
        says(amount, "JPY"),
    ];
    all.into_iter().map(|outcome| Command::SettleOperation(operation.id, outcome)).collect()
}

/// Counts the answers again. What cannot stand in the ledger is money given back beyond what was taken, and promises given up
/// beyond what was promised.
fn the_ledger_is_what_the_answers_say(payment: &Payment) {
    let said = |kinds: &[OperationKind]| -> i64 {
        let done = payment.operations.iter().filter(|op| op.state == OperationState::Succeeded);
        done.filter(|op| kinds.contains(&op.kind)).map(moved).sum()
    };
    assert_eq!(payment.captured, said(&[OperationKind::Sale, OperationKind::Capture]));
    assert!(payment.authorized >= said(&[OperationKind::Sale, OperationKind::Authorize]));
    assert!(payment.refunded <= said(&[OperationKind::Refund]) && payment.voided <= said(&[OperationKind::Void]));
    assert!(payment.refunded + payment.refund_pending <= payment.captured && payment.held() <= payment.captured);
    let pending: i64 = payment.open_operations().map(|op| op.amount).sum();
    let booked = payment.auth_pending + payment.capture_pending + payment.refund_pending + payment.void_pending;
    assert_eq!(booked, pending);
}

fn moved(operation: &Operation) -> i64 {
    match operation.reported {
        None => operation.amount,
        Some(reported) if reported.currency() == shop::currency("USD") => reported.minor(),
        Some(_) => 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]
    #[test]
    fn whatever_people_ask_and_gateways_answer_the_books_and_the_shelf_agree(
        policy in any_policy(),
        method in prop::sample::select(vec![
            None,
            Some(PaymentMethod::CreditCard),
            Some(PaymentMethod::Upi),
            Some(PaymentMethod::CashOnDelivery),
        ]),
        bought in prop::collection::vec((1_i64..3_000, 1_u32..4), 1..3),
        choices in prop::collection::vec(any::<usize>(), 1..60),
    ) {
        let mut world = World::new(&bought, method, policy);
        for choice in choices {
            world.play(choice);
        }
    }
}
