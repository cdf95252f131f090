//! The configuration: what was given, judged as a whole before anything is bound.
//!
//! [`setting::SETTINGS`] is the table, [`Raw`] the given values, [`Config`] the result. [`Config::resolve`] reports every
//! mistake at once.

mod network;
mod raw;
mod read;
pub mod secret;
pub mod setting;
mod show;

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf, sync::Arc, time::Duration};

use http::{HeaderValue, Uri};
use order_core::{policy::Policy, rules::Rules};

pub use self::{
    network::{Network, Networks, home},
    raw::Raw,
    secret::{DatabaseUrl, RedisUrl, Secret, SigningKey},
};
use crate::{
    auth::{access::PerClass, jwks::JwksSource},
    gateways::{Allowance, RemoteAddress},
    tls::{Door, Kept, Neighbours},
};

/// A valid configuration. `Debug` and `Display` show no secret.
#[derive(Debug, Clone)]
pub struct Config {
    /// Development or production.
    pub environment: Environment,
    /// Where the gRPC API listens.
    pub listen_addr: SocketAddr,
    /// Where metrics, health and readiness listen.
    pub ops_addr: SocketAddr,
    /// How the gRPC API speaks TLS; `None` means plain text. The ops port speaks that always: those who probe it know no other.
    pub tls: Option<Arc<Kept<Door>>>,
    /// Where the embedded database and the generated key live.
    pub data_dir: PathBuf,
    /// The database.
    pub database: DatabaseConfig,
    /// Who may call.
    pub identity: IdentityConfig,
    /// The choices of the shop.
    pub shop: ShopConfig,
    /// The services around it.
    pub neighbours: NeighboursConfig,
    /// Where events are passed on to.
    pub events: EventsConfig,
    /// How much is let in.
    pub limits: LimitsConfig,
    /// Where all processes count calls together; each counts for itself without it.
    pub redis: Option<RedisUrl>,
    /// Who may say for whom they call.
    pub trusted_proxies: Networks,
    /// How the process ends.
    pub shutdown: ShutdownConfig,
    /// What is logged, and how.
    pub log: LogConfig,
    /// Where traces are sent.
    pub traces: TracesConfig,
    /// Whether gRPC reflection is served.
    pub reflection: Switch,
    /// What browsers may do.
    pub web: WebConfig,
}

/// Where the process runs. Development is production with a generated key and friendlier defaults; nothing is turned off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// On somebody's machine, or in a test.
    Development,
    /// For customers.
    Production,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

impl Switch {
    /// Whether it is on.
    #[must_use]
    pub const fn is_on(self) -> bool {
        matches!(self, Self::On)
    }
}

/// The database.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// Where it is.
    pub url: DatabaseUrl,
    /// The same database without a pooler in between; equal to `url` where there is none.
    pub direct_url: DatabaseUrl,
    /// Connections to PostgreSQL, or readers of SQLite.
    pub pool_size: NonZeroU32,
    /// Whether missing migrations are applied before serving.
    pub migrate_on_start: Switch,
}

/// Who may call.
#[derive(Debug, Clone)]
pub struct IdentityConfig {
    /// The key that signs tokens.
    pub key: KeySource,
    /// The `iss` that tokens must carry.
    pub issuer: String,
    /// The `aud` that tokens must carry.
    pub audience: String,
}

/// Where the signing key comes from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// Given: at least 32 bytes.
    Given(Secret),
    /// Public keys of whoever makes tokens.
    Set(JwksSource),
    /// Kept in this file, generated when the file does not exist. Development only.
    Generated(PathBuf),
}

/// The choices of the shop.
#[derive(Debug, Clone)]
pub struct ShopConfig {
    /// The rules of tax and shipping, from the file or built in.
    pub rules: Rules,
    /// TOML file with tax and shipping rules; `None` means the built-in ones.
    pub rules_file: Option<PathBuf>,
    /// Whether carts and orders need no token.
    pub guest_checkout: Switch,
    /// When orders are confirmed, stock is promised and waiting ends.
    pub policy: Policy,
    /// Start of order numbers.
    pub order_number_prefix: String,
    /// First number of a year, at least 1.
    pub order_number_first: i64,
    /// Whether an empty catalogue is filled with demo products.
    pub demo_catalog: Switch,
}

