//! Statements that are sent together.
//!
//! A statement costs the time to the server and back. Those whose answers nothing waits for are sent at once: the server works
//! them off in the order of sending, and when one fails it refuses all that follow, up to the end of the transaction.

use std::{any::TypeId, collections::BTreeSet, future::poll_fn, task::Poll};

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{QueryFragment, QueryId},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _, methods::ExecuteDsl};
use futures_util::future::BoxFuture;

use super::sql::{Add, Bound, Fail, Insert, InsertOne, OnConflict, Replace, Statement, Table, statement};

/// Up to so many rows are inserted one by one; beyond it, all of a table in one statement.
const FEW: usize = 4;

/// Statements that a connection has prepared before.
pub(super) type Known = BTreeSet<TypeId>;

statement! {
    /// Notes that all statements before it were carried out, until the transaction ends.
    MarkEnd -> ():
    "SELECT set_config('order_service.all_written', 'yes', true)"
}

/// Commits if what was sent before was all carried out before. That it is rests on the order in which a library sends; should one
/// ever send otherwise, this fails, and with it the transaction, instead of committing a part of it.
pub(super) const COMMIT_IF_ALL: &str =
    "SELECT 1 / (COALESCE(current_setting('order_service.all_written', true), '') = 'yes')::int; COMMIT";

/// Statements about to be sent.
pub(super) struct Pipe<'c> {
    connection: &'c AsyncPgConnection,
    statements: Vec<Pending<'c>>,
    kinds: Known,
}

/// One of them, and for how many rows it is.
struct Pending<'c> {
    rows: usize,
    done: BoxFuture<'c, QueryResult<usize>>,
}

impl<'c> Pipe<'c> {
    pub(super) const fn new(connection: &'c AsyncPgConnection) -> Self {
        Self { connection, statements: Vec::new(), kinds: Known::new() }
    }

    /// Inserts rows that are not there.
    pub(super) fn insert<R: Table>(&mut self, rows: Vec<&R>) {
        if rows.len() <= FEW {
            rows.into_iter().for_each(|row| self.add(1, InsertOne::new(row)));
        } else {
            self.write::<R, Fail>(&rows);
        }
    }

    /// Inserts or replaces rows.
    pub(super) fn replace<R: Table>(&mut self, rows: Vec<&R>) {
        self.write::<R, Replace>(&rows);
    }

    /// Adds to rows; those that are not there begin with these.
    pub(super) fn accumulate<R: Table>(&mut self, rows: Vec<&R>) {
        self.write::<R, Add>(&rows);
    }

    fn write<R: Table, C: OnConflict>(&mut self, rows: &[&R]) {
        if !rows.is_empty() {
            self.add(rows.len(), Insert::<R, C>::new(rows));
        }
    }

    /// A statement for so many rows; left out for none.
    pub(super) fn push<S: Statement>(&mut self, rows: usize, statement: Bound<'_, S>) {
        if rows > 0 {
            self.add(rows, statement);
        }
    }

    fn add<Q>(&mut self, rows: usize, statement: Q)
    where
        Q: QueryFragment<Pg> + QueryId,
        Q: ExecuteDsl<&'c AsyncPgConnection>,
    {
        self.kinds.extend(Q::query_id());
        let mut connection = self.connection;
        let done = statement.execute(&mut connection);
        self.statements.push(Pending { rows, done });
    }

    /// The kinds of these statements.
    pub(super) const fn kinds(&self) -> &Known {
        &self.kinds
    }

    /// Marks the end of the statements, so that [`COMMIT_IF_ALL`] finds them carried out.
    pub(super) fn mark_end(&mut self) {
        self.push(1, Bound::<MarkEnd>::new());
    }

    /// Sends the statements together and waits for their answers. Says whether each wrote as many rows as it was given.
    ///
    /// Only for statements that the connection has sent before. Another one is prepared first; diesel-async keeps those behind it
    /// waiting meanwhile, but promises nothing of the kind.
    pub(super) async fn send(mut self) -> QueryResult<bool> {
        let mut answers: Vec<_> = self.statements.iter().map(|_| None).collect();
        // In their order, every time: what is polled first is sent first.
        poll_fn(|context| {
            for (statement, answer) in self.statements.iter_mut().zip(&mut answers) {
                if answer.is_none()
                    && let Poll::Ready(done) = statement.done.as_mut().poll(context)
                {
                    let has_failed = done.is_err();
                    *answer = Some(done);
                    if has_failed {
                        // It may have failed before it was sent: then those behind it must not be sent either.
                        return Poll::Ready(());
                    }
                }
            }
            if answers.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let mut is_whole = true;
        for (statement, answer) in self.statements.iter().zip(answers) {
            // What is not answered stands behind one that failed.
            is_whole &= answer.transpose()? == Some(statement.rows);
        }
        Ok(is_whole)
    }

    /// The same, each after the answer to the one before.
    pub(super) async fn send_one_by_one(self) -> QueryResult<bool> {
        let mut is_whole = true;
        for statement in self.statements {
            is_whole &= statement.done.await? == statement.rows;
        }
        Ok(is_whole)
    }
}
