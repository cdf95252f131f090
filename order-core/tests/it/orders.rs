//! Short ways to make orders and to command them.

use std::collections::BTreeMap;

use order_core::{
    address::AddressDraft,
    contact::ContactDraft,
    error::Refusal,
    ids::{CustomerId, IdSeed, OperationId, OrderId, OrderNumber, ProductId, Sku},
    money::Money,
    order::{Actor, Command, Context, Counters, Event, LineQuantity, Order, OrderDraft, Owner, Placement, place},
    payment::{Operation, OperationKind, Outcome, PaymentMethod},
    policy::Policy,
    pricing::{Pricing, price},
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

/// A product at a price.
pub(crate) fn product(n: usize, price: Money) -> Product {
    Product {
        id: ProductId::parse(&format!("p{n}")).unwrap(),
        sku: Sku::parse(&format!("SKU-{n}")).unwrap(),
        name: format!("Product {n}"),
        description: String::new(),
        price,
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
    placed_at(pricing, bought, payment, policy)
}

/// Places an order whose price is known.
pub(crate) fn placed_at(
    pricing: Pricing,
    bought: &[(i64, u32)],
    payment: Option<PaymentMethod>,
    policy: Policy,
) -> Placement {
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
    let currency = pricing.total.currency();
    let product = |(n, &(minor, units)): (usize, &(i64, u32))| {
        (product(n, Money::new(minor, currency)), Quantity::new(units).unwrap())
    };
    let draft = OrderDraft {
        id: OrderId::new(Uuid::from_u128(1)),
        owner: Owner::Customer(CustomerId::parse("42").unwrap()),
        cart_id: None,
        lines: bought.iter().enumerate().map(product).collect(),
        pricing,
        coupon_code: None,
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
        run(order, &Command::SettleOperation(id, Outcome::succeeded("ref"))).unwrap();
    }
}

/// A placed order whose card was charged.
pub(crate) fn paid() -> Order {
    let mut order = order(Some(PaymentMethod::CreditCard));
    approve_all(&mut order);
    order
}

/// An order and the shop's policy, for tests that do one thing after the other.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) order: Order,
    policy: Policy,
}

/// The names of events.
pub(crate) type Names = Vec<&'static str>;

impl Desk {
    /// An order that was just placed.
    pub(crate) fn placed(bought: &[(i64, u32)], payment: Option<PaymentMethod>, policy: Policy) -> Self {
        Self { order: placed(bought, payment, policy).order, policy }
    }

    /// One whose payment the gateway approved, and that was confirmed.
    pub(crate) fn confirmed(bought: &[(i64, u32)], policy: Policy) -> Self {
        let mut desk = Self::placed(bought, Some(PaymentMethod::CreditCard), policy);
        desk.approve_all();
        desk.does(Command::Confirm);
        desk
    }

    /// Carries a command out, and says what happened.
    #[track_caller]
    pub(crate) fn does(&mut self, command: Command) -> Names {
        let events = run_with(&mut self.order, &command, self.policy).unwrap_or_else(|e| panic!("{command:?}: {e:?}"));
        events.iter().map(|event| event.body.name()).collect()
    }

    /// Expects a command to be refused and to change nothing.
    #[track_caller]
    pub(crate) fn refuses(&mut self, command: Command) -> Refusal {
        let before = self.order.clone();
        let refusal = run_with(&mut self.order, &command, self.policy).expect_err("it is to be refused");
        assert_eq!(self.order, before);
        refusal
    }

    /// Expects a command to be refused for a reason.
    #[track_caller]
    pub(crate) fn refuses_since(&mut self, command: Command, why: &str) {
        let refusal = self.refuses(command);
        let Refusal::IllegalTransition { reason, .. } = refusal else { panic!("{refusal:?}") };
        assert_eq!(reason, why);
    }

    /// The gateway's answer to a request.
    #[track_caller]
    pub(crate) fn hears(&mut self, id: OperationId, outcome: Outcome) -> Names {
        self.does(Command::SettleOperation(id, outcome))
    }

    /// The gateway says yes to everything that is open, and to what follows from it.
    pub(crate) fn approve_all(&mut self) {
        while let Some(id) = open(&self.order).first().copied() {
            self.hears(id, Outcome::succeeded("ref"));
        }
    }

    /// The gateway says no to everything that is open.
    pub(crate) fn decline_all(&mut self) {
        while let Some(id) = open(&self.order).first().copied() {
            self.hears(id, declined());
        }
    }

    /// The requests that are open: what is asked, and how much.
    pub(crate) fn asked(&self) -> Vec<(OperationKind, i64)> {
        self.order.open_operations().map(|(_, operation)| (operation.kind, operation.amount)).collect()
    }

    /// The newest request of all payments.
    pub(crate) fn newest(&self) -> Operation {
        let operations = self.order.payments.iter().flat_map(|payment| &payment.operations);
        operations.max_by_key(|op| op.id).unwrap().clone()
    }

    /// The sums of the ledger: authorized, captured, refunded, voided.
    pub(crate) fn ledger(&self) -> [i64; 4] {
        let sum = |part: fn(&order_core::payment::Payment) -> i64| self.order.payments.iter().map(part).sum();
        [sum(|p| p.authorized), sum(|p| p.captured), sum(|p| p.refunded), sum(|p| p.voided)]
    }

    /// The counters of a line.
    pub(crate) fn counters(&self, line_id: u32) -> Counters {
        self.order.lines.iter().find(|line| line.line_id == line_id).unwrap().counters
    }
}

/// The gateway's no.
pub(crate) fn declined() -> Outcome {
    Outcome::Failed { code: "insufficient_funds".into() }
}

/// Units of lines.
pub(crate) fn units(parts: &[(u32, u32)]) -> Vec<LineQuantity> {
    parts.iter().map(|&(line_id, quantity)| LineQuantity { line_id, quantity }).collect()
}

/// An amount of US dollars, in cents.
pub(crate) fn usd(minor: i64) -> Money {
    Money::new(minor, shop::currency("USD"))
}

/// Paying all that is due in a way.
pub(crate) fn pay(method: PaymentMethod) -> Command {
    Command::Pay { method, token: method.needs_gateway().then(|| "tok_approve".to_owned()), amount: None }
}
