//! Placing orders: the first of the three phases of placement, as one transaction for a whole batch.
//!
//! The batch is decided in order of arrival, each order all or nothing. No two orders of a batch share a request id or a cart.

use std::collections::{BTreeMap, BTreeSet};

use order_core::{
    calendar,
    cart::Cart,
    error::Refusal,
    ids::{IdSeed, OrderNumber},
    order::{Order, Placement},
    policy::AllocatePolicy,
    stock::{self, Levels, MovementKind, StockChange},
};

use super::{requests, shelf};
use crate::{
    backend::WriteWork,
    error::StoreError,
    request::RequestOutcome,
    rows::{EventRow, MovementCause, OrderRows, SearchRow, cart_from_rows, cart_rows},
    statements::{Done, Fault, NumberRange, Write},
    store::{Effect, Numbering, PlaceOrder},
};

/// Orders to be placed together.
pub(super) struct PlaceBatch(pub(super) Vec<PlaceOrder>);

/// Where one order of a batch stands.
enum Slot {
    /// It is to be placed; the cart as it is then.
    Open(Option<Cart>),
    /// It was placed before.
    Replay(RequestOutcome),
    /// It is refused.
    Refused(Refusal),
    /// Its request id belongs to another request, whose outcome is left alone.
    Reused,
}

impl WriteWork for PlaceBatch {
    type Output = Vec<Result<Effect, Refusal>>;
    const NAME: &'static str = "place";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let mut slots = self.claim(tx).await?;
        self.allocate(tx, &mut slots).await?;
        let mut placed = self.store(tx, &slots).await?;
        let mut answers = Vec::with_capacity(slots.len());
        for (slot, order) in slots.into_iter().zip(&self.0) {
            let answer = match slot {
                Slot::Open(_) => Ok(placed.remove(0)),
                Slot::Replay(outcome) => replay(tx, outcome).await?,
                Slot::Refused(refusal) => requests::settle(tx, order.request.as_ref(), Err(refusal)).await?,
                Slot::Reused => Err(Refusal::RequestIdReused),
            };
            answers.push(answer);
        }
        Ok(answers)
    }
}

impl PlaceBatch {
    async fn claim<T: Write>(&self, tx: &mut T) -> Done<Vec<Slot>> {
        let mut slots = Vec::with_capacity(self.0.len());
        for order in &self.0 {
            let hoped = RequestOutcome::Order(order.placement.order.id);
            let slot = match requests::claim(tx, order.request.as_ref(), &hoped).await? {
                requests::Claim::Ours => consume_cart(tx, order).await?,
                requests::Claim::Replay(outcome) => Slot::Replay(outcome),
                requests::Claim::Reused => Slot::Reused,
            };
            slots.push(slot);
        }
        Ok(slots)
    }

    /// Promises stock in order of arrival. What cannot be met is refused and takes nothing.
    async fn allocate<T: Write>(&self, tx: &mut T, slots: &mut [Slot]) -> Done {
        let open = || slots.iter().zip(&self.0).filter(|(slot, _)| matches!(slot, Slot::Open(_)));
        let skus: BTreeSet<_> = open().flat_map(|(_, order)| order.placement.demand.keys().cloned()).collect();
        let mut levels = shelf::lock(tx, &skus).await?;
        let mut movements = Vec::new();
        for (slot, order) in slots.iter_mut().zip(&self.0).filter(|(slot, _)| matches!(slot, Slot::Open(_))) {
            match promise(&mut levels, &order.placement) {
                Ok(changes) => movements.extend(shelf::movements(&changes, cause(&order.placement))),
                Err(refusal) => *slot = Slot::Refused(refusal),
            }
        }
        if movements.is_empty() {
            return Ok(());
        }
        let touched: BTreeSet<_> = movements.iter().map(|movement| movement.sku.clone()).collect();
        levels.retain(|sku, _| touched.contains(sku.as_str()));
        shelf::write(tx, &levels, &movements).await
    }

    /// Draws the numbers, the last lock, and inserts.
    async fn store<T: Write>(&self, tx: &mut T, slots: &[Slot]) -> Done<Vec<Effect>> {
        let open = slots.iter().zip(&self.0);
        let open = open.filter_map(|(slot, order)| match slot {
            Slot::Open(cart) => Some((cart, order)),
            Slot::Replay(_) | Slot::Refused(_) | Slot::Reused => None,
        });
        let mut new = Vec::new();
        for (cart, order) in open {
            if let Some(cart) = cart {
                let (row, items) = cart_rows(cart);
                tx.put_cart(&row, &items).await?;
            }
            new.push((order.placement.clone(), &order.numbering));
        }
        insert(tx, new).await
    }
}

/// The movements' cause, and where their identities come from.
fn cause(placement: &Placement) -> (MovementCause<'_>, IdSeed) {
    let order = &placement.order;
    let placed = placement.events.first().expect("an order begins with an event");
    let cause = MovementCause { order_id: Some(order.id), reason: None, actor: &placed.actor, time: placed.time };
    (cause, IdSeed::new(order.id.uuid()))
}

