//! Changing orders: decide each under its lock, and write what follows, for a whole batch in one transaction.
//!
//! The batch is decided in order of arrival, each change all or nothing. No two changes of a batch share an order or a request id.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use order_core::{
    error::{Refusal, ResourceKind},
    ids::OrderId,
    limits::LINES_PER_ORDER,
    order::{Command, Context, Event, Order},
    policy::StockKeeping,
    stock::{MovementKind, Reserved, StockChange},
};

use super::{
    coupons::Freeing,
    inventory::{Telling, Tellings},
    place::foreign_outcome,
    requests::{self, Claim, Claims},
    shelf::{Locking, MOVEMENTS, Shelves, Source, make_room},
};
use crate::{
    backend::{Backend, CHANGE_BATCH, CHANGE_LANES, WriteWork},
    error::StoreError,
    lanes::{Attempt, Batch, Work},
    query::Scope,
    request::{Request, RequestKey, RequestOutcome},
    rows::{EventRow, MovementCause, OrderRow, OrderRows, RequestRow, Rollups, SearchRow},
    statements::{Done, Fault, Locked, Write},
    store::{ChangeOrder, Effect},
};

/// A parcel that comes back moves each line twice at most, and so does an edit.
const _: () = assert!(CHANGE_BATCH * 2 * LINES_PER_ORDER <= MOVEMENTS, "movements of a batch find identities");

/// Changing orders in lanes.
pub(super) struct Changing<B>(pub(super) Arc<B>);

impl<B: Backend> Work for Changing<B> {
    type Item = Arc<ChangeOrder>;
    type Answer = Changed;
    type Key = ChangeKey;
    const NAME: &'static str = "change";
    const LANES: usize = CHANGE_LANES;
    const BATCH: usize = CHANGE_BATCH;
    /// Twice as many as calls are let in at once, unless that is configured otherwise.
    const QUEUE: usize = 2048;

    fn keys(change: &Arc<ChangeOrder>) -> Vec<ChangeKey> {
        let request = change.request.as_ref().map(|request| ChangeKey::Request(request.key.clone()));
        request.into_iter().chain([ChangeKey::Order(change.order_id)]).collect()
    }

    async fn run(&self, batch: Batch<Arc<ChangeOrder>>) -> Result<Vec<Result<Changed, StoreError>>, StoreError> {
        let again = batch.attempt == Attempt::Again;
        if again && batch.items().iter().all(|change| change.request.is_none()) {
            // Nothing that could be looked up would tell.
            return Ok(batch.items().iter().map(|_| Err(unknown())).collect());
        }
        self.0.write(ChangeBatch(batch)).await
    }
}

/// What two changes of a batch must not share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ChangeKey {
    /// A request id.
    Request(RequestKey),
    /// An order.
    Order(OrderId),
}

/// What became of a change in a lane.
pub(super) enum Changed {
    /// It was carried out, now or before.
    Done(Box<Effect>),
    /// Somebody else has its order locked. It is left to a [transaction of its own](Alone), so that nobody else waits.
    HeldUp,
}

/// Changes to be carried out together.
struct ChangeBatch(Batch<Arc<ChangeOrder>>);

impl WriteWork for ChangeBatch {
    type Output = Vec<Result<Changed, StoreError>>;
    const NAME: &'static str = "change";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let changes: Vec<_> = self.0.items().iter().map(|change| &**change).collect();
        let hoped: Vec<_> = changes.iter().filter_map(|change| hoped(change)).collect();
        let taken = requests::claim_all(tx, hoped).await?;
        let claims = Claims::of(&taken);
        let again = self.0.attempt == Attempt::Again;
        let slots = changes.iter().map(|change| slot(change, &claims, again)).collect::<Done<Vec<_>>>()?;
        let orders = lock(tx, slots.iter().filter_map(Slot::order)).await?;
        decide(tx, changes, slots, orders).await
    }
}

/// A change by itself, whose order is waited for. Its order is locked before its request is claimed, other than in a lane: a lane that comes
/// upon the same request waits for the claim, which is not to wait for an order.
pub(super) struct Alone(pub(super) Arc<ChangeOrder>);

