//! One open transaction.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    future::poll_fn,
    mem,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use diesel::{
    QueryResult,
    result::{DatabaseErrorKind, Error},
};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use futures_util::future::{join, maybe_done, poll_immediate};

use super::{
    connect::Session,
    error::{Connection, Failure},
    pool::Lease,
    sql::Keep,
    together::{COMMIT_IF_WRITTEN, Place, Shape, Writes},
};
use crate::{
    backend::Path,
    deadline,
    error::StoreError,
    rows::{SearchLineRow, SearchRow},
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
/// Where everything is found by a key: whatever is written, those rows among it that foreign keys point to, and single orders. The
/// plans of such statements are made once and kept: made while a table is new and empty, they would read all of it for as long as the
/// connection lives. Left alone, the server would plan for a list of keys anew each time, because it takes one of unknown length for a
/// long one.
const BY_KEY: &str = "; SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan";

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// To change something, each statement seeing what was committed before it.
    Write,
    /// To look, all statements seeing one snapshot.
    Read(Path),
    /// To look at everything, as above. Nobody waits for a single statement of it.
    Survey,
}

/// A transaction. Dropped while it is open, its connection is thrown away and the server rolls back.
///
/// BEGIN is sent together with the first statement, and COMMIT together with what is written last: a batch of orders costs two
/// round trips.
pub(super) struct PgTx {
    lease: Lease,
    until: Option<Instant>,
    /// What begins it, until it is sent.
    begin: Option<String>,
    /// It never began: its connection was of no use, and nothing was done.
    stillborn: bool,
    /// A statement has failed: there is nothing left to commit.
    failed: bool,
    /// A single look is all of it.
    single: bool,
    /// That look was taken.
    over: bool,
    /// What is to be written before anything is read, or together with COMMIT.
    writes: Writes,
    /// Documents to be searched are among what is, or was, to be written.
    documents: bool,
    /// Lines of theirs that are written last of all, and known once they are committed.
    lines: BTreeSet<String>,
}

impl PgTx {
    pub(super) fn new(lease: Lease, access: Access, until: Option<Instant>) -> Result<Self, StoreError> {
        let begin = Some(begin_sql(access, until)?);
        let single = access == Access::Read(Path::ByKey);
        let (stillborn, failed, over, documents) = (false, false, false, false);
        let (writes, lines) = (Writes::default(), BTreeSet::new());
        Ok(Self { lease, until, begin, stillborn, failed, single, over, writes, documents, lines })
    }

    /// Has every statement planned for its arguments, and as the server thinks best. To be called before the first one.
    pub(super) fn plan_each_time(&mut self) {
        if let Some(begin) = &mut self.begin {
            begin.push_str("; SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_seqscan = on");
        }
    }

    /// Whether it writes documents to be searched.
    pub(super) const fn has_documents(&self) -> bool {
        self.documents
    }

    /// Whether nothing at all was done, because the connection had died before.
    pub(super) const fn is_stillborn(&self) -> bool {
        self.stillborn
    }

    /// Whether it has ended already, so that its connection is of use at once.
    pub(super) fn has_ended(&self) -> bool {
        self.lease.is_idle()
    }

    /// Commits and gives the connection back.
    ///
    /// A connection that is lost now leaves it open whether the server got as far as to commit.
    pub(super) async fn commit(mut self) -> Result<Option<Lease>, Fault> {
        let (known, lines) = (Arc::clone(self.lease.lines()), mem::take(&mut self.lines));
        self.writes.insert::<_, Keep>(lines.iter().cloned().map(|line| SearchLineRow { line }).collect());
        let lease = self.send_commit().await?;
        known.learn(lines);
        Ok(lease)
    }

    async fn send_commit(mut self) -> Result<Option<Lease>, Fault> {
        if self.failed {
            self.rollback().await;
            return Err(StoreError::Internal("a transaction went on after a statement had failed".into()).into());
        }
        if !self.writes.is_empty() {
            let writes = mem::take(&mut self.writes);
            return self.commit_with(&writes).await;
        }
        if self.begin.is_some() {
            return Ok(Some(self.lease));
        }
        match self.lease.end("COMMIT").await {
            Ok(()) => Ok(Some(self.lease)),
            Err(error) => {
                self.lease.lose();
                Err(not_committed(error))
            }
        }
    }

