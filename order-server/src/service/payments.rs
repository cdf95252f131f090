//! The second and third phase of everything that moves money: ask the gateway, book its answer.
//!
//! A request is in the ledger before it is sent, and no transaction is open while the gateway works. Whatever happens in
//! between, a crash included, leaves a request that is SENT or UNKNOWN; the reconciler asks the gateway what became of it.
//! Answers that come by themselves, as events, are booked by the same command and under the same lock.

mod asking;

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use opentelemetry::trace::FutureExt as _;
use order_core::{
    ids::{OperationId, OrderId},
    order::{Context, Event, EventBody, Order},
    payment::{OperationKind, OperationState},
};
use order_store::{DueOperation, Effect, OrderKey, PaymentEvent, PaymentEventOutcome, Scope, StoreError};

use self::asking::{Approach, Heard, Step, step};
use crate::{
    app::App,
    gateways::Listener,
    telemetry::metrics::{PAYMENT_OPERATIONS_UNRESOLVED, PAYMENT_OPERATIONS_UNRESOLVED_AGE, waiting},
};

/// How many requests the reconciler looks after at a time: one gateway that does not answer must not hold up all the others.
const AT_ONCE: usize = 8;

/// Further ahead than any request waits to be looked after.
const ALL_ARE_DUE: Duration = Duration::from_secs(24 * 3600);

/// Carries out the requests that a change started, and those that their outcomes start in turn. The order as it is then.
///
/// The work goes on if the caller goes away. Where the store fails meanwhile, the order is returned as far as it came, and
/// the reconciler finishes the rest.
pub async fn settle_started(app: &Arc<App>, effect: Effect) -> Order {
    let mut queue = started(&effect.events);
    if queue.is_empty() {
        return effect.order;
    }
    let order = effect.order.clone();
    let app = Arc::clone(app);
    let tasks = app.tasks.clone();
    let work = async move {
        let mut order = effect.order;
        while let Some(id) = queue.pop_front() {
            match step(&app, &order, (id, Approach::Started)).await {
                Ok(Step { effect, .. }) => {
                    queue.extend(started(&effect.events));
                    order = effect.order;
                }
                Err(error) => {
                    tracing::warn!(order_id = %order.id, %error, "a payment outcome is left to the reconciler");
                    break;
                }
            }
        }
        order
    };
    tasks.spawn(work.with_current_context()).await.unwrap_or(order)
}

/// Why money that a change asked for was refused, if it was.
#[must_use]
pub fn declined(order: &Order, events: &[Event]) -> Option<String> {
    let asked = events.iter().find_map(|event| collecting(&event.body))?;
    let mut operations = order.payments.iter().flat_map(|payment| &payment.operations);
    let operation = operations.find(|operation| operation.id == asked)?;
    (operation.state == OperationState::Failed).then(|| operation.decline_code.clone().unwrap_or_default())
}

/// The request that an event begins, if it is to bring money in or to promise it.
const fn collecting(body: &EventBody) -> Option<OperationId> {
    let EventBody::OperationStarted { operation, .. } = body else { return None };
    match operation.kind {
        OperationKind::Sale | OperationKind::Authorize | OperationKind::Capture => Some(operation.id),
        OperationKind::Refund | OperationKind::Void => None,
    }
}

/// Books what a gateway tells by itself, once by the name of its message, and carries out what follows from it.
///
/// # Errors
/// Refused with `NotFound` for an operation that nobody knows; the store's.
pub async fn record_event(
    app: &Arc<App>,
    event: PaymentEvent,
    context: Context,
) -> Result<(PaymentEventOutcome, OrderId), StoreError> {
    let (outcome, effect) = app.store.record_payment_event(event, context).await?;
    asking::count(&effect.events);
    let order_id = effect.order.id;
    settle_started(app, effect).await;
    Ok((outcome, order_id))
}

#[async_trait]
impl Listener for App {
    async fn hear(self: Arc<Self>, event: PaymentEvent) {
        let (operation_id, context) = (event.operation_id, self.system("gateway"));
        let event = PaymentEvent { create_time: context.now, ..event };
        if let Err(error) = record_event(&self, event, context).await {
            tracing::warn!(%operation_id, %error, "an event of the gateway is dropped; the reconciler will ask");
        }
    }
}

/// What looking after requests came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reconciled {
    /// Requests that a gateway was asked about, or sent.
    pub asked: u32,
    /// Those of them about which the gateway said anything.
    pub heard: u32,
    /// Those that are decided now.
    pub settled: u32,
    /// Orders with requests that are not.
    pub open: BTreeSet<OrderId>,
}

