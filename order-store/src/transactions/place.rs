//! Placing orders: the first of the three phases of placement, as one transaction for a whole batch.
//!
//! The batch is decided in order of arrival, each order all or nothing. No two orders of a batch share a request id or a cart.

use std::collections::{BTreeMap, BTreeSet};

use order_core::{
    calendar,
    cart::{Cart, CartState},
    error::Refusal,
    ids::{CartId, IdSeed, OrderId, OrderNumber, Sku},
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
    backend::{Backend, PLACE_LANES, Room, WriteWork},
    error::StoreError,
    lanes::{Attempt, Batch, Work},
    query::Scope,
    request::{Request, RequestKey, RequestOutcome},
    rows::{EventRow, MovementCause, OrderRows, RequestRow, SearchRow, cart_from_rows, cart_rows},
    statements::{Done, Fault, NumberRange, Placed, Write},
    store::{Effect, Numbering, PlaceOrder},
};

/// Orders to be placed together.
pub(super) struct PlaceBatch(pub(super) Batch<PlaceOrder>);

/// Where one order of a batch stands.
enum Slot {
    /// It is to be placed; the cart as it is then.
    Open(Option<Cart>),
    /// It was placed before.
    Replay(RequestOutcome),
    /// Its cart was ordered before, and is this order.
    Earlier(OrderId),
    /// It was placed by this very batch, at an attempt whose answer got lost.
    Done(Box<Order>),
    /// It is refused.
    Refused(Refusal),
    /// Its request id belongs to another request, whose outcome is left alone.
    Reused,
    /// What was priced, its cart or its coupon, is no longer what is there. Nothing is kept of it: the caller prices it anew and
    /// comes again under the same request id.
    Stale,
}

/// Placing orders in lanes.
pub(super) struct Placing<B>(pub(super) std::sync::Arc<B>);

impl<B: Backend> Work for Placing<B> {
    type Item = PlaceOrder;
    type Answer = Standing;
    type Key = PlaceKey;
    const NAME: &'static str = "place";
    const LANES: usize = PLACE_LANES;
    /// Beyond it the flush is a small part of the batch's time, and waiting a large one.
    const BATCH: usize = 128;
    /// Twice as many as calls are let in at once, unless that is configured otherwise.
    const QUEUE: usize = 2048;

    fn keys(order: &PlaceOrder) -> Vec<PlaceKey> {
        let request = order.request.as_ref().map(|request| PlaceKey::Request(request.key.clone()));
        let cart = order.cart.as_ref().map(|cart| PlaceKey::Cart(cart.id));
        request.into_iter().chain(cart).collect()
    }

    async fn run(&self, batch: Batch<PlaceOrder>) -> Result<Vec<Result<Standing, StoreError>>, StoreError> {
        let answers = self.0.write(PlaceBatch(batch)).await?;
        Ok(answers.into_iter().map(|answer| answer.map_err(StoreError::Refused)).collect())
    }
}

/// What became of an order that was to be placed.
pub(super) enum Standing {
    /// It was placed.
    Placed(Box<Effect>),
    /// The request, or the cart, led to this order before. To be read afterwards: here it would be locked behind shelves, or read
    /// at different moments.
    Earlier(OrderId),
}

/// What two orders of a batch must not share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PlaceKey {
    /// A request id.
    Request(RequestKey),
    /// A cart.
    Cart(CartId),
}

impl WriteWork for PlaceBatch {
    type Output = Vec<Result<Standing, Refusal>>;
    const NAME: &'static str = "place";
    const ROOM: Room = Room::Lanes;

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let mut slots = self.claim(tx).await?;
        self.consume_carts(tx, &mut slots).await?;
        let (shelves, redemptions) = self.allocate(tx, &mut slots).await?;
        let mut placed = self.store(tx, (&slots, shelves, redemptions)).await?.into_iter();
        let answer = |(slot, order): (Slot, &PlaceOrder)| match slot {
            Slot::Open(_) => {
                let effect = placed.next().expect("every open slot was stored, in this order");
                Ok(Ok(Standing::Placed(Box::new(effect))))
            }
            Slot::Done(stored) => {
                let events = order.placement.events.clone();
                Ok(Ok(Standing::Placed(Box::new(Effect { order: *stored, events }))))
            }
            Slot::Earlier(order_id) => Ok(Ok(Standing::Earlier(order_id))),
            Slot::Replay(outcome) => earlier(outcome),
            Slot::Refused(refusal) => Ok(Err(refusal)),
            Slot::Reused => Ok(Err(Refusal::RequestIdReused)),
            Slot::Stale => Ok(Err(Refusal::PricingStale)),
        };
        slots.into_iter().zip(self.orders()).map(answer).collect()
    }
}

