//! What can be done at the door, with small numbers for who and what, so that sequences meet themselves.

use order_api::v1::{OrderHold, OrderStatus};
use proptest::{collection::vec, option, prelude::*, sample::select};

/// How many customers there are.
pub(super) const CUSTOMERS: usize = 3;

/// The products: id, price in cents. All begin with [`STOCK`] units.
pub(super) const PRODUCTS: [(&str, i64); 4] = [("amulet", 1_000), ("bell", 4_999), ("candle", 333), ("drum", 12_550)];

/// Units of each product on the shelf at first: few, so that they run out.
pub(super) const STOCK: i64 = 60;

/// What the gateway is asked to do when a card makes trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// Take the money, or promise it.
    Collecting,
    /// Take what was promised.
    Capture,
    /// Give it back.
    Refund,
    /// Give a promise up.
    Void,
}

/// The trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Refused.
    Declined,
    /// Carried out, and the answer gets lost.
    AnswerLost,
    /// Never arrives.
    RequestLost,
}

/// What an order is paid with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instrument {
    /// A card that makes no trouble.
    Card,
    /// A card that does.
    Bad(At, Trouble),
    /// Cash at the door.
    Cash,
}

/// How something is ordered.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    /// Paid at once, or later.
    pub(super) instrument: Option<Instrument>,
    /// By its place in the list of coupons.
    pub(super) coupon: Option<usize>,
}

/// Under which circumstances an order is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// None.
    Plain,
    /// Under the etag that the order has.
    UnderEtag,
    /// Under one that it has not.
    UnderOtherEtag,
    /// The same request twice at once.
    Twice,
}

/// Units of products, by their place in [`PRODUCTS`].
pub(super) type Lines = Vec<(usize, i64)>;

/// Units of an order's lines: those are counted around, and each is looked at once.
pub(super) type Units = Vec<(usize, i64)>;

/// What is done to a cart.
#[derive(Debug, Clone, Copy)]
pub(super) enum CartStep {
    /// Put something in.
    Add { product: usize, quantity: i64 },
    /// Have so many of a line; 0 removes it.
    Set { line: usize, quantity: i64 },
    /// Take a line out.
    Remove { line: usize },
    /// Empty it.
    Clear,
}

/// How much is to be given back.
#[derive(Debug, Clone)]
pub(super) enum Wish {
    /// All that is left.
    All,
    /// So many per cent of what is held.
    Part(i64),
    /// Some units.
    Units(Units),
    /// Some units and shipping.
    UnitsAndShipping(Units),
}

/// What is done with a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParcelStep {
    Pack,
    Ship,
    Deliver,
    Cancel,
    SendBack,
    /// What the carrier tells; the same number is the same news.
    Tell(u8),
}

/// What is done with a return.
#[derive(Debug, Clone)]
pub(super) enum ReturnStep {
    Cancel,
    Approve,
    Reject,
    /// Units for the shelf and to be written off, by the lines of the return; with their money, or without.
    Receive {
        lines: Vec<(usize, i64, i64)>,
        unpaid: bool,
    },
    Close,
}

/// What is done to an order. Parcels, returns, payments and requests to the gateway are counted from the latest, and around.
#[derive(Debug, Clone)]
pub(super) enum OrderStep {
    /// Its owner pays all that is missing, or so many per cent of it.
    Pay(Instrument, Option<i64>),
    /// Its owner calls it off.
    Cancel,
    /// Its owner calls units off.
    CancelUnits(Units),
    /// Its owner wants so many of these lines, and something else as well.
    Edit(Units, Option<(usize, i64)>),
    /// Its owner has something to say.
    Note(u8),
    /// Its owner has moved.
    Move(u8),
    /// The shop moves it on.
    Walk(OrderStatus),
    Hold(OrderHold),
    Release(OrderHold),
    /// The shop takes so many per cent of what a payment has promised, or all of it.
    Capture(usize, Option<i64>),
    /// The shop gives up what a payment has promised.
    Void(usize),
    /// The shop gives money back.
    Refund(Wish),
    /// The gateway tells the truth about a request by itself, and again.
    Tell(usize),
    /// The gateway tells that it refused a request.
    Contradict(usize),
    /// The shop plans a parcel of these units, or of all.
    Parcel(Units),
    Shipment(usize, ParcelStep),
    /// Its owner wants to send units back.
    RequestReturn(Units),
    Return(usize, ReturnStep),
    /// The shop asks the gateway what became of its requests.
    Reconcile,
}

