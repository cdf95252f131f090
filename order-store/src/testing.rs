//! Databases for tests: of this crate, and of those above it.
//!
//! Each test has its own, empty but for the schema, on the engine itself and not on a stand-in. There is no skipping: without
//! PostgreSQL its tests fail and say how to run them.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher as _, RandomState},
    io::Write as _,
    path::PathBuf,
    sync::{Arc, mpsc},
    time::Duration,
};

use diesel::{QueryableByName, RunQueryDsl as _, connection::SimpleConnection as _, sql_query, sql_types::Text};

use crate::{
    migrate::{migrate, revert},
    sqlite,
    store::Store,
    url::{ConnectOptions, DatabaseUrl, connect},
};

/// Names the administrator's database of a throw-away cluster.
const VARIABLE: &str = "TEST_DATABASE_URL";
/// How long a test may take with one database or server: several times what the longest one takes on a slow machine.
const LIMIT: Duration = Duration::from_secs(600);

/// A database of one test. It is removed with this value.
#[derive(Debug)]
pub struct TestDatabase {
    url: DatabaseUrl,
    place: Place,
    _deadline: Deadline,
}

/// What has to be removed.
#[derive(Debug)]
enum Place {
    Directory(PathBuf),
    Database { admin: String, name: String },
}

impl TestDatabase {
    /// A new SQLite database, migrated.
    ///
    /// # Panics
    /// Like every function here, where anything is not as it should be.
    pub async fn sqlite() -> Self {
        Self::empty_sqlite().migrated().await
    }

    /// A new PostgreSQL database, migrated.
    ///
    /// # Panics
    /// Also where `TEST_DATABASE_URL` is not set.
    pub async fn postgres() -> Self {
        Self::empty_postgres().await.migrated().await
    }

    /// A place for an SQLite database, without a file.
    #[must_use]
    pub fn empty_sqlite() -> Self {
        let directory = std::env::temp_dir().join(fresh_name());
        let url = DatabaseUrl::Sqlite(directory.join("orders.db"));
        Self { url, place: Place::Directory(directory), _deadline: Deadline::start() }
    }

    /// A new PostgreSQL database without any tables.
    ///
    /// # Panics
    /// Also where `TEST_DATABASE_URL` is not set.
    pub async fn empty_postgres() -> Self {
        let admin = admin_url();
        let name = fresh_name();
        on_postgres(&admin, &format!("CREATE DATABASE {name} TEMPLATE template0")).await.expect("an administrator may");
        let url = DatabaseUrl::parse(&with_database(&admin, &name)).expect("it was one before");
        Self { url, place: Place::Database { admin, name }, _deadline: Deadline::start() }
    }

    async fn migrated(self) -> Self {
        migrate(&self.url).await.expect("migrations of an empty database succeed");
        self
    }

    /// Where it is.
    #[must_use]
    pub const fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// The same as text, with its password: what a server process of the test's own is configured with.
    #[must_use]
    pub fn secret_url(&self) -> String {
        match &self.url {
            DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
            DatabaseUrl::Postgres(url) => url.secret().to_owned(),
        }
    }

    /// Opens it with default options.
    ///
    /// # Panics
    /// Where it cannot be opened.
    pub async fn connect(&self) -> Arc<dyn Store> {
        self.connect_with(&ConnectOptions::default()).await
    }

    /// Opens it.
    ///
    /// # Panics
    /// Where it cannot be opened.
    pub async fn connect_with(&self, options: &ConnectOptions) -> Arc<dyn Store> {
        connect(&self.url, options).await.expect("a test's own database can be opened")
    }

    /// Applies the migrations; returns their names.
    ///
    /// # Panics
    /// Where one fails.
    pub async fn migrate(&self) -> Vec<String> {
        migrate(&self.url).await.expect("migrations succeed")
    }

    /// Takes all migrations back; returns their names.
    ///
    /// # Panics
    /// Where one fails.
    pub async fn revert(&self) -> Vec<String> {
        revert(&self.url).await.expect("migrations can be taken back")
    }

    /// Runs statements past the store, as somebody with a shell would.
    ///
    /// # Errors
    /// The database's own message.
    ///
    /// # Panics
    /// Where there is no connection to be had.
    pub async fn execute(&self, statements: &str) -> Result<(), String> {
        match &self.url {
            DatabaseUrl::Sqlite(path) => {
                let (path, statements) = (path.clone(), statements.to_owned());
                let run = move || {
                    let mut connection = sqlite::writer(&path).expect("a test's own file can be opened");
                    connection.batch_execute(&statements).map_err(|error| error.to_string())
                };
                tokio::task::spawn_blocking(run).await.expect("it does not panic")
            }
            DatabaseUrl::Postgres(url) => on_postgres(url.secret(), statements).await,
        }
    }

