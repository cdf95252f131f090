//! Opening connections: the URL, TLS, and what is demanded of a server.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use tokio::task::AbortHandle;
use tokio_postgres::{Client, Config, NoTls, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    search_lines::KnownLines,
    tls::{self, Verify},
    together::{Known, Shape},
};
use crate::error::StoreError;

/// How long opening a connection may take, unless the URL says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the server's machine may leave what was sent unacknowledged. Without a bound, a cable that was cut would hold a
/// transaction up for a quarter of an hour.
const DEAD_AFTER: Duration = Duration::from_secs(15);
/// After how long a silent connection is asked whether it lives; the system's default is two hours.
const KEEPALIVE: Duration = Duration::from_secs(20);
/// How this program is called in `pg_stat_activity`, unless the URL says otherwise.
const APPLICATION_NAME: &str = "order-service";
/// 14.0, as `server_version_num` has it.
const OLDEST_SERVER: i32 = 140_000;

/// Where the database is and how to get there, and what all connections to it share. Holds a password: never shown.
#[derive(Clone)]
pub(super) struct Target {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    lines: Arc<KnownLines>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Target(..)")
    }
}

impl Target {
    /// Reads a `postgres://` URL. `sslmode` means what it means to libpq: `disable`, `prefer` (the default) and `require` do
    /// not look at the certificate, `verify-ca` wants it from an authority of the system or of the file `sslrootcert`, and
    /// `verify-full` also for this very host.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let (url, options) = take_tls_options(url)?;
        // The cause may repeat parts of the URL.
        let mut config: Config = url.parse().map_err(|_hidden: tokio_postgres::Error| invalid("it cannot be read"))?;
        if config.get_application_name().is_none() {
            config.application_name(APPLICATION_NAME);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(DEAD_AFTER);
        }
        if config.get_keepalives_idle() > KEEPALIVE {
            config.keepalives_idle(KEEPALIVE).keepalives_interval(KEEPALIVE / 4).keepalives_retries(3);
        }
        config.ssl_mode(options.mode);
        let tls = if options.mode == SslMode::Disable {
            None
        } else {
            Some(MakeRustlsConnect::new(tls::client(options.verify, options.root.as_deref())?))
        };
        Ok(Self { config, tls, lines: Arc::default() })
    }

    #[cfg(test)]
    pub(super) fn ssl_mode(&self) -> SslMode {
        self.config.get_ssl_mode()
    }

    /// Opens a connection for the pool.
    pub(super) async fn open(&self) -> Result<Session, StoreError> {
        let (client, driver, closed) = self.dial().await?;
        let connection = AsyncPgConnection::try_from(client).await;
        let connection =
            connection.map_err(|_cause| StoreError::Unavailable("the connection was lost at once".into()))?;
        let lines = Arc::clone(&self.lines);
        lines.forget();
        Ok(Session { connection, driver, closed, state: State::Idle, known: Known::new(), lines })
    }

    /// Opens a connection of its own, which ends with the client, to a server that is fit for the store.
    pub(super) async fn client(&self) -> Result<Client, StoreError> {
        let (client, ..) = self.dial().await?;
        demands(&client).await?;
        Ok(client)
    }

    async fn dial(&self) -> Result<(Client, AbortHandle, Arc<AtomicBool>), StoreError> {
        match &self.tls {
            None => self.config.connect(NoTls).await.map(drive),
            Some(tls) => self.config.connect(tls.clone()).await.map(drive),
        }
        .map_err(|error| refused(&error))
    }
}

struct TlsOptions {
    mode: SslMode,
    verify: Verify,
    root: Option<String>,
}

/// Takes `sslmode` and `sslrootcert` out of the URL: tokio-postgres knows only some of their values.
fn take_tls_options(url: &str) -> Result<(String, TlsOptions), StoreError> {
    let mut options = TlsOptions { mode: SslMode::Prefer, verify: Verify::Nothing, root: None };
    let Some((base, query)) = url.split_once('?') else { return Ok((url.to_owned(), options)) };
    let mut rest = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", mode)) => (options.mode, options.verify) = ssl_mode(mode)?,
            Some(("sslrootcert", "system")) => options.root = None,
            Some(("sslrootcert", path)) => options.root = Some(decoded(path)?),
            Some(_) | None => rest.push(pair),
        }
    }
    Ok((format!("{base}?{}", rest.join("&")), options))
}

fn ssl_mode(word: &str) -> Result<(SslMode, Verify), StoreError> {
    match word {
        "disable" => Ok((SslMode::Disable, Verify::Nothing)),
        "prefer" | "allow" => Ok((SslMode::Prefer, Verify::Nothing)),
        "require" => Ok((SslMode::Require, Verify::Nothing)),
        "verify-ca" => Ok((SslMode::Require, Verify::Authority)),
        "verify-full" => Ok((SslMode::Require, Verify::AuthorityAndHost)),
        _ => Err(invalid("sslmode is none of disable, allow, prefer, require, verify-ca, verify-full")),
    }
}

/// Undoes percent-encoding (RFC 3986, 2.1).
fn decoded(text: &str) -> Result<String, StoreError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let byte = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.ok_or_else(|| invalid("a percent sign is not followed by two hexadecimal digits"))?);
        bytes.extend_from_slice(part.get(2..).unwrap_or_default().as_bytes());
    }
    String::from_utf8(bytes).map_err(|_hidden| invalid("it is not UTF-8"))
}