impl WriteWork for Alone {
    type Output = Result<Effect, Refusal>;
    const NAME: &'static str = "change_alone";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let change = &*self.0;
        let found = tx.lock_orders(&[change.order_id], Locked::Await).await?;
        let orders = found.into_iter().map(|rows| (change.order_id, Found::Ours(Box::new(rows)))).collect();
        let taken = requests::claim_all(tx, hoped(change).into_iter().collect()).await?;
        let slots = vec![slot(change, &Claims::of(&taken), false)?];
        match decide(tx, vec![change], slots, orders).await?.pop().expect("an answer for each change") {
            Ok(Changed::Done(effect)) => Ok(Ok(*effect)),
            Ok(Changed::HeldUp) => Err(Fault::Retry("an order was locked that was waited for".to_owned())),
            Err(StoreError::Refused(refusal)) => Ok(Err(refusal)),
            Err(error) => Err(error.into()),
        }
    }
}

/// Where one change of a batch stands.
enum Slot {
    /// It is to be decided, on this order.
    Open(OrderId),
    /// It was carried out before, on this order.
    Replay(OrderId),
    /// It comes to nothing.
    Failed(StoreError),
}

impl Slot {
    const fn order(&self) -> Option<OrderId> {
        match self {
            Self::Open(id) | Self::Replay(id) => Some(*id),
            Self::Failed(_) => None,
        }
    }
}

/// What becomes of a change's request if all goes well.
fn hoped(change: &ChangeOrder) -> Option<RequestRow> {
    change.request.as_ref().map(|request| RequestRow::new(request, &RequestOutcome::Order(change.order_id)))
}

/// Where a change stands, as far as its request tells. Where the answer to an earlier attempt got lost, it cannot be told whether a
/// change without a request id was carried out; that of one with it is there to be found.
fn slot(change: &ChangeOrder, claims: &Claims<'_>, again: bool) -> Done<Slot> {
    if change.request.is_none() && again {
        return Ok(Slot::Failed(unknown()));
    }
    Ok(match claims.find(change.request.as_ref())? {
        Claim::Ours => Slot::Open(change.order_id),
        Claim::Replay(RequestOutcome::Order(id)) => Slot::Replay(id),
        Claim::Replay(RequestOutcome::Refused(refusal)) => Slot::Failed(StoreError::Refused(refusal)),
        Claim::Replay(RequestOutcome::Cart(_) | RequestOutcome::Merged(..) | RequestOutcome::Done) => {
            return Err(foreign_outcome());
        }
        Claim::Reused => Slot::Failed(StoreError::Refused(Refusal::RequestIdReused)),
    })
}

fn unknown() -> StoreError {
    StoreError::UnknownOutcome("the answer to a change without a request id got lost".to_owned())
}

/// What was found of an order.
enum Found {
    /// It is locked.
    Ours(Box<OrderRows>),
    /// It is there, and locked by somebody else.
    HeldUp,
}

/// Locks the orders that are to be changed, in their order, and those that were changed before: otherwise the rows of such a one would be
/// those of different moments where it is being changed. Waits for none of them.
async fn lock<T: Write>(tx: &mut T, ids: impl Iterator<Item = OrderId> + Send) -> Done<BTreeMap<OrderId, Found>> {
    let mut ids: BTreeSet<_> = ids.collect();
    let found = tx.lock_orders(&ids.iter().copied().collect::<Vec<_>>(), Locked::Skip).await?;
    let id = |rows: &OrderRows| OrderId::new(rows.order.order_id.0);
    let mut orders: BTreeMap<_, _> = found.into_iter().map(|rows| (id(&rows), Found::Ours(Box::new(rows)))).collect();
    ids.retain(|id| !orders.contains_key(id));
    if !ids.is_empty() {
        let others = tx.orders_by_id(&ids.into_iter().collect::<Vec<_>>()).await?;
        orders.extend(others.iter().map(|rows| (id(rows), Found::HeldUp)));
    }
    Ok(orders)
}

