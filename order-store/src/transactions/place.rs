//! Placing orders: the first of the three phases of placement, as one transaction for a whole batch.
//!
//! The batch is decided in order of arrival, each order all or nothing. No two orders of a batch share a request id or a cart.

use std::collections::{BTreeMap, BTreeSet};

use order_core::{
    calendar,
    cart::Cart,
    error::Refusal,
    ids::{IdSeed, OrderNumber, Sku},
    order::{Order, Placement},
    policy::AllocatePolicy,
    stock::{self, Demand, Levels, MovementKind, Shortage, StockChange},
};

use super::{
    coupons::Redemptions,
    requests,
    shelf::{Locking, Shelves, Source},
};
use crate::{
    backend::WriteWork,
    error::StoreError,
    query::Scope,
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
        let redemptions = self.allocate(tx, &mut slots).await?;
        let mut placed = self.store(tx, &slots).await?;
        redemptions.write(tx).await?;
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

    /// Uses coupons and promises stock in order of arrival. What cannot be met is refused and takes nothing; its cart keeps what it
    /// holds. The coupons come back to be written once the orders are there.
    async fn allocate<T: Write>(&self, tx: &mut T, slots: &mut [Slot]) -> Done<Redemptions> {
        let open = slots.iter().zip(&self.0).filter(|(slot, _)| matches!(slot, Slot::Open(_))).map(|(_, order)| order);
        let mut redemptions = Redemptions::open(tx, open).await?;
        let mut shelves = self.lock(tx, slots).await?;
        for (slot, order) in slots.iter_mut().zip(&self.0) {
            let Slot::Open(cart) = slot else { continue };
            let usable = redemptions.check(order)?;
            match usable.and_then(|()| promise(&mut shelves, (cart.as_ref(), &order.placement))) {
                Ok(()) => redemptions.redeem(order),
                Err(refusal) => *slot = Slot::Refused(refusal),
            }
        }
        shelves.write(tx).await?;
        Ok(redemptions)
    }

    /// Locks what is to be promised, and what the carts may hold.
    async fn lock<T: Write>(&self, tx: &mut T, slots: &[Slot]) -> Done<Shelves> {
        let (mut skus, mut carts, mut newest) = (BTreeSet::new(), Vec::new(), None);
        for (slot, order) in slots.iter().zip(&self.0) {
            let Slot::Open(cart) = slot else { continue };
            skus.extend(order.placement.demand.keys().cloned());
            skus.extend(cart.iter().flat_map(|cart| &cart.items).map(|item| item.sku.clone()));
            carts.extend(cart.iter().map(|cart| cart.id));
            newest = newest.max(Some((order.placement.order.create_time, order.placement.order.id.uuid())));
        }
        let Some((now, id)) = newest else { return Ok(Shelves::default()) };
        Shelves::lock(tx, Locking { skus: &skus, carts: &carts, now, ids: IdSeed::new(id) }).await
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
fn source(placement: &Placement) -> Source<'_> {
    let order = &placement.order;
    let placed = placement.events.first().expect("an order begins with an event");
    let (actor, time) = (&placed.actor, placed.time);
    let cause = MovementCause { order_id: Some(order.id), cart_id: None, reason: None, actor, time };
    (cause, IdSeed::new(order.id.uuid()))
}

/// Promises an order its stock out of what its cart holds and what is free, and gives the cart's holds back.
fn promise(shelves: &mut Shelves, (cart, placement): (Option<&Cart>, &Placement)) -> Result<(), Refusal> {
    let (cause, ids) = source(placement);
    let held = cart.map(|cart| shelves.held_by(cart.id)).unwrap_or_default();
    let promised = claim(&mut shelves.levels, placement, &held).map_err(Refusal::InsufficientStock)?;
    if let Some(cart) = cart {
        let returned = MovementCause { cart_id: Some(cart.id), ..cause };
        shelves.record(&stock::hold_changes(&held, &Demand::new()), (returned, ids));
        shelves.drop_holds(cart.id, |_sku| true);
    }
    shelves.record(&promised, (cause, ids));
    Ok(())
}

/// What the policy wants promised now; the levels as they are then. An order whose stock is promised later must find enough all
/// the same.
fn claim(levels: &mut Levels, placement: &Placement, held: &Demand) -> Result<Vec<StockChange>, Vec<Shortage>> {
    let demand = &placement.demand;
    match placement.allocate {
        AllocatePolicy::Place => {
            stock::allocate_held(levels, demand, held)?;
            let change = |(sku, quantity): (&Sku, &i64)| StockChange {
                sku: sku.clone(),
                kind: MovementKind::Allocated,
                quantity: *quantity,
            };
            Ok(demand.iter().map(change).collect())
        }
        AllocatePolicy::Confirm => {
            stock::allocate_held(&mut levels.clone(), demand, held)?;
            stock::give_back(levels, held);
            Ok(Vec::new())
        }
    }
}

/// Marks the cart ordered, in memory; it is written with the order.
async fn consume_cart<T: Write>(tx: &mut T, order: &PlaceOrder) -> Done<Slot> {
    let Some(priced) = &order.cart else { return Ok(Slot::Open(None)) };
    let Some((row, items)) = tx.lock_cart(&priced.owner).await? else { return Err(repriced()) };
    let cart = cart_from_rows(row, items)?;
    if cart.id != priced.id {
        return Err(repriced());
    }
    if let order_core::cart::CartState::Ordered(order_id) = cart.state {
        let outcome = RequestOutcome::Order(order_id);
        requests::keep(tx, order.request.as_ref(), &outcome).await?;
        return Ok(Slot::Replay(outcome));
    }
    if cart.revision != priced.revision {
        return Err(repriced());
    }
    match cart.ordered(order.placement.order.id, order.placement.order.create_time) {
        Ok(next) => Ok(Slot::Open(Some(next))),
        Err(refusal) => Ok(Slot::Refused(refusal)),
    }
}

/// What was priced, a cart or a coupon, is no longer what is there. Rolls back instead of committing a refusal: the caller prices
/// it anew and comes again under the same request id.
pub(super) fn repriced() -> Fault {
    Fault::Fatal(StoreError::Refused(Refusal::PricingStale))
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

/// The order that an earlier request made, as it is now. Read under its lock: otherwise its rows would be those of different
/// moments where it is being changed.
pub(super) async fn replay<T: Write>(tx: &mut T, outcome: RequestOutcome) -> Done<Result<Effect, Refusal>> {
    match outcome {
        RequestOutcome::Order(id) => {
            let rows = tx.lock_order(id, &Scope::All).await?;
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