fn invalid(why: &str) -> StoreError {
    StoreError::Internal(format!("the database URL is not valid: {why}"))
}

/// Why no connection came about, without the URL. What the server itself says names users and databases at most.
fn refused(error: &tokio_postgres::Error) -> StoreError {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    StoreError::Unavailable(cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}")))
}

/// Starts the task that reads and writes for a client, and notes when it has ended.
fn drive<S, T>(
    (client, connection): (Client, tokio_postgres::Connection<S, T>),
) -> (Client, AbortHandle, Arc<AtomicBool>)
where
    tokio_postgres::Connection<S, T>: Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static,
{
    let closed = Arc::new(AtomicBool::new(false));
    let note = Arc::clone(&closed);
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to PostgreSQL has ended");
        }
        note.store(true, Ordering::Release);
    });
    (client, task.abort_handle(), closed)
}

/// Refuses a server that would lose acknowledged orders, or whose errors cannot be told apart.
async fn demands(client: &Client) -> Result<(), StoreError> {
    const SETTINGS: &str = "SELECT current_setting('server_version_num')::int, current_setting('synchronous_commit'), \
         current_setting('fsync'), current_setting('lc_messages')";
    let row = client.query_one(SETTINGS, &[]).await.map_err(|error| refused(&error))?;
    let (version, commit, fsync, language): (i32, &str, &str, &str) = (row.get(0), row.get(1), row.get(2), row.get(3));
    if version < OLDEST_SERVER {
        return Err(unsuitable("PostgreSQL 14 or newer is needed"));
    }
    // The other values all wait for the local disk at least.
    if commit == "off" {
        return Err(unsuitable("synchronous_commit is off: a crash would lose orders that were acknowledged"));
    }
    // Empty for a server that takes it from its environment; then the first error that is not understood tells.
    if !(language.is_empty() || language == "POSIX" || language.starts_with('C') || language.starts_with("en")) {
        return Err(unsuitable("lc_messages is not English; as a superuser, ALTER DATABASE ... SET lc_messages = 'C'"));
    }
    if fsync == "off" {
        tracing::warn!("PostgreSQL runs with fsync = off: a crash of its machine can destroy the database");
    }
    Ok(())
}

fn unsuitable(why: &str) -> StoreError {
    StoreError::Unavailable(why.to_owned())
}

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waiting for a transaction.
    Idle,
    /// Inside one.
    Open,
    /// Of no more use.
    Lost,
}

/// A connection that knows whether a transaction is open on it.
///
/// diesel's own bookkeeping is not used: it cannot begin a transaction with settings in the same message, nor commit
/// through a shared reference.
pub(super) struct Session {
    connection: AsyncPgConnection,
    driver: AbortHandle,
    closed: Arc<AtomicBool>,
    state: State,
    /// What was sent before of the statements that are sent together.
    known: Known,
    /// What all connections to this database know of its table of lines.
    lines: Arc<KnownLines>,
}

impl Session {
    /// The connection, shared: statements that are polled together are sent together.
    pub(super) const fn connection(&self) -> &AsyncPgConnection {
        &self.connection
    }

    /// Whether the next transaction may use it.
    pub(super) fn is_idle(&self) -> bool {
        self.state == State::Idle && !self.closed.load(Ordering::Acquire)
    }

    /// Whether it is of no more use.
    pub(super) fn is_lost(&self) -> bool {
        self.state == State::Lost
    }

    /// Whether a statement of this shape was carried out before. Another one is prepared first, and what is sent behind it could
    /// overtake it.
    pub(super) fn knows(&self, shape: &Shape) -> bool {
        self.known.contains(shape)
    }

    /// A statement of this shape was carried out.
    pub(super) fn learn(&mut self, shape: Shape) {
        self.known.insert(shape);
    }

    /// What is known of the table of lines.
    pub(super) const fn lines(&self) -> &Arc<KnownLines> {
        &self.lines
    }

    /// Never to be used again.
    pub(super) const fn lose(&mut self) {
        self.state = State::Lost;
    }

    /// A transaction is about to begin. From here on until [`ended`](Self::ended) the connection counts as inside it, whatever
    /// happens to the futures.
    pub(super) fn open(&mut self) {
        self.state = State::Open;
    }

    /// The transaction has ended.
    pub(super) fn ended(&mut self) {
        if self.state == State::Open {
            self.state = State::Idle;
        }
    }

    /// Sends COMMIT or ROLLBACK; [`ended`](Self::ended) is to be told of it.
    pub(super) async fn end_later(&self, sql: &str) -> diesel::QueryResult<()> {
        (&self.connection).batch_execute(sql).await
    }

    /// Ends it: COMMIT or ROLLBACK.
    pub(super) async fn end(&mut self, sql: &str) -> diesel::QueryResult<()> {
        self.end_later(sql).await?;
        self.ended();
        Ok(())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // An idle connection says goodbye by itself, as long as its runtime lives. One inside a transaction must not wait for what
        // was sent before: the server rolls back when the socket closes.
        if self.state != State::Idle {
            self.driver.abort();
        }
    }
}
