//! The store over PostgreSQL 14 and newer.
//!
//! A transaction runs in a task of its own, never in its caller's: a caller that goes away would leave its connection inside
//! a transaction, holding row locks. Writes run at READ COMMITTED with row locks in sorted order, reads at one snapshot.
//!
//! Nothing is kept in a session, so that a pool of servers' connections (PgBouncer in transaction mode, 1.21 and newer with
//! `max_prepared_statements`) may stand between: every setting is made with SET LOCAL, in the message that begins the
//! transaction, where it costs nothing.

mod audit;
mod connect;
mod documents;
mod error;
mod migrate;
mod order_lists;
mod placing;
mod pool;
mod queries;
mod read;
mod search_lines;
mod sql;
mod tables;
#[cfg(test)]
mod tests;
mod tls;
mod together;
mod tx;
mod write;

use std::{
    fmt,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::Arc,
    time::{Duration, Instant},
};

use deadpool::managed::Pool;
pub(crate) use migrate::{migrate, revert};
use tokio::sync::Notify;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use self::{
    connect::Target,
    pool::{Lease, Sessions},
    tx::{Access, PgTx},
};
use crate::{
    backend::{Backend, PLACE_LANES, PRODUCT_LANES, ReadWork, Room, SurveyWork, WriteWork},
    deadline,
    error::StoreError,
    statements::Fault,
};

/// How often a transaction is tried, the first time included.
const TRIES: u32 = 4;
/// The longest pause before the second try; it doubles with each further one.
const PAUSE: Duration = Duration::from_millis(20);

/// Transactions over a pool of connections.
pub(crate) struct Postgres {
    pool: Pool<Sessions>,
    /// For each lane that places orders one connection, opened by the lane's own thread and driven by it.
    placing: Vec<Pool<Sessions>>,
    /// For each lane that looks products up two: one is given back while the other one is in use.
    products: Vec<Pool<Sessions>>,
    /// Room for one connection: of a survey, which would keep one of the others for as long as it takes.
    surveys: Pool<Sessions>,
    tasks: TaskTracker,
    /// Told of every transaction that has written documents to be searched.
    documents: Arc<Notify>,
    /// Ends what is done behind them.
    stop: CancellationToken,
    _stops: DropGuard,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("pool", &self.pool.status()).finish_non_exhaustive()
    }
}

impl Postgres {
    /// Connects to the database of a `postgres://` URL with at most `connections` connections, after a look at the server: it
    /// must be PostgreSQL 14 or newer, keep what it has acknowledged, and speak English. Must be called inside the runtime.
    pub(crate) async fn connect(url: &str, connections: usize) -> Result<Self, StoreError> {
        let target = Target::parse(url)?;
        target.client().await?;
        let surveys = pool::new(target.clone(), 1)?;
        let pools = |lanes, size| (0..lanes).map(|_| pool::new(target.clone(), size)).collect::<Result<_, _>>();
        let (placing, products) = (pools(PLACE_LANES, 1)?, pools(PRODUCT_LANES, 2)?);
        let (documents, stop) = (Arc::default(), CancellationToken::new());
        let taking_in = documents::take_in(pool::new(target.clone(), 1)?, Arc::clone(&documents));
        tokio::spawn(stop.clone().run_until_cancelled_owned(taking_in));
        let (pool, _stops) = (pool::new(target, connections)?, stop.clone().drop_guard());
        Ok(Self { pool, placing, products, surveys, tasks: TaskTracker::new(), documents, stop, _stops })
    }

    /// Registers a transaction, so that closing waits for it. Taken before the look at whether it is closed: whoever closes
    /// afterwards sees the registration.
    fn enter(&self) -> Result<TaskTrackerToken, StoreError> {
        let token = self.tasks.token();
        if self.tasks.is_closed() {
            return Err(StoreError::Unavailable("the store is being closed".into()));
        }
        Ok(token)
    }

    /// Runs a whole transaction, in a task of its own, once there is a connection for it. Who goes away before then has it
    /// never begun; later it runs to its end.
    async fn submit<T, F>(&self, room: Room, run: impl FnOnce(Job) -> F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let token = self.enter()?;
        let until = deadline::current();
        let pool = match room {
            Room::Shared => &self.pool,
            Room::Placing(lane) => &self.placing[lane],
            Room::Products(lane) => &self.products[lane],
        };
        let lease = pool::lease(pool, until).await?;
        let task = tokio::spawn(run(Job { pool: pool.clone(), lease: Some(lease), until, token }));
        task.await
            .map_err(|stopped| StoreError::Internal(format!("a transaction's task has ended early: {stopped}")))?
    }
}

impl Backend for Postgres {
    const ENGINE: &'static str = "postgresql";
    const LANE_THREADS: bool = true;

    async fn write<W: WriteWork>(&self, work: W) -> Result<W::Output, StoreError> {
        let documents = Arc::clone(&self.documents);
        self.submit(work.room(), |job| job.write(work, documents)).await
    }

    async fn read<R: ReadWork>(&self, work: R) -> Result<R::Output, StoreError> {
        self.submit(work.room(), |job| job.read(work)).await
    }

