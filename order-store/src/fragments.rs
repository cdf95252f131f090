//! Parts of queries that do not depend on the engine, so that a filter or a sum means the same on both.
//!
//! What is a query here is a macro, expanded by each adapter over its own backend type: a function generic over the backend
//! would carry a page of bounds for every column it names. What is arithmetic is a function.

use diesel::{
    QueryableByName,
    backend::Backend,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::QueryResult,
    sql_types::{BigInt, Nullable, Text},
};
use order_core::order::PaymentStatus;

use crate::{fields::Id, sql_types, statements::Odd};

/// Defines, over an adapter's backend, the queries that lists of orders are made of:
///
/// - `filtered(&OrderFilter)`: the orders that fit, whatever their documents, which each engine looks up in its own index;
/// - `paged(filtered, &OrderQuery)`: of these the rows of one page and one more, sorted, behind the cursor.
///
/// The keyset condition is `a <= x AND (a < x OR id < y)`, not the shorter `a < x OR (a = x AND id < y)`: only the former
/// begins with a range that both planners take from the index.
macro_rules! order_queries {
    ($backend:ty) => {
        pub(super) fn filtered(
            filter: &$crate::query::OrderFilter,
        ) -> $crate::schema::orders::BoxedQuery<'_, $backend> {
            use diesel::{
                BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _,
                dsl::sql,
                sql_types::{Bool, Text},
            };
            use $crate::{
                fields::{At, Id},
                query::Scope,
                schema::orders,
            };

            let mut query = orders::table.into_boxed::<$backend>();
            match &filter.scope {
                Scope::All => {}
                Scope::Customer(customer) => query = query.filter(orders::customer_id.eq(customer.as_str())),
                Scope::Guest(email) => {
                    let same = sql::<Bool>($crate::fragments::SAME_EMAIL).bind::<Text, _>(email.as_str());
                    query = query.filter(orders::customer_id.is_null().and(same));
                }
            }
            if let Some(customer) = &filter.customer_id {
                query = query.filter(orders::customer_id.eq(customer.as_str()));
            }
            if let Some(id) = filter.order_id {
                query = query.filter(orders::order_id.eq(Id(id.uuid())));
            }
            if let Some(number) = &filter.order_number {
                query = query.filter(orders::order_number.eq(number.as_str()));
            }
            if let Some(email) = &filter.email {
                let same = sql::<Bool>($crate::fragments::SAME_EMAIL).bind::<Text, _>(email.as_str());
                query = query.filter(orders::contact_email.is_not_null().and(same));
            }
            if let Some(from) = filter.created_from {
                query = query.filter(orders::create_time.ge(At(from)));
            }
            if let Some(before) = filter.created_before {
                query = query.filter(orders::create_time.lt(At(before)));
            }
            if let Some(currency) = filter.currency {
                query = query.filter(orders::currency.eq(currency.code()));
            }
            if let Some(least) = filter.total_min {
                query = query.filter(orders::total.ge(least));
            }
            if let Some(most) = filter.total_max {
                query = query.filter(orders::total.le(most));
            }
            with_lines(with_statuses(query, filter), filter)
        }

        fn with_statuses<'q>(
            mut query: $crate::schema::orders::BoxedQuery<'q, $backend>,
            filter: &'q $crate::query::OrderFilter,
        ) -> $crate::schema::orders::BoxedQuery<'q, $backend> {
            use diesel::{ExpressionMethods as _, QueryDsl as _};
            use $crate::schema::orders;

            // One word is compared and not looked for in a list of one: of a list, PostgreSQL before 17 does not see that the
            // index has its rows in order, and would sort all of them for every page.
            match filter.statuses.as_slice() {
                [] => {}
                [word] => query = query.filter(orders::status.eq(word.as_str())),
                words => {
                    let words = words.iter().map(|word| word.as_str());
                    query = query.filter(orders::status.eq_any(words.collect::<Vec<_>>()));
                }
            }
            if !filter.payment_statuses.is_empty() {
                let words = filter.payment_statuses.iter().map(|word| word.as_str());
                query = query.filter(orders::payment_status.eq_any(words.collect::<Vec<_>>()));
            }
            if !filter.fulfillment_statuses.is_empty() {
                let words = filter.fulfillment_statuses.iter().map(|word| word.as_str());
                query = query.filter(orders::fulfillment_status.eq_any(words.collect::<Vec<_>>()));
            }
            query
        }

        /// Line by line of those orders that the index over search documents names, for which the engine's own part has to be
        /// added: lines have no index of their own, because every order would pay for two more entries per line. A count, not
        /// EXISTS: PostgreSQL would make a join of that, and at times one that reads all lines.
        fn with_lines<'q>(
            mut query: $crate::schema::orders::BoxedQuery<'q, $backend>,
            filter: &'q $crate::query::OrderFilter,
        ) -> $crate::schema::orders::BoxedQuery<'q, $backend> {
            use diesel::{ExpressionMethods as _, QueryDsl as _};
            use $crate::schema::{order_line, orders};

            let lines = || order_line::table.filter(order_line::order_id.eq(orders::order_id));
            if let Some(product) = &filter.product_id {
                let count = lines().filter(order_line::product_id.eq(product.as_str())).count();
                query = query.filter(count.single_value().gt(0));
            }
            if let Some(sku) = &filter.sku {
                let count = lines().filter(order_line::sku.eq(sku.as_str())).count();
                query = query.filter(count.single_value().gt(0));
            }
            query
        }

        pub(super) fn paged<'q>(
            filtered: $crate::schema::orders::BoxedQuery<'q, $backend>,
            query: &'q $crate::query::OrderQuery,
        ) -> $crate::schema::orders::BoxedQuery<'q, $backend> {
            use diesel::{BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _};
            use $crate::{
                fields::{At, Id},
                query::{Direction, OrderSort},
                schema::orders,
            };

            let rows = filtered.limit(i64::from(query.size) + 1);
            let after = query.after.map(|row| (row.value, Id(row.id.uuid())));
            let at = |micros| At(order_core::time::Timestamp::from_micros(micros));
            match (query.sort, query.direction, after) {
                (OrderSort::CreateTime, Direction::Ascending, None) => {
                    rows.order((orders::create_time.asc(), orders::order_id.asc()))
                }
                (OrderSort::CreateTime, Direction::Ascending, Some((value, id))) => rows
                    .filter(orders::create_time.ge(at(value)))
                    .filter(orders::create_time.gt(at(value)).or(orders::order_id.gt(id)))
                    .order((orders::create_time.asc(), orders::order_id.asc())),
                (OrderSort::CreateTime, Direction::Descending, None) => {
                    rows.order((orders::create_time.desc(), orders::order_id.desc()))
                }
                (OrderSort::CreateTime, Direction::Descending, Some((value, id))) => rows
                    .filter(orders::create_time.le(at(value)))
                    .filter(orders::create_time.lt(at(value)).or(orders::order_id.lt(id)))
                    .order((orders::create_time.desc(), orders::order_id.desc())),
                (OrderSort::Total, Direction::Ascending, None) => {
                    rows.order((orders::total.asc(), orders::order_id.asc()))
                }
                (OrderSort::Total, Direction::Ascending, Some((value, id))) => rows
                    .filter(orders::total.ge(value))
                    .filter(orders::total.gt(value).or(orders::order_id.gt(id)))
                    .order((orders::total.asc(), orders::order_id.asc())),
                (OrderSort::Total, Direction::Descending, None) => {
                    rows.order((orders::total.desc(), orders::order_id.desc()))
                }
                (OrderSort::Total, Direction::Descending, Some((value, id))) => rows
                    .filter(orders::total.le(value))
                    .filter(orders::total.lt(value).or(orders::order_id.lt(id)))
                    .order((orders::total.desc(), orders::order_id.desc())),
            }
        }
    };
}
pub(crate) use order_queries;