    /// Sends what is to be written and COMMIT behind it, without waiting for the answer: when it fails, the server refuses what
    /// follows it, COMMIT included.
    async fn commit_with(mut self, writes: &Writes) -> Result<Option<Lease>, Fault> {
        if let Err(fault) = self.connection().await.map(drop) {
            self.rollback().await;
            return Err(fault);
        }
        let shape = writes.shape();
        let written = writes.send(Place::Last, self.lease.connection());
        let (written, ended) = if self.lease.knows(&shape) {
            // Must not be interrupted between the two, as tokio does with tasks that run for long.
            tokio::task::unconstrained(join(written, self.lease.end_later(COMMIT_IF_WRITTEN))).await
        } else {
            if let Err(error) = written.await {
                return Err(self.give_up(error).await.fault);
            }
            self.lease.learn(shape);
            (Ok(()), self.lease.end_later("COMMIT").await)
        };
        match (written, ended) {
            (Ok(()), Ok(())) => {
                self.lease.ended();
                Ok(Some(self.lease))
            }
            (Ok(()), Err(error)) => {
                self.lease.lose();
                Err(not_committed(error))
            }
            (Err(error), _ended) => {
                let failure = self.give_up(error).await;
                Err(match (failure.connection, failure.fault) {
                    // The line is cut, and COMMIT may have arrived.
                    (Connection::Lost, Fault::Fatal(error)) => StoreError::UnknownOutcome(error.to_string()).into(),
                    (Connection::Lost | Connection::Sound, fault) => fault,
                })
            }
        }
    }

    /// Rolls back after a statement that failed, and says what that means.
    async fn give_up(mut self, error: Error) -> Failure {
        let failure = Failure::from(error);
        if failure.connection == Connection::Lost {
            self.lease.lose();
        }
        self.rollback().await;
        failure
    }

    /// Rolls back and gives the connection back, if it is still of use.
    pub(super) async fn rollback(mut self) -> Option<Lease> {
        if self.lease.is_lost() {
            return None;
        }
        if self.begin.is_some() || self.has_ended() {
            return Some(self.lease);
        }
        match self.lease.end("ROLLBACK").await {
            Ok(()) => Some(self.lease),
            Err(_lost) => {
                self.lease.lose();
                None
            }
        }
    }

    /// Keeps what is to be written. What might write the same rows is written first.
    pub(super) async fn defer(&mut self, writes: Writes) -> Done {
        if self.writes.meets(&writes) {
            self.flush().await?;
        }
        self.writes.append(writes);
        Ok(())
    }

    /// Takes note of documents to be searched, which are, or will be, among what is to be written.
    pub(super) fn note_documents(&mut self, documents: &[SearchRow]) {
        self.documents |= !documents.is_empty();
        let unknown = self.lease.lines().unknown(documents);
        self.lines.extend(unknown);
    }

    /// Writes what is kept, before something is read that might depend on it.
    pub(super) async fn flush(&mut self) -> Done {
        if self.writes.is_empty() {
            return Ok(());
        }
        let writes = mem::take(&mut self.writes);
        let begin = self.take_begin()?;
        let written = begun(self.raw(), begin, writes.send(Place::Between, self.raw())).await;
        self.done(written)?;
        self.lease.learn(writes.shape());
        Ok(())
    }

    /// What is to be sent before the next statement, if anything; it counts as sent. Unless the caller's time is up.
    pub(super) fn take_begin(&mut self) -> Done<Option<String>> {
        if self.until.is_some_and(|until| deadline::left(until).is_none()) {
            return Err(StoreError::DeadlineExceeded.into());
        }
        if !self.writes.is_empty() {
            return Err(StoreError::Internal("something is read before what was to be written is".into()).into());
        }
        if self.over {
            return Err(StoreError::Internal("something is looked at after what was to be all".into()).into());
        }
        if self.begin.is_some() {
            self.lease.open();
        }
        Ok(self.begin.take())
    }

    /// The connection, inside the transaction, for statements of its own.
    pub(super) async fn connection(&mut self) -> Done<&AsyncPgConnection> {
        self.flush().await?;
        if let Some(begin) = self.take_begin()? {
            let begun = self.raw().batch_execute(&begin).await;
            self.done((begun, Ok(())))?;
        }
        Ok(self.lease.connection())
    }

    /// The connection, for statements that are sent together with what [`take_begin`](Self::take_begin) answers.
    pub(super) fn raw(&self) -> &AsyncPgConnection {
        self.lease.connection()
    }

    /// Has something looked at that may be all there is to look at: then the transaction ends behind it, in the same message.
    /// `statements` are made over [`raw`](Self::raw), `begin` was [taken](Self::take_begin), and the shape says what is prepared for them;
    /// without one it is prepared each time.
    pub(super) async fn look<T>(
        &self,
        (begin, shape): (Option<String>, Option<&Shape>),
        statements: impl Future<Output = QueryResult<T>>,
    ) -> Looked<T> {
        // What is to be prepared first is sent later than what stands behind it.
        let is_prepared = shape.is_some_and(|shape| self.lease.knows(shape));
        if !(self.single && is_prepared && begin.is_some()) {
            let (begun, found) = begun(self.raw(), begin, statements).await;
            return Looked { begun, found, ended: None };
        }
        let with_end = and_end(statements, self.lease.end_later("ROLLBACK"));
        // Must not be interrupted between what is sent, as tokio does with tasks that run for long.
        let (begun, (found, ended)) = tokio::task::unconstrained(begun(self.raw(), begin, with_end)).await;
        Looked { begun, found, ended: Some(ended) }
    }

