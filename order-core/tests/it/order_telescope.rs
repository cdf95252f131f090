//! Orders whose money goes back bit by bit, in any order and in every way there is: the parts add up to what was paid.

use std::{sync::Arc, thread};

use order_core::{
    money::Money,
    order::{
        Command, Counters, LineQuantity, Order, ReceivedLine, RefundWish, ReturnLine, ReturnRefund, ReturnStep,
        ShippingRefund, State,
    },
    payment::{OperationKind, Outcome, Payment, PaymentMethod},
    policy::Policy,
    pricing::{Pricing, PricingInput, price},
    rules::Rules,
};

use crate::{
    orders::{context, open, placed_at},
    shop,
};

/// The project's own promise; two threads, so that it does not keep everybody waiting.
const ORDERS: u64 = 200_000;
const THREADS: u8 = 2;

/// A small generator of our own (xorshift64*), so that a seed always means the same orders.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number from 0 to one less than `sides`.
    fn roll(&mut self, sides: u32) -> u32 {
        u32::try_from((self.next() >> 33) % u64::from(sides)).unwrap()
    }

    fn one_to(&mut self, most: u32) -> u32 {
        1 + self.roll(most)
    }
}

/// Both price modes, both roundings, both scopes; shipping taxed and not; rates that round and rates that do not.
fn all_rules() -> Vec<Rules> {
    let mut all = Vec::new();
    for n in 0..16_usize {
        let either = |bit: u32, one: &'static str, other: &'static str| if n >> bit & 1 == 0 { one } else { other };
        all.push(shop::rules(&[
            ("\"HALF_UP\"", either(0, "\"HALF_UP\"", "\"HALF_EVEN\"")),
            ("\"LINE\"", either(1, "\"LINE\"", "\"UNIT\"")),
            ("\"EXCLUSIVE\"", either(2, "\"EXCLUSIVE\"", "\"INCLUSIVE\"")),
            ("# shipping_class", either(3, "# shipping_class", "shipping_class")),
            ("\"0.08\"", ["\"0.08\"", "\"0.0725\"", "\"0.19\"", "\"0.333333\""][n % 4]),
        ]));
    }
    all
}

fn random_price(dice: &mut Dice, rules: &[Rules]) -> (Pricing, Vec<(i64, u32)>) {
    let code = ["USD", "JPY", "KWD"][dice.roll(3) as usize];
    let bought: Vec<_> = (0..dice.one_to(3)).map(|_| (i64::from(dice.roll(3_000)), dice.one_to(4))).collect();
    let lines: Vec<_> = bought.iter().map(|&(minor, units)| (minor, units, "standard")).collect();
    let input = shop::order(code, "US-CA", &lines);
    let subtotal: i64 = bought.iter().map(|(minor, units)| minor * i64::from(*units)).sum();
    let discount = if dice.roll(2) == 0 { 0 } else { subtotal * i64::from(dice.roll(101)) / 100 };
    let order_discount = Some(Money::new(discount, input.currency));
    let rules = &rules[dice.roll(16) as usize];
    (price(rules, &PricingInput { order_discount, ..input }).unwrap(), bought)
}

/// A paid order of which some units have arrived and the others have not left.
fn random_order(dice: &mut Dice, pricing: Pricing, bought: &[(i64, u32)], template: &Order) -> Order {
    let mut order = template.clone();
    let total = pricing.total;
    Arc::make_mut(&mut order.explanation).rounding = pricing.explanation.rounding;
    order.lines.truncate(bought.len());
    for ((line, priced), &(_, ordered)) in order.lines.iter_mut().zip(&pricing.lines).zip(bought) {
        let shipped = dice.roll(ordered + 1);
        let allocated = ordered - shipped;
        line.counters = Counters { allocated, shipped, delivered: shipped, ..Counters::ordered(ordered) };
        (line.subtotal, line.discount, line.tax, line.total) =
            (priced.subtotal, priced.discount, priced.tax, priced.total);
    }
    order.totals.shipping = pricing.shipping;
    order.totals.shipping_tax = pricing.shipping_tax;
    order.totals.total = total;
    let mut payment = Payment::open(template.payments[0].id, PaymentMethod::Upi, total, template.create_time);
    (payment.authorized, payment.captured) = (total.minor(), total.minor());
    order.payments = vec![payment];
    order.state = State::Processing;
    assert!(order.is_sound());
    order
}

struct Giving<'a> {
    order: Order,
    dice: &'a mut Dice,
}

