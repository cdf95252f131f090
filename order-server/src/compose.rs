//! Puts a service together from its configuration: what `serve`, the demo and the tests all start.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use order_core::currency::Currency;
use order_store::{ConnectOptions, DatabaseUrl, Numbering, Store, StoreError};

use tokio::sync::Notify;

use crate::{
    app::{App, GuestPolicy},
    clock::{Clock, IdSource, RandomIds, SystemClock},
    config::{Config, DatabaseConfig, EventsConfig, ShopConfig, Switch},
    feed::Feed,
    gateways::{
        EmbeddedCatalog, EmbeddedInventory, EmbeddedShipping, Mail, Nats, NoNotifier, Publisher, REDIS_PATIENCE, Redis,
        RemoteCatalog, RemoteInventory, RemoteNotifier, RemotePayments, RemoteShipping, SimulatedGateway, Webhook,
    },
    health::ReadinessProbe,
    shutdown::Lifecycle,
};

/// The currency of orders that name none.
const CURRENCY: &str = "USD";

/// Why a service could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The database.
    #[error("the database cannot be used: {0}")]
    Store(#[from] StoreError),
    /// The database's URL.
    #[error("DATABASE_URL: {0}")]
    Url(String),
}

/// Connects to the database, after applying missing migrations where that is configured.
///
/// # Errors
/// Where the URL makes no sense or the database does not answer.
pub async fn connect(config: &DatabaseConfig) -> Result<Arc<dyn Store>, ComposeError> {
    if config.migrate_on_start.is_on() {
        migrate(config).await?;
    }
    open(config).await
}

/// Connects to the database and leaves its schema as it is.
///
/// # Errors
/// Where the URL makes no sense or the database does not answer.
pub async fn open(config: &DatabaseConfig) -> Result<Arc<dyn Store>, ComposeError> {
    let size = usize::try_from(config.pool_size.get()).unwrap_or(usize::MAX);
    let options = ConnectOptions { pool_size: size, ..ConnectOptions::default() };
    Ok(order_store::connect(&parse(config.url.expose())?, &options).await?)
}

/// Applies missing migrations and returns their names.
///
/// # Errors
/// Where the URL makes no sense or the database does not answer.
pub async fn migrate(config: &DatabaseConfig) -> Result<Vec<String>, ComposeError> {
    Ok(order_store::migrate(&parse(config.direct_url.expose())?).await?)
}

fn parse(url: &str) -> Result<DatabaseUrl, ComposeError> {
    DatabaseUrl::parse(url).map_err(|error| ComposeError::Url(error.to_string()))
}

/// How order numbers are made.
#[must_use]
pub fn numbering(shop: &ShopConfig) -> Numbering {
    Numbering { prefix: shop.order_number_prefix.clone(), first: shop.order_number_first }
}

/// Where time and identities come from: the machine, or a test.
#[derive(Clone)]
pub struct Sources {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Fresh identities.
    pub ids: Arc<dyn IdSource>,
}

impl Default for Sources {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), ids: Arc::new(RandomIds) }
    }
}

