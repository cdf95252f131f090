//! Placing orders: the first of the three phases of placement, as one transaction for a whole batch.
//!
//! The batch is decided in order of arrival, each order all or nothing. No two orders of a batch share a request id or a cart.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use order_core::{
    calendar,
    cart::{Cart, CartState},
    error::Refusal,
    ids::{CartId, IdSeed, OrderId, OrderNumber, ProductId, Sku},
    order::{Order, Placement},
    policy::AllocatePolicy,
    stock::{self, Demand, Levels, MovementKind, Reserved, Shortage, StockChange},
    time::Timestamp,
};

use super::{
    coupons::Redemptions,
    inventory,
    numbers::{Counters, draw},
    requests::{self, Claim, Claims},
    shelf::{Locking, MOVEMENTS, Shelves, Source},
};
use crate::{
    backend::{Backend, PLACE_BATCH, PLACE_LANES, Room, WriteWork},
    error::StoreError,
    fields::Id,
    lanes::{Attempt, Batch, Work},
    request::{Request, RequestKey, RequestOutcome},
    rows::{MovementCause, NewOrder, RequestRow, Rollups, cart_from_rows, cart_rows},
    statements::{Done, Fault, Opened, Opening, Placed, Series, Write},
    store::{Effect, Numbering, PlaceOrder, PricedProduct},
};

/// An order to be placed, on its way through a lane, with what can be made of it before the lane comes to it: whatever a lane computes,
/// others wait for, with their shelves locked.
pub(super) struct Prepared {
    order: PlaceOrder,
    /// For the first attempt; another one makes them anew.
    rows: Mutex<Option<NewOrder>>,
}

impl Prepared {
    pub(super) fn new(order: PlaceOrder) -> Self {
        let rows = Mutex::new(Some(NewOrder::new(&order.placement)));
        Self { order, rows }
    }

    /// What came of it, once it has its number.
    pub(super) fn placed(self: Arc<Self>, number: OrderNumber) -> Effect {
        // The lane has let go of it, unless its batch was divided and others of it are still to be done.
        let placement = Arc::try_unwrap(self).map(|own| own.order.placement);
        let mut placement = placement.unwrap_or_else(|shared| shared.order.placement.clone());
        placement.number(number);
        Effect { order: placement.order, events: placement.events }
    }

    fn rows(&self) -> NewOrder {
        let made = self.rows.lock().unwrap_or_else(PoisonError::into_inner).take();
        made.unwrap_or_else(|| NewOrder::new(&self.order.placement))
    }
}

/// Orders to be placed together.
pub(super) struct PlaceBatch(pub(super) Batch<Arc<Prepared>>);

/// Where one order of a batch stands.
enum Slot {
    /// It is to be placed; the cart as it is then.
    Open(Option<Cart>),
    /// It was placed before.
    Replay(RequestOutcome),
    /// Its cart was ordered before, and is this order.
    Earlier(OrderId),
    /// It was placed by this very batch, at an attempt whose answer got lost.
    Done(OrderNumber),
    /// It is refused.
    Refused(Refusal),
    /// Its request id belongs to another request, whose outcome is left alone.
    Reused,
    /// What was priced, its cart, its coupon or a product, is no longer what is there. Nothing is kept of it: the caller prices it anew and
    /// comes again under the same request id.
    Stale,
}

/// Placing orders in lanes.
pub(super) struct Placing<B>(pub(super) Arc<B>);

impl<B: Backend> Work for Placing<B> {
    type Item = Arc<Prepared>;
    type Answer = Standing;
    type Key = PlaceKey;
    const NAME: &'static str = "place";
    const LANES: usize = PLACE_LANES;
    const OWN_THREADS: bool = B::LANE_THREADS;
    const BATCH: usize = PLACE_BATCH;
    const LOAD: usize = MOVEMENTS;
    /// Twice as many as calls are let in at once, unless that is configured otherwise.
    const QUEUE: usize = 2048;

    fn keys(item: &Arc<Prepared>) -> Vec<PlaceKey> {
        let order = &item.order;
        let request = order.request.as_ref().map(|request| PlaceKey::Request(request.key.clone()));
        let cart = order.cart.as_ref().map(|cart| PlaceKey::Cart(cart.id));
        request.into_iter().chain(cart).collect()
    }

    /// Its movements: what it is promised, and what its cart gives back.
    fn weight(item: &Arc<Prepared>) -> usize {
        let promised = item.order.placement.on_our_shelves().len();
        if item.order.cart.is_some() { 2 * promised } else { promised }
    }