fn earlier(outcome: RequestOutcome) -> Done<Result<Standing, Refusal>> {
    match outcome {
        RequestOutcome::Order(id) => Ok(Ok(Standing::Earlier(id))),
        RequestOutcome::Refused(refusal) => Ok(Err(refusal)),
        RequestOutcome::Cart(_) | RequestOutcome::Merged(..) | RequestOutcome::Done => Err(foreign_outcome()),
    }
}

fn foreign_outcome() -> Fault {
    StoreError::corrupt("a request's outcome is of another method").into()
}

impl PlaceBatch {
    fn orders(&self) -> &[PlaceOrder] {
        self.0.items()
    }

    /// Claims the request ids, all in one statement. Where the answer to an earlier attempt got lost, looks first whether the orders
    /// are there: they have the same identities.
    async fn claim<T: Write>(&self, tx: &mut T) -> Done<Vec<Slot>> {
        let mut stored = match self.0.attempt {
            Attempt::First => BTreeMap::new(),
            Attempt::Again => self.stored(tx).await?,
        };
        let mut rows = Vec::new();
        for order in self.orders().iter().filter(|order| !stored.contains_key(&order.placement.order.id)) {
            let hoped = RequestOutcome::Order(order.placement.order.id);
            rows.extend(order.request.as_ref().map(|request| RequestRow::new(request, &hoped)));
        }
        rows.sort_by(|one, other| one.key().cmp(&other.key()));
        let taken = if rows.is_empty() { Vec::new() } else { tx.claim_requests(&rows).await? };
        let taken: BTreeMap<_, _> = taken.iter().map(|row| (row.key(), row)).collect();
        let slot = |order: &PlaceOrder| {
            if let Some(stored) = stored.remove(&order.placement.order.id) {
                return Ok(Slot::Done(Box::new(stored)));
            }
            let Some(request) = &order.request else { return Ok(Slot::Open(None)) };
            let Some(row) = taken.get(&RequestRow::key_of(request)) else { return Ok(Slot::Open(None)) };
            Ok(match requests::found(row, request)? {
                requests::Claim::Ours => Slot::Open(None),
                requests::Claim::Replay(RequestOutcome::Order(id)) if id == order.placement.order.id => {
                    return Err(committed_meanwhile());
                }
                requests::Claim::Replay(outcome) => Slot::Replay(outcome),
                requests::Claim::Reused => Slot::Reused,
            })
        };
        self.orders().iter().map(slot).collect()
    }

    async fn stored<T: Write>(&self, tx: &mut T) -> Done<BTreeMap<OrderId, Order>> {
        let ids: Vec<_> = self.orders().iter().map(|order| order.placement.order.id).collect();
        let mut stored = BTreeMap::new();
        for rows in tx.orders_by_id(&ids).await? {
            let order = rows.into_order()?;
            stored.insert(order.id, order);
        }
        Ok(stored)
    }

    /// Locks the carts, in the order of their owners, and marks them ordered, in memory; they are written with the orders.
    async fn consume_carts<T: Write>(&self, tx: &mut T, slots: &mut [Slot]) -> Done {
        let mut wanted = Vec::new();
        for (slot, order) in slots.iter_mut().zip(self.orders()) {
            if let (Slot::Open(_), Some(priced)) = (&slot, &order.cart) {
                wanted.push((priced, order, slot));
            }
        }
        wanted.sort_by(|(one, ..), (other, ..)| one.owner.cmp(&other.owner));
        let owners: Vec<_> = wanted.iter().map(|(priced, ..)| &priced.owner).collect();
        let found = if owners.is_empty() { Vec::new() } else { tx.lock_carts(&owners).await? };
        for ((priced, order, slot), found) in wanted.into_iter().zip(found) {
            let cart = found.map(|(row, items)| cart_from_rows(row, items)).transpose()?;
            *slot = match cart {
                Some(cart) if cart.id == priced.id => consumed(&cart, (priced.revision, order))?,
                Some(_) | None => Slot::Stale,
            };
        }
        Ok(())
    }

    /// Uses coupons and promises stock in order of arrival. What cannot be met is refused and takes nothing; its cart keeps what it
    /// holds.
    async fn allocate<T: Write>(&self, tx: &mut T, slots: &mut [Slot]) -> Done<(Shelves, Redemptions)> {
        let open = slots.iter().zip(self.orders());
        let open = open.filter(|(slot, _)| matches!(slot, Slot::Open(_))).map(|(_, order)| order);
        let mut redemptions = Redemptions::open(tx, open).await?;
        let mut shelves = self.lock(tx, slots).await?;
        for (slot, order) in slots.iter_mut().zip(self.orders()) {
            let Slot::Open(cart) = slot else { continue };
            let usable = redemptions.check(order);
            match usable.and_then(|()| promise(&mut shelves, (cart.as_ref(), &order.placement))) {
                Ok(()) => redemptions.redeem(order),
                Err(Refusal::PricingStale) => *slot = Slot::Stale,
                Err(refusal) => *slot = Slot::Refused(refusal),
            }
        }
        Ok((shelves, redemptions))
    }

