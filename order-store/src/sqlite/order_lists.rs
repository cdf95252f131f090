//! Lists of orders, and sums over them.

use std::collections::BTreeSet;

use diesel::{
    ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _, SelectableHelper as _,
    SqliteConnection,
    dsl::sql,
    sql_query,
    sql_types::{BigInt, Bool, Text},
    sqlite::Sqlite,
};
use order_core::{
    ids::{CustomerId, OrderId},
    time::Timestamp,
};

use super::{connection::fault, orders::whole};
use crate::{
    assemble::{self, BlockRow, Blocks, SumRow},
    fields::{At, Id},
    fragments::{Counted, INDEXED_CHARS, order_queries},
    query::{CustomerSummary, OrderFilter, OrderQuery, Stats, StatsQuery},
    rows::{CustomerRollupRow, OrderRow, OrderRows, json},
    schema::{customer_rollup, orders},
    sql_types::Instant,
    statements::Done,
};

order_queries!(Sqlite);

/// Adds to a query what documents must hold. Long words, and lines by their beginnings, are looked up in the index of trigrams,
/// together; the few documents that have all of these are looked through for them, and their orders compared line by line and sorted.
/// Short words are looked for order by order, which ends with the page: nearly every order has them. Nothing is looked up for a line of a
/// single character.
pub(super) fn with_words<'q>(
    mut query: orders::BoxedQuery<'q, Sqlite>,
    filter: &'q OrderFilter,
) -> orders::BoxedQuery<'q, Sqlite> {
    let lines: Vec<_> = filter.document_lines().iter().map(|line| format!("\n{line}")).collect();
    let is_long = |word: &&String| word.chars().count() >= INDEXED_CHARS;
    let looked_up: Vec<_> = filter.words.iter().chain(&lines).filter(is_long).collect();
    if !looked_up.is_empty() {
        let runs: BTreeSet<_> = looked_up.iter().flat_map(|text| trigrams(text)).collect();
        let indexed = sql::<Bool>(
            "orders.order_id IN (SELECT s.order_id FROM order_search_index AS i \
             JOIN order_search AS s ON s.search_id = i.rowid WHERE order_search_index MATCH ",
        );
        let indexed = indexed.bind::<Text, _>(runs.into_iter().collect::<Vec<_>>().join(" AND "));
        let held = indexed.sql(" AND NOT EXISTS (SELECT 1 FROM json_each(").bind::<Text, _>(json(&looked_up));
        query = query.filter(held.sql(") AS text WHERE instr(s.document, text.value) = 0))"));
    }
    for word in filter.words.iter().filter(|word| !is_long(word)) {
        let held = sql::<Bool>(
            "EXISTS (SELECT 1 FROM order_search AS s WHERE s.order_id = orders.order_id AND instr(s.document, ",
        );
        query = query.filter(held.bind::<Text, _>(word.as_str()).sql(") > 0)"));
    }
    query
}

/// All runs of three characters of a text, each as a string of the index's language.
fn trigrams(text: &str) -> BTreeSet<String> {
    let chars: Vec<_> = text.chars().collect();
    let quoted = |run: &[char]| format!("\"{}\"", run.iter().collect::<String>().replace('"', "\"\""));
    chars.windows(INDEXED_CHARS).map(quoted).collect()
}

pub(super) fn page(connection: &mut SqliteConnection, query: &OrderQuery) -> Done<Vec<OrderRows>> {
    let rows = paged(with_words(filtered(&query.filter), &query.filter), query)
        .select(OrderRow::as_select())
        .load(connection)
        .map_err(fault)?;
    whole(connection, rows)
}

pub(super) fn count(connection: &mut SqliteConnection, filter: &OrderFilter, most: u32) -> Done<u32> {
    let fitting = with_words(filtered(filter), filter).select(orders::order_id).limit(i64::from(most));
    let count: i64 = Counted(fitting).get_result(connection).map_err(fault)?;
    Ok(u32::try_from(count).unwrap_or(most))
}

pub(super) fn stats(connection: &mut SqliteConnection, query: &StatsQuery) -> Done<Stats> {
    let blocks = Blocks::of(query);
    let sums = sql_query(
        "SELECT status, currency, SUM(orders) AS orders, SUM(total) AS total, SUM(refunded) AS refunded,
             SUM(credited) AS credited
         FROM order_rollup WHERE grain = 'ALL' GROUP BY status, currency",
    )
    .load::<SumRow>(connection)
    .map_err(fault)?;
    let rows = match blocks.grain {
        Some(grain) => sql_query(
            "SELECT (start_time - ?1) / ?2 AS block, status, currency, SUM(orders) AS orders,
                 SUM(total - credited) AS revenue
             FROM order_rollup WHERE grain = ?3 AND start_time >= ?1 GROUP BY start_time, status, currency",
        )
        .bind::<Instant, _>(At(blocks.origin))
        .bind::<BigInt, _>(blocks.micros)
        .bind::<Text, _>(grain.as_str())
        .load::<BlockRow>(connection),
        None => sql_query(
            "SELECT (create_time - ?1) / ?2 AS block, status, currency, COUNT(*) AS orders,
                 SUM(total - credited) AS revenue
             FROM orders INDEXED BY orders_by_time WHERE create_time >= ?1 GROUP BY block, status, currency",
        )
        .bind::<Instant, _>(At(blocks.origin))
        .bind::<BigInt, _>(blocks.micros)
        .load::<BlockRow>(connection),
    }
    .map_err(fault)?;
    Ok(assemble::stats(query, sums, rows)?)
}

pub(super) fn summary(
    connection: &mut SqliteConnection,
    customer: &CustomerId,
    since: Timestamp,
) -> Done<CustomerSummary> {
    let own = || orders::table.filter(orders::customer_id.eq(customer.as_str()));
    let sums = customer_rollup::table
        .filter(customer_rollup::customer_id.eq(customer.as_str()))
        .select(CustomerRollupRow::as_select())
        .load(connection)
        .map_err(fault)?;
    let recent: i64 = own().filter(orders::create_time.ge(At(since))).count().get_result(connection).map_err(fault)?;
    let last = own()
        .order((orders::create_time.desc(), orders::order_id.desc()))
        .select((orders::order_id, orders::create_time))
        .first::<(Id, At)>(connection)
        .optional()
        .map_err(fault)?;
    Ok(assemble::summary(sums, recent, last.map(|(id, at)| (OrderId::new(id.0), at.0)))?)
}