    /// Takes note of how that went.
    pub(super) fn looked<T>(&mut self, looked: Looked<T>, shape: Option<Shape>) -> Done<T> {
        let Looked { begun, found, ended } = looked;
        self.over = self.single;
        match ended {
            // It is still to be rolled back.
            None => {}
            Some(Ok(())) => self.lease.ended(),
            Some(Err(_lost)) => self.lease.lose(),
        }
        let found = self.done((begun, found))?;
        shape.into_iter().for_each(|shape| self.lease.learn(shape));
        Ok(found)
    }

    /// The connection's memory of what it has sent.
    pub(super) fn session(&mut self) -> &mut Session {
        &mut self.lease
    }

    /// Takes note of how statements ended, and BEGIN before them.
    pub(super) fn done<T>(&mut self, (begun, result): (QueryResult<()>, QueryResult<T>)) -> Done<T> {
        let (error, stillborn) = match (begun, result) {
            (Ok(()), Ok(value)) => return Ok(value),
            (Err(error), _) => (error, true),
            (Ok(()), Err(error)) => (error, false),
        };
        self.failed = true;
        let failure = Failure::from(error);
        if failure.connection == Connection::Lost || stillborn {
            self.lease.lose();
        }
        self.stillborn = stillborn && failure.connection == Connection::Lost;
        Err(failure.fault)
    }
}

/// How a look went: BEGIN, what was looked at, and the end of the transaction, if it was sent.
pub(super) struct Looked<T> {
    begun: QueryResult<()>,
    found: QueryResult<T>,
    ended: Option<QueryResult<()>>,
}

/// Has something looked at and a transaction ended behind it, without waiting for the answer in between.
///
/// That everything is sent in this order rests on its being prepared and on nobody's interrupting it. Answers come in the order of
/// what was sent: where one is not there when the end is, it was sent too late, and is of no use. (Where it is there by then, nothing
/// tells.)
async fn and_end<T>(
    statements: impl Future<Output = QueryResult<T>>,
    end: impl Future<Output = QueryResult<()>>,
) -> (QueryResult<T>, QueryResult<()>) {
    let (mut statements, mut end) = (pin!(maybe_done(statements)), pin!(end));
    let ended = poll_fn(|cx| {
        let _later = statements.as_mut().poll(cx);
        end.as_mut().poll(cx)
    })
    .await;
    let _too_late = poll_immediate(statements.as_mut()).await;
    (statements.take_output().unwrap_or_else(|| Err(out_of_order())), ended)
}

fn out_of_order() -> Error {
    Error::QueryBuilderError("a statement was sent behind the end of its transaction".into())
}

/// Has something done inside a transaction, which begins now if it has not begun: both are sent together.
pub(super) async fn begun<T>(
    mut connection: &AsyncPgConnection,
    begin: Option<String>,
    statements: impl Future<Output = T>,
) -> (QueryResult<()>, T) {
    match begin {
        None => (Ok(()), statements.await),
        Some(begin) => join(connection.batch_execute(&begin), statements).await,
    }
}

/// BEGIN and all settings, as one message. SET LOCAL ends with the transaction.
fn begin_sql(access: Access, until: Option<Instant>) -> Result<String, StoreError> {
    let (longest, idle) = match access {
        Access::Write | Access::Read(_) => (STATEMENT_TIMEOUT, IDLE_TIMEOUT),
        Access::Survey => (SURVEY_STATEMENT_TIMEOUT, SURVEY_IDLE_TIMEOUT),
    };
    let left = match until {
        None => longest,
        Some(until) => deadline::left(until).ok_or(StoreError::DeadlineExceeded)?,
    };
    let mut sql = String::from(match access {
        Access::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        Access::Read(_) | Access::Survey => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
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
    sql.push_str(match access {
        Access::Read(Path::Any) | Access::Survey => "",
        // Where there is no index all of a table is read nevertheless, but as something so dear that the server would compile it.
        Access::Read(Path::ByIndexes) => "; SET LOCAL enable_seqscan = off; SET LOCAL jit = off",
        // Whatever the server believes of the table: it may have been new when a plan was made.
        Access::Read(Path::AlongAnIndex) => "; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off",
        Access::Read(Path::ByKey) | Access::Write => BY_KEY,
    });
    if access == Access::Write {
        // Says that all of this was carried out: what is sent behind it does not wait for that.
        sql.push_str("; SET LOCAL order_service.begun = 'yes'");
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
        $tx.flush().await?;
        let begin = $tx.take_begin()?;
        let mut connection = $tx.raw();
        let statement = diesel_async::RunQueryDsl::$method($query, &mut connection);
        let result = $crate::postgres::tx::begun($tx.raw(), begin, statement).await;
        $tx.done(result)
    }};
}
pub(super) use run;
