//! Short ways to make orders and to command them.

use std::collections::BTreeMap;

use order_core::{
    address::AddressDraft,
    contact::ContactDraft,
    error::Refusal,
    ids::{CustomerId, IdSeed, OperationId, OrderId, OrderNumber, ProductId, Sku},
    money::Money,
    order::{Actor, Command, Context, Event, Order, OrderDraft, Owner, Placement, place},
    payment::{Outcome, PaymentMethod},
    policy::Policy,
    pricing::price,
    product::Product,
    quantity::Quantity,
    rules::Rules,
    time::Timestamp,
    violation::Violations,
};
use uuid::Uuid;

use crate::shop;

/// When the tests take place.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_770_000_000_000_000);

/// Circumstances whose identities differ with `n`.
pub(crate) fn context(n: u128, policy: Policy) -> Context {
    Context {
        now: NOW,
        actor: Actor::Admin("kim".to_owned()),
        request_id: None,
        reason: Some("because".to_owned()),
        ids: IdSeed::new(Uuid::from_u128(0x018f_4e9a_7b1c_7c3e_9d2a_0000_0000_0000 + (n << 16))),
        policy,
    }
}

fn product(n: usize, minor: i64) -> Product {
    Product {
        id: ProductId::parse(&format!("p{n}")).unwrap(),
        sku: Sku::parse(&format!("SKU-{n}")).unwrap(),
        name: format!("Product {n}"),
        description: String::new(),
        price: Money::new(minor, shop::currency("USD")),
        tax_class: "standard".to_owned(),
        active: true,
        revision: 1,
        create_time: NOW,
        update_time: NOW,
    }
}

/// Places an order of `(price, units)` lines, paid as said.
pub(crate) fn placed(bought: &[(i64, u32)], payment: Option<PaymentMethod>, policy: Policy) -> Placement {
    let lines: Vec<_> = bought.iter().map(|&(minor, units)| (minor, units, "standard")).collect();
    let pricing = price(&Rules::builtin(), &shop::order("USD", "US-CA", &lines)).unwrap();
    let mut violations = Violations::new();
    let contact = ContactDraft { name: "Ada".into(), email: "ada@example.com".into(), phone: String::new() };
    let address = AddressDraft {
        recipient: "Ada".into(),
        line1: "1 Main Street".into(),
        line2: String::new(),
        city: "Oakland".into(),
        region: "CA".into(),
        postal_code: "94607".into(),
        country_code: "US".into(),
    };
    let draft = OrderDraft {
        id: OrderId::new(Uuid::from_u128(1)),
        owner: Owner::Customer(CustomerId::parse("42").unwrap()),
        cart_id: None,
        lines: bought
            .iter()
            .enumerate()
            .map(|(n, &(m, units))| (product(n, m), Quantity::new(units).unwrap()))
            .collect(),
        pricing,
        contact: contact.parse("contact", &mut violations).unwrap(),
        shipping_address: address.parse("shipping_address", &mut violations).unwrap(),
        billing_address: None,
        payment: payment.map(|method| (method, method.needs_gateway().then(|| "tok_approve".to_owned()))),
        notes: String::new(),
        metadata: BTreeMap::new(),
    };
    assert!(violations.is_empty(), "{violations:?}");
    let mut placement = place(draft, &context(1, policy)).unwrap();
    placement.number(OrderNumber::new("SPK", 2026, 1001));
    placement
}

/// A placed order of two lines.
pub(crate) fn order(payment: Option<PaymentMethod>) -> Order {
    placed(&[(4999, 1), (1250, 3)], payment, Policy::default()).order
}

/// Decides and applies, checking on the way what must hold after every command.
pub(crate) fn run(order: &mut Order, command: &Command) -> Result<Vec<Event>, Refusal> {
    run_with(order, command, Policy::default())
}

/// The same under a policy.
pub(crate) fn run_with(order: &mut Order, command: &Command, policy: Policy) -> Result<Vec<Event>, Refusal> {
    let seed = u128::try_from(order.revision).unwrap() + 10;
    let events = order.decide(command, &context(seed, policy))?;
    for event in &events {
        order.apply(event);
        assert!(order.is_sound(), "{event:?}");
    }
    let revisions: Vec<_> = events.iter().map(|event| event.revision).collect();
    let first = order.revision + 1 - i64::try_from(events.len()).unwrap();
    assert_eq!(revisions, (first..=order.revision).collect::<Vec<_>>(), "no gap");
    Ok(events)
}

/// The requests to the gateway that are open.
pub(crate) fn open(order: &Order) -> Vec<OperationId> {
    order.open_operations().map(|(_, operation)| operation.id).collect()
}

/// The gateway says yes to everything that is open.
pub(crate) fn approve_all(order: &mut Order) {
    for id in open(order) {
        run(order, &Command::SettleOperation(id, Outcome::Succeeded { reference: "ref".into() })).unwrap();
    }
}

/// A placed order whose card was charged.
pub(crate) fn paid() -> Order {
    let mut order = order(Some(PaymentMethod::CreditCard));
    approve_all(&mut order);
    order
}
