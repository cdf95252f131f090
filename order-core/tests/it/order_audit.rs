//! Whatever is commanded, an order that was changed by its events alone has no findings; and whatever somebody else's hand
//! does to an order and its history is looked at without a panic.

use order_core::{
    audit::{Finding, Stored, check},
    order::{Event, Line, Order},
    payment::{Outcome, PaymentMethod},
    policy::{AllocatePolicy, CapturePolicy, ConfirmPolicy, Policy},
};
use proptest::prelude::*;

use crate::{
    orders::{self, context, declined, placed},
    reachable::alphabet::Alphabet,
};

/// Plays a random history: of all that could be commanded or answered, whatever each choice picks.
fn played(bought: &[(i64, u32)], policy: Policy, choices: &[usize]) -> (Order, Vec<Event>) {
    let placement = placed(bought, Some(PaymentMethod::CreditCard), policy);
    let (mut order, mut events) = (placement.order, placement.events);
    for choice in choices {
        let mut commands = Alphabet::FULL.commands(&order);
        for (_, operation) in order.open_operations() {
            for outcome in [Outcome::succeeded("ref"), declined()] {
                commands.push(order_core::order::Command::SettleOperation(operation.id, outcome));
            }
        }
        let here = context(u128::try_from(order.revision).unwrap() + 10, policy);
        let Ok(decided) = order.decide(&commands[choice % commands.len()], &here) else { continue };
        decided.iter().for_each(|event| order.apply(event));
        events.extend(decided);
    }
    (order, events)
}

/// What is found of an order beside which everything is as it should be.
fn findings(order: &Order, events: &[Event]) -> Vec<Finding> {
    let refunded = order.payments.iter().map(|payment| payment.refunded).fold(0, i64::saturating_add);
    let credited = order.totals.total.minor().saturating_sub(if order.is_sound() { order.due() } else { 0 });
    let text = order.search_text();
    check(&Stored { order, events, refunded, credited, document: Some(&text) })
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let capture = prop::sample::select(vec![CapturePolicy::AtOnce, CapturePolicy::OnShipment, CapturePolicy::Manual]);
    let confirm = prop::sample::select(vec![ConfirmPolicy::Manual, ConfirmPolicy::WhenPaid]);
    let allocate_on = prop::sample::select(vec![AllocatePolicy::Place, AllocatePolicy::Confirm]);
    (capture, confirm, allocate_on).prop_map(|(capture, confirm, allocate_on)| Policy {
        capture,
        confirm,
        allocate_on,
        ..Policy::default()
    })
}

/// Replaces one whole number of a JSON text by another.
fn forged(json: &str, (at, value): (usize, u64)) -> String {
    let mut numbers = Vec::new();
    let mut begin = None;
    for (n, character) in json.char_indices() {
        match (character.is_ascii_digit(), begin) {
            (true, None) if json[..n].ends_with([':', '[', ',']) => begin = Some(n),
            (false, Some(first)) => {
                numbers.push(first..n);
                begin = None;
            }
            (true, None | Some(_)) | (false, None) => {}
        }
    }
    let Some(range) = numbers.get(at % numbers.len().max(1)) else { return json.to_owned() };
    format!("{}{value}{}", &json[..range.start], &json[range.end..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn an_order_that_only_events_changed_has_no_findings(
        policy in any_policy(),
        bought in prop::collection::vec((1_i64..3_000, 1_u32..4), 1..3),
        choices in prop::collection::vec(any::<usize>(), 0..60),
    ) {
        let (order, events) = played(&bought, policy, &choices);
        prop_assert_eq!(findings(&order, &events), []);
    }

    #[test]
    fn a_forged_history_is_looked_at_without_a_panic(
        choices in prop::collection::vec(any::<usize>(), 0..40),
        forgeries in prop::collection::vec(
            (any::<usize>(), any::<usize>(), prop::sample::select(vec![0, 1, 7, 2_147_483_647, u64::from(u32::MAX), 9_223_372_036_854_775_807])),
            1..4,
        ),
    ) {
        let (order, mut events) = played(&[(4999, 2), (1250, 3)], Policy::default(), &choices);
        for (event, at, value) in forgeries {
            let event = event % events.len();
            let body = serde_json::to_string(&events[event].body).unwrap();
            if let Ok(body) = serde_json::from_str(&forged(&body, (at, value))) {
                events[event].body = body;
            }
        }
        let _found = findings(&order, &events);
        events.swap_remove(0);
        prop_assert!(!findings(&order, &events).is_empty());
    }

    #[test]
    fn a_forged_order_is_looked_at_without_a_panic(
        choices in prop::collection::vec(any::<usize>(), 0..40),
        line in 0_usize..2,
        counter in 0_usize..6,
        units in prop::sample::select(vec![0, 1, 99, u32::MAX]),
        amount in prop::sample::select(vec![i64::MIN, -1, 0, 1, i64::MAX]),
    ) {
        let (mut order, events) = played(&[(4999, 2), (1250, 3)], Policy::default(), &choices);
        let counters = &mut order.lines[line].counters;
        let counters = [
            &mut counters.ordered, &mut counters.cancelled, &mut counters.allocated, &mut counters.shipped,
            &mut counters.return_requested, &mut counters.refunded,
        ];
        *counters.into_iter().nth(counter).unwrap() = units;
        let _found = findings(&order, &events);
        for payment in &mut order.payments {
            (payment.captured, payment.void_pending) = (amount, amount);
        }
        order.shipping_refunded = amount;
        let _found = findings(&order, &events);
    }
}

#[test]
fn what_an_order_is_found_by_is_its_own_and_its_goods() {
    let mut numbered = orders::order(None);
    let number = numbered.number.clone().unwrap();
    for contact in [numbered.contact.clone(), None] {
        numbered.contact = contact;
        let text = numbered.search_text();
        let (own, goods) = text.split_once(Order::GOODS_BEHIND).unwrap();
        assert!(own.starts_with(&number.as_str().to_lowercase()) && !goods.contains(Order::GOODS_BEHIND), "{text:?}");
        assert_eq!(own.lines().count(), if numbered.contact.is_some() { 3 } else { 1 }, "{text:?}");
        let named = |line: &Line| [line.name.clone(), line.product_id.to_string(), line.sku.to_string()];
        let expected: Vec<_> = numbered.lines.iter().flat_map(named).map(|word| word.to_lowercase()).collect();
        assert_eq!(goods.split('\n').collect::<Vec<_>>(), expected);
        let unnumbered = Order { number: None, ..numbered.clone() };
        assert_eq!(Order::search_text_with(&number, &unnumbered.search_text()), text);
    }
}