/// One thing that somebody does. Orders, and requests to be sent again, are counted from the latest, and around; the first few
/// orders among those only that were not called off.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A customer changes a cart.
    Cart { customer: usize, change: CartStep },
    /// Order what is in a cart.
    Checkout { customer: usize, how: How },
    /// Order some lines.
    Create { customer: usize, lines: Lines, how: How },
    /// Somebody changes an order.
    Order { order: usize, change: OrderStep, manner: Manner },
    /// Goods arrive, or turn out to be missing; and so many may be ordered beyond them.
    Adjust { product: usize, delta: i64, backorders: Option<i64> },
    /// Send an earlier request again.
    Retry { request: usize },
    /// Send another request under the id of an earlier one.
    Reuse { request: usize },
    /// Time passes.
    Later { minutes: i64 },
    /// Eleven minutes later, look after payments whose answers got lost.
    Reconcile,
    /// Call off what was not paid in time.
    Expire,
    /// Give back what carts have held too long.
    Sweep,
}

fn instrument() -> impl Strategy<Value = Instrument> {
    let at = prop_oneof![4 => Just(At::Collecting), 1 => Just(At::Capture), 2 => Just(At::Refund), 1 => Just(At::Void)];
    let trouble =
        prop_oneof![1 => Just(Trouble::Declined), 3 => Just(Trouble::AnswerLost), 1 => Just(Trouble::RequestLost)];
    prop_oneof![
        8 => Just(Instrument::Card),
        5 => (at, trouble).prop_map(|(at, trouble)| Instrument::Bad(at, trouble)),
        2 => Just(Instrument::Cash),
    ]
}

fn how(coupons: usize) -> impl Strategy<Value = How> {
    (option::weighted(0.7, instrument()), option::weighted(0.3, 0..coupons))
        .prop_map(|(instrument, coupon)| How { instrument, coupon })
}

fn manner() -> impl Strategy<Value = Manner> {
    prop_oneof![
        16 => Just(Manner::Plain),
        3 => Just(Manner::UnderEtag),
        1 => Just(Manner::UnderOtherEtag),
        3 => Just(Manner::Twice),
    ]
}

fn word() -> impl Strategy<Value = OrderStatus> {
    use OrderStatus::{Cancelled, Completed, Confirmed, Delivered, Paid, Pending, Processing, Refunded, Shipped};
    prop_oneof![
        8 => select(vec![Confirmed, Confirmed, Confirmed, Processing, Shipped, Delivered, Completed]),
        1 => select(vec![Cancelled, Refunded, Paid, Pending]),
    ]
}

fn cart_step() -> impl Strategy<Value = CartStep> {
    prop_oneof![
        5 => (0..PRODUCTS.len(), 1_i64..5).prop_map(|(product, quantity)| CartStep::Add { product, quantity }),
        2 => (0_usize..3, 0_i64..8).prop_map(|(line, quantity)| CartStep::Set { line, quantity }),
        1 => (0_usize..2).prop_map(|line| CartStep::Remove { line }),
        1 => Just(CartStep::Clear),
    ]
}

fn units(most: usize) -> impl Strategy<Value = Units> {
    vec((0_usize..4, 1_i64..4), 1..=most)
}

fn percent() -> impl Strategy<Value = Option<i64>> {
    option::weighted(0.5, select(vec![10_i64, 33, 50, 100, 101]))
}

fn parcel_step() -> impl Strategy<Value = ParcelStep> {
    prop_oneof![
        2 => Just(ParcelStep::Pack),
        5 => Just(ParcelStep::Ship),
        6 => Just(ParcelStep::Deliver),
        2 => Just(ParcelStep::Cancel),
        3 => Just(ParcelStep::SendBack),
        1 => (0_u8..3).prop_map(ParcelStep::Tell),
    ]
}

fn return_step() -> impl Strategy<Value = ReturnStep> {
    let received = (vec((0_usize..3, 0_i64..3, 0_i64..2), 1..=2), prop::bool::weighted(0.2));
    prop_oneof![
        2 => Just(ReturnStep::Cancel),
        4 => Just(ReturnStep::Approve),
        2 => Just(ReturnStep::Reject),
        6 => received.prop_map(|(lines, unpaid)| ReturnStep::Receive { lines, unpaid }),
        4 => Just(ReturnStep::Close),
    ]
}

