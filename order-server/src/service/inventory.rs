//! Goods that an inventory service counts: reserved before the transaction that needs them, and given back where it comes to nothing.
//!
//! A reservation is noted down before it is asked for, and taken over by the very transaction that needs it: whatever happens in between,
//! a crash included, leaves a note by which the units are given back. See [`order_core::stock::InventoryOperation`].

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use order_core::{
    error::Refusal,
    ids::{InventoryOperationId, OrderId},
    policy::StockKeeping,
    ports::{Lack, ReserveOutcome, Unavailable},
    stock::{Demand, Goods, InventoryKind, InventoryOperation, LevelQuery, Reserved, Shortage},
};
use order_store::{ChangeOrder, Effect, IntendReservation, Mode, PricedCart, Request, Shortfall, StoreError};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::{
    app::App,
    error::ApiError,
    telemetry::metrics::{INVENTORY_OPERATIONS_UNTOLD, INVENTORY_OPERATIONS_UNTOLD_AGE, waiting},
};

/// How long a reservation waits for its order. Far beyond what placing an order may take.
const PATIENCE_S: i64 = 60;

/// How much is told at a time, and how much of that at once: little enough to be told before it is due again.
const BATCH: u32 = 64;
const AT_ONCE: usize = 16;

/// How often a change is tried whose demand keeps changing, or whose goods the same request has reserved before.
const ATTEMPTS: usize = 5;

/// How long another attempt of the same request is waited for.
const RIVAL_PAUSE: Duration = Duration::from_millis(50);

/// Units that are promised to an order that does not have them yet. Unless it takes them over, they are given back when this is dropped,
/// however that comes about.
pub(crate) struct Held {
    reserved: Reserved,
    /// Whoever gives them back; `None` where there is nothing to give.
    app: Option<Arc<App>>,
}

impl Held {
    /// What is promised.
    pub(crate) const fn reserved(&self) -> &Reserved {
        &self.reserved
    }

    /// The order has them: there is nothing to give back.
    pub(crate) fn taken_over(mut self) {
        self.app = None;
    }

    /// Gives them back now, as far as that can be done, for somebody who is about to ask for the same.
    pub(crate) async fn give_back(mut self) {
        let Some(app) = self.app.take() else { return };
        let id = self.reserved.id;
        let given = match app.store.give_up_reservation(id, app.clock.now()).await {
            Ok(operation) => tell(&app, operation.into_iter().collect()).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = given {
            tracing::warn!(%id, %error, "a reservation is left to be withdrawn later");
        }
    }

    /// What a preview works with: nothing is promised.
    fn pretended(units: Demand) -> Self {
        Self { reserved: Reserved { id: InventoryOperationId::new(Uuid::nil()), units }, app: None }
    }
}

impl Drop for Held {
    /// Only says so: a worker tells it. Where there is no runtime any more, it is withdrawn once its time is over.
    fn drop(&mut self) {
        let (Some(app), Ok(_runtime)) = (self.app.take(), Handle::try_current()) else { return };
        let (id, tasks) = (self.reserved.id, app.tasks.clone());
        tasks.spawn(async move {
            match app.store.give_up_reservation(id, app.clock.now()).await {
                Ok(_) => app.untold.notify_one(),
                Err(error) => tracing::warn!(%id, %error, "a reservation is left to be withdrawn later"),
            }
        });
    }
}

/// Tells the inventory service what it is to know, and forgets what it has heard; says how much that is.
///
/// # Errors
/// The store's: all of it is told once more.
async fn tell(app: &App, operations: Vec<InventoryOperation>) -> Result<usize, StoreError> {
    let asks = operations.into_iter().map(|operation| async move { (operation.id, hear(app, &operation).await) });
    let answers: Vec<_> = stream::iter(asks).buffer_unordered(AT_ONCE).collect().await;
    let unheard: Vec<_> = answers.iter().filter_map(|(id, answer)| Some((id, answer.as_ref().err()?))).collect();
    if let Some((id, error)) = unheard.first() {
        tracing::warn!(count = unheard.len(), %id, %error, "the inventory service has not heard something yet");
    }
    let heard: Vec<_> = answers.iter().filter(|(_, answer)| answer.is_ok()).map(|(id, _)| *id).collect();
    let count = heard.len();
    if count > 0 {
        app.store.end_inventory(heard).await?;
    }
    Ok(count)
}

async fn hear(app: &App, operation: &InventoryOperation) -> Result<(), Unavailable> {
    let warehouse = app.warehouse.as_ref().ok_or_else(absent)?;
    let told = warehouse.tell(operation).await;
    if let Err(error) = &told {
        let (id, kind, order_id) = (operation.id, operation.kind.as_str(), operation.order_id);
        tracing::debug!(%id, kind, %order_id, %error, "not heard");
    }
    told
}

/// Orders that an inventory service counts may outlive its configuration.
fn absent() -> Unavailable {
    let detail = "INVENTORY_URL is not set, and the goods of this order are counted there".to_owned();
    Unavailable { neighbour: "inventory", lack: Lack::Down, detail }
}

/// Whether there is more to be told at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Perhaps.
    Some,
    /// Nothing is due, or nobody listens.
    None,
}

