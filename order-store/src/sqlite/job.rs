//! Transactions as jobs for the threads that own the connections.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

use diesel::SqliteConnection;
use futures_util::FutureExt as _;
use tokio::sync::oneshot;

use super::tx::SqliteTx;
use crate::{
    backend::{ReadWork, WriteWork},
    deadline,
    error::StoreError,
    statements::{Done, Fault},
};

/// A transaction on its way to a thread, whatever its type.
pub(super) trait Job: Send {
    /// Runs the body; says whether what it did is to be kept.
    fn run(&mut self, connection: &mut SqliteConnection) -> Verdict;
    /// Tells the caller, if there is one left: what the body said, or why it came to nothing after all.
    fn answer(self: Box<Self>, ended: Result<(), Fault>);
}

/// What is to become of a job's changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Keep,
    Undo,
}

/// Either kind of work, with its engine-neutral body.
pub(super) trait Body: Send + Sync + 'static {
    type Output: Send + 'static;

    /// Runs the body to its end. It never has to wait: SQLite's statements are over when they return.
    fn run_now(&self, connection: &mut SqliteConnection) -> Done<Self::Output>;
}

/// A body that changes something.
pub(super) struct Writing<W>(pub(super) W);

impl<W: WriteWork> Body for Writing<W> {
    type Output = W::Output;

    fn run_now(&self, connection: &mut SqliteConnection) -> Done<W::Output> {
        let mut tx = SqliteTx { connection };
        self.0
            .run(&mut tx)
            .now_or_never()
            .expect("statements of SQLite are ready at once, and bodies wait for nothing else")
    }
}

/// A body that only looks.
pub(super) struct Reading<R>(pub(super) R);

impl<R: ReadWork> Body for Reading<R> {
    type Output = R::Output;

    fn run_now(&self, connection: &mut SqliteConnection) -> Done<R::Output> {
        let mut tx = SqliteTx { connection };
        self.0
            .run(&mut tx)
            .now_or_never()
            .expect("statements of SQLite are ready at once, and bodies wait for nothing else")
    }
}

/// A job: a body, until when its caller waits, and where the caller listens.
pub(super) struct Task<B: Body> {
    body: std::sync::Arc<B>,
    deadline: Option<Instant>,
    /// `None` until the body was run.
    result: Option<Done<B::Output>>,
    listener: oneshot::Sender<Done<B::Output>>,
}

impl<B: Body> Task<B> {
    pub(super) fn new(body: std::sync::Arc<B>) -> (Box<Self>, oneshot::Receiver<Done<B::Output>>) {
        let (listener, answer) = oneshot::channel();
        (Box::new(Self { body, deadline: deadline::current(), result: None, listener }), answer)
    }
}

impl<B: Body> Job for Task<B> {
    fn run(&mut self, connection: &mut SqliteConnection) -> Verdict {
        let result = match self.deadline {
            Some(deadline) if deadline::left(deadline).is_none() => Err(StoreError::DeadlineExceeded.into()),
            Some(_) | None => caught(|| self.body.run_now(connection)),
        };
        let verdict = if result.is_ok() { Verdict::Keep } else { Verdict::Undo };
        self.result = Some(result);
        verdict
    }

    fn answer(self: Box<Self>, ended: Result<(), Fault>) {
        let Self { body, result, listener, .. } = *self;
        // Whoever is answered may want what the body shares with them for themselves.
        drop(body);
        let result = match (result, ended) {
            (Some(Err(own)), _) => Err(own),
            (Some(Ok(_)) | None, Err(ended)) => Err(ended),
            (Some(Ok(output)), Ok(())) => Ok(output),
            (None, Ok(())) => Err(StoreError::Internal("the job was not run".to_owned()).into()),
        };
        // The caller may be gone: its work was done all the same.
        drop(listener.send(result));
    }
}

/// A bug in one transaction must not take the thread, and with it every other transaction, along.
pub(super) fn caught<T>(run: impl FnOnce() -> Done<T>) -> Done<T> {
    // Unwind safe: the connection is rolled back to where the job began, and nothing else outlives the job.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_panic| {
        tracing::error!("a transaction panicked");
        Err(StoreError::Internal("a transaction panicked".to_owned()).into())
    })
}