fn wish() -> impl Strategy<Value = Wish> {
    prop_oneof![
        1 => Just(Wish::All),
        3 => select(vec![1_i64, 10, 30, 100, 101]).prop_map(Wish::Part),
        6 => units(2).prop_map(Wish::Units),
        1 => units(2).prop_map(Wish::UnitsAndShipping),
    ]
}

fn money_step() -> impl Strategy<Value = OrderStep> {
    let nth = || 0_usize..3;
    prop_oneof![
        8 => (instrument(), percent()).prop_map(|(instrument, part)| OrderStep::Pay(instrument, part)),
        5 => (nth(), percent()).prop_map(|(payment, part)| OrderStep::Capture(payment, part)),
        1 => nth().prop_map(OrderStep::Void),
        6 => wish().prop_map(OrderStep::Refund),
        3 => nth().prop_map(OrderStep::Tell),
        1 => nth().prop_map(OrderStep::Contradict),
        2 => Just(OrderStep::Reconcile),
    ]
}

fn goods_step() -> impl Strategy<Value = OrderStep> {
    let nth = || prop_oneof![3 => Just(0_usize), 1 => 0_usize..3];
    let parcel = prop_oneof![1 => Just(Vec::new()), 2 => units(3)];
    prop_oneof![
        3 => parcel.prop_map(OrderStep::Parcel),
        10 => (nth(), parcel_step()).prop_map(|(parcel, step)| OrderStep::Shipment(parcel, step)),
        3 => units(3).prop_map(OrderStep::RequestReturn),
        8 => (nth(), return_step()).prop_map(|(order_return, step)| OrderStep::Return(order_return, step)),
    ]
}

fn order_step() -> impl Strategy<Value = OrderStep> {
    let hold = || select(vec![OrderHold::Manual, OrderHold::Fraud]);
    let released = select(vec![OrderHold::Manual, OrderHold::Fraud, OrderHold::Payment]);
    let fewer = || vec((0_usize..4, 0_i64..4), 0..3);
    let more = || (0..PRODUCTS.len(), 1_i64..3);
    let edit = prop_oneof![
        2 => (vec((0_usize..4, 0_i64..4), 1..3)).prop_map(|units| OrderStep::Edit(units, None)),
        3 => (fewer(), more()).prop_map(|(units, added)| OrderStep::Edit(units, Some(added))),
    ];
    prop_oneof![
        25 => money_step(),
        34 => goods_step(),
        9 => word().prop_map(OrderStep::Walk),
        2 => Just(OrderStep::Cancel),
        3 => units(2).prop_map(OrderStep::CancelUnits),
        4 => edit,
        1 => (0_u8..3).prop_map(OrderStep::Note),
        1 => (0_u8..3).prop_map(OrderStep::Move),
        1 => hold().prop_map(OrderStep::Hold),
        2 => released.prop_map(OrderStep::Release),
    ]
}

/// Any step, the frequent ones more often.
pub(super) fn step(coupons: usize) -> impl Strategy<Value = Step> {
    let customer = || 0..CUSTOMERS;
    // Mostly the latest orders and requests: the old ones are done with.
    let recent = || prop_oneof![8 => Just(0_usize), 4 => 0_usize..3, 1 => 0_usize..40];
    let lines = vec((0..PRODUCTS.len(), 1_i64..8), 1..4);
    let adjust = (0..PRODUCTS.len(), select(vec![-30_i64, -3, 1, 6, 12, 24]), option::weighted(0.3, 0_i64..5));
    let minutes = select(vec![1_i64, 11, 31]);
    prop_oneof![
        10 => (customer(), cart_step()).prop_map(|(customer, change)| Step::Cart { customer, change }),
        3 => (customer(), how(coupons)).prop_map(|(customer, how)| Step::Checkout { customer, how }),
        3 => (customer(), lines, how(coupons)).prop_map(|(customer, lines, how)| Step::Create { customer, lines, how }),
        80 => (recent(), order_step(), manner())
            .prop_map(|(order, change, manner)| Step::Order { order, change, manner }),
        4 => adjust.prop_map(|(product, delta, backorders)| Step::Adjust { product, delta, backorders }),
        5 => recent().prop_map(|request| Step::Retry { request }),
        1 => recent().prop_map(|request| Step::Reuse { request }),
        1 => minutes.prop_map(|minutes| Step::Later { minutes }),
        2 => Just(Step::Reconcile),
        1 => Just(Step::Expire),
        1 => Just(Step::Sweep),
    ]
}
