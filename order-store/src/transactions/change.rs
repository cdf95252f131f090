//! Changing one order: decide under its lock, write what follows.

use order_core::{
    error::{Refusal, ResourceKind},
    ids::OrderId,
    order::{Command, Context, Event, Order},
    policy::StockKeeping,
    stock::{MovementKind, Reserved, StockChange},
};

use super::{coupons::Freed, inventory::Telling, place::foreign_outcome, requests, shelf};
use crate::{
    backend::WriteWork,
    error::StoreError,
    query::Scope,
    request::{Request, RequestOutcome},
    rows::{EventRow, MovementCause, OrderRows, RequestRow, Rollups, SearchRow},
    statements::{Done, Write},
    store::{ChangeOrder, Effect, Mode},
};

impl WriteWork for ChangeOrder {
    type Output = Result<Effect, Refusal>;
    const NAME: &'static str = "change";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let request = match self.mode {
            Mode::Apply => self.request.as_ref(),
            Mode::Preview => None,
        };
        match requests::claim(tx, request, &RequestOutcome::Order(self.order_id)).await? {
            requests::Claim::Ours => {}
            requests::Claim::Replay(outcome) => return replay(tx, outcome).await,
            requests::Claim::Reused => return Ok(Err(Refusal::RequestIdReused)),
        }
        let result = self.carry_out(tx).await?;
        if let (Err(Refusal::Unreserved(_)), Some(request)) = (&result, request) {
            // The caller reserves and comes again, under the same request id.
            tx.unclaim_requests(&[RequestRow::named(request)]).await?;
            return Ok(result);
        }
        requests::settle(tx, request, result).await
    }
}

impl ChangeOrder {
    async fn carry_out<T: Write>(&self, tx: &mut T) -> Done<Result<Effect, Refusal>> {
        let Some(rows) = tx.lock_order(self.order_id, &self.scope).await? else {
            return Ok(Err(Refusal::not_found(ResourceKind::Order, self.order_id)));
        };
        let order = rows.clone().into_order()?;
        if self.expected_revision.is_some_and(|expected| expected != order.revision) {
            return Ok(Err(Refusal::EtagMismatch { current: order.revision }));
        }
        let decision = Decision {
            command: &self.command,
            context: &self.context,
            mode: self.mode,
            reserved: self.reserved.as_ref(),
        };
        decision.carry_out(tx, (order, rows)).await
    }
}

/// A command and the circumstances under which it is decided.
pub(super) struct Decision<'a> {
    pub(super) command: &'a Command,
    pub(super) context: &'a Context,
    pub(super) mode: Mode,
    /// Units that are promised elsewhere, where the order's goods are counted there.
    pub(super) reserved: Option<&'a Reserved>,
}

impl Decision<'_> {
    /// Decides against an order that is locked, and writes what follows.
    pub(super) async fn carry_out<T: Write>(
        &self,
        tx: &mut T,
        (order, rows): (Order, OrderRows),
    ) -> Done<Result<Effect, Refusal>> {
        let events = match order.decide(self.command, self.context) {
            Ok(events) => events,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if events.is_empty() {
            return Ok(Ok(Effect { order, events }));
        }
        let (after, changes) = apply(&order, &events);
        match self.mode {
            Mode::Preview => {
                let checked = match order.stock_keeping {
                    StockKeeping::Embedded => shelf::check(tx, &changes, self.source(order.id)).await?,
                    StockKeeping::Remote => self.telling(&after, &changes).check().map(drop),
                };
                Ok(checked.map(|()| Effect { order: after, events }))
            }
            Mode::Apply => self.write(tx, (&order, &rows), Effect { order: after, events }, &changes).await,
        }
    }

    fn telling<'c>(&'c self, after: &Order, changes: &'c [StockChange]) -> Telling<'c> {
        Telling {
            order_id: after.id,
            revision: after.revision,
            changes,
            reserved: self.reserved,
            now: self.context.now,
            ids: self.context.ids,
        }
    }

    /// What movements are for, and where their identities come from.
    fn source(&self, order_id: OrderId) -> shelf::Source<'_> {
        let cause = MovementCause {
            order_id: Some(order_id),
            cart_id: None,
            reason: self.context.reason.as_deref(),
            actor: &self.context.actor,
            time: self.context.now,
        };
        (cause, self.context.ids)
    }

    async fn write<T: Write>(
        &self,
        tx: &mut T,
        (before, rows): (&Order, &OrderRows),
        effect: Effect,
        changes: &[StockChange],
    ) -> Done<Result<Effect, Refusal>> {
        let order_id = before.id;
        let freed = Freed::lock(tx, before, &effect.events).await?;
        let moved = match before.stock_keeping {
            StockKeeping::Embedded => shelf::change(tx, changes, self.source(order_id)).await?,
            StockKeeping::Remote => self.telling(&effect.order, changes).note(tx).await?,
        };
        if let Err(refusal) = moved {
            return Ok(Err(refusal));
        }
        if let Some(freed) = freed {
            freed.write(tx).await?;
        }
        let after = OrderRows::new(&effect.order);
        tx.update_order(rows, &after).await?;
        let events: Vec<_> = effect.events.iter().map(|event| EventRow::new(order_id, event)).collect();
        tx.insert_events(&events).await?;
        if before.search_text() != effect.order.search_text() {
            tx.put_search(&[SearchRow::new(&effect.order)]).await?;
        }
        let mut rollups = Rollups::default();
        rollups.change(rows, &after);
        let (orders, customers) = rollups.into_rows();
        tx.add_rollups(&orders, &customers).await?;
        Ok(Ok(effect))
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
            requests::Claim::Ours => found,
            requests::Claim::Replay(earlier) => earlier,
            requests::Claim::Reused => return Ok(Err(Refusal::RequestIdReused)),
        };
        Ok(replay(tx, outcome).await?.map(|effect| effect.order))
    }
}

/// The order that an earlier request made, as it is now. Read under its lock: otherwise its rows would be those of different
/// moments where it is being changed.
async fn replay<T: Write>(tx: &mut T, outcome: RequestOutcome) -> Done<Result<Effect, Refusal>> {
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