/// Looks after at most `most` payment requests: those that are due now, or those of one order, due or not.
///
/// # Errors
/// The store's, where it is away; what is left stays due. One order that cannot be read does not keep the others waiting.
pub async fn reconcile_due(app: &Arc<App>, only: Option<OrderId>, most: u32) -> Result<Reconciled, StoreError> {
    let ahead = only.map_or(Duration::ZERO, |_| ALL_ARE_DUE);
    let until = app.clock.now().plus_micros(i64::try_from(ahead.as_micros()).unwrap_or(i64::MAX));
    let due = app.store.due_operations(until, only, most).await?;
    let looks = due.into_iter().map(|DueOperation { order_id, operation_id }| async move {
        (order_id, reconcile(app, (order_id, operation_id)).await)
    });
    let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
    let mut done = Reconciled::default();
    let mut away = None;
    while let Some((order_id, look)) = looks.next().await {
        done.asked += 1;
        match go_on(order_id, look) {
            Ok(Some(look)) => done.add(order_id, look),
            Ok(None) => drop(done.open.insert(order_id)),
            Err(error) => away = Some(error),
        }
    }
    away.map_or(Ok(done), Err)
}

impl Reconciled {
    fn add(&mut self, order_id: OrderId, (standing, heard): (Standing, Heard)) {
        match standing {
            Standing::Decided => self.settled += 1,
            Standing::Open => drop(self.open.insert(order_id)),
        }
        match heard {
            Heard::Something => self.heard += 1,
            Heard::Nothing => {}
        }
    }
}

/// Finds out what became of a request, or sends it if it never was and is due, and books the outcome.
async fn reconcile(
    app: &Arc<App>,
    (order_id, operation_id): (OrderId, OperationId),
) -> Result<(Standing, Heard), StoreError> {
    let order = app.store.order(OrderKey::Id(order_id), Scope::All).await?;
    let Some(order) = order else { return Ok((Standing::Decided, Heard::Something)) };
    let Step { effect, heard } = step(app, &order, (operation_id, Approach::Found)).await?;
    let order = settle_started(app, effect).await;
    let open = order.open_operations().any(|(_, operation)| operation.id == operation_id);
    Ok((if open { Standing::Open } else { Standing::Decided }, heard))
}

/// Whether a request is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is.
    Decided,
    /// It is not.
    Open,
}

/// One order that cannot be read or written must not keep the others waiting; a database that is away may.
///
/// # Errors
/// Where the database is away.
pub fn go_on<T>(order_id: OrderId, done: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error @ (StoreError::Unavailable(_) | StoreError::Overloaded { .. } | StoreError::DeadlineExceeded)) => {
            Err(error)
        }
        Err(
            error @ (StoreError::Refused(_)
            | StoreError::UnknownOutcome(_)
            | StoreError::Contended(_)
            | StoreError::Corrupt(_)
            | StoreError::Internal(_)),
        ) => {
            tracing::error!(%order_id, %error, "an order is left for the next round");
            Ok(None)
        }
    }
}

/// Shows how many requests have no outcome, and how long the oldest of them has been waiting, by state. All processes show the
/// same.
///
/// # Errors
/// The store's.
pub async fn show_unresolved(app: &App) -> Result<(), StoreError> {
    let unresolved = app.store.unresolved_operations().await?;
    for state in OperationState::ALL.into_iter().filter(|state| state.is_open()) {
        let found = unresolved.iter().find(|found| found.state == state).map(|found| (found.count, found.oldest));
        let (count, age) = waiting(found, app.clock.now());
        metrics::gauge!(PAYMENT_OPERATIONS_UNRESOLVED, "state" => state.as_str()).set(count);
        metrics::gauge!(PAYMENT_OPERATIONS_UNRESOLVED_AGE, "state" => state.as_str()).set(age);
    }
    Ok(())
}

/// The requests that events wrote down and did not decide at once, as cash is.
fn started(events: &[Event]) -> VecDeque<OperationId> {
    let mut open = VecDeque::new();
    for event in events {
        if let EventBody::OperationStarted { operation, .. } = &event.body {
            open.push_back(operation.id);
        }
        if let EventBody::OperationSettled { operation_id, .. } = &event.body {
            open.retain(|id| id != operation_id);
        }
    }
    open
}
