//! Lists of orders, and sums over them.

use diesel::{
    ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, QueryableByName, RunQueryDsl as _,
    SelectableHelper as _, SqliteConnection,
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
    fragments::{Counted, order_queries},
    query::{CustomerSummary, OrderFilter, OrderQuery, Stats, StatsQuery},
    rows::{OrderRow, OrderRows},
    schema::orders,
    sql_types::Instant,
    statements::Done,
};

order_queries!(Sqlite);

/// The shortest word that the trigram index can find.
const INDEXED_CHARS: usize = 3;

/// Adds the words to a query. Long ones are looked up in the index of trigrams, together; the few orders it names are then
/// sorted. Short ones are looked for order by order, which ends with the page: nearly every order has them.
pub(super) fn with_words<'q>(
    mut query: orders::BoxedQuery<'q, Sqlite>,
    words: &'q [String],
) -> orders::BoxedQuery<'q, Sqlite> {
    let (long, short): (Vec<_>, Vec<_>) = words.iter().partition(|word| word.chars().count() >= INDEXED_CHARS);
    if !long.is_empty() {
        let phrases: Vec<_> = long.iter().map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect();
        let indexed = sql::<Bool>(
            "orders.order_id IN (SELECT s.order_id FROM order_search_index AS i \
             JOIN order_search AS s ON s.search_id = i.rowid WHERE order_search_index MATCH ",
        );
        query = query.filter(indexed.bind::<Text, _>(phrases.join(" AND ")).sql(")"));
    }
    for word in short {
        let held = sql::<Bool>(
            "EXISTS (SELECT 1 FROM order_search AS s WHERE s.order_id = orders.order_id AND instr(s.document, ",
        );
        query = query.filter(held.bind::<Text, _>(word.as_str()).sql(") > 0)"));
    }
    query
}

pub(super) fn page(connection: &mut SqliteConnection, query: &OrderQuery) -> Done<Vec<OrderRows>> {
    let rows = paged(with_words(filtered(&query.filter), &query.filter.words), query)
        .select(OrderRow::as_select())
        .load(connection)
        .map_err(fault)?;
    whole(connection, rows)
}

pub(super) fn count(connection: &mut SqliteConnection, filter: &OrderFilter, most: u32) -> Done<u32> {
    let fitting = with_words(filtered(filter), &filter.words).select(orders::order_id).limit(i64::from(most));
    let count: i64 = Counted(fitting).get_result(connection).map_err(fault)?;
    Ok(u32::try_from(count).unwrap_or(most))
}

/// Both statements add up the index by time, which holds all the columns that they read.
pub(super) fn stats(connection: &mut SqliteConnection, query: &StatsQuery) -> Done<Stats> {
    let blocks = Blocks::of(query);
    let sums = sql_query(
        "SELECT status, currency, COUNT(*) AS orders, SUM(total) AS total, SUM(refunded) AS refunded,
             SUM(credited) AS credited
         FROM orders INDEXED BY orders_by_time GROUP BY status, currency",
    )
    .load::<SumRow>(connection)
    .map_err(fault)?;
    let rows = sql_query(
        "SELECT (create_time - ?1) / ?2 AS block, status, currency, COUNT(*) AS orders, SUM(total - credited) AS revenue
         FROM orders INDEXED BY orders_by_time WHERE create_time >= ?1 GROUP BY block, status, currency",
    )
    .bind::<Instant, _>(At(blocks.origin))
    .bind::<BigInt, _>(blocks.micros)
    .load::<BlockRow>(connection)
    .map_err(fault)?;
    Ok(assemble::stats(query, sums, rows)?)
}

#[derive(QueryableByName)]
struct Spent {
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = BigInt)]
    spent: i64,
}

pub(super) fn summary(
    connection: &mut SqliteConnection,
    customer: &CustomerId,
    since: Timestamp,
) -> Done<CustomerSummary> {
    let own = || orders::table.filter(orders::customer_id.eq(customer.as_str()));
    let all: i64 = own().count().get_result(connection).map_err(fault)?;
    let recent: i64 = own().filter(orders::create_time.ge(At(since))).count().get_result(connection).map_err(fault)?;
    let last = own()
        .order((orders::create_time.desc(), orders::order_id.desc()))
        .select((orders::order_id, orders::create_time))
        .first::<(Id, At)>(connection)
        .optional()
        .map_err(fault)?;
    let sums = sql_query(
        "SELECT p.currency, SUM(p.captured - p.refunded) AS spent FROM orders AS o
         JOIN payment AS p ON p.order_id = o.order_id WHERE o.customer_id = ? GROUP BY p.currency",
    )
    .bind::<Text, _>(customer.as_str())
    .load::<Spent>(connection)
    .map_err(fault)?;
    let mut summary = CustomerSummary {
        orders: assemble::count(all)?,
        recent: assemble::count(recent)?,
        last: last.map(|(id, at)| (OrderId::new(id.0), at.0)),
        ..CustomerSummary::default()
    };
    for Spent { currency, spent } in sums {
        assemble::add(&mut summary.spent, &currency, spent)?;
    }
    Ok(summary)
}
