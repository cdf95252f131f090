//! One open transaction.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use diesel::{
    QueryResult,
    result::{DatabaseErrorKind, Error},
};
use diesel_async::AsyncPgConnection;

use super::{
    error::{Connection, Failure},
    pool::Lease,
};
use crate::{
    deadline,
    error::StoreError,
    statements::{Done, Fault},
};

/// How long a statement may take where nobody waits with a deadline of his own.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a lock is waited for before the transaction is tried again. Many times what a transaction takes.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the server lets a transaction idle. It never does, unless this process is stopped or cut off.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a statement of a survey may take: some add up a whole table. Bounded all the same, against a caller that is cut off.
const SURVEY_STATEMENT_TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// How long a survey may be busy with one page while the machine has much else to do.
const SURVEY_IDLE_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// To change something, each statement seeing what was committed before it.
    Write,
    /// To look, all statements seeing one snapshot.
    Read,
    /// To look at everything, as above. Nobody waits for a single statement of it.
    Survey,
}

/// A transaction that is open. Dropped, its connection is thrown away and the server rolls back.
pub(super) struct PgTx {
    lease: Lease,
    until: Option<Instant>,
    /// A statement has failed: there is nothing left to commit.
    failed: bool,
}

impl PgTx {
    pub(super) async fn begin(mut lease: Lease, access: Access, until: Option<Instant>) -> Result<Self, Failure> {
        let sql =
            begin_sql(access, until).map_err(|error| Failure { fault: error.into(), connection: Connection::Sound })?;
        match lease.begin(&sql).await {
            Ok(()) => Ok(Self { lease, until, failed: false }),
            Err(error) => {
                lease.lose();
                Err(error.into())
            }
        }
    }

    /// Commits and gives the connection back.
    ///
    /// A connection that is lost now leaves it open whether the server got as far as to commit.
    pub(super) async fn commit(mut self) -> Result<Option<Lease>, Fault> {
        if self.failed {
            self.rollback().await;
            return Err(StoreError::Internal("a transaction went on after a statement had failed".into()).into());
        }
        match self.lease.end("COMMIT").await {
            Ok(()) => Ok(Some(self.lease)),
            Err(error) => {
                self.lease.lose();
                Err(not_committed(error))
            }
        }
    }

    /// Rolls back and gives the connection back, if it is still of use.
    pub(super) async fn rollback(mut self) -> Option<Lease> {
        if self.lease.is_lost() {
            return None;
        }
        match self.lease.end("ROLLBACK").await {
            Ok(()) => Some(self.lease),
            Err(_lost) => {
                self.lease.lose();
                None
            }
        }
    }

    /// The connection, for statements, unless the caller's time is up.
    pub(super) fn connection(&self) -> Done<&AsyncPgConnection> {
        match self.until {
            Some(until) if deadline::left(until).is_none() => Err(StoreError::DeadlineExceeded.into()),
            Some(_) | None => Ok(self.lease.connection()),
        }
    }

    /// Whether this connection has sent all statements of a kind before, so that the server knows them; from now on it has.
    pub(super) fn has_sent_all(&mut self) -> bool {
        self.lease.note_all_sent()
    }

    /// Takes note of how statements ended.
    pub(super) fn done<T>(&mut self, result: QueryResult<T>) -> Done<T> {
        result.map_err(|error| {
            self.failed = true;
            let failure = Failure::from(error);
            if failure.connection == Connection::Lost {
                self.lease.lose();
            }
            failure.fault
        })
    }
}

/// BEGIN and all settings, as one message. SET LOCAL ends with the transaction.
fn begin_sql(access: Access, until: Option<Instant>) -> Result<String, StoreError> {
    let (longest, idle) = match access {
        Access::Write | Access::Read => (STATEMENT_TIMEOUT, IDLE_TIMEOUT),
        Access::Survey => (SURVEY_STATEMENT_TIMEOUT, SURVEY_IDLE_TIMEOUT),
    };
    let left = match until {
        None => longest,
        Some(until) => deadline::left(until).ok_or(StoreError::DeadlineExceeded)?,
    };
    let mut sql = String::from(match access {
        Access::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        Access::Read | Access::Survey => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    });
    let settings = [
        ("statement_timeout", left.min(longest)),
        ("lock_timeout", left.min(LOCK_TIMEOUT)),
        ("idle_in_transaction_session_timeout", idle),
    ];
    for (name, value) in settings {
        // Rounded up: 0 would mean for ever.
        let _always_fits = write!(sql, "; SET LOCAL {name} = {}", value.as_millis() + 1);
    }
    Ok(sql)
}

/// What a failed COMMIT means. Of a few errors it is certain that the server has rolled back; all others, such as a server that
/// could not flush its log, leave open what it will find there when it comes back.
fn not_committed(error: Error) -> Fault {
    let is_refused = if let Error::DatabaseError(kind, _) = &error { violates(kind) } else { false };
    let failure = Failure::from(error);
    match (failure.connection, failure.fault) {
        (Connection::Sound, fault @ (Fault::Retry(_) | Fault::Fatal(StoreError::DeadlineExceeded))) => fault,
        (_, fault) if is_refused => fault,
        (_, Fault::Retry(why)) => StoreError::UnknownOutcome(why).into(),
        (_, Fault::Fatal(error)) => StoreError::UnknownOutcome(error.to_string()).into(),
    }
}

/// Whether the server found at the last moment that a constraint does not hold.
const fn violates(kind: &DatabaseErrorKind) -> bool {
    matches!(
        kind,
        DatabaseErrorKind::UniqueViolation
            | DatabaseErrorKind::ForeignKeyViolation
            | DatabaseErrorKind::CheckViolation
            | DatabaseErrorKind::NotNullViolation
            | DatabaseErrorKind::RestrictViolation
            | DatabaseErrorKind::ExclusionViolation
    )
}

/// Runs one statement of a transaction: `run!(tx, load(query))`.
macro_rules! run {
    ($tx:expr, $method:ident($query:expr)) => {{
        let mut connection = $tx.connection()?;
        let result = diesel_async::RunQueryDsl::$method($query, &mut connection).await;
        $tx.done(result)
    }};
}
pub(super) use run;