impl Giving<'_> {
    fn run(&mut self, command: &Command) {
        let held = self.order.money_held();
        let here = context(u128::try_from(self.order.revision).unwrap() + 10, Policy::default());
        let events = self.order.decide(command, &here).unwrap_or_else(|e| panic!("{command:?} {e:?} {:?}", self.order));
        events.iter().for_each(|event| self.order.apply(event));
        assert!((0..=held).contains(&self.order.money_held()), "{command:?} of {:?}", self.order);
        assert_eq!(self.order.money_held(), self.order.due(), "{command:?} of {:?}", self.order);
    }

    fn settle_some(&mut self) {
        for id in open(&self.order) {
            if self.dice.roll(3) == 0 {
                self.run(&Command::SettleOperation(id, Outcome::succeeded("ref")));
            }
        }
    }

    /// A random part of what is left of a random line.
    fn some_of(&mut self, left: impl Fn(&Counters) -> u32) -> Option<LineQuantity> {
        let lines: Vec<_> =
            self.order.lines.iter().map(|l| (l.line_id, left(&l.counters))).filter(|part| part.1 > 0).collect();
        let at = self.dice.roll(u32::try_from(lines.len()).unwrap().max(1));
        let &(line_id, most) = lines.get(at as usize)?;
        Some(LineQuantity { line_id, quantity: self.dice.one_to(most) })
    }

    fn call_off(&mut self) {
        if let Some(part) = self.some_of(Counters::to_ship) {
            self.run(&Command::CancelLines(vec![part]));
        }
    }

    fn refund(&mut self) {
        let shipping = if self.dice.roll(4) == 0 { ShippingRefund::GiveBack } else { ShippingRefund::Keep };
        let Some(part) = self.some_of(|c| c.shipped - c.refunded) else { return };
        let wish = RefundWish::Lines { lines: vec![part], shipping };
        // What costs nothing is not refunded: there is nothing to give back.
        let here = context(1, Policy::default());
        if self.order.refund_split(&wish, &here).is_ok() {
            self.run(&Command::Refund(wish));
        }
    }

    fn send_back(&mut self) {
        let Some(LineQuantity { line_id, quantity }) = self.some_of(Counters::returnable) else { return };
        let line = ReturnLine { line_id, requested: quantity, restocked: 0, written_off: 0, reason: String::new() };
        self.run(&Command::RequestReturn(vec![line]));
        let id = self.order.returns.last().unwrap().id;
        self.run(&Command::Return(id, ReturnStep::Approve));
        let restocked = self.dice.roll(quantity + 1);
        let lines = vec![ReceivedLine { line_id, restocked, written_off: quantity - restocked }];
        self.run(&Command::Return(id, ReturnStep::Receive { lines, refund: ReturnRefund::GiveBack }));
    }

    /// Gives everything back, in a random order and in random parts.
    fn all(&mut self) {
        for _ in 0..200 {
            let left = self.order.lines.iter().map(|line| line.counters);
            let units: u32 = left.map(|c| c.to_ship() + c.shipped - c.refunded).sum();
            if units == 0 || self.order.money_held() == 0 || self.order.is_called_off() {
                break;
            }
            match self.dice.roll(3) {
                0 => self.call_off(),
                1 => self.refund(),
                _ => self.send_back(),
            }
            self.settle_some();
        }
        if self.order.money_held() > 0 {
            let lines = Vec::new();
            self.run(&Command::Refund(RefundWish::Lines { lines, shipping: ShippingRefund::GiveBack }));
        }
        for id in open(&self.order) {
            self.run(&Command::SettleOperation(id, Outcome::succeeded("ref")));
        }
    }
}

fn play(seed: u64, rules: &[Rules], templates: &[Order]) {
    let mut dice = Dice::new(seed);
    let (pricing, bought) = random_price(&mut dice, rules);
    let paid = pricing.total.minor();
    let template = templates.iter().find(|t| t.totals.total.currency() == pricing.total.currency()).unwrap();
    let order = random_order(&mut dice, pricing, &bought, template);
    if paid == 0 {
        return;
    }
    let mut giving = Giving { order, dice: &mut dice };
    giving.all();
    let payment = &giving.order.payments[0];
    let refunds: i64 =
        payment.operations.iter().filter(|op| op.kind == OperationKind::Refund).map(|op| op.amount).sum();
    assert_eq!((refunds, payment.refunded, giving.order.due()), (paid, paid, 0), "seed {seed}: {:?}", giving.order);
    assert!(payment.operations.iter().all(|op| op.amount > 0), "seed {seed}");
}

/// One order for each currency, to be filled in.
fn templates() -> Vec<Order> {
    let template = |code| {
        let pricing = price(&Rules::builtin(), &shop::order(code, "US-CA", &[(100, 1, "standard"); 3])).unwrap();
        let mut order = placed_at(pricing, &[(100, 1); 3], Some(PaymentMethod::Upi), Policy::default()).order;
        Arc::make_mut(&mut order.explanation).steps.clear();
        order
    };
    ["USD", "JPY", "KWD"].map(template).to_vec()
}

#[test]
fn two_hundred_thousand_orders_that_are_given_back_in_random_parts_give_back_exactly_what_was_paid() {
    let (rules, templates) = (all_rules(), templates());
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (rules, templates) = (&rules, &templates);
            scope.spawn(move || {
                (u64::from(thread)..ORDERS).step_by(THREADS.into()).for_each(|seed| play(seed, rules, templates))
            });
        }
    });
}
