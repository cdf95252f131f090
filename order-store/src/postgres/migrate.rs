//! Migrations of PostgreSQL.
//!
//! Run by our own few lines and not by diesel_migrations: that one needs a blocking connection (libpq or a wrapper) and takes
//! no lock. The table of what was run has the shape that diesel's command-line tool knows.

use tokio_postgres::Client;

use super::connect::Target;
use crate::{error::StoreError, migrate::pending};

/// A change of the schema, and its opposite.
struct Migration {
    /// What comes before the underscore is its version.
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

macro_rules! migrations {
    ($($name:literal),+ $(,)?) => {
        &[$(Migration {
            name: $name,
            up: include_str!(concat!("../../migrations/postgres/", $name, "/up.sql")),
            down: include_str!(concat!("../../migrations/postgres/", $name, "/down.sql")),
        }),+]
    };
}

/// All of them, oldest first.
const MIGRATIONS: &[Migration] = migrations![
    "0001_initial",
    "0002_coupons",
    "0003_reservations",
    "0004_money_and_goods",
    "0005_rollups",
    "0006_lean_placing",
    "0007_lean_shelves",
    "0008_feed",
    "0009_consumers",
    "0010_dead_letters",
    "0011_inventory",
    "0012_search_behind",
    "0013_lean_lines",
    "0014_shelf_history",
    "0015_appended_requests",
    "0016_lean_documents",
    "0017_lean_search_index"
];

/// Held while one migration runs, so that of several processes that start at once one migrates and the others wait. An
/// arbitrary number that means this and nothing else in our databases. Held by a transaction and not by a session, so that
/// it works behind PgBouncer too and cannot be left behind.
const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = '10min'; SELECT pg_advisory_xact_lock(7310093211452883201); \
     SET LOCAL lock_timeout = '30s'; SET LOCAL statement_timeout = 0; SET LOCAL client_min_messages = warning; \
     CREATE TABLE IF NOT EXISTS __diesel_schema_migrations ( \
         version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP)";

/// Brings the database of a `postgres://` URL to this program's schema. Each migration is one transaction. Returns the names
/// of those that it ran.
///
/// # Errors
/// As [`crate::migrate()`].
pub(crate) async fn migrate(url: &str) -> Result<Vec<String>, StoreError> {
    let client = Target::parse(url)?.client().await?;
    let mut ran = Vec::new();
    for migration in MIGRATIONS {
        if change(&client, migration, Way::Up).await? {
            tracing::info!(migration = migration.name, "migrated");
            ran.push(migration.name.to_owned());
        }
    }
    move_feed_origin(&client).await?;
    Ok(ran)
}

/// A database that was restored from a dump into another server counts its transactions anew. What is written then would stand in
/// the feed before what was there, and no reader would see it: the origin is moved until it stands behind. Nothing is written
/// meanwhile, and nobody reads.
const MOVE_FEED_ORIGIN: &str = "BEGIN; SET LOCAL lock_timeout = '30s'; \
     LOCK TABLE order_event IN ACCESS EXCLUSIVE MODE; \
     DO $$ DECLARE ahead bigint; BEGIN \
         SELECT max(feed_position) - feed_origin() - pg_current_xact_id()::text::bigint + 1 INTO ahead FROM order_event; \
         IF ahead > 0 THEN \
             EXECUTE format('CREATE OR REPLACE FUNCTION feed_origin() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS %L', \
                 format('SELECT %s::bigint', feed_origin() + ahead)); \
         END IF; \
     END $$; COMMIT";

/// Whether there are events that stand where no transaction has come yet.
const IS_AHEAD: &str = "SELECT EXISTS (SELECT FROM order_event \
     WHERE feed_position >= feed_origin() + pg_snapshot_xmax(pg_current_snapshot())::text::bigint)";

async fn move_feed_origin(client: &Client) -> Result<(), StoreError> {
    let failed = |error: tokio_postgres::Error| match error.as_db_error() {
        Some(said) => StoreError::Internal(format!("the feed's origin cannot be moved: {}", said.message())),
        None => StoreError::Unavailable("the connection was lost while the feed's origin was looked at".to_owned()),
    };
    let is_ahead: bool = client.query_one(IS_AHEAD, &[]).await.map_err(failed)?.get(0);
    if is_ahead {
        tracing::warn!("this database was restored into another server; its feed goes on behind what is there");
        client.batch_execute(MOVE_FEED_ORIGIN).await.map_err(failed)?;
    }
    Ok(())
}

/// Takes every migration back, the newest first, with all that is stored. For tests.
pub(crate) async fn revert(url: &str) -> Result<Vec<String>, StoreError> {
    let client = Target::parse(url)?.client().await?;
    let mut ran = Vec::new();
    for migration in MIGRATIONS.iter().rev() {
        if change(&client, migration, Way::Down).await? {
            ran.push(migration.name.to_owned());
        }
    }
    Ok(ran)
}

/// The versions that this program knows.
pub(super) fn versions() -> Vec<String> {
    MIGRATIONS.iter().map(|migration| migration.version().to_owned()).collect()
}

#[derive(Debug, Clone, Copy)]
enum Way {
    Up,
    Down,
}

/// Runs one migration, one way, unless that was done before.
async fn change(client: &Client, migration: &Migration, way: Way) -> Result<bool, StoreError> {
    let failed = |error| failed(migration, &error);
    client.batch_execute(BEGIN).await.map_err(failed)?;
    let applied = client.query("SELECT version FROM __diesel_schema_migrations", &[]).await.map_err(failed)?;
    let applied: Vec<String> = applied.iter().map(|row| row.get(0)).collect();
    let is_pending = pending(&versions(), &applied)?.iter().any(|version| version == migration.version());
    let (note, sql) = match (way, is_pending) {
        (Way::Up, true) => ("INSERT INTO __diesel_schema_migrations (version) VALUES ($1)", migration.up),
        (Way::Down, false) => ("DELETE FROM __diesel_schema_migrations WHERE version = $1", migration.down),
        (Way::Up, false) | (Way::Down, true) => {
            client.batch_execute("ROLLBACK").await.map_err(failed)?;
            return Ok(false);
        }
    };
    client.execute(note, &[&migration.version()]).await.map_err(failed)?;
    client.batch_execute(sql).await.map_err(failed)?;
    client.batch_execute("COMMIT").await.map_err(failed)?;
    Ok(true)
}

/// What the server says of a migration names tables and columns of our own; it holds no data.
fn failed(migration: &Migration, error: &tokio_postgres::Error) -> StoreError {
    match error.as_db_error() {
        Some(said) => StoreError::Internal(format!("the migration {} failed: {}", migration.name, said.message())),
        None => StoreError::Unavailable(format!("the connection was lost in the migration {}", migration.name)),
    }
}

impl Migration {
    fn version(&self) -> &'static str {
        self.name.split('_').next().unwrap_or(self.name)
    }
}