/// Decides what is to be decided and keeps what became of the requests: an answer for each change, in their order.
async fn decide<T: Write>(
    tx: &mut T,
    changes: Vec<&ChangeOrder>,
    slots: Vec<Slot>,
    mut orders: BTreeMap<OrderId, Found>,
) -> Done<Vec<Result<Changed, StoreError>>> {
    let (mut answers, mut outcomes) = (Vec::new(), Outcomes::default());
    let (mut open, mut decisions) = (Vec::new(), Vec::new());
    for (n, (slot, change)) in slots.into_iter().zip(&changes).enumerate() {
        let found = slot.order().and_then(|id| orders.remove(&id));
        let answer = match (slot, found) {
            (Slot::Failed(error), _) => Err(error),
            (Slot::Replay(_), Some(Found::HeldUp)) => Ok(Changed::HeldUp),
            (Slot::Open(_), Some(Found::HeldUp)) => {
                outcomes.unclaim(change);
                Ok(Changed::HeldUp)
            }
            (Slot::Replay(id), Some(Found::Ours(rows))) => Ok(Changed::Done(Box::new(as_it_is(id, Some(*rows))?))),
            (Slot::Replay(id), None) => Ok(Changed::Done(Box::new(as_it_is(id, None)?))),
            (Slot::Open(id), None) => Err(outcomes.refuse(change, Refusal::not_found(ResourceKind::Order, id))),
            (Slot::Open(_), Some(Found::Ours(rows))) => match Decision::of(change, *rows)? {
                Err(refusal) => Err(outcomes.refuse(change, refusal)),
                Ok(decision) => {
                    open.push(n);
                    decisions.push(decision);
                    // Until it is decided.
                    Ok(Changed::HeldUp)
                }
            },
        };
        answers.push(answer);
    }
    for (n, result) in open.into_iter().zip(carry_out(tx, decisions).await?) {
        answers[n] = match result {
            Ok(effect) => Ok(Changed::Done(Box::new(effect))),
            Err(refusal) => Err(outcomes.refuse(changes[n], refusal)),
        };
    }
    outcomes.write(tx).await?;
    Ok(answers)
}

/// What an earlier request made of an order: the order as it is now.
fn as_it_is(id: OrderId, rows: Option<OrderRows>) -> Done<Effect> {
    let rows = rows.ok_or_else(|| StoreError::corrupt(format!("order {id} of a request is gone")))?;
    Ok(Effect { order: rows.into_order()?, events: Vec::new() })
}

/// What is to be kept of requests that were claimed and came to nothing.
#[derive(Default)]
struct Outcomes {
    refused: Vec<RequestRow>,
    unclaimed: Vec<RequestRow>,
}

impl Outcomes {
    fn refuse(&mut self, change: &ChangeOrder, refusal: Refusal) -> StoreError {
        if matches!(refusal, Refusal::Unreserved(_)) {
            // The caller reserves and comes again, under the same request id.
            self.unclaim(change);
        } else {
            let outcome = RequestOutcome::Refused(refusal.clone());
            self.refused.extend(change.request.as_ref().map(|request| RequestRow::new(request, &outcome)));
        }
        StoreError::Refused(refusal)
    }

    fn unclaim(&mut self, change: &ChangeOrder) {
        self.unclaimed.extend(change.request.as_ref().map(RequestRow::named));
    }

    async fn write<T: Write>(self, tx: &mut T) -> Done {
        tx.set_outcomes(&self.refused).await?;
        tx.unclaim_requests(&self.unclaimed).await
    }
}

/// A command for an order that is locked, and the circumstances under which it is decided.
pub(super) struct Decision<'a> {
    pub(super) command: &'a Command,
    pub(super) context: &'a Context,
    /// Units that are promised elsewhere, where the order's goods are counted there.
    pub(super) reserved: Option<&'a Reserved>,
    pub(super) order: Order,
    pub(super) rows: OrderRows,
}

