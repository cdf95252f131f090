//! Inserting a row.
//!
//! diesel's own insert asks every column, for every row, whether it has a value at all, whether its statement may be kept and what its text
//! is, which takes as long as a tenth of all that the writer does; and one that meets a conflict it does not keep. Here a row only hands its
//! columns over.

use std::marker::PhantomData;

use diesel::{
    QueryResult, RunQueryDsl, SqliteConnection,
    query_builder::{AstPass, QueryFragment, QueryId},
    sqlite::Sqlite,
};

use crate::rows::SqliteInsert;

/// Inserts a row.
pub(super) fn insert_row<R: SqliteInsert>(connection: &mut SqliteConnection, row: &R) -> QueryResult<()> {
    Insert::<R, false>(row).execute(connection).map(drop)
}

/// Inserts a row unless another one is in its place; whether it was inserted.
pub(super) fn insert_new<R: SqliteInsert>(connection: &mut SqliteConnection, row: &R) -> QueryResult<bool> {
    Ok(Insert::<R, true>(row).execute(connection)? > 0)
}

struct Insert<'a, R, const UNLESS_THERE: bool>(&'a R);

impl<R: SqliteInsert, const UNLESS_THERE: bool> QueryFragment<Sqlite> for Insert<'_, R, UNLESS_THERE> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(R::INSERT);
        self.0.push_values(&mut out)?;
        out.push_sql(if UNLESS_THERE { ") ON CONFLICT DO NOTHING" } else { ")" });
        Ok(())
    }
}

/// What a statement is kept under.
struct Kept<R, const UNLESS_THERE: bool>(PhantomData<fn() -> R>);

impl<R: SqliteInsert, const UNLESS_THERE: bool> QueryId for Insert<'_, R, UNLESS_THERE> {
    type QueryId = Kept<R, UNLESS_THERE>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<R, const UNLESS_THERE: bool> RunQueryDsl<SqliteConnection> for Insert<'_, R, UNLESS_THERE> {}
