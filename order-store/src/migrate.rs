//! Bringing a database's schema to the one that this program was built for.
//!
//! Both engines have the same migrations by name, embedded in the program. A database that has a migration which this program
//! does not know was migrated by a newer one, and is refused: going on could undo what the newer one relies on.

use std::path::Path;

use diesel::{
    QueryableByName, RunQueryDsl as _, SqliteConnection,
    migration::{Migration, MigrationConnection as _},
    sql_query,
    sql_types::Text,
    sqlite,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::{
    error::StoreError,
    postgres,
    sqlite::{create, failure, migrator},
    url::DatabaseUrl,
};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Applies the migrations that are pending, in their order, and returns their names. Any number of processes may do so at
/// once: one works, the others wait and find nothing left to do.
///
/// # Errors
/// [`StoreError::Unavailable`] where the database cannot be reached or is newer than this program; [`StoreError::Internal`]
/// for a migration that fails, which is then as if it had not begun.
pub async fn migrate(url: &DatabaseUrl) -> Result<Vec<String>, StoreError> {
    match url {
        DatabaseUrl::Sqlite(path) => {
            let path = path.clone();
            blocking(move || on_sqlite(&path, apply)).await
        }
        DatabaseUrl::Postgres(url) => postgres::migrate(url.secret()).await,
    }
}

/// Takes every migration back, the newest first, with all that is stored. For tests.
pub(crate) async fn revert(url: &DatabaseUrl) -> Result<Vec<String>, StoreError> {
    match url {
        DatabaseUrl::Sqlite(path) => {
            let path = path.clone();
            blocking(move || on_sqlite(&path, take_back)).await
        }
        DatabaseUrl::Postgres(url) => postgres::revert(url.secret()).await,
    }
}

/// Which of the known versions are not applied.
///
/// # Errors
/// [`StoreError::Unavailable`] where a version is applied that is not known.
pub(crate) fn pending(known: &[String], applied: &[String]) -> Result<Vec<String>, StoreError> {
    match applied.iter().find(|version| !known.contains(version)) {
        Some(newer) => Err(StoreError::Unavailable(format!(
            "the database has migration {newer}, which this program does not know: a newer version migrated it"
        ))),
        None => Ok(known.iter().filter(|version| !applied.contains(version)).cloned().collect()),
    }
}

/// Fails unless all known versions, and no others, are applied.
pub(crate) fn ensure_current(known: &[String], applied: &[String]) -> Result<(), StoreError> {
    match pending(known, applied)?.as_slice() {
        [] => Ok(()),
        [next, ..] => {
            let pending = format!("migration {next} is pending: run `order-server migrate`");
            Err(StoreError::Unavailable(pending))
        }
    }
}

type SqliteMigration = dyn Migration<sqlite::Sqlite>;

fn versions(migrations: &[Box<SqliteMigration>]) -> Vec<String> {
    migrations.iter().map(|migration| version(migration.as_ref())).collect()
}

fn version(migration: &SqliteMigration) -> String {
    migration.name().version().to_string()
}

/// Fails unless the schema is the one that this program was built for. Only looks.
pub(crate) fn check_sqlite(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    ensure_current(&versions(&embedded()?), &applied(connection)?)
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

/// The versions that are applied; none in an empty database.
fn applied(connection: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    let table = "SELECT name AS version FROM sqlite_schema WHERE name = '__diesel_schema_migrations'";
    if sql_query(table).load::<Applied>(connection).map_err(failure)?.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sql_query("SELECT version FROM __diesel_schema_migrations").load::<Applied>(connection);
    Ok(rows.map_err(failure)?.into_iter().map(|row| row.version).collect())
}

fn embedded() -> Result<Vec<Box<SqliteMigration>>, StoreError> {
    let migrations = diesel::migration::MigrationSource::<sqlite::Sqlite>::migrations(&SQLITE);
    let mut migrations = migrations.map_err(|error| broken(error.as_ref()))?;
    migrations.sort_by_key(|migration| migration.name().version().as_owned());
    Ok(migrations)
}

/// What is done to the schema; returns the names of the migrations that it touched.
type Change = fn(&mut SqliteConnection) -> Result<Vec<String>, StoreError>;

/// Changes the schema under the write lock, all or nothing. Foreign keys are not enforced on the way (SQLite lets a connection
/// choose only outside a transaction) and hold at the end, or nothing is changed.
fn on_sqlite(path: &Path, change: Change) -> Result<Vec<String>, StoreError> {
    create(path)?;
    let mut connection = migrator(path)?;
    let change = |connection: &mut SqliteConnection| {
        let names = change(connection)?;
        ensure_references(connection)?;
        Ok(names)
    };
    connection.immediate_transaction(|connection| change(connection).map_err(Failed)).map_err(|Failed(error)| error)
}

#[derive(QueryableByName)]
struct Dangling {
    #[diesel(sql_type = Text)]
    child: String,
}

/// Fails where a row refers to another that is not there.
fn ensure_references(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let query = "SELECT \"table\" AS child FROM pragma_foreign_key_check LIMIT 1";
    match sql_query(query).load::<Dangling>(connection).map_err(failure)?.first() {
        None => Ok(()),
        Some(Dangling { child }) => {
            Err(StoreError::Internal(format!("a migration would leave rows of {child} without what they refer to")))
        }
    }
}

fn apply(connection: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    connection.setup().map_err(failure)?;
    let migrations = embedded()?;
    let pending = pending(&versions(&migrations), &applied(connection)?)?;
    let mut names = Vec::new();
    for migration in migrations.iter().filter(|migration| pending.contains(&version(migration.as_ref()))) {
        connection.run_migration(migration).map_err(|error| broken(error.as_ref()))?;
        names.push(migration.name().to_string());
    }
    Ok(names)
}

fn take_back(connection: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    let applied = applied(connection)?;
    let mut names = Vec::new();
    for migration in embedded()?.iter().rev().filter(|migration| applied.contains(&version(migration.as_ref()))) {
        connection.revert_migration(migration).map_err(|error| broken(error.as_ref()))?;
        names.push(migration.name().to_string());
    }
    Ok(names)
}

/// A migration that failed. What it says is the database's message about our own file.
fn broken(error: &(dyn std::error::Error + Send + Sync)) -> StoreError {
    StoreError::Internal(format!("a migration failed: {error}"))
}

/// Carries our error through diesel's transaction.
struct Failed(StoreError);

impl From<diesel::result::Error> for Failed {
    fn from(error: diesel::result::Error) -> Self {
        Self(failure(error))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|panic| StoreError::Internal(panic.to_string()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(versions: &[&str]) -> Vec<String> {
        versions.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn pending_is_what_is_known_and_not_applied() {
        assert_eq!(pending(&list(&["1", "2"]), &list(&["1"])), Ok(list(&["2"])));
        assert_eq!(pending(&list(&["1"]), &list(&["1"])), Ok(Vec::new()));
        assert!(ensure_current(&list(&["1", "2"]), &list(&["1"])).is_err());
    }

    #[test]
    fn a_database_that_was_migrated_by_a_newer_program_is_refused() {
        assert!(matches!(pending(&list(&["1"]), &list(&["1", "2"])), Err(StoreError::Unavailable(_))));
    }
}
