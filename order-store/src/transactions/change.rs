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
    inventory::Telling,
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
    statements::{Done, Write},
    store::{ChangeOrder, Effect},
};

/// A parcel that comes back moves each line twice at most, and so does an edit.
const _: () = assert!(CHANGE_BATCH * 2 * LINES_PER_ORDER <= MOVEMENTS, "movements of a batch find identities");

/// Changing orders in lanes.
pub(super) struct Changing<B>(pub(super) Arc<B>);

impl<B: Backend> Work for Changing<B> {
    type Item = ChangeOrder;
    type Answer = Effect;
    type Key = ChangeKey;
    const NAME: &'static str = "change";
    const LANES: usize = CHANGE_LANES;
    const BATCH: usize = CHANGE_BATCH;
    /// Twice as many as calls are let in at once, unless that is configured otherwise.
    const QUEUE: usize = 2048;

    fn keys(change: &ChangeOrder) -> Vec<ChangeKey> {
        let request = change.request.as_ref().map(|request| ChangeKey::Request(request.key.clone()));
        request.into_iter().chain([ChangeKey::Order(change.order_id)]).collect()
    }

    async fn run(&self, batch: Batch<ChangeOrder>) -> Result<Vec<Result<Effect, StoreError>>, StoreError> {
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

/// Changes to be carried out together.
struct ChangeBatch(Batch<ChangeOrder>);

/// Where one change of a batch stands.
enum Slot {
    /// It is to be decided.
    Open,
    /// It was carried out before, on this order.
    Replay(OrderId),
    /// There is an answer.
    Answered(Box<Result<Effect, StoreError>>),
}

impl Slot {
    fn refused(refusal: Refusal) -> Self {
        Self::Answered(Box::new(Err(StoreError::Refused(refusal))))
    }
}

impl WriteWork for ChangeBatch {
    type Output = Vec<Result<Effect, StoreError>>;
    const NAME: &'static str = "change";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let mut slots = self.claim(tx).await?;
        let mut orders = self.lock(tx, &slots).await?;
        let (mut decisions, mut outcomes) = (Vec::new(), Outcomes::default());
        for (slot, change) in slots.iter_mut().zip(self.0.items()) {
            match slot {
                Slot::Open => match Decision::of(change, orders.remove(&change.order_id))? {
                    Ok(decision) => decisions.push(decision),
                    Err(refusal) => *slot = outcomes.refuse(change, refusal),
                },
                Slot::Replay(id) => *slot = Slot::Answered(Box::new(Ok(as_it_is(*id, orders.get(id).cloned())?))),
                Slot::Answered(_) => {}
            }
        }
        let mut decided = carry_out(tx, decisions).await?.into_iter();
        for (slot, change) in slots.iter_mut().zip(self.0.items()) {
            if matches!(slot, Slot::Open) {
                let result = decided.next().expect("every open change was decided, in this order");
                *slot = match result {
                    Ok(effect) => Slot::Answered(Box::new(Ok(effect))),
                    Err(refusal) => outcomes.refuse(change, refusal),
                };
            }
        }
        outcomes.write(tx).await?;
        let answer = |slot| match slot {
            Slot::Answered(answer) => *answer,
            Slot::Open | Slot::Replay(_) => unreachable!("every change has its answer"),
        };
        Ok(slots.into_iter().map(answer).collect())
    }
}

impl ChangeBatch {
    /// Claims the requests, in their order. Where the answer to an earlier attempt got lost, it cannot be told whether a change without a
    /// request id was carried out; that of one with it is there to be found.
    async fn claim<T: Write>(&self, tx: &mut T) -> Done<Vec<Slot>> {
        let hoped = |change: &ChangeOrder| {
            change.request.as_ref().map(|request| RequestRow::new(request, &RequestOutcome::Order(change.order_id)))
        };
        let taken = requests::claim_all(tx, self.0.items().iter().filter_map(hoped).collect()).await?;
        let claims = Claims::of(&taken);
        let slot = |change: &ChangeOrder| {
            if change.request.is_none() && self.0.attempt == Attempt::Again {
                let why = "the answer to a change without a request id got lost".to_owned();
                return Ok(Slot::Answered(Box::new(Err(StoreError::UnknownOutcome(why)))));
            }
            Ok(match claims.find(change.request.as_ref())? {
                Claim::Ours => Slot::Open,
                Claim::Replay(RequestOutcome::Order(id)) => Slot::Replay(id),
                Claim::Replay(RequestOutcome::Refused(refusal)) => Slot::refused(refusal),
                Claim::Replay(RequestOutcome::Cart(_) | RequestOutcome::Merged(..) | RequestOutcome::Done) => {
                    return Err(foreign_outcome());
                }
                Claim::Reused => Slot::refused(Refusal::RequestIdReused),
            })
        };
        self.0.items().iter().map(slot).collect()
    }