    /// Locks what is to be promised, and what the carts may hold.
    async fn lock<T: Write>(&self, tx: &mut T, slots: &[Slot]) -> Done<Shelves> {
        let (mut skus, mut carts, mut newest) = (BTreeSet::new(), Vec::new(), None);
        for (slot, order) in slots.iter().zip(self.orders()) {
            let Slot::Open(cart) = slot else { continue };
            skus.extend(order.placement.demand.keys().cloned());
            skus.extend(cart.iter().flat_map(|cart| &cart.items).map(|item| item.sku.clone()));
            carts.extend(cart.iter().map(|cart| cart.id));
            newest = newest.max(Some((order.placement.order.create_time, order.placement.order.id.uuid())));
        }
        let Some((now, id)) = newest else { return Ok(Shelves::default()) };
        Shelves::lock(tx, Locking { skus: &skus, carts: &carts, now, ids: IdSeed::new(id) }).await
    }

    /// Draws the numbers, the last lock, and writes all there is to write: sent together, because nothing depends on its answer.
    async fn store<T: Write>(
        &self,
        tx: &mut T,
        (slots, shelves, redemptions): (&[Slot], Shelves, Redemptions),
    ) -> Done<Vec<Effect>> {
        let mut placed = Placed { shelves: shelves.into_rows(), ..Placed::default() };
        (placed.coupons, placed.redemptions) = redemptions.into_rows();
        let mut new = Vec::new();
        for (slot, order) in slots.iter().zip(self.orders()) {
            let request = order.request.as_ref();
            match slot {
                Slot::Open(cart) => {
                    placed.carts.extend(cart.as_ref().map(|cart| cart_rows(cart).0));
                    new.push((order.placement.clone(), &order.numbering));
                }
                Slot::Refused(refusal) => placed.settle(request, &RequestOutcome::Refused(refusal.clone())),
                Slot::Earlier(order_id) => placed.settle(request, &RequestOutcome::Order(*order_id)),
                Slot::Stale => placed.unclaimed.extend(request.map(RequestRow::named)),
                Slot::Replay(_) | Slot::Done(_) | Slot::Reused => {}
            }
        }
        let effects = number(tx, new).await?;
        placed.add(&effects);
        tx.write_placed(&placed).await?;
        Ok(effects)
    }
}

impl Placed {
    fn settle(&mut self, request: Option<&Request>, outcome: &RequestOutcome) {
        self.outcomes.extend(request.map(|request| RequestRow::new(request, outcome)));
    }

    fn add(&mut self, effects: &[Effect]) {
        self.orders = effects.iter().map(|effect| OrderRows::new(&effect.order)).collect();
        self.search = effects.iter().map(|effect| SearchRow::new(&effect.order)).collect();
        for effect in effects {
            self.events.extend(effect.events.iter().map(|event| EventRow::new(effect.order.id, event)));
        }
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

/// What becomes of an order whose cart is this one.
fn consumed(cart: &Cart, (priced, order): (i64, &PlaceOrder)) -> Done<Slot> {
    let own = order.placement.order.id;
    match cart.state {
        CartState::Ordered(order_id) if order_id == own => return Err(committed_meanwhile()),
        CartState::Ordered(order_id) => return Ok(Slot::Earlier(order_id)),
        CartState::Active | CartState::Merged(_) | CartState::Expired => {}
    }
    if cart.revision != priced {
        return Ok(Slot::Stale);
    }
    Ok(match cart.ordered(own, order.placement.order.create_time) {
        Ok(next) => Slot::Open(Some(next)),
        Err(refusal) => Slot::Refused(refusal),
    })
}

/// An identity is drawn for one batch: who finds it has met the batch's own earlier attempt, whose commit was still under way when
/// it was looked for. The next try finds it whole.
fn committed_meanwhile() -> Fault {
    Fault::Retry("the answer to an own commit got lost, and it was carried out just now".to_owned())
}

/// Numbers and inserts new orders, in their order.
pub(super) async fn insert<T: Write>(tx: &mut T, new: Vec<(Placement, &Numbering)>) -> Done<Vec<Effect>> {
    let effects = number(tx, new).await?;
    let mut placed = Placed::default();
    placed.add(&effects);
    tx.write_placed(&placed).await?;
    Ok(effects)
}

/// Numbers new orders, in their order.
async fn number<T: Write>(tx: &mut T, new: Vec<(Placement, &Numbering)>) -> Done<Vec<Effect>> {
    let numbers = draw(tx, &new).await?;
    let mut effects: Vec<Effect> = Vec::with_capacity(new.len());
    for ((mut placement, _), number) in new.into_iter().zip(numbers) {
        placement.number(number);
        effects.push(Effect { order: placement.order, events: placement.events });
    }
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
        RequestOutcome::Cart(_) | RequestOutcome::Merged(..) | RequestOutcome::Done => Err(foreign_outcome()),
    }
}
