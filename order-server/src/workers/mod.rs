//! What has to be done without anybody asking: money that nobody waits for, goods that somebody else counts, orders, carts and holds whose
//! time is over.
//!
//! Each worker may run in any number of processes at once: what it does is decided under the order's lock and done once.

mod consumer;
mod inventory;
mod notify;
mod publish;

use std::{sync::Arc, time::Duration};

use order_core::{
    error::Refusal,
    ids::OrderId,
    limits,
    order::{Command, Context},
};
use order_store::{ChangeOrder, Mode, Scope, StoreError, SweepReservations};
use tokio_util::sync::CancellationToken;

pub(crate) use self::consumer::{AT_ONCE, by_order};
use self::{consumer::Consumer, notify::Notify, publish::Publish};
use crate::{
    app::App,
    service::{self, inventory::Rest, payments},
};

/// How often each worker looks.
const PAUSE: Duration = Duration::from_secs(1);

/// How much a worker takes on at a time.
const BATCH: u32 = 100;

/// How many expired holds are looked for in one transaction.
const SWEPT: u32 = 500;

/// How many request ids are forgotten in one transaction.
const FORGOTTEN: u32 = 1000;

/// Starts the workers; they end when `stop` is cancelled, after what they have in hand.
pub fn start(app: &Arc<App>, stop: &CancellationToken) {
    for job in [Job::Reconcile, Job::ExpireOrders, Job::ExpireCarts, Job::SweepReservations, Job::ForgetRequests] {
        let (app, stop) = (Arc::clone(app), stop.clone());
        let tasks = app.tasks.clone();
        tasks.spawn(async move {
            while stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_some() {
                match job.run(&app).await {
                    Ok(()) => {}
                    Err(error) => tracing::warn!(worker = job.name(), %error, "will try again"),
                }
            }
        });
    }
    app.tasks.spawn(inventory::run(Arc::clone(app), stop.clone()));
    if app.notifier.listens() {
        let consumer = Consumer::new(Arc::clone(app), Notify(Arc::clone(&app.notifier)));
        app.tasks.spawn(consumer.run(stop.clone()));
    }
    for publisher in &app.publishers {
        let consumer = Consumer::new(Arc::clone(app), Publish::new(app, publisher));
        app.tasks.spawn(consumer.run(stop.clone()));
    }
}

#[derive(Debug, Clone, Copy)]
enum Job {
    /// Finds out what became of payment requests.
    Reconcile,
    /// Calls off orders that were not paid in time.
    ExpireOrders,
    /// Marks carts that nobody came back for.
    ExpireCarts,
    /// Gives back what carts held too long.
    SweepReservations,
    /// Forgets request ids whose time is over.
    ForgetRequests,
}

impl Job {
    const fn name(self) -> &'static str {
        match self {
            Self::Reconcile => "reconciler",
            Self::ExpireOrders => "expiry",
            Self::ExpireCarts => "cart-expiry",
            Self::SweepReservations => "hold-expiry",
            Self::ForgetRequests => "request-expiry",
        }
    }

    async fn run(self, app: &Arc<App>) -> Result<(), StoreError> {
        match self {
            Self::Reconcile => reconcile_due(app).await,
            Self::ExpireOrders => expire_due(app).await,
            Self::ExpireCarts => app.store.expire_carts(app.clock.now(), BATCH).await.map(drop),
            Self::SweepReservations => sweep_reservations(app).await,
            Self::ForgetRequests => forget_requests(app).await,
        }
    }
}

/// Looks after payment requests that are due now, and shows how many are left without an outcome.
///
/// # Errors
/// The store's; what is left stays due.
pub async fn reconcile_due(app: &Arc<App>) -> Result<(), StoreError> {
    payments::reconcile_due(app, None, BATCH).await?;
    payments::show_unresolved(app).await
}

/// Tells the inventory service what is due to be told, and shows what is left.
///
/// # Errors
/// The store's; what is left stays due.
pub async fn tell_inventory(app: &App) -> Result<(), StoreError> {
    while service::inventory::tell_some(app).await? == Rest::Some {}
    service::inventory::show_untold(app).await.map(drop)
}

/// Gives back every hold that has expired by now. Only tidies up: an expired hold keeps nobody from buying.
///
/// # Errors
/// The store's; what is left is given back by whoever claims it.
pub async fn sweep_reservations(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    while app.store.sweep_reservations(SweepReservations { now, most: SWEPT, ids: app.ids.seed() }).await? > 0 {}
    Ok(())
}

/// Forgets request ids that were used longer ago than they are promised to be known, a batch after the other.
///
/// # Errors
/// The store's.
pub async fn forget_requests(app: &App) -> Result<(), StoreError> {
    let before = app.clock.now().plus_seconds(-i64::from(limits::REQUEST_ID_RETENTION_HOURS) * 3600);
    while app.store.forget_requests(before, FORGOTTEN).await? > 0 {}
    Ok(())
}

/// Calls off every order whose time to pay is over.
///
/// # Errors
/// The store's; what is left stays due.
pub async fn expire_due(app: &Arc<App>) -> Result<(), StoreError> {
    for order_id in app.store.due_expiries(app.clock.now(), BATCH).await? {
        match expire(app, order_id).await {
            // Somebody paid or cancelled it meanwhile, or a payment is on its way: not ours to call off.
            Err(StoreError::Refused(Refusal::IllegalTransition { .. })) => {}
            done => drop(payments::go_on(order_id, done)?),
        }
    }
    Ok(())
}

async fn expire(app: &App, order_id: OrderId) -> Result<(), StoreError> {
    let context = Context { reason: Some("not paid in time".to_owned()), ..app.system("expiry") };
    let (request, expected_revision, reserved, mode) = (None, None, None, Mode::Apply);
    let (scope, command) = (Scope::All, Command::Expire);
    let change = ChangeOrder { request, order_id, scope, expected_revision, command, reserved, context, mode };
    app.store.change(change).await.map(drop)
}
