//! The SQLite adapter: one file, one thread that writes, a few that read.
//!
//! Transactions go to the threads as whole jobs. A connection wrapped for async would hop threads with every statement, and
//! dropping such a future blocks a worker of the runtime for as long as SQLite waits for a lock; here the runtime only ever
//! waits for an answer, which works on a current-thread runtime as well.

mod audit;
mod carts;
mod catalog;
mod connection;
mod coupons;
mod feed;
mod holds;
mod insert;
mod inventory;
mod job;
mod ledger;
mod many;
mod numbers;
mod order_lists;
mod orders;
mod reader;
mod requests;
#[cfg(test)]
mod tests;
mod tx;
mod writer;

use std::{
    hash::{BuildHasher as _, RandomState},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use diesel::SqliteConnection;
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

pub(crate) use self::connection::{create, failure, migrator, writer};
use self::job::{Body, Job, Reading, Task, Writing};
use crate::{
    backend::{Backend, ReadWork, SurveyWork, WriteWork},
    deadline,
    error::StoreError,
    statements::{Done, Fault},
    url::ConnectOptions,
};

/// Further tries of a transaction that another process was in the way of.
const RETRIES: u32 = 3;

type Queue = Sender<Box<dyn Job>>;

/// The engine. Its threads end when it is dropped, the writer after the jobs that are queued by then.
pub(crate) struct Sqlite {
    /// `None` once closed.
    writes: RwLock<Option<Queue>>,
    /// Cancelled when the writer has ended.
    written: CancellationToken,
    reads: Queue,
    /// Where a survey opens its own connection, and the permit that it holds.
    path: PathBuf,
    surveys: Arc<Semaphore>,
}

impl Sqlite {
    /// Opens a database, making the file if there is none. Its schema is [`migrate`](crate::migrate())'s business.
    pub(crate) fn open(path: &Path, options: &ConnectOptions) -> Result<Self, StoreError> {
        connection::create(path)?;
        let (writes, jobs) = bounded(options.queue_depth.max(1));
        let written = CancellationToken::new();
        let ended = written.clone().drop_guard();
        let thread = writer::Writer::new(path, connection::writer(path)?, jobs);
        spawn("sqlite-writer", move || {
            let _ended = ended;
            thread.run();
        })?;
        let (reads, jobs) = bounded(options.queue_depth.max(1));
        for _ in 0..options.reader_threads.max(1) {
            let (connection, jobs) = (connection::reader(path)?, jobs.clone());
            spawn("sqlite-reader", move || read(connection, jobs))?;
        }
        let surveys = Arc::new(Semaphore::new(1));
        Ok(Self { writes: RwLock::new(Some(writes)), written, reads, path: path.to_owned(), surveys })
    }

    fn writes(&self) -> Result<Queue, StoreError> {
        let writes = self.writes.read().unwrap_or_else(PoisonError::into_inner);
        writes.clone().ok_or_else(closed)
    }
}

fn read(connection: SqliteConnection, jobs: Receiver<Box<dyn Job>>) {
    reader::run(connection, &jobs);
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(run);
    spawned.map(drop).map_err(|error| StoreError::Unavailable(format!("cannot start a thread: {error}")))
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

/// What comes back of a job.
type Answer<T> = oneshot::Receiver<Done<T>>;

/// Queues a job. It is done whether or not anybody waits for the answer.
fn submit<B: Body>(queue: &Queue, body: Arc<B>) -> Result<Answer<B::Output>, StoreError> {
    if deadline::current().is_some_and(|deadline| deadline::left(deadline).is_none()) {
        return Err(StoreError::DeadlineExceeded);
    }
    let (task, answer) = Task::new(body);
    queue.try_send(task).map_err(|refused| match refused {
        TrySendError::Full(_) => StoreError::Overloaded { retry_after: None },
        TrySendError::Disconnected(_) => closed(),
    })?;
    Ok(answer)
}

/// Waits for an answer. It fails to come only if the thread is gone.
async fn received<T>(answer: Answer<T>) -> Done<T> {
    answer.await.unwrap_or_else(|_unanswered| Err(closed().into()))
}

impl Backend for Sqlite {
    const ENGINE: &'static str = "sqlite";
    const LANE_THREADS: bool = false;

    async fn write<W: WriteWork>(&self, work: W) -> Result<W::Output, StoreError> {
        let body = Arc::new(Writing(work));
        let mut tries = 0;
        loop {
            // The sender must not outlive this line: closing waits until there is none left.
            let answer = submit(&self.writes()?, Arc::clone(&body))?;
            match received(answer).await {
                Ok(output) => return Ok(output),
                Err(Fault::Fatal(error)) => return Err(error),
                Err(Fault::Retry(why)) if tries == RETRIES => return Err(StoreError::Contended(why)),
                Err(Fault::Retry(_)) => tokio::time::sleep(pause(tries)).await,
            }
            tries += 1;
        }
    }

    async fn read<R: ReadWork>(&self, work: R) -> Result<R::Output, StoreError> {
        received(submit(&self.reads, Arc::new(Reading(work)))?).await.map_err(|fault| match fault {
            Fault::Fatal(error) => error,
            Fault::Retry(why) => StoreError::Unavailable(why),
        })
    }

    /// On a thread and a connection of its own: it would keep one of the few readers for as long as it takes.
    async fn survey<S: SurveyWork>(&self, work: S, _stop: CancellationToken) -> Result<S::Output, StoreError> {
        let permit = Arc::clone(&self.surveys).try_acquire_owned();
        let permit = permit.map_err(|_one_is_under_way| StoreError::Overloaded { retry_after: None })?;
        let (listener, answer) = oneshot::channel();
        let path = self.path.clone();
        spawn("sqlite-survey", move || {
            let result = audit::survey(&path, &work);
            drop(permit);
            // Whoever asked may be gone.
            drop(listener.send(result));
        })?;
        received(answer).await.map_err(|fault| match fault {
            Fault::Fatal(error) => error,
            Fault::Retry(why) => StoreError::Unavailable(why),
        })
    }

    async fn close(&self) {
        drop(self.writes.write().unwrap_or_else(PoisonError::into_inner).take());
        self.written.cancelled().await;
    }
}

/// How long to wait before the next try: twice as long each time, and at random, so that rivals do not meet again.
fn pause(tries: u32) -> Duration {
    let most = 10_u64 << tries;
    Duration::from_millis(1 + RandomState::new().hash_one(tries) % most)
}