impl<'a> Decision<'a> {
    /// Of a change, if the order is in its scope, and as the caller has seen it.
    fn of(change: &'a ChangeOrder, rows: OrderRows) -> Done<Result<Self, Refusal>> {
        if !is_in(&change.scope, &rows.order) {
            return Ok(Err(Refusal::not_found(ResourceKind::Order, change.order_id)));
        }
        let order = rows.clone().into_order()?;
        if change.expected_revision.is_some_and(|expected| expected != order.revision) {
            return Ok(Err(Refusal::EtagMismatch { current: order.revision }));
        }
        let (command, context, reserved) = (&change.command, &change.context, change.reserved.as_ref());
        Ok(Ok(Self { command, context, reserved, order, rows }))
    }

    /// What the command comes to, as far as the order itself tells.
    fn plan(self) -> Result<Plan<'a>, Refusal> {
        let events = self.order.decide(self.command, self.context)?;
        let (after, changes) = apply(&self.order, &events);
        Ok(Plan { decision: self, effect: Effect { order: after, events }, changes })
    }
}

/// Whether an order is one that the caller may see.
fn is_in(scope: &Scope, order: &OrderRow) -> bool {
    match scope {
        Scope::All => true,
        Scope::Customer(id) => order.customer_id.as_deref() == Some(id.as_str()),
        Scope::Guest(email) => {
            let own = order.contact_email.as_ref().map(|own| own.to_ascii_lowercase());
            order.customer_id.is_none() && own.as_ref() == Some(email)
        }
    }
}

/// What is to become of an order, unless its goods stand in the way.
struct Plan<'a> {
    decision: Decision<'a>,
    effect: Effect,
    /// What its events mean for the shelves, or for whoever else counts its goods.
    changes: Vec<StockChange>,
}

impl Plan<'_> {
    /// Whether its goods lie on our shelves.
    fn is_embedded(&self) -> bool {
        self.decision.order.stock_keeping == StockKeeping::Embedded
    }

    fn telling(&self) -> Telling<'_> {
        let Decision { context, reserved, .. } = &self.decision;
        Telling {
            order_id: self.effect.order.id,
            revision: self.effect.order.revision,
            changes: &self.changes,
            reserved: *reserved,
            now: context.now,
            ids: context.ids,
        }
    }

    /// What movements are for, and where their identities come from.
    fn source(&self) -> Source<'_> {
        let context = self.decision.context;
        let cause = MovementCause {
            order_id: Some(self.decision.order.id),
            cart_id: None,
            reason: context.reason.as_deref(),
            actor: &context.actor,
            time: context.now,
        };
        (cause, context.ids)
    }
}

/// The order after its events, and what they mean for the shelves.
fn apply(order: &Order, events: &[Event]) -> (Order, Vec<StockChange>) {
    let mut order = order.clone();
    let mut changes = Vec::new();
    for event in events {
        changes.extend(order.stock_changes(&event.body));
        order.apply(event);
    }
    // What the same command gives back can be promised by it: an edit may put a unit from one line into another.
    changes.sort_by_key(|change| change.kind != MovementKind::Released);
    (order, changes)
}

/// Decides against orders that are locked, one after the other, and writes what follows: an answer for each, in their order.
pub(super) async fn carry_out<T: Write>(
    tx: &mut T,
    decisions: Vec<Decision<'_>>,
) -> Done<Vec<Result<Effect, Refusal>>> {
    let mut plans: Vec<_> = decisions.into_iter().map(Decision::plan).collect();
    let planned = || plans.iter().filter_map(|plan| plan.as_ref().ok());
    let called_off: Vec<_> = planned().map(|plan| (&plan.decision.order, plan.effect.events.as_slice())).collect();
    let remote = planned().filter(|plan| !plan.is_embedded());
    let mut tellings = Tellings::lock(tx, remote.filter_map(|plan| plan.decision.reserved)).await?;
    let mut freeing = Freeing::lock(tx, &called_off).await?;
    make_room(tx, planned().filter(|plan| plan.is_embedded()).flat_map(|plan| &plan.changes)).await?;
    let mut shelves = lock_shelves(tx, planned()).await?;
    for plan in &mut plans {
        let Ok(open) = &plan else { continue };
        let moved = if open.is_embedded() {
            shelves.carry_out(&open.changes, open.source())?
        } else {
            tellings.note(&open.telling())
        };
        match moved {
            Ok(()) => freeing.free(&open.decision.order, &open.effect.events),
            Err(refusal) => *plan = Err(refusal),
        }
    }
    tellings.write(tx).await?;
    shelves.write(tx).await?;
    freeing.write(tx).await?;
    write(tx, plans.iter().filter_map(|plan| plan.as_ref().ok())).await?;
    Ok(plans.into_iter().map(|plan| plan.map(|plan| plan.effect)).collect())
}