/// Whether nothing older of the same order is still to be told: what happened to goods is told in the order in which it happened. A
/// reservation, and that it came to nothing, stands for itself.
macro_rules! is_oldest_to_tell {
    () => {
        "NOT EXISTS (SELECT 1 FROM inventory_operation AS older WHERE older.order_id = inventory_operation.order_id \
         AND older.revision < inventory_operation.revision AND older.kind IN ('RELEASE', 'COMMIT', 'RESTOCK'))"
    };
}
pub(crate) use is_oldest_to_tell;

/// The identities of movements of one shelf, newest first: from one on, and so many at most. Each names the one before it, so that
/// there is no index by shelf, in which every movement would have to find its place.
pub(crate) const HISTORY: &str = "WITH RECURSIVE history (movement_id, previous_movement_id, sku, place) AS ( \
         SELECT movement_id, previous_movement_id, sku, 1 FROM stock_movement WHERE movement_id = ? \
         UNION ALL \
         SELECT m.movement_id, m.previous_movement_id, m.sku, history.place + 1 FROM history \
         JOIN stock_movement AS m ON m.movement_id = history.previous_movement_id AND m.sku = history.sku \
         WHERE history.place < ? \
     ) \
     SELECT movement_id FROM history ORDER BY place";

/// Compares the address that an order was placed with, which is kept as it was typed, with one in lower case. In an index on
/// both engines, which lower ASCII only here (PostgreSQL because the column is COLLATE "C").
pub(crate) const SAME_EMAIL: &str = "lower(orders.contact_email) = ";