/// Tells some of what is due.
///
/// # Errors
/// The store's; what is left stays due.
pub(crate) async fn tell_some(app: &App) -> Result<Rest, StoreError> {
    let due = app.store.claim_inventory(app.clock.now(), BATCH).await?;
    let heard = if due.is_empty() { 0 } else { tell(app, due).await? };
    Ok(if heard > 0 { Rest::Some } else { Rest::None })
}

/// Shows how much is still to be told, and for how long the oldest of it has been, by kind; says whether there is anything. All processes
/// show the same.
///
/// # Errors
/// The store's.
pub(crate) async fn show_untold(app: &App) -> Result<Rest, StoreError> {
    let untold = app.store.untold_operations().await?;
    for kind in InventoryKind::ALL {
        let found = untold.iter().find(|found| found.kind == kind).map(|found| (found.count, found.oldest));
        let (count, age) = waiting(found, app.clock.now());
        metrics::gauge!(INVENTORY_OPERATIONS_UNTOLD, "kind" => kind.as_str()).set(count);
        metrics::gauge!(INVENTORY_OPERATIONS_UNTOLD_AGE, "kind" => kind.as_str()).set(age);
    }
    Ok(if untold.is_empty() { Rest::None } else { Rest::Some })
}

/// Whom units are for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    /// The order. It need not exist yet.
    pub(crate) order_id: OrderId,
    /// What of the caller's they are for, where that has a name: its attempts do not compete.
    pub(crate) claimant: Option<Uuid>,
}

impl Claim {
    /// For an order that is placed.
    pub(crate) fn placing(order_id: OrderId, (request, cart): (Option<&Request>, Option<&PricedCart>)) -> Self {
        // A cart becomes one order, whichever request is first.
        let claimant = cart.map(|cart| cart.id.uuid()).or_else(|| request.map(name));
        Self { order_id, claimant }
    }

    fn changing(change: &ChangeOrder) -> Self {
        Self { order_id: change.order_id, claimant: change.request.as_ref().map(name) }
    }
}

/// A request's name, as long as an identity.
fn name(request: &Request) -> Uuid {
    let key = &request.key;
    let mut hash = Sha256::new();
    for part in [key.principal.as_bytes(), b"\0", key.method.as_bytes(), b"\0", key.request_id.uuid().as_bytes()] {
        hash.update(part);
    }
    let hash: [u8; 32] = hash.finalize().into();
    Uuid::from_bytes(*hash.first_chunk().expect("a hash is longer than an identity"))
}

/// What became of asking for units.
pub(crate) enum Reserving {
    /// They are promised.
    Held(Held),
    /// There are not enough: every shortage.
    Short(Refusal),
    /// There may be enough: another attempt of the same claimant has some of them. It becomes clear in a moment, which has passed.
    Rivalled,
}

