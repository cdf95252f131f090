//! Connections to the database file, and what their errors mean.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use diesel::{
    Connection as _, SqliteConnection,
    connection::SimpleConnection as _,
    result::{DatabaseErrorKind, Error},
};

use crate::{error::StoreError, statements::Fault};

/// How long a connection waits for another process that holds the write lock: a migration, a backup, somebody's shell.
/// Within this process there is one writer, so that it never waits for itself.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How soon it is tried again where SQLite itself does not wait.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Makes the file, readable by its owner only, and the directories above it. SQLite gives its side files the same mode.
pub(crate) fn create(path: &Path) -> Result<(), StoreError> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory).map_err(|error| unavailable("cannot make the data directory", &error))?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| unavailable("cannot open the database file", &error))?;
    Ok(())
}

/// The one connection that writes.
///
/// `synchronous = FULL`: a commit is on the disk before it is answered. Commits come in batches, so that this costs next to
/// nothing; NORMAL would lose the last orders with the power. The log is copied back into the file every 32 MiB and not every 4: a page
/// that many orders touched, as those of an index, is copied once for all of them. Pages are kept in 16 MiB and no more: where a page
/// was divided, SQLite 3.53 goes through all that it keeps when it commits, which took a twelfth of the writer's time with 32, and what
/// it does not keep the system does.
pub(crate) fn writer(path: &Path) -> Result<SqliteConnection, StoreError> {
    let mut connection = open(
        path,
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;",
    )?;
    write_ahead(&mut connection)?;
    connection
        .batch_execute("PRAGMA journal_size_limit = 67108864; PRAGMA wal_autocheckpoint = 8000;")
        .map_err(failure)?;
    Ok(connection)
}

/// Turns the write-ahead log on. The first time that takes the file for itself, for which SQLite does not wait, whatever its
/// timeout: another process may be about to do the same.
#[expect(clippy::disallowed_methods, reason = "connections are opened on threads that may block")]
fn write_ahead(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let until = Instant::now() + BUSY_TIMEOUT;
    loop {
        match connection.batch_execute("PRAGMA journal_mode = WAL;") {
            Err(error) if is_locked(&error) && Instant::now() < until => std::thread::sleep(LOOK_AGAIN),
            done => return done.map_err(failure),
        }
    }
}

/// The connection that changes the schema. What refers to a table is not checked while that table is built anew, which is the
/// only way to change a CHECK; whoever migrates checks at the end.
pub(crate) fn migrator(path: &Path) -> Result<SqliteConnection, StoreError> {
    let mut connection = writer(path)?;
    connection.batch_execute("PRAGMA foreign_keys = OFF;").map_err(failure)?;
    Ok(connection)
}

/// A connection that cannot write, whatever it is told.
pub(crate) fn reader(path: &Path) -> Result<SqliteConnection, StoreError> {
    open(path, "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;")
}

fn open(path: &Path, pragmas: &str) -> Result<SqliteConnection, StoreError> {
    let name = path.to_str().ok_or_else(|| StoreError::Unavailable("the path is not valid UTF-8".to_owned()))?;
    let mut connection =
        SqliteConnection::establish(name).map_err(|error| unavailable("cannot open the database file", &error))?;
    let busy = format!("PRAGMA busy_timeout = {};", BUSY_TIMEOUT.as_millis());
    connection.batch_execute(&busy).map_err(failure)?;
    connection.batch_execute(pragmas).map_err(failure)?;
    super::catalog::register_lower(&mut connection)?;
    Ok(connection)
}

fn unavailable(what: &str, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("{what}: {error}"))
}

/// What a failed statement means for its transaction.
///
/// There is one writer, so that races for a key cannot happen; what can be tried again is only what another process was in
/// the way of.
pub(crate) fn fault(error: Error) -> Fault {
    if is_locked(&error) { Fault::Retry("the database is locked".to_owned()) } else { Fault::Fatal(failure(error)) }
}

/// Whether another process is in the way.
fn is_locked(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(DatabaseErrorKind::Unknown, info) if info.message().contains("locked"))
}

/// Like [`fault`], for statements whose unique key another transaction may have taken.
pub(crate) fn race(error: Error) -> Fault {
    if let Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info) = &error {
        return Fault::Retry(info.message().to_owned());
    }
    fault(error)
}

/// What SQLite says when the file, not the statement, is the matter.
const FILE_TROUBLE: [&str; 8] = [
    "locked",
    "disk I/O error",
    "disk is full",
    "readonly database",
    "unable to open",
    "malformed",
    "file is not a database",
    "no such table",
];

/// What a failed statement means for the caller. SQLite's messages name constraints and tables, never values; those that may
/// quote a statement are kept back.
#[expect(clippy::wildcard_enum_match_arm, reason = "diesel's enum; what is not named is a bug of ours")]
pub(crate) fn failure(error: Error) -> StoreError {
    match error {
        Error::DatabaseError(DatabaseErrorKind::Unknown, info) => unknown(info.message()),
        Error::DatabaseError(_violation, info) => StoreError::Internal(info.message().to_owned()),
        Error::DeserializationError(error) => StoreError::corrupt(error),
        error => StoreError::Internal(format!("a statement failed: {}", kind(&error))),
    }
}

fn unknown(message: &str) -> StoreError {
    if FILE_TROUBLE.iter().any(|known| message.contains(known)) {
        return StoreError::Unavailable(message.to_owned());
    }
    StoreError::Internal("a statement failed".to_owned())
}

/// The kind of an error without its content, which may hold the statement.
fn kind(error: &Error) -> String {
    let text = format!("{error:?}");
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}
