//! Writes that are one statement.
//!
//! The server answers every statement with a message of its own, and wakes whoever waits for it: for a lone order, a dozen of
//! those cost as much as all the writing. What a transaction writes without asking for an answer is therefore kept, and sent as one
//! statement, in which each part has its own `WITH`, once something is to be read or the transaction ends.

use std::{any::TypeId, collections::BTreeSet, marker::PhantomData};

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{BigInt, Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

use super::sql::{Bound, Insert, OnConflict, Statement, Table};

/// Commits if what was sent before was carried out before. That it is rests on the order in which a library sends; should one
/// ever send otherwise, this fails, and with it the transaction, instead of committing a part of it.
pub(super) const COMMIT_IF_WRITTEN: &str =
    "SELECT 1 / (COALESCE(current_setting('order_service.written', true), '') = 'yes')::int; COMMIT";

/// The kinds of the parts of a statement: what the server has a plan for.
pub(super) type Shape = Vec<TypeId>;

/// Shapes that a connection has sent before.
pub(super) type Known = BTreeSet<Shape>;

/// A write that is deferred.
pub(super) trait Deferred: Send + Sync {
    /// The table that it writes.
    fn table(&self) -> &'static str;
    /// What the text of its statement depends on.
    fn kind(&self) -> TypeId;
    /// Its statement.
    fn statement(&self) -> Box<dyn QueryFragment<Pg> + Send + '_>;
    /// How many rows there must have been to be changed, if that is so.
    fn rows(&self) -> Option<usize>;
}

/// Rows to be inserted.
pub(super) struct Rows<R, C> {
    rows: Vec<R>,
    conflict: PhantomData<fn() -> C>,
}

impl<R, C> Rows<R, C> {
    pub(super) const fn new(rows: Vec<R>) -> Self {
        Self { rows, conflict: PhantomData }
    }
}

impl<R: Table + Send + Sync, C: OnConflict> Deferred for Rows<R, C> {
    fn table(&self) -> &'static str {
        R::NAME
    }

    fn kind(&self) -> TypeId {
        TypeId::of::<Insert<'static, R, C>>()
    }

    fn statement(&self) -> Box<dyn QueryFragment<Pg> + Send + '_> {
        Box::new(Insert::<R, C>::new(&self.rows.iter().collect::<Vec<_>>()))
    }

    fn rows(&self) -> Option<usize> {
        None
    }
}

/// Rows that are there, to be changed or deleted by a statement of their own.
pub(super) struct Changed<R, S> {
    table: &'static str,
    rows: Vec<R>,
    statement: for<'a> fn(&'a [R]) -> Bound<'a, S>,
}

impl<R, S> Changed<R, S> {
    pub(super) const fn new(table: &'static str, rows: Vec<R>, statement: for<'a> fn(&'a [R]) -> Bound<'a, S>) -> Self {
        Self { table, rows, statement }
    }
}

impl<R: Send + Sync, S: Statement> Deferred for Changed<R, S> {
    fn table(&self) -> &'static str {
        self.table
    }

    fn kind(&self) -> TypeId {
        TypeId::of::<Bound<'static, S>>()
    }

    fn statement(&self) -> Box<dyn QueryFragment<Pg> + Send + '_> {
        Box::new((self.statement)(&self.rows))
    }

    fn rows(&self) -> Option<usize> {
        Some(self.rows.len())
    }
}

/// Where in its transaction a statement that writes stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Others follow.
    Between,
    /// COMMIT follows, and looks for the mark that it leaves. No other may leave that mark.
    Last,
}

impl Place {
    const fn mark(self) -> &'static str {
        match self {
            Self::Between => "no",
            Self::Last => "yes",
        }
    }
}

/// Writes that are sent together. They all see what was there before, so that no two of them may write the same row.
#[derive(Default)]
pub(super) struct Writes(Vec<Box<dyn Deferred>>);

impl Writes {
    /// What is put into an empty one.
    pub(super) fn of(fill: impl FnOnce(&mut Self)) -> Self {
        let mut writes = Self::default();
        fill(&mut writes);
        writes
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Rows to be inserted; nothing for none.
    pub(super) fn insert<R: Table + Send + Sync, C: OnConflict>(&mut self, rows: Vec<R>) {
        if !rows.is_empty() {
            self.0.push(Box::new(Rows::<R, C>::new(rows)));
        }
    }

    /// Rows of a table to be changed; nothing for none.
    pub(super) fn change<R: Send + Sync + 'static, S: Statement>(
        &mut self,
        table: &'static str,
        rows: Vec<R>,
        statement: for<'a> fn(&'a [R]) -> Bound<'a, S>,
    ) {
        if !rows.is_empty() {
            self.0.push(Box::new(Changed::new(table, rows, statement)));
        }
    }

    /// Whether both write the same table, and so might write the same row.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.0.iter().any(|one| other.0.iter().any(|other| one.table() == other.table()))
    }

    /// Adds those of the other one.
    pub(super) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// What kinds of writes these are.
    pub(super) fn shape(&self) -> Shape {
        self.0.iter().map(|write| write.kind()).collect()
    }

    /// Sends them as one statement, which fails unless all rows were there that it changes.
    pub(super) async fn send(&self, place: Place, mut connection: &AsyncPgConnection) -> QueryResult<()> {
        let parts = self.0.iter().map(|write| Part { statement: write.statement(), counts: write.rows().is_some() });
        let rows: usize = self.0.iter().filter_map(|write| write.rows()).sum();
        let together = Together { parts: parts.collect(), rows: i64::try_from(rows).unwrap_or(i64::MAX), place };
        let _written: (String, i32) = together.get_result(&mut connection).await?;
        Ok(())
    }
}

struct Together<'a> {
    parts: Vec<Part<'a>>,
    /// Rows that there must have been to be changed.
    rows: i64,
    place: Place,
}

struct Part<'a> {
    statement: Box<dyn QueryFragment<Pg> + Send + 'a>,
    /// Whether it changes rows that may not be there.
    counts: bool,
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
        out.push_sql(" SELECT set_config('order_service.written', ");
        out.push_bind_param::<Text, _>(self.place.mark())?;
        out.push_sql(", true), 1 / (0");
        for (at, _) in self.parts.iter().enumerate().filter(|(_, part)| part.counts) {
            out.push_sql(" + (SELECT count(*) FROM ");
            push_name(&mut out, at);
            out.push_sql(")");
        }
        out.push_sql(" = ");
        out.push_bind_param::<BigInt, _>(&self.rows)?;
        out.push_sql(")::int");
        Ok(())
    }
}

fn push_name(out: &mut AstPass<'_, '_, Pg>, at: usize) {
    out.push_sql("part_");
    out.push_sql(&at.to_string());
}

/// Found again by its text, which changes with the parts: their combinations are few.
impl QueryId for Together<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Together<'_> {
    type SqlType = (Text, Integer);
}
