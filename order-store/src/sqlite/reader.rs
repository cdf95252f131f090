//! The threads that read, each with a connection that cannot write.

use crossbeam_channel::Receiver;
use diesel::{SqliteConnection, connection::SimpleConnection as _};

use super::{connection::fault, job::Job};
use crate::statements::Done;

/// Reads until nobody can send jobs any more. Every job sees one snapshot from its first statement to its last; in WAL mode it
/// neither waits for the writer nor holds it up.
pub(super) fn run(mut connection: SqliteConnection, jobs: &Receiver<Box<dyn Job>>) {
    while let Ok(mut job) = jobs.recv() {
        let ended = read(&mut connection, job.as_mut());
        if ended.is_err() {
            // Whatever state it is in: out of the transaction, so that the next job begins clean and no old snapshot keeps
            // the log from being checkpointed.
            drop(connection.batch_execute("ROLLBACK"));
        }
        job.answer(ended);
    }
}

fn read(connection: &mut SqliteConnection, job: &mut dyn Job) -> Done {
    connection.batch_execute("BEGIN DEFERRED").map_err(fault)?;
    job.run(connection);
    connection.batch_execute("COMMIT").map_err(fault)
}