/// `SELECT COUNT(*) FROM (query)`: with a LIMIT inside, a count that cannot become a scan of everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted<Q>(pub(crate) Q);

impl<Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for Counted<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("SELECT COUNT(*) FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(") AS counted");
        Ok(())
    }
}

impl<Q> QueryId for Counted<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for Counted<Q> {
    type SqlType = BigInt;
}

impl<Q, Conn> diesel::RunQueryDsl<Conn> for Counted<Q> {}

/// The shortest word that an index of trigrams can find.
pub(crate) const INDEXED_CHARS: usize = 3;

/// Turns a word into a LIKE pattern that finds it anywhere; for `ESCAPE '\'`, which is PostgreSQL's default.
pub(crate) fn like_pattern(word: &str) -> String {
    let mut pattern = String::with_capacity(word.len() + 2);
    pattern.push('%');
    for character in word.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// The payment statuses of orders that can expire: a list of what is due must not fill up with orders that would stay in it.
pub(crate) fn expiring() -> Vec<&'static str> {
    PaymentStatus::ALL.iter().filter(|status| status.may_expire()).map(|status| status.as_str()).collect()
}

/// Wraps a statement that looks for contradictions: the first `most` of its rows by subject, and how many there are in all.
pub(crate) fn odd_sql(sql: &str, most: u64) -> String {
    format!(
        "SELECT subject, expected, actual, COUNT(*) OVER () AS found FROM ({sql}) AS odd ORDER BY subject LIMIT {most}"
    )
}

/// How many rows there are.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub(crate) struct CountRow {
    #[diesel(sql_type = BigInt)]
    pub(crate) count: i64,
}

/// A row of [`odd_sql`] about an identity.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct IdOdd {
    #[diesel(sql_type = sql_types::Uuid)]
    subject: Id,
    #[diesel(sql_type = Nullable<BigInt>)]
    expected: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    actual: Option<i64>,
    #[diesel(sql_type = BigInt)]
    found: i64,
}

/// A row of [`odd_sql`] about something that is named by a text.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct TextOdd {
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    expected: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    actual: Option<i64>,
    #[diesel(sql_type = BigInt)]
    found: i64,
}

impl From<IdOdd> for Odd {
    fn from(row: IdOdd) -> Self {
        let IdOdd { subject, expected, actual, found } = row;
        Self { subject: subject.0.to_string(), expected, actual, found }
    }
}

impl From<TextOdd> for Odd {
    fn from(row: TextOdd) -> Self {
        let TextOdd { subject, expected, actual, found } = row;
        Self { subject, expected, actual, found }
    }
}

/// What of `after` is not in `before`, or differs there. Rows of an order are never taken away.
#[derive(Debug)]
pub(crate) struct Difference<'a, R> {
    pub(crate) added: Vec<&'a R>,
    pub(crate) changed: Vec<&'a R>,
}

/// Compares two versions of a list of rows, told apart by their key.
pub(crate) fn difference<'a, R: PartialEq, K: PartialEq>(
    (before, after): (&[R], &'a [R]),
    key: impl Fn(&R) -> K,
) -> Difference<'a, R> {
    let mut found = Difference { added: Vec::new(), changed: Vec::new() };
    for row in after {
        match before.iter().find(|old| key(old) == key(row)) {
            None => found.added.push(row),
            Some(old) if old != row => found.changed.push(row),
            Some(_same) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_as_it_is_written() {
        assert_eq!(like_pattern("a%b_c\\d"), "%a\\%b\\_c\\\\d%");
        assert_eq!(like_pattern(""), "%%");
    }

    #[test]
    fn only_new_and_changed_rows_differ() {
        let found = difference((&[(1, 'a'), (2, 'b')], &[(1, 'a'), (2, 'c'), (3, 'd')]), |row| row.0);
        assert_eq!(found.added, [&(3, 'd')]);
        assert_eq!(found.changed, [&(2, 'c')]);
    }
}
