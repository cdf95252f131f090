//! What can be done at the door, with small numbers for who and what, so that sequences meet themselves.

use order_api::v1::OrderStatus;
use proptest::{collection::vec, prelude::*, sample::select};

/// How many customers there are.
pub(super) const CUSTOMERS: usize = 3;

/// The products: id, price in cents. All begin with [`STOCK`] units.
pub(super) const PRODUCTS: [(&str, i64); 4] = [("amulet", 1_000), ("bell", 4_999), ("candle", 333), ("drum", 12_550)];

/// Units of each product on the shelf at first: few, so that they run out.
pub(super) const STOCK: i64 = 25;

/// What an order is paid with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instrument {
    /// Accepted.
    Approved,
    /// Refused.
    Declined,
    /// Charged, and the answer gets lost.
    AnswerLost,
    /// Never arrives.
    RequestLost,
    /// Cash at the door.
    Cash,
}

/// The etag that a change is made under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Etag {
    /// None.
    Absent,
    /// The one that the order has.
    Current,
    /// One that it has not.
    Wrong,
}

/// Units of products, by their place in [`PRODUCTS`].
pub(super) type Lines = Vec<(usize, i64)>;

/// What is done to a cart.
#[derive(Debug, Clone, Copy)]
pub(super) enum CartStep {
    /// Put something in.
    Add { product: usize, quantity: i64 },
    /// Have so many of a line; 0 removes it.
    Set { line: usize, quantity: i64 },
    /// Empty it.
    Clear,
}

/// What is done to an order.
#[derive(Debug, Clone, Copy)]
pub(super) enum OrderStep {
    /// Its owner pays it.
    Pay(Instrument),
    /// Its owner calls it off.
    Cancel,
    /// The shop moves it on.
    Walk(OrderStatus),
}

/// One thing that somebody does. Orders, and requests to be sent again, are counted from the latest, and around.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A customer changes a cart.
    Cart { customer: usize, change: CartStep },
    /// Order what is in a cart.
    Checkout { customer: usize, instrument: Option<Instrument> },
    /// Order some lines.
    Create { customer: usize, lines: Lines, instrument: Option<Instrument> },
    /// Somebody changes an order.
    Order { order: usize, change: OrderStep, etag: Etag },
    /// Goods arrive, or turn out to be missing.
    Adjust { product: usize, delta: i64 },
    /// Send an earlier request again.
    Retry { request: usize },
    /// Send another request under the id of an earlier one.
    Reuse { request: usize },
    /// Eleven minutes later, look after payments whose answers got lost.
    Reconcile,
    /// Eleven minutes later, call off what was not paid in time.
    Expire,
}

fn instrument() -> impl Strategy<Value = Instrument> {
    prop_oneof![
        5 => Just(Instrument::Approved),
        2 => Just(Instrument::Declined),
        2 => Just(Instrument::AnswerLost),
        1 => Just(Instrument::RequestLost),
        2 => Just(Instrument::Cash),
    ]
}

fn etag() -> impl Strategy<Value = Etag> {
    prop_oneof![6 => Just(Etag::Absent), 3 => Just(Etag::Current), 1 => Just(Etag::Wrong)]
}

fn word() -> impl Strategy<Value = OrderStatus> {
    use OrderStatus::{Cancelled, Completed, Confirmed, Delivered, Paid, Pending, Processing, Refunded, Shipped};
    prop_oneof![
        8 => select(vec![Confirmed, Processing, Shipped, Delivered, Completed]),
        2 => select(vec![Cancelled, Refunded, Paid, Pending]),
    ]
}

fn cart_step() -> impl Strategy<Value = CartStep> {
    prop_oneof![
        4 => (0..PRODUCTS.len(), 1_i64..4).prop_map(|(product, quantity)| CartStep::Add { product, quantity }),
        1 => (0_usize..4, 0_i64..5).prop_map(|(line, quantity)| CartStep::Set { line, quantity }),
        1 => Just(CartStep::Clear),
    ]
}

fn order_step() -> impl Strategy<Value = OrderStep> {
    prop_oneof![
        5 => instrument().prop_map(OrderStep::Pay),
        2 => Just(OrderStep::Cancel),
        8 => word().prop_map(OrderStep::Walk),
    ]
}

/// Any step, the frequent ones more often.
pub(super) fn step() -> impl Strategy<Value = Step> {
    let customer = || 0..CUSTOMERS;
    // Mostly the latest orders and requests: the old ones are done with.
    let recent = || prop_oneof![3 => 0_usize..4, 1 => 0_usize..40];
    let some = || prop::option::weighted(0.7, instrument());
    let lines = vec((0..PRODUCTS.len(), 1_i64..4), 1..4);
    let delta = select(vec![-30_i64, -3, -1, 1, 2, 6]);
    prop_oneof![
        6 => (customer(), cart_step()).prop_map(|(customer, change)| Step::Cart { customer, change }),
        3 => (customer(), some()).prop_map(|(customer, instrument)| Step::Checkout { customer, instrument }),
        4 => (customer(), lines, some())
            .prop_map(|(customer, lines, instrument)| Step::Create { customer, lines, instrument }),
        15 => (recent(), order_step(), etag()).prop_map(|(order, change, etag)| Step::Order { order, change, etag }),
        2 => (0..PRODUCTS.len(), delta).prop_map(|(product, delta)| Step::Adjust { product, delta }),
        3 => recent().prop_map(|request| Step::Retry { request }),
        1 => recent().prop_map(|request| Step::Reuse { request }),
        2 => Just(Step::Reconcile),
        1 => Just(Step::Expire),
    ]
}