/// Everything that the use cases need, with the neighbours that are configured and the embedded ones for all others. Must be called
/// inside the runtime.
#[must_use]
pub fn app(config: &Config, store: &Arc<dyn Store>, lifecycle: &Lifecycle, sources: Sources) -> Arc<App> {
    let (shop, around) = (&config.shop, &config.neighbours);
    let counted_elsewhere =
        around.inventory.as_ref().map(|address| Arc::new(RemoteInventory::new(address, around.allowance)));
    if let Some(tls) = around.tls.clone() {
        let closing = lifecycle.closing().clone();
        lifecycle.spawn(async move { closing.run_until_cancelled(tls.keep_fresh()).await });
    }
    // The gateway tells the app of payment events, as an adapter would at the door: each knows the other.
    Arc::new_cyclic(|app: &Weak<App>| App {
        store: Arc::clone(store),
        catalog: match &around.catalog {
            Some(address) => Arc::new(RemoteCatalog::new(address, around.allowance, around.catalog_cache)),
            None => Arc::new(EmbeddedCatalog::new(Arc::clone(store))),
        },
        inventory: match &counted_elsewhere {
            Some(remote) => Arc::clone(remote) as _,
            None => Arc::new(EmbeddedInventory(Arc::clone(store))),
        },
        warehouse: counted_elsewhere.clone().map(|remote| remote as _),
        untold: Notify::new(),
        payments: match &around.payment {
            Some(address) => Arc::new(RemotePayments::new(address, around.allowance)),
            None => Arc::new(SimulatedGateway::new(
                Arc::clone(store),
                Mail::new(app.clone(), lifecycle.tasks().clone(), lifecycle.closing().clone()),
            )),
        },
        shipping: match &around.shipping {
            Some(address) => Arc::new(RemoteShipping::new(address, around.allowance)),
            None => Arc::new(EmbeddedShipping),
        },
        notifier: match &around.notification {
            Some(address) => Arc::new(RemoteNotifier::new(address, around.allowance)),
            None => Arc::new(NoNotifier),
        },
        publishers: publishers(&config.events),
        shared_limits: shared_limits(config, lifecycle),
        feed: Feed::new(Arc::clone(store)),
        rules: Arc::new(shop.rules.clone()),
        policy: shop.policy,
        numbering: numbering(shop),
        guests: match shop.guest_checkout {
            Switch::On => GuestPolicy::Allowed,
            Switch::Off => GuestPolicy::Refused,
        },
        currency: Currency::parse(CURRENCY).expect("the default currency is in ISO 4217"),
        clock: sources.clock,
        ids: sources.ids,
        tasks: lifecycle.tasks().clone(),
        draining: lifecycle.draining().clone(),
    })
}

fn publishers(events: &EventsConfig) -> Vec<Arc<dyn Publisher>> {
    let nats = Nats::new(&events.nats).map(|nats| Arc::new(nats) as Arc<dyn Publisher>);
    let webhook = events.webhook.clone().map(|webhook| Arc::new(Webhook::new(webhook)) as Arc<dyn Publisher>);
    nats.into_iter().chain(webhook).collect()
}

/// Where all processes count calls together, if that is configured. Must be called inside the runtime.
#[must_use]
pub fn shared_limits(config: &Config, lifecycle: &Lifecycle) -> Option<Arc<Redis>> {
    config.redis.as_ref().map(|url| Redis::start(url, REDIS_PATIENCE, lifecycle))
}

/// Ready means: the database answers, and its schema is ours.
///
/// A probe that finds all connections in use says nothing: a busy process is not a sick one, and taking it out would only make
/// the others busier. A database that does not answer in time does so again; after a few times it counts as gone.
pub struct StoreProbe {
    store: Arc<dyn Store>,
    late: AtomicU32,
}

/// How long one probe waits for the database.
const PROBE_PATIENCE: Duration = Duration::from_millis(1500);

/// How often in a row the database may be late.
const LATE_PROBES: u32 = 3;

impl StoreProbe {
    /// Asks this store.
    #[must_use]
    pub const fn new(store: Arc<dyn Store>) -> Self {
        Self { store, late: AtomicU32::new(0) }
    }
}

#[async_trait]
impl ReadinessProbe for StoreProbe {
    async fn check(&self) -> Result<(), String> {
        let until = Instant::now() + PROBE_PATIENCE;
        let late = match order_store::deadline::within(until, self.store.ping()).await {
            Ok(()) => {
                self.late.store(0, Ordering::Relaxed);
                return Ok(());
            }
            Err(StoreError::Overloaded { .. }) => return Ok(()),
            Err(StoreError::DeadlineExceeded) => self.late.fetch_add(1, Ordering::Relaxed) + 1,
            Err(error) => return Err(error.to_string()),
        };
        if late < LATE_PROBES { Ok(()) } else { Err("the database does not answer in time".to_owned()) }
    }
}