    /// Locks the orders that are to be changed, in their order, and those that were changed before: otherwise the rows of such a one
    /// would be those of different moments where it is being changed.
    async fn lock<T: Write>(&self, tx: &mut T, slots: &[Slot]) -> Done<BTreeMap<OrderId, OrderRows>> {
        let mut ids = BTreeSet::new();
        for (slot, change) in slots.iter().zip(self.0.items()) {
            match slot {
                Slot::Open => ids.insert(change.order_id),
                Slot::Replay(id) => ids.insert(*id),
                Slot::Answered(_) => false,
            };
        }
        let found = tx.lock_orders(&ids.into_iter().collect::<Vec<_>>()).await?;
        Ok(found.into_iter().map(|rows| (OrderId::new(rows.order.order_id.0), rows)).collect())
    }
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
    fn refuse(&mut self, change: &ChangeOrder, refusal: Refusal) -> Slot {
        let request = change.request.as_ref();
        if matches!(refusal, Refusal::Unreserved(_)) {
            // The caller reserves and comes again, under the same request id.
            self.unclaimed.extend(request.map(RequestRow::named));
        } else {
            let outcome = RequestOutcome::Refused(refusal.clone());
            self.refused.extend(request.map(|request| RequestRow::new(request, &outcome)));
        }
        Slot::refused(refusal)
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
    /// Of a change, if the order is there, in its scope, and as the caller has seen it.
    fn of(change: &'a ChangeOrder, rows: Option<OrderRows>) -> Done<Result<Self, Refusal>> {
        let Some(rows) = rows.filter(|rows| is_in(&change.scope, &rows.order)) else {
            return Ok(Err(Refusal::not_found(ResourceKind::Order, change.order_id)));
        };
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
    let mut freeing = Freeing::lock(tx, &called_off).await?;
    make_room(tx, planned().filter(|plan| plan.is_embedded()).flat_map(|plan| &plan.changes)).await?;
    let mut shelves = lock_shelves(tx, planned()).await?;
    for plan in &mut plans {
        let Ok(open) = &plan else { continue };
        let moved = if open.is_embedded() {
            shelves.carry_out(&open.changes, open.source())?
        } else {
            open.telling().note(tx).await?
        };
        match moved {
            Ok(()) => freeing.free(tx, (&open.decision.order, &open.effect.events)).await?,
            Err(refusal) => *plan = Err(refusal),
        }
    }
    shelves.write(tx).await?;
    freeing.write(tx).await?;
    write(tx, plans.iter().filter_map(|plan| plan.as_ref().ok())).await?;
    Ok(plans.into_iter().map(|plan| plan.map(|plan| plan.effect)).collect())
}

/// Locks all shelves that these changes touch, in their order.
async fn lock_shelves<'p, T: Write>(tx: &mut T, plans: impl Iterator<Item = &'p Plan<'p>>) -> Done<Shelves> {
    let (mut changes, mut newest) = (Vec::new(), None::<Source<'p>>);
    for plan in plans.filter(|plan| plan.is_embedded()) {
        changes.extend(&plan.changes);
        newest = newest.into_iter().chain([plan.source()]).max_by_key(|(cause, _)| cause.time);
    }
    let Some((cause, ids)) = newest else { return Ok(Shelves::default()) };
    let skus = changes.into_iter().map(|change| change.sku.clone()).collect();
    Shelves::lock(tx, &skus, Locking { carts: &[], now: cause.time, ids }).await
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
        let rows = tx.lock_orders(&[self.0.order_id]).await?.pop();
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
            RequestOutcome::Order(id) => Ok(Ok(as_it_is(id, tx.lock_orders(&[id]).await?.pop())?.order)),
            RequestOutcome::Refused(refusal) => Ok(Err(refusal)),
            RequestOutcome::Cart(_) | RequestOutcome::Merged(..) | RequestOutcome::Done => Err(foreign_outcome()),
        }
    }
}
