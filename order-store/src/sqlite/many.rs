//! Many rows, or many keys, in one statement, which is prepared once for any number of them: they come as one JSON array.
//!
//! For statements that diesel's own builder does not keep, such as upserts and lists of keys, and for the search index: it writes what it has
//! gathered whenever a statement begins, so that a statement for each document would make each of them an index of its own.

use std::marker::PhantomData;

use diesel::{
    QueryResult, RunQueryDsl, SqliteConnection,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    query_dsl::LoadQuery,
    sql_types::Text,
    sqlite::Sqlite,
};
use serde::Serialize;

use super::connection::fault;
use crate::{
    rows::{CustomerRollupRow, OrderRollupRow, SearchRow},
    statements::Done,
};

/// Inserts documents or replaces them.
pub(super) fn put_search(connection: &mut SqliteConnection, documents: &[SearchRow]) -> Done {
    let rows: Vec<_> = documents.iter().map(|row| (row.order_id.0.simple().to_string(), &row.document)).collect();
    write(
        connection,
        "INSERT INTO order_search (order_id, document)
         SELECT unhex(value ->> 0), value ->> 1 FROM json_each(?) WHERE true
         ON CONFLICT (order_id) DO UPDATE SET document = excluded.document",
        &rows,
    )
}

/// Adds to the sums over orders.
pub(super) fn add_order_rollups(connection: &mut SqliteConnection, rows: &[OrderRollupRow]) -> Done {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let key = (&row.grain, row.start_time.0.micros(), &row.status, &row.currency, row.shard);
            (key, (row.orders, row.total, row.refunded, row.credited))
        })
        .collect();
    write(
        connection,
        "INSERT INTO order_rollup (grain, start_time, status, currency, shard, orders, total, refunded, credited)
         SELECT value ->> '$[0][0]', value ->> '$[0][1]', value ->> '$[0][2]', value ->> '$[0][3]', value ->> '$[0][4]',
             value ->> '$[1][0]', value ->> '$[1][1]', value ->> '$[1][2]', value ->> '$[1][3]'
         FROM json_each(?) WHERE true
         ON CONFLICT (grain, start_time, status, currency, shard) DO UPDATE SET orders = orders + excluded.orders,
             total = total + excluded.total, refunded = refunded + excluded.refunded, credited = credited + excluded.credited",
        &rows,
    )
}

/// Adds to the sums over customers.
pub(super) fn add_customer_rollups(connection: &mut SqliteConnection, rows: &[CustomerRollupRow]) -> Done {
    let rows: Vec<_> = rows.iter().map(|row| (&row.customer_id, &row.currency, row.orders, row.spent)).collect();
    write(
        connection,
        "INSERT INTO customer_rollup (customer_id, currency, orders, spent)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?) WHERE true
         ON CONFLICT (customer_id, currency) DO UPDATE SET orders = orders + excluded.orders, spent = spent + excluded.spent",
        &rows,
    )
}

fn write<R: Serialize>(connection: &mut SqliteConnection, sql: &'static str, rows: &[R]) -> Done {
    if !rows.is_empty() {
        Many::<()> { sql, rows: crate::rows::json(&rows), row: PhantomData }.execute(connection).map_err(fault)?;
    }
    Ok(())
}

/// Finds rows by their keys, in the order of these.
pub(super) fn find<ST, R>(connection: &mut SqliteConnection, sql: &'static str, keys: &[&str]) -> Done<Vec<R>>
where
    Many<ST>: for<'q> LoadQuery<'q, SqliteConnection, R>,
{
    Many::<ST> { sql, rows: crate::rows::json(keys), row: PhantomData }.load(connection).map_err(fault)
}

/// A statement over many rows. diesel keeps it prepared under its text, which it would not do for one of `sql_query`. What it returns is of
/// SQL type `ST`.
pub(super) struct Many<ST = ()> {
    sql: &'static str,
    rows: String,
    row: PhantomData<fn() -> ST>,
}

impl<ST> QueryFragment<Sqlite> for Many<ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let (before, behind) = self.sql.split_once('?').expect("a statement has a place for its rows");
        out.push_sql(before);
        out.push_bind_param::<Text, _>(&self.rows)?;
        out.push_sql(behind);
        Ok(())
    }
}

impl<ST> QueryId for Many<ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> Query for Many<ST> {
    type SqlType = ST;
}

impl<ST> RunQueryDsl<SqliteConnection> for Many<ST> {}
