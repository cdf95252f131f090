//! What holds for every order that can be reached.

use order_core::{
    order::{CommandKind, Edit, Event, EventBody, Order, State, fulfillment_status, payment_status},
    pricing::price,
    quantity::Quantity,
    rules::Rules,
};

use super::{Exploration, alphabet::plainest};
use crate::{
    order_states::by_the_table,
    orders::{context, product, usd},
    shop,
};

pub(super) fn all(found: &Exploration) {
    let more = one_more_line();
    for (at, reached) in found.reached.iter().enumerate() {
        derived_columns_follow(&reached.order);
        money_balances(&reached.order);
        what_is_legal_is_carried_out_and_nothing_else(&reached.order, found, &more);
        if at % 16 == 0 {
            history_gives_the_same_order(found, at);
        }
    }
    every_order_can_be_brought_to_an_end(found);
}

fn one_more_line() -> Edit {
    let pricing = price(&Rules::builtin(), &shop::order("USD", "US-CA", &[(700, 1, "standard")])).unwrap();
    let added = order_core::order::lines(&[(product(9, usd(700)), Quantity::ONE)], &pricing);
    Edit { added, ..Edit::default() }
}

fn derived_columns_follow(order: &Order) {
    assert!(order.is_sound(), "{order:?}");
    assert_eq!(order.payment_status, payment_status(order));
    assert_eq!(order.fulfillment_status, fulfillment_status(&order.lines));
    assert_eq!(order.status, by_the_table(order.state, order.payment_status, order.fulfillment_status));
}

fn money_balances(order: &Order) {
    let sum = |part: fn(&order_core::payment::Payment) -> i64| order.payments.iter().map(part).sum::<i64>();
    assert!(order.due() >= 0 && order.money_held() >= 0 && order.money_promised() >= 0);
    let (captured, refunded) = (sum(|p| p.captured), sum(|p| p.refunded) + sum(|p| p.refund_pending));
    assert_eq!(order.money_held(), captured - refunded);
    assert!(order.to_capture() <= order.due());
}

fn what_is_legal_is_carried_out_and_nothing_else(order: &Order, found: &Exploration, more: &Edit) {
    let here = context(u128::try_from(order.revision).unwrap() + 10, found.policy);
    let legal = order.legal_commands(&here);
    for &kind in CommandKind::ALL {
        let Some(command) = plainest(kind, order, more) else { continue };
        let decided = order.decide(&command, &here);
        assert_eq!(decided.is_ok(), legal.contains(&kind), "{kind}: {decided:?} of {order:?}");
        // The store looks for what is to expire by this.
        if kind == CommandKind::Expire && decided.is_ok() {
            assert!(order.payment_status.may_expire(), "{order:?}");
        }
    }
}

/// Applies the whole history of an order to the order it began as; every event as it would be read back from the store.
fn history_gives_the_same_order(found: &Exploration, at: usize) {
    let mut path = vec![at];
    while let Some(from) = found.reached[path[path.len() - 1]].from {
        path.push(from);
    }
    let mut order = found.reached[0].order.clone();
    for event in path.iter().rev().flat_map(|&step| &found.reached[step].events) {
        order.apply(&read_back(event));
    }
    assert_eq!(order, found.reached[at].order);
}

fn read_back(event: &Event) -> Event {
    let stored = serde_json::to_string(&event.body).unwrap();
    Event { body: serde_json::from_str::<EventBody>(&stored).unwrap(), ..event.clone() }
}

/// No answer is awaited, and an order that was called off holds nobody's money and no promise.
fn is_over(order: &Order) -> bool {
    let settled = order.open_operations().next().is_none();
    match order.state {
        State::Completed => settled,
        State::Cancelled | State::Expired => settled && order.money_held() == 0 && order.money_promised() == 0,
        State::Pending | State::Confirmed | State::Processing => false,
    }
}

fn every_order_can_be_brought_to_an_end(found: &Exploration) {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); found.reached.len()];
    for (at, reached) in found.reached.iter().enumerate() {
        reached.next.iter().for_each(|&next| before[next].push(at));
    }
    let mut ends: Vec<bool> = found.reached.iter().map(|reached| is_over(&reached.order)).collect();
    let mut queue: Vec<usize> = (0..ends.len()).filter(|&at| ends[at]).collect();
    while let Some(at) = queue.pop() {
        for &from in &before[at] {
            if !std::mem::replace(&mut ends[from], true) {
                queue.push(from);
            }
        }
    }
    if let Some(stuck) = ends.iter().position(|ends| !ends) {
        panic!("stuck: {:?}", found.reached[stuck].order);
    }
}