/// Has units promised to an order, all of them or none.
///
/// # Errors
/// `INVENTORY_UNAVAILABLE`; the store's.
pub(crate) async fn reserve(app: &Arc<App>, claim: Claim, units: Demand) -> Result<Reserving, ApiError> {
    let warehouse = app.warehouse.as_ref().ok_or_else(absent)?;
    let Claim { order_id, claimant } = claim;
    let id = InventoryOperationId::new(app.ids.seed().nth(0));
    let goods = Goods { units: units.clone(), kept: Demand::new() };
    let operation = InventoryOperation { id, order_id, revision: 0, kind: InventoryKind::Reserve, goods };
    let now = app.clock.now();
    let until = now.plus_seconds(PATIENCE_S);
    let intent = IntendReservation { operation: operation.clone(), claimant, now, until };
    app.store.intend_reservation(intent).await?;
    let held = Held { reserved: Reserved { id, units }, app: Some(Arc::clone(app)) };
    match warehouse.reserve(&operation).await {
        ReserveOutcome::Reserved => Ok(Reserving::Held(held)),
        ReserveOutcome::Short(shortages) => match app.store.refuse_reservation(id).await? {
            Shortfall::Genuine => {
                held.taken_over();
                Ok(Reserving::Short(Refusal::InsufficientStock(shortages)))
            }
            Shortfall::AmongOwn => {
                held.taken_over();
                app.untold.notify_one();
                tokio::time::sleep(RIVAL_PAUSE).await;
                Ok(Reserving::Rivalled)
            }
        },
        ReserveOutcome::Unasked(error) => {
            app.store.end_inventory(vec![id]).await?;
            held.taken_over();
            Err(error.into())
        }
        ReserveOutcome::Unknown(error) => Err(error.into()),
    }
}

/// Looks whether units could be promised.
///
/// # Errors
/// `INVENTORY_UNAVAILABLE`. That there are not enough is the inner one, with every shortage.
pub(crate) async fn check(app: &App, units: &Demand) -> Result<Result<(), Refusal>, ApiError> {
    let query = LevelQuery { skus: units.keys().cloned().collect(), now: app.clock.now(), cart_id: None };
    let available = app.inventory.available(query).await?;
    let short = units.iter().filter_map(|(sku, &requested)| {
        let available = available.get(sku).copied().unwrap_or_default();
        (requested > available).then(|| Shortage { sku: sku.clone(), requested, available })
    });
    let short: Vec<_> = short.collect();
    Ok(if short.is_empty() { Ok(()) } else { Err(Refusal::InsufficientStock(short)) })
}

/// Changes an order. What the change has to have promised elsewhere is reserved when the store asks for it.
///
/// # Errors
/// As the command is refused; `INVENTORY_UNAVAILABLE`; `CONTENDED` where what it needs keeps changing; the store's.
pub(crate) async fn change(app: &Arc<App>, change: ChangeOrder) -> Result<Effect, ApiError> {
    let mut held: Option<Held> = None;
    for _ in 0..ATTEMPTS {
        let reserved = held.as_ref().map(|held| held.reserved().clone());
        let units = match app.store.change(ChangeOrder { reserved, ..change.clone() }).await {
            Ok(effect) => {
                if effect.order.stock_keeping == StockKeeping::Remote && !effect.events.is_empty() {
                    app.untold.notify_one();
                }
                return Ok(effect);
            }
            Err(StoreError::Refused(Refusal::Unreserved(units))) => units,
            Err(error) => return Err(error.into()),
        };
        if let Some(held) = held.take() {
            held.give_back().await;
        }
        held = match promised(app, &change, units).await? {
            Reserving::Held(held) => Some(held),
            Reserving::Rivalled => None,
            Reserving::Short(refusal) => return refuse(app, change, refusal).await,
        };
    }
    Err(Refusal::PricingStale.into())
}

async fn promised(app: &Arc<App>, change: &ChangeOrder, units: Demand) -> Result<Reserving, ApiError> {
    match change.mode {
        Mode::Apply => reserve(app, Claim::changing(change), units).await,
        Mode::Preview => Ok(match check(app, &units).await? {
            Ok(()) => Reserving::Held(Held::pretended(units)),
            Err(refusal) => Reserving::Short(refusal),
        }),
    }
}

/// That there was not enough is kept under the request id; and if that id changed the order earlier, the answer is the order.
async fn refuse(app: &App, change: ChangeOrder, refusal: Refusal) -> Result<Effect, ApiError> {
    match (change.request, change.mode) {
        (Some(request), Mode::Apply) => {
            let order = app.store.conclude(request, Err(refusal)).await?;
            Ok(Effect { order, events: Vec::new() })
        }
        (_, Mode::Apply | Mode::Preview) => Err(refusal.into()),
    }
}