/// Locks all shelves that these changes touch, in their order.
async fn lock_shelves<'p, T: Write>(tx: &mut T, plans: impl Iterator<Item = &'p Plan<'p>>) -> Done<Shelves> {
    let plans: Vec<_> = plans.filter(|plan| plan.is_embedded()).collect();
    // What has expired by now is given back whatever becomes of the plans, under identities of the newest one.
    let contexts = plans.iter().map(|plan| plan.decision.context);
    let Some(newest) = contexts.max_by_key(|context| context.now) else { return Ok(Shelves::default()) };
    let skus = plans.iter().flat_map(|plan| &plan.changes).map(|change| change.sku.clone()).collect();
    Shelves::lock(tx, &skus, Locking { carts: &[], now: newest.now, ids: newest.ids }).await
}

/// Writes changed orders, and what is kept beside them.
async fn write<'p, T: Write>(tx: &mut T, plans: impl Iterator<Item = &'p Plan<'p>>) -> Done {
    let (mut changed, mut events, mut search) = (Vec::new(), Vec::new(), Vec::new());
    let mut rollups = Rollups::default();
    for Plan { decision, effect, .. } in plans.filter(|plan| !plan.effect.events.is_empty()) {
        let after = OrderRows::new(&effect.order);
        rollups.change(&decision.rows, &after);
        events.extend(effect.events.iter().map(|event| EventRow::new(effect.order.id, event)));
        if decision.order.search_text() != effect.order.search_text() {
            search.push(SearchRow::new(&effect.order));
        }
        changed.push((&decision.rows, after));
    }
    tx.update_orders(&changed).await?;
    tx.insert_events(&events).await?;
    tx.put_search(&search).await?;
    let (orders, customers) = rollups.into_rows();
    tx.add_rollups(&orders, &customers).await
}

/// A change that is only shown.
pub(super) struct Preview(pub(super) ChangeOrder);

impl WriteWork for Preview {
    type Output = Result<Effect, Refusal>;
    const NAME: &'static str = "preview";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let Some(rows) = tx.lock_orders(&[self.0.order_id], Locked::Await).await?.pop() else {
            return Ok(Err(Refusal::not_found(ResourceKind::Order, self.0.order_id)));
        };
        let plan = match Decision::of(&self.0, rows)?.and_then(Decision::plan) {
            Ok(plan) => plan,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let checked = if plan.is_embedded() {
            lock_shelves(tx, std::iter::once(&plan)).await?.carry_out(&plan.changes, plan.source())?
        } else {
            plan.telling().check().map(drop)
        };
        Ok(checked.map(|()| plan.effect))
    }
}

/// An answer that was found before any transaction, to be kept under its request id.
pub(super) struct Conclude(pub(super) Request, pub(super) Result<OrderId, Refusal>);

impl WriteWork for Conclude {
    type Output = Result<Order, Refusal>;
    const NAME: &'static str = "conclude";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let Self(request, answer) = self;
        let found = match answer {
            Ok(order_id) => RequestOutcome::Order(*order_id),
            Err(refusal) => RequestOutcome::Refused(refusal.clone()),
        };
        let outcome = match requests::claim(tx, Some(request), &found).await? {
            Claim::Ours => found,
            Claim::Replay(earlier) => earlier,
            Claim::Reused => return Ok(Err(Refusal::RequestIdReused)),
        };
        match outcome {
            RequestOutcome::Order(id) => Ok(Ok(as_it_is(id, tx.lock_orders(&[id], Locked::Await).await?.pop())?.order)),
            RequestOutcome::Refused(refusal) => Ok(Err(refusal)),
            RequestOutcome::Cart(_) | RequestOutcome::Merged(..) | RequestOutcome::Done => Err(foreign_outcome()),
        }
    }
}
