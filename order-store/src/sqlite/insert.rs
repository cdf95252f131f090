//! Inserting a row.
//!
//! diesel's own insert asks every column, for every row, whether it has a value at all, whether its statement may be kept and what its text
//! is, which takes as long as a tenth of all that the writer does. Here a row only hands its columns over.

use std::marker::PhantomData;

use diesel::{
    QueryResult, RunQueryDsl, SqliteConnection,
    query_builder::{AstPass, QueryFragment, QueryId},
    sqlite::Sqlite,
};

use crate::rows::Row;

/// Inserts a row; how many were.
pub(super) fn insert_row<R: Row>(connection: &mut SqliteConnection, row: &R) -> QueryResult<usize> {
    Insert(row).execute(connection)
}

struct Insert<'a, R>(&'a R);

impl<R: Row> QueryFragment<Sqlite> for Insert<'_, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(R::INSERT);
        self.0.push_values(&mut out)?;
        out.push_sql(")");
        Ok(())
    }
}

/// What the statement of a table is kept under.
struct Insertion<R>(PhantomData<fn() -> R>);

impl<R: Row> QueryId for Insert<'_, R> {
    type QueryId = Insertion<R>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<R> RunQueryDsl<SqliteConnection> for Insert<'_, R> {}
