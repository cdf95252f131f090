//! Statements that are sent together.
//!
//! A statement costs the time to the server and back. Those whose answers nothing waits for are sent at once: the server works
//! them off in the order of sending, and when one fails it refuses all that follow, up to the end of the transaction.

use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use futures_util::future::{BoxFuture, join_all};

use super::sql::{Bound, Fail, Insert, OnConflict, Replace, Statement, Table};

/// Statements about to be sent.
pub(super) struct Pipe<'c> {
    connection: &'c AsyncPgConnection,
    statements: Vec<Pending<'c>>,
}

/// One of them, and for how many rows it is.
struct Pending<'c> {
    rows: usize,
    done: BoxFuture<'c, QueryResult<usize>>,
}

impl<'c> Pipe<'c> {
    pub(super) const fn new(connection: &'c AsyncPgConnection) -> Self {
        Self { connection, statements: Vec::new() }
    }

    /// Inserts rows that are not there.
    pub(super) fn insert<R: Table>(&mut self, rows: Vec<&R>) {
        self.write::<R, Fail>(&rows);
    }

    /// Inserts or replaces rows.
    pub(super) fn replace<R: Table>(&mut self, rows: Vec<&R>) {
        self.write::<R, Replace>(&rows);
    }

    fn write<R: Table, C: OnConflict>(&mut self, rows: &[&R]) {
        let mut connection = self.connection;
        let done = Insert::<R, C>::new(rows).execute(&mut connection);
        self.statements.push(Pending { rows: rows.len(), done });
    }

    /// A statement for so many rows.
    pub(super) fn push<S: Statement>(&mut self, rows: usize, statement: Bound<'_, S>) {
        let mut connection = self.connection;
        let done = statement.execute(&mut connection);
        self.statements.push(Pending { rows, done });
    }

    /// Sends the statements and waits for their answers; those for no rows are left out. Says whether each wrote as many rows as
    /// it was given.
    ///
    /// A statement that the server does not know yet is prepared first. diesel-async keeps the others waiting meanwhile, but
    /// promises nothing of the kind; so the first time all of them are sent one by one, those for no rows included, and
    /// afterwards the server knows them all.
    pub(super) async fn send(self, are_known: bool) -> QueryResult<bool> {
        let mut is_whole = true;
        if are_known {
            let meant = self.statements.into_iter().filter(|statement| statement.rows > 0);
            let (rows, sent): (Vec<_>, Vec<_>) = meant.map(|statement| (statement.rows, statement.done)).unzip();
            // The first error in the order of sending is the cause of those behind it.
            for (rows, written) in rows.into_iter().zip(join_all(sent).await) {
                is_whole &= written? == rows;
            }
        } else {
            for statement in self.statements {
                is_whole &= statement.done.await? == statement.rows;
            }
        }
        Ok(is_whole)
    }
}