/// The services around it. What has no address is part of this process.
#[derive(Debug, Clone)]
pub struct NeighboursConfig {
    /// Who knows products.
    pub catalog: Option<RemoteAddress>,
    /// How old a product of theirs may be.
    pub catalog_cache: Duration,
    /// Who counts the goods.
    pub inventory: Option<RemoteAddress>,
    /// Who moves money.
    pub payment: Option<RemoteAddress>,
    /// Who carries parcels.
    pub shipping: Option<RemoteAddress>,
    /// Who tells customers.
    pub notification: Option<RemoteAddress>,
    /// How those at `https://` addresses are spoken to.
    pub tls: Option<Arc<Kept<Neighbours>>>,
    /// What each of them is allowed.
    pub allowance: Allowance,
}

impl std::fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookConfig").field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// Pages from these origins may read our answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// None.
    None,
    /// Any. Tokens come in a header and never in a cookie, so that a foreign page has none to send.
    Any,
    /// These.
    These(Vec<HeaderValue>),
}

/// What browsers may do.
#[derive(Debug, Clone)]
pub struct WebConfig {
    /// Whether gRPC-Web is spoken.
    pub grpc_web: Switch,
    /// Whose pages may read our answers.
    pub origins: Origins,
}

/// Where events are passed on to.
#[derive(Debug, Clone)]
pub struct EventsConfig {
    /// A broker; none without an address.
    pub nats: NatsConfig,
    /// An endpoint.
    pub webhook: Option<WebhookConfig>,
}

/// A NATS server with JetStream.
#[derive(Debug, Clone)]
pub struct NatsConfig {
    /// Where it is, if there is one; may hold credentials.
    pub url: Option<Secret>,
    /// What subjects begin with.
    pub subject: String,
    /// The stream that is made where no other takes those subjects.
    pub stream: String,
}

/// An endpoint that events are posted to. `Debug` does not show where.
#[derive(Clone)]
pub struct WebhookConfig {
    /// Where it is; may hold what only we should know.
    pub url: Uri,
    /// What messages are signed with, each: while a key is replaced there are two.
    pub keys: Vec<SigningKey>,
}

/// How much is let in.
#[derive(Debug, Clone, Copy)]
pub struct LimitsConfig {
    /// Calls in progress.
    pub max_concurrent_requests: NonZeroU32,
    /// Open connections.
    pub max_connections: NonZeroU32,
    /// Open connections from one address.
    pub max_connections_per_address: NonZeroU32,
    /// Longest time of a unary call.
    pub request_timeout: Duration,
    /// Calls of one customer or guest address; `None` means no limit.
    pub rates: PerClass<Option<Rate>>,
}

/// A rate of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Sustained calls a second.
    pub per_second: NonZeroU32,
    /// Calls at once.
    pub burst: NonZeroU32,
}

/// How the process ends.
#[derive(Debug, Clone, Copy)]
pub struct ShutdownConfig {
    /// Between NOT_SERVING and the last accepted connection, so that load balancers look elsewhere.
    pub propagation: Duration,
    /// What calls in progress get to finish.
    pub drain: Duration,
    /// What background work gets to finish after the calls.
    pub tasks: Duration,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// One JSON object a line, or text for people.
    pub format: LogFormat,
    /// Levels by module.
    pub filter: String,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Where traces are sent, and what they say of this process.
#[derive(Debug, Clone, PartialEq)]
pub struct TracesConfig {
    /// A collector; nothing is traced without one.
    pub endpoint: Option<Uri>,
    /// What this service is called there.
    pub service_name: String,
    /// What else is said about this process, by name.
    pub attributes: Vec<(String, String)>,
    /// Which part of the traces that begin here is sent, 0 to 1.
    pub ratio: f64,
}

/// What the caller of [`Config::resolve`] is going to use. In production nothing that is used may be made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Everything: database and key.
    Serve,
    /// The database.
    Database,
    /// The key.
    Key,
    /// Neither: only addresses are looked at.
    Probe,
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<String>);

impl ConfigErrors {
    /// One line each, beginning with the name of the setting. No value of a secret is repeated.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

impl std::fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the configuration is not valid:")?;
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl std::error::Error for ConfigErrors {}