    /// Reads the first column, which must be text, of a query's rows.
    ///
    /// # Panics
    /// Where the query fails.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        match &self.url {
            DatabaseUrl::Sqlite(path) => {
                let (path, query) =
                    (path.clone(), format!("SELECT text FROM (SELECT NULL AS text WHERE 0 UNION ALL {query})"));
                let run = move || {
                    let mut connection = sqlite::writer(&path).expect("a test's own file can be opened");
                    sql_query(query).load::<TextRow>(&mut connection).expect("the test's query is right")
                };
                let rows = tokio::task::spawn_blocking(run).await.expect("it does not panic");
                rows.into_iter().map(|row| row.text).collect()
            }
            DatabaseUrl::Postgres(url) => {
                let client = client(url.secret()).await;
                let rows = client.query(query, &[]).await.expect("the test's query is right");
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }

    /// Waits until the feed tells of everything that was committed before: transactions of other tests, in other databases of the same
    /// server, hold it up for a moment.
    ///
    /// # Panics
    /// Where that does not come true.
    pub async fn feed_is_whole(&self) {
        let DatabaseUrl::Postgres(_) = &self.url else { return };
        let is_whole = "SELECT (COALESCE(max(feed_position), 0) < feed_origin() \
             + pg_snapshot_xmin(pg_current_snapshot())::text::bigint)::text FROM order_event";
        for _ in 0..1500 {
            if self.texts(is_whole).await == ["true"] {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("something holds the feed up");
    }

    /// The tables and their columns, as `table.column`, without those that belong to an engine's own machinery.
    ///
    /// # Panics
    /// Where they cannot be read.
    pub async fn columns(&self) -> BTreeSet<String> {
        let query = match &self.url {
            DatabaseUrl::Sqlite(_) => {
                "SELECT t.name || '.' || c.name FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c
                 WHERE t.type = 'table' AND t.schema = 'main' AND t.name NOT LIKE 'sqlite_%'"
            }
            DatabaseUrl::Postgres(_) => {
                "SELECT table_name || '.' || column_name FROM information_schema.columns
                 WHERE table_schema = current_schema()"
            }
        };
        self.texts(query).await.into_iter().filter(|column| !column.starts_with("__diesel")).collect()
    }
}

/// Ends the whole test program with the test's name where that takes too long: a test that hangs would say nothing at all.
#[derive(Debug)]
pub struct Deadline(#[expect(dead_code, reason = "its end is the message")] mpsc::Sender<()>);

impl Deadline {
    /// From now on, for as long as this value lives.
    #[must_use]
    pub fn start() -> Self {
        let (sender, ended) = mpsc::channel();
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        std::thread::spawn(move || {
            if ended.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
                // Past the test harness, which keeps what a test prints until it ends.
                let said = writeln!(std::io::stderr(), "{test} hangs: it has been running for {LIMIT:?}");
                drop(said);
                std::process::abort();
            }
        });
        Self(sender)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        match &self.place {
            // Should it stay, it lies in the system's directory for such.
            Place::Directory(directory) => drop(std::fs::remove_dir_all(directory)),
            Place::Database { admin, name } => {
                let (admin, drop_it) = (admin.clone(), format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
                // A runtime of its own: this one may be shutting down, and a destructor cannot wait for it.
                let remove = move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                    runtime.map(|runtime| runtime.block_on(on_postgres(&admin, &drop_it)))
                };
                drop(std::thread::spawn(remove).join());
            }
        }
    }
}

#[derive(QueryableByName)]
struct TextRow {
    #[diesel(sql_type = Text)]
    text: String,
}

/// Runs one test body on both engines, each time with a new database.
///
/// # Panics
/// Where the test fails on either of them; says on which.
pub async fn on_both_engines<F: Future<Output = ()>>(test: impl Fn(Arc<TestDatabase>) -> F) {
    for database in [TestDatabase::sqlite().await, TestDatabase::postgres().await] {
        let _named = Named(database.url.engine());
        test(Arc::new(database)).await;
    }
}

/// Names the engine when a test fails on it.
struct Named(&'static str);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the test failed on {}", self.0);
        }
    }
}

fn admin_url() -> String {
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration of their own")]
    let url = std::env::var(VARIABLE);
    url.unwrap_or_else(|_| panic!("{VARIABLE} is not set: run scripts/test, or scripts/postgres run -- cargo test"))
}

/// The same server, user and parameters, another database.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let authority = base.find("://").map_or(0, |at| at + 3);
    let end = base[authority..].find('/').map_or(base.len(), |at| authority + at);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{name}{query}", &base[..end])
}

fn fresh_name() -> String {
    format!("test_{}_{:016x}", std::process::id(), RandomState::new().hash_one(0))
}

async fn on_postgres(url: &str, statements: &str) -> Result<(), String> {
    let client = client(url).await;
    client
        .batch_execute(statements)
        .await
        .map_err(|error| error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned()))
}

async fn client(url: &str) -> tokio_postgres::Client {
    let (client, connection) =
        tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("the tests' cluster can be reached");
    tokio::spawn(connection);
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_of_a_url_is_replaced() {
        for (url, other) in [
            ("postgres://me:pw@localhost:5432/postgres", "postgres://me:pw@localhost:5432/new"),
            ("postgres://localhost", "postgres://localhost/new"),
            ("postgres:///postgres?host=/tmp/x&user=me", "postgres:///new?host=/tmp/x&user=me"),
        ] {
            assert_eq!(with_database(url, "new"), other);
        }
    }
}
