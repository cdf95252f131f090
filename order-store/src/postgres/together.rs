//! Writes that are one statement.
//!
//! The server answers every statement with a message of its own, and wakes whoever waits for it: for a lone order, a dozen of
//! those cost as much as all the writing. What a batch writes is therefore one statement, in which each table has its own
//! `WITH`. It is carried out whole or not at all, and needs no order in which to be sent.

use std::collections::BTreeSet;

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

use super::sql::{Add, Bound, Fail, Insert, OnConflict, Replace, Statement, Table};

/// Commits if what was sent before was carried out before. That it is rests on the order in which a library sends; should one
/// ever send otherwise, this fails, and with it the transaction, instead of committing a part of it.
pub(super) const COMMIT_IF_WRITTEN: &str =
    "SELECT 1 / (COALESCE(current_setting('order_service.written', true), '') = 'yes')::int; COMMIT";

/// What the server has a plan for: see [`Session::knows`](super::connect::Session::knows).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// What a batch of orders begins with.
    Opening,
    /// What a batch writes: a bit for each part that there could be.
    Writing(u32),
}

/// Shapes that a connection has sent before.
pub(super) type Known = BTreeSet<Shape>;

/// Parts of one statement that writes. No two of them may write the same row: they all see what was there before.
pub(super) struct Together<'a> {
    parts: Vec<Part<'a>>,
    shape: u32,
    /// Rows that there must have been to be changed.
    rows: usize,
}

struct Part<'a> {
    statement: Box<dyn QueryFragment<Pg> + Send + 'a>,
    /// Whether it changes rows that may not be there.
    counts: bool,
}

impl<'a> Together<'a> {
    pub(super) const fn new() -> Self {
        Self { parts: Vec::new(), shape: 1, rows: 0 }
    }

    /// Inserts rows that are not there.
    pub(super) fn insert<R: Table>(&mut self, rows: Vec<&'a R>) {
        self.write::<R, Fail>(&rows);
    }

    /// Inserts or replaces rows.
    pub(super) fn replace<R: Table>(&mut self, rows: Vec<&'a R>) {
        self.write::<R, Replace>(&rows);
    }

    /// Adds to rows; those that are not there begin with these.
    pub(super) fn accumulate<R: Table>(&mut self, rows: Vec<&'a R>) {
        self.write::<R, Add>(&rows);
    }

    fn write<R: Table, C: OnConflict>(&mut self, rows: &[&'a R]) {
        if self.has(rows.len()) {
            let statement = Box::new(Insert::<R, C>::new(rows));
            self.parts.push(Part { statement, counts: false });
        }
    }

    /// Changes or deletes so many rows, which are there.
    pub(super) fn change<S: Statement>(&mut self, rows: usize, statement: Bound<'a, S>) {
        if self.has(rows) {
            self.rows += rows;
            self.parts.push(Part { statement: Box::new(statement), counts: true });
        }
    }

    /// Whether there is such a part; takes note of it.
    const fn has(&mut self, rows: usize) -> bool {
        self.shape = self.shape << 1 | if rows > 0 { 1 } else { 0 };
        rows > 0
    }

    /// Which parts there are.
    pub(super) const fn shape(&self) -> Shape {
        Shape::Writing(self.shape)
    }

    /// Sends it. Says whether all rows were there that it changes.
    pub(super) async fn send(self, mut connection: &AsyncPgConnection) -> QueryResult<bool> {
        let expected = self.rows;
        let (_written, changed): (String, i64) = self.get_result(&mut connection).await?;
        Ok(usize::try_from(changed) == Ok(expected))
    }
}

impl QueryFragment<Pg> for Together<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for (at, part) in self.parts.iter().enumerate() {
            out.push_sql(if at > 0 { ", " } else { "WITH " });
            push_name(&mut out, at);
            out.push_sql(" AS (");
            part.statement.walk_ast(out.reborrow())?;
            out.push_sql(if part.counts { " RETURNING 1)" } else { ")" });
        }
        out.push_sql(" SELECT set_config('order_service.written', 'yes', true), 0");
        for (at, _) in self.parts.iter().enumerate().filter(|(_, part)| part.counts) {
            out.push_sql(" + (SELECT count(*) FROM ");
            push_name(&mut out, at);
            out.push_sql(")");
        }
        out.push_sql("::bigint");
        Ok(())
    }
}

fn push_name(out: &mut AstPass<'_, '_, Pg>, at: usize) {
    out.push_sql("part_");
    out.push_sql(&at.to_string());
}

/// Found again by its text, which changes with the parts: their number is small, and what a lane writes hardly varies.
impl QueryId for Together<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Together<'_> {
    type SqlType = (Text, BigInt);
}
