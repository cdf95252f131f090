//! What lists of orders select.

use diesel::{
    QueryDsl as _, TextExpressionMethods as _,
    dsl::sql,
    pg::Pg,
    sql_types::{Array, Bool, Text},
};

use super::search_lines::Held;
use crate::{
    fragments::{like_pattern, order_queries},
    query::{OrderFilter, OrderQuery},
    schema::{order_search, orders},
};

order_queries!(Pg);

/// The part of a document that is the order's own, and what is to be compared with it. Written as the index has it.
macro_rules! own_like {
    () => {
        "split_part(order_search.document, E'\\n\\n', 1) LIKE "
    };
}
/// The lines of the other part. Written as the index has it.
macro_rules! goods {
    () => {
        "string_to_array(split_part(order_search.document, E'\\n\\n', 2), E'\\n')"
    };
}
pub(super) use goods;

/// The orders of a page and one more; `held` says of each word that is searched for what is known of it.
pub(super) fn listed<'q>(query: &'q OrderQuery, held: &'q [Held]) -> orders::BoxedQuery<'q, Pg> {
    paged(fitting(&query.filter, held), query)
}

/// The orders that fit. Every word must be somewhere in the order's search document, and every line be one of it. Whole lines, and words of
/// which it is known by which lines they are held, are looked up in its index.
pub(super) fn fitting<'q>(filter: &'q OrderFilter, held: &'q [Held]) -> orders::BoxedQuery<'q, Pg> {
    use diesel::ExpressionMethods as _;

    let (query, lines) = (filtered(filter), filter.document_lines());
    if filter.words.is_empty() && lines.is_empty() {
        return query;
    }
    let mut found = order_search::table.select(order_search::order_id).into_boxed();
    for (at, word) in filter.words.iter().enumerate() {
        let pattern = like_pattern(word);
        found = match held.get(at).unwrap_or(&Held::ByMany) {
            Held::ByMany => found.filter(order_search::document.like(pattern)),
            Held::ByLines(held) if held.is_empty() => found.filter(sql::<Bool>(own_like!()).bind::<Text, _>(pattern)),
            Held::ByLines(held) => {
                let own = sql::<Bool>(concat!("(", own_like!())).bind::<Text, _>(pattern);
                found.filter(own.sql(concat!(" OR ", goods!(), " && ")).bind::<Array<Text>, _>(held).sql(")"))
            }
        };
    }
    if !lines.is_empty() {
        found = found.filter(sql::<Bool>(concat!(goods!(), " @> ")).bind::<Array<Text>, _>(lines));
    }
    query.filter(orders::order_id.eq_any(found))
}