    async fn run(&self, batch: Batch<Arc<Prepared>>) -> Result<Vec<Result<Standing, StoreError>>, StoreError> {
        let answers = self.0.write(PlaceBatch(batch)).await?;
        Ok(answers.into_iter().map(|answer| answer.map_err(StoreError::Refused)).collect())
    }
}

/// What became of an order that was to be placed.
pub(super) enum Standing {
    /// It was placed, under this number.
    Placed(OrderNumber),
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

    fn room(&self) -> Room {
        Room::Placing(self.0.lane)
    }

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let (mut slots, promising) = self.open(tx).await?;
        let Promising { shelves, redemptions, counters } = self.promise(&mut slots, promising);
        let mut placed = self.store(tx, (&slots, shelves, redemptions), counters).await?.into_iter();
        let answer = |slot| match slot {
            Slot::Open(_) => {
                let number = placed.next().expect("every open slot was stored, in this order");
                Ok(Ok(Standing::Placed(number)))
            }
            Slot::Done(number) => Ok(Ok(Standing::Placed(number))),
            Slot::Earlier(order_id) => Ok(Ok(Standing::Earlier(order_id))),
            Slot::Replay(outcome) => earlier(outcome),
            Slot::Refused(refusal) => Ok(Err(refusal)),
            Slot::Reused => Ok(Err(Refusal::RequestIdReused)),
            Slot::Stale => Ok(Err(Refusal::PricingStale)),
        };
        slots.into_iter().map(answer).collect()
    }
}

fn earlier(outcome: RequestOutcome) -> Done<Result<Standing, Refusal>> {
    match outcome {
        RequestOutcome::Order(id) => Ok(Ok(Standing::Earlier(id))),
        RequestOutcome::Refused(refusal) => Ok(Err(refusal)),
        RequestOutcome::Cart(_) | RequestOutcome::Merged(..) | RequestOutcome::Done => Err(foreign_outcome()),
    }
}

pub(super) fn foreign_outcome() -> Fault {
    StoreError::corrupt("a request's outcome is of another method").into()
}

impl PlaceBatch {
    fn orders(&self) -> impl Iterator<Item = &PlaceOrder> {
        self.0.items().iter().map(|item| &item.order)
    }

    /// Claims, locks and reads all that the batch is decided on. Where nothing but requests and shelves is to be looked at, as with
    /// most orders, that is asked for at once.
    async fn open<T: Write>(&self, tx: &mut T) -> Done<(Vec<Slot>, Promising)> {
        let stored = match self.0.attempt {
            Attempt::First => BTreeMap::new(),
            Attempt::Again => self.stored(tx).await?,
        };
        // First of all, before anything is locked that others wait for.
        let reserved = self.orders().filter_map(|order| order.reserved.as_ref());
        let standing = inventory::standing(tx, reserved.map(|reserved| reserved.id).collect()).await?;
        let claims = self.claims(&stored);
        let is_plain = self.orders().all(|order| order.cart.is_none() && order.coupon.is_none());
        if is_plain && stored.is_empty() {
            let locking = Locks::of(self.orders().map(|order| (None, order)));
            let opened = tx.open_placing(locking.opening(&claims)).await?;
            let mut slots = self.slots(stored, &opened.taken)?;
            self.compare_products(&mut slots, &opened);
            self.compare_reservations(&mut slots, &standing);
            return Ok((slots, locking.promising(tx, opened, Redemptions::default()).await?));
        }
        let taken = tx.claim_requests(&claims).await?;
        let mut slots = self.slots(stored, &taken)?;
        self.consume_carts(tx, &mut slots).await?;
        let open = slots.iter().zip(self.orders());
        let open = open
            .filter_map(|(slot, order)| if let Slot::Open(cart) = slot { Some((cart.as_ref(), order)) } else { None });
        let open: Vec<_> = open.collect();
        let redemptions = Redemptions::open(tx, open.iter().map(|(_, order)| *order)).await?;
        let locking = Locks::of(open.into_iter());
        let opened = tx.open_placing(locking.opening(&[])).await?;
        self.compare_products(&mut slots, &opened);
        self.compare_reservations(&mut slots, &standing);
        let promising = locking.promising(tx, opened, redemptions).await?;
        Ok((slots, promising))
    }

    /// The requests to be claimed, sorted: of all orders that are not there.
    fn claims(&self, stored: &BTreeMap<OrderId, OrderNumber>) -> Vec<RequestRow> {
        let mut rows = Vec::new();
        for order in self.orders().filter(|order| !stored.contains_key(&order.placement.order.id)) {
            let hoped = RequestOutcome::Order(order.placement.order.id);
            rows.extend(order.request.as_ref().map(|request| RequestRow::new(request, &hoped)));
        }
        requests::sort(&mut rows);
        rows
    }

