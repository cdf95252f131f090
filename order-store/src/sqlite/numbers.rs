//! `order_counter`: order numbers.

use diesel::{
    QueryResult, RunQueryDsl, SqliteConnection,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{BigInt, SmallInt, Text},
    sqlite::Sqlite,
};

use super::connection::fault;
use crate::statements::{Done, NumberRange};

/// Takes numbers out of a series, and says which is the first of them.
pub(super) fn take(connection: &mut SqliteConnection, range: NumberRange<'_>) -> Done<i64> {
    let last: i64 = TakeNumbers(range).get_result(connection).map_err(fault)?;
    Ok(last - range.count + 1)
}

/// Moves a counter on, or begins it, and says where it stands. A statement that is kept prepared, as diesel's own one that meets a
/// conflict would not be.
struct TakeNumbers<'a>(NumberRange<'a>);

impl QueryFragment<Sqlite> for TakeNumbers<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let NumberRange { prefix, year, first, count } = &self.0;
        out.push_sql("INSERT INTO order_counter (prefix, year, value) VALUES (");
        out.push_bind_param::<Text, _>(*prefix)?;
        out.push_sql(", ");
        out.push_bind_param::<SmallInt, _>(year)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(first)?;
        out.push_sql(" - 1 + ");
        out.push_bind_param::<BigInt, _>(count)?;
        out.push_sql(") ON CONFLICT (prefix, year) DO UPDATE SET value = value + ");
        out.push_bind_param::<BigInt, _>(count)?;
        out.push_sql(" RETURNING value");
        Ok(())
    }
}

impl QueryId for TakeNumbers<'_> {
    type QueryId = TakeNumbers<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for TakeNumbers<'_> {
    type SqlType = BigInt;
}

impl RunQueryDsl<SqliteConnection> for TakeNumbers<'_> {}