    async fn survey<S: SurveyWork>(&self, work: S, stop: CancellationToken) -> Result<S::Output, StoreError> {
        let token = self.enter()?;
        let until = deadline::current();
        let lease = pool::lease_now(&self.surveys).await?;
        let job = Job { pool: self.surveys.clone(), lease: Some(lease), until, token };
        let task = tokio::spawn(job.survey(work, stop));
        task.await.map_err(|stopped| StoreError::Internal(format!("a survey's task has ended early: {stopped}")))?
    }

    async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.surveys.close();
        self.placing.iter().chain(&self.products).for_each(Pool::close);
        self.pool.close();
    }
}

/// What a transaction's task needs.
struct Job {
    pool: Pool<Sessions>,
    lease: Option<Lease>,
    until: Option<Instant>,
    /// Held until all is done.
    token: TaskTrackerToken,
}

impl Job {
    /// Tells of documents that are written.
    async fn write<W: WriteWork>(mut self, work: W, documents: Arc<Notify>) -> Result<W::Output, StoreError> {
        let mut tries = 1;
        loop {
            let why = match self.try_write(&work, &documents).await {
                Ok(output) => return Ok(output),
                Err(Fault::Fatal(error)) => return Err(error),
                Err(Fault::Retry(why)) => why,
            };
            if tries == TRIES {
                return Err(StoreError::Contended(why));
            }
            metrics::counter!("store_retries_total", "engine" => Postgres::ENGINE, "method" => W::NAME).increment(1);
            tracing::debug!(method = W::NAME, %why, tries, "a transaction is tried again");
            self.pause(tries).await?;
            tries += 1;
        }
    }

    async fn try_write<W: WriteWork>(&mut self, work: &W, documents: &Notify) -> Result<W::Output, Fault> {
        let mut tries = 1;
        loop {
            let mut tx = self.begin(Access::Write).await?;
            match work.run(&mut tx).await {
                Ok(output) => {
                    let has_documents = tx.has_documents();
                    let committed = tx.commit().await;
                    if has_documents {
                        // Also where that failed: they may be there all the same.
                        documents.notify_one();
                    }
                    self.lease = committed?;
                    return Ok(output);
                }
                Err(_lost) if tx.is_stillborn() && tries < TRIES => tries += 1,
                Err(fault) => {
                    self.lease = tx.rollback().await;
                    return Err(fault);
                }
            }
        }
    }

    /// Reads are tried again too: a standby cancels what stands in the way of its recovery, and a migration makes the
    /// statements prepared before it useless.
    async fn read<R: ReadWork>(mut self, work: R) -> Result<R::Output, StoreError> {
        let mut tries = 1;
        loop {
            let why = match self.try_read(&work).await {
                Ok(output) => return Ok(output),
                Err(Fault::Fatal(error)) => return Err(error),
                Err(Fault::Retry(why)) => why,
            };
            if tries == TRIES {
                return Err(StoreError::Contended(why));
            }
            self.pause(tries).await?;
            tries += 1;
        }
    }

    async fn try_read<R: ReadWork>(&mut self, work: &R) -> Result<R::Output, Fault> {
        let mut tries = 1;
        let (tx, result) = loop {
            let mut tx = self.begin(Access::Read(R::PATH)).await?;
            let result = work.run(&mut tx).await;
            if !tx.is_stillborn() || tries == TRIES {
                break (tx, result);
            }
            tries += 1;
        };
        if result.is_ok() && !tx.has_ended() {
            // Nothing is left but to give the connection back, for which the caller need not wait.
            let token = self.token.clone();
            tokio::spawn(async move {
                drop(tx.rollback().await);
                drop(token);
            });
        } else {
            self.lease = tx.rollback().await;
        }
        result
    }

    /// Runs a survey once. Stopped, it ends in the middle of a statement: its connection is closed, and the server notices.
    async fn survey<S: SurveyWork>(mut self, work: S, stop: CancellationToken) -> Result<S::Output, StoreError> {
        let result = match self.begin(Access::Survey).await {
            Err(fault) => Err(fault),
            Ok(mut tx) => tokio::select! {
                result = work.run(&mut tx) => {
                    drop(tx.rollback().await);
                    result
                }
                () = stop.cancelled() => Err(StoreError::Unavailable("the survey was stopped".into()).into()),
            },
        };
        // It is seldom wanted: no connection is kept for the next one.
        self.pool.retain(|_, _| false);
        result.map_err(|fault| match fault {
            Fault::Fatal(error) => error,
            Fault::Retry(why) => StoreError::Unavailable(why),
        })
    }

    /// Begins on the connection at hand or on another one. A connection that turns out to be dead with the first statement has
    /// done nothing yet, so that another one is tried: after a restart of the server the pool may be full of such.
    async fn begin(&mut self, access: Access) -> Result<PgTx, Fault> {
        let lease = match self.lease.take() {
            Some(lease) => lease,
            None => pool::lease(&self.pool, self.until).await?,
        };
        Ok(PgTx::new(lease, access, self.until)?)
    }

    /// Waits a random while, so that those who collided do not collide again, and gives up at the deadline.
    async fn pause(&mut self, tries: u32) -> Result<(), StoreError> {
        let longest = PAUSE * 2_u32.pow(tries - 1);
        let share = RandomState::new().build_hasher().finish() % 1024;
        let pause = longest * u32::try_from(share).unwrap_or_default() / 1024;
        if self.until.is_some_and(|until| deadline::left(until).is_none_or(|left| left <= pause)) {
            return Err(StoreError::DeadlineExceeded);
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }
}