    /// Where each order stands, as far as its request tells. Where the answer to an earlier attempt got lost, its orders may be
    /// there: they have the same identities.
    fn slots(&self, mut stored: BTreeMap<OrderId, OrderNumber>, taken: &[RequestRow]) -> Done<Vec<Slot>> {
        let claims = Claims::of(taken);
        let slot = |order: &PlaceOrder| {
            if let Some(number) = stored.remove(&order.placement.order.id) {
                return Ok(Slot::Done(number));
            }
            Ok(match claims.find(order.request.as_ref())? {
                Claim::Ours => Slot::Open(None),
                Claim::Replay(RequestOutcome::Order(id)) if id == order.placement.order.id => {
                    return Err(committed_meanwhile());
                }
                Claim::Replay(outcome) => Slot::Replay(outcome),
                Claim::Reused => Slot::Reused,
            })
        };
        self.orders().map(slot).collect()
    }

    async fn stored<T: Write>(&self, tx: &mut T) -> Done<BTreeMap<OrderId, OrderNumber>> {
        let ids: Vec<_> = self.orders().map(|order| order.placement.order.id).collect();
        let rows = tx.orders_by_id(&ids).await?.into_iter().map(|rows| rows.order);
        Ok(rows.map(|row| (OrderId::new(row.order_id.0), OrderNumber::stored(row.order_number))).collect())
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

    /// Finds the orders whose products have changed since they were priced.
    fn compare_products(&self, slots: &mut [Slot], opened: &Opened) {
        let now: BTreeMap<_, _> = opened.products.iter().map(|(id, revision)| (id.as_str(), *revision)).collect();
        for (slot, order) in slots.iter_mut().zip(self.orders()) {
            let is_current = |priced: &PricedProduct| now.get(priced.id.as_str()) == Some(&priced.revision);
            if matches!(slot, Slot::Open(_)) && !order.products.iter().all(is_current) {
                *slot = Slot::Stale;
            }
        }
    }

    /// Finds the orders whose reservations elsewhere were given up, or are not of what they need.
    fn compare_reservations(&self, slots: &mut [Slot], standing: &BTreeSet<Id>) {
        for (slot, order) in slots.iter_mut().zip(self.orders()) {
            let needed = order.placement.promised_elsewhere();
            let stands = |reserved: &Reserved| standing.contains(&Id(reserved.id.uuid())) && reserved.units == *needed;
            let is_met = order.reserved.as_ref().map_or(needed.is_empty(), stands);
            if matches!(slot, Slot::Open(_)) && !is_met {
                *slot = Slot::Stale;
            }
        }
    }

    /// Uses coupons and promises stock in order of arrival. What cannot be met is refused and takes nothing; its cart keeps what it
    /// holds.
    fn promise(&self, slots: &mut [Slot], mut promising: Promising) -> Promising {
        let Promising { shelves, redemptions, .. } = &mut promising;
        for (slot, order) in slots.iter_mut().zip(self.orders()) {
            let Slot::Open(cart) = slot else { continue };
            let usable = redemptions.check(order);
            match usable.and_then(|()| promise(shelves, (cart.as_ref(), &order.placement))) {
                Ok(()) => redemptions.redeem(order),
                Err(Refusal::PricingStale) => *slot = Slot::Stale,
                Err(refusal) => *slot = Slot::Refused(refusal),
            }
        }
        promising
    }

    /// Numbers what is placed and writes all there is to write. Answers the numbers, in the order of what is placed.
    async fn store<T: Write>(
        &self,
        tx: &mut T,
        (slots, shelves, redemptions): (&[Slot], Shelves, Redemptions),
        mut counters: Counters,
    ) -> Done<Vec<OrderNumber>> {
        let mut placed = Placed { shelves: shelves.into_rows(), ..Placed::default() };
        (placed.coupons, placed.redemptions) = redemptions.into_rows();
        let mut new = Vec::new();
        for (slot, item) in slots.iter().zip(self.0.items()) {
            let order = &item.order;
            let request = order.request.as_ref();
            match slot {
                Slot::Open(cart) => {
                    placed.carts.extend(cart.as_ref().map(|cart| cart_rows(cart).0));
                    placed.taken_over.extend(order.reserved.as_ref().map(|reserved| Id(reserved.id.uuid())));
                    new.push(item);
                }
                Slot::Refused(refusal) => placed.settle(request, &RequestOutcome::Refused(refusal.clone())),
                Slot::Earlier(order_id) => placed.settle(request, &RequestOutcome::Order(*order_id)),
                Slot::Stale => placed.unclaimed.extend(request.map(RequestRow::named)),
                Slot::Replay(_) | Slot::Done(_) | Slot::Reused => {}
            }
        }
        let orders = new.iter().map(|item| &item.order);
        let wanted: Vec<_> = orders.map(|order| (order.placement.order.create_time, &order.numbering)).collect();
        let numbers = draw(tx, &wanted, &mut counters).await?;
        placed.numbers = counters.taken();
        placed.add(new.into_iter().map(|item| item.rows()).zip(&numbers));
        tx.finish_placing(placed).await?;
        Ok(numbers)
    }
}

/// What a batch is decided on, locked.
struct Promising {
    shelves: Shelves,
    redemptions: Redemptions,
    counters: Counters,
}

/// What some orders have to lock, in its order: shelves, also those that their carts may hold something of, and counters.
struct Locks {
    /// Not locked, but looked at in the same breath.
    products: Vec<ProductId>,
    skus: Vec<Sku>,
    carts: Vec<CartId>,
    series: Vec<Series>,
    /// The newest order: when it is placed, and where movements take their identities from that belong to no order.
    newest: Option<(Timestamp, uuid::Uuid)>,
}

impl Locks {
    fn of<'o>(orders: impl Iterator<Item = (Option<&'o Cart>, &'o PlaceOrder)>) -> Self {
        let (mut products, mut skus, mut series) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let (mut carts, mut newest) = (Vec::new(), None);
        for (cart, order) in orders {
            let placed = &order.placement.order;
            products.extend(order.products.iter().map(|priced| &priced.id));
            skus.extend(order.placement.on_our_shelves().keys());
            skus.extend(cart.iter().flat_map(|cart| &cart.items).map(|item| &item.sku));
            carts.extend(cart.map(|cart| cart.id));
            series.insert((order.numbering.prefix.as_str(), calendar::year_utc(placed.create_time)));
            newest = newest.max(Some((placed.create_time, placed.id.uuid())));
        }
        Self {
            products: products.into_iter().cloned().collect(),
            skus: skus.into_iter().cloned().collect(),
            carts,
            series: series.into_iter().map(|(prefix, year)| (prefix.to_owned(), year)).collect(),
            newest,
        }
    }

