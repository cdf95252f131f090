//! The one thread that writes.
//!
//! It takes a job, opens a transaction, runs the job and whatever else is queued by then, and commits once for all of them. Those that
//! join the first run in a savepoint each; the first one needs none, because nothing is lost where all is undone. At one caller a batch is one job; under load it grows by itself, and with it the number of
//! orders that one flush of the disk pays for. Nobody is answered before the commit.

use std::path::{Path, PathBuf};

use crossbeam_channel::Receiver;
use diesel::{SqliteConnection, connection::SimpleConnection as _};

use super::{
    connection::{self, failure, fault},
    job::{Job, Verdict},
};
use crate::{
    error::StoreError,
    statements::{Done, Fault},
};

/// Jobs that share a commit, at most: beyond it the flush is a small part of the batch's time, and waiting a large one.
const BATCH: usize = 64;

/// What the thread owns.
pub(super) struct Writer {
    path: PathBuf,
    /// `None` after a failure, until the next batch opens it again.
    connection: Option<SqliteConnection>,
    jobs: Receiver<Box<dyn Job>>,
}

impl Writer {
    pub(super) fn new(path: &Path, connection: SqliteConnection, jobs: Receiver<Box<dyn Job>>) -> Self {
        Self { path: path.to_owned(), connection: Some(connection), jobs }
    }

    /// Writes until nobody can send jobs any more and the last one is done.
    pub(super) fn run(mut self) {
        while let Ok(first) = self.jobs.recv() {
            self.batch(first);
        }
        if let Some(connection) = &mut self.connection {
            // Leaves one whole file behind, which is what people copy. Should it fail, nothing is lost.
            drop(connection.batch_execute("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);"));
        }
    }

    fn batch(&mut self, first: Box<dyn Job>) {
        let mut jobs = vec![first];
        let ended = self.commit(&mut jobs);
        metrics::histogram!("sqlite_batch_jobs").record(u32::try_from(jobs.len()).unwrap_or(u32::MAX));
        for job in jobs {
            job.answer(ended.clone());
        }
    }

    /// Runs the jobs and those that join them. The connection is kept only if all went well: closing it is the surest way to
    /// end a transaction in an unknown state, and after a failed flush the pages in its cache may not be what is on the disk.
    /// A flush is never tried again; the next batch begins by opening the file anew.
    fn commit(&mut self, jobs: &mut Vec<Box<dyn Job>>) -> Done {
        let mut connection = self.connection.take().map_or_else(|| connection::writer(&self.path), Ok)?;
        connection.batch_execute("BEGIN IMMEDIATE").map_err(fault)?;
        match jobs[0].run(&mut connection) {
            Verdict::Keep => {}
            Verdict::Undo => end(&mut connection, "ROLLBACK; BEGIN IMMEDIATE")?,
        }
        while jobs.len() < BATCH {
            let Ok(mut next) = self.jobs.try_recv() else { break };
            let attempted = attempt(&mut connection, next.as_mut());
            jobs.push(next);
            attempted?;
        }
        connection.batch_execute("COMMIT").map_err(|error| {
            let error = failure(error);
            tracing::error!(%error, "a commit failed");
            Fault::Fatal(StoreError::UnknownOutcome(error.to_string()))
        })?;
        self.connection = Some(connection);
        Ok(())
    }
}

/// Runs one job in its savepoint. An error is the batch's, not the job's own: the transaction itself is broken.
fn attempt(connection: &mut SqliteConnection, job: &mut dyn Job) -> Done {
    connection.batch_execute("SAVEPOINT job").map_err(fault)?;
    match job.run(connection) {
        Verdict::Keep => end(connection, "RELEASE job"),
        Verdict::Undo => end(connection, "ROLLBACK TO job; RELEASE job"),
    }
}

/// SQLite ends the whole transaction by itself where the disk is full or fails; there is nothing to be ended then.
fn end(connection: &mut SqliteConnection, how: &str) -> Done {
    connection.batch_execute(how).map_err(|error| {
        let error = failure(error);
        tracing::error!(%error, "a transaction broke");
        Fault::Fatal(StoreError::Unavailable("the transaction was ended by the database".to_owned()))
    })
}