fn promise(levels: &mut Levels, placement: &Placement) -> Result<Vec<StockChange>, Refusal> {
    let demand = &placement.demand;
    match placement.allocate {
        AllocatePolicy::Place => {
            stock::allocate(levels, demand).map_err(Refusal::InsufficientStock)?;
            let change = |(sku, quantity): (&_, &i64)| StockChange {
                sku: Clone::clone(sku),
                kind: MovementKind::Allocated,
                quantity: *quantity,
            };
            Ok(demand.iter().map(change).collect())
        }
        AllocatePolicy::Confirm => {
            stock::allocate(&mut levels.clone(), demand).map_err(Refusal::InsufficientStock)?;
            Ok(Vec::new())
        }
    }
}

/// Marks the cart ordered, in memory; it is written with the order.
async fn consume_cart<T: Write>(tx: &mut T, order: &PlaceOrder) -> Done<Slot> {
    let Some(priced) = &order.cart else { return Ok(Slot::Open(None)) };
    let Some((row, items)) = tx.lock_cart(&priced.owner).await? else { return Err(cart_changed()) };
    let cart = cart_from_rows(row, items)?;
    if cart.id != priced.id {
        return Err(cart_changed());
    }
    if let order_core::cart::CartState::Ordered(order_id) = cart.state {
        let outcome = RequestOutcome::Order(order_id);
        requests::keep(tx, order.request.as_ref(), &outcome).await?;
        return Ok(Slot::Replay(outcome));
    }
    if cart.revision != priced.revision {
        return Err(cart_changed());
    }
    match cart.ordered(order.placement.order.id, order.placement.order.create_time) {
        Ok(next) => Ok(Slot::Open(Some(next))),
        Err(refusal) => Ok(Slot::Refused(refusal)),
    }
}

/// Rolls back instead of committing a refusal: the caller prices the cart anew and comes again under the same request id.
fn cart_changed() -> Fault {
    Fault::Fatal(StoreError::Refused(Refusal::CartChanging))
}

/// Numbers and inserts new orders, in their order.
pub(super) async fn insert<T: Write>(tx: &mut T, new: Vec<(Placement, &Numbering)>) -> Done<Vec<Effect>> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let numbers = draw(tx, &new).await?;
    let mut effects: Vec<Effect> = Vec::with_capacity(new.len());
    for ((mut placement, _), number) in new.into_iter().zip(numbers) {
        placement.number(number);
        effects.push(Effect { order: placement.order, events: placement.events });
    }
    let orders: Vec<_> = effects.iter().map(|effect| OrderRows::new(&effect.order)).collect();
    let rows_of = |effect: &Effect| effect.events.iter().map(|e| EventRow::new(effect.order.id, e)).collect::<Vec<_>>();
    let events: Vec<_> = effects.iter().flat_map(rows_of).collect();
    let search: Vec<_> = effects.iter().map(|effect| SearchRow::new(&effect.order)).collect();
    tx.insert_orders(&orders).await?;
    tx.insert_events(&events).await?;
    tx.put_search(&search).await?;
    Ok(effects)
}

/// One range of numbers for each prefix and year, in their order, dealt out in the orders' order.
async fn draw<T: Write>(tx: &mut T, new: &[(Placement, &Numbering)]) -> Done<Vec<OrderNumber>> {
    let series = |(placement, numbering): &(Placement, &Numbering)| {
        (numbering.prefix.clone(), calendar::year_utc(placement.order.create_time), numbering.first)
    };
    let mut wanted: BTreeMap<_, i64> = BTreeMap::new();
    for order in new {
        *wanted.entry(series(order)).or_default() += 1;
    }
    let mut next = BTreeMap::new();
    for ((prefix, year, first), count) in wanted {
        let range = NumberRange { prefix: &prefix, year, first, count };
        let start = tx.take_numbers(range).await?;
        next.insert((prefix, year, first), start);
    }
    let deal = |order: &(Placement, &Numbering)| {
        let key = series(order);
        let counter = next.get_mut(&key).expect("a range was taken for every series");
        *counter += 1;
        OrderNumber::new(&key.0, key.1, *counter - 1)
    };
    Ok(new.iter().map(deal).collect())
}

/// The order that an earlier request made, as it is now.
pub(super) async fn replay<T: Write>(tx: &mut T, outcome: RequestOutcome) -> Done<Result<Effect, Refusal>> {
    match outcome {
        RequestOutcome::Order(id) => {
            let rows = tx.orders_by_id(&[id]).await?.pop();
            let rows = rows.ok_or_else(|| StoreError::corrupt(format!("order {id} of a request is gone")))?;
            let order: Order = rows.into_order()?;
            Ok(Ok(Effect { order, events: Vec::new() }))
        }
        RequestOutcome::Refused(refusal) => Ok(Err(refusal)),
        RequestOutcome::Cart(_) | RequestOutcome::Merged(..) | RequestOutcome::Done => {
            Err(StoreError::corrupt("a request's outcome is of another method").into())
        }
    }
}