    fn opening<'a>(&'a self, claims: &'a [RequestRow]) -> Opening<'a> {
        Opening { claims, products: &self.products, skus: &self.skus, series: &self.series }
    }

    async fn promising<T: Write>(self, tx: &mut T, opened: Opened, redemptions: Redemptions) -> Done<Promising> {
        let counters = Counters::new(opened.counters);
        let shelves = match self.newest {
            None => Shelves::default(),
            Some((now, id)) => {
                let locking = Locking { carts: &self.carts, now, ids: IdSeed::new(id) };
                Shelves::of(tx, opened.levels, locking).await?
            }
        };
        Ok(Promising { shelves, redemptions, counters })
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
    let demand = placement.on_our_shelves();
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

impl Placed {
    fn settle(&mut self, request: Option<&Request>, outcome: &RequestOutcome) {
        self.outcomes.extend(request.map(|request| RequestRow::new(request, outcome)));
    }

    fn add<'n>(&mut self, orders: impl Iterator<Item = (NewOrder, &'n OrderNumber)>) {
        let mut rollups = Rollups::default();
        for (order, number) in orders {
            let (rows, search, events) = order.numbered(number);
            rollups.place(&rows);
            self.orders.push(rows);
            self.search.push(search);
            self.events.extend(events);
        }
        (self.order_rollups, self.customer_rollups) = rollups.into_rows();
    }
}

/// Numbers and inserts new orders, in their order, as the last that a transaction does.
pub(super) async fn insert<T: Write>(tx: &mut T, new: Vec<Placement>, numbering: &Numbering) -> Done<Vec<Order>> {
    let wanted: Vec<_> = new.iter().map(|placement| (placement.order.create_time, numbering)).collect();
    let numbers = draw(tx, &wanted, &mut Counters::default()).await?;
    let mut placed = Placed::default();
    placed.add(new.iter().map(NewOrder::new).zip(&numbers));
    tx.finish_placing(placed).await?;
    let numbered = |(mut placement, number): (Placement, OrderNumber)| {
        placement.number(number);
        placement.order
    };
    Ok(new.into_iter().zip(numbers).map(numbered).collect())
}
