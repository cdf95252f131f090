//! The feed, and those who pass it on.

use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, JoinOnDsl as _, NullableExpressionMethods as _,
    OptionalExtension as _, QueryDsl as _, RunQueryDsl as _, SelectableHelper as _, SqliteConnection,
};

use order_core::ids::OrderId;

use super::connection::fault;
use crate::{
    fields::Id,
    query::{DeadLetterQuery, FeedCursor},
    rows::{ConsumerRow, DeadLetterRow, EventRow, FeedRow},
    schema::{dead_letter, feed_consumer, order_event, orders},
    statements::Done,
};

/// There is one writer: what is committed stands below what is not.
pub(super) fn end(connection: &mut SqliteConnection) -> Done<i64> {
    let last: Option<i64> =
        order_event::table.select(diesel::dsl::max(order_event::feed_position)).first(connection).map_err(fault)?;
    Ok(last.unwrap_or_default() + 1)
}

pub(super) fn last(connection: &mut SqliteConnection, end: i64) -> Done<Option<FeedCursor>> {
    let last: Option<(i64, Id, i64)> = order_event::table
        .filter(order_event::feed_position.lt(end))
        .order(order_event::feed_position.desc())
        .select((order_event::feed_position, order_event::order_id, order_event::revision))
        .first(connection)
        .optional()
        .map_err(fault)?;
    let place =
        |(position, id, revision): (i64, Id, i64)| FeedCursor { position, order_id: OrderId::new(id.0), revision };
    Ok(last.map(place))
}

pub(super) fn page(
    connection: &mut SqliteConnection,
    after: &FeedCursor,
    (end, size): (i64, u32),
) -> Done<Vec<FeedRow>> {
    let id = Id(after.order_id.uuid());
    let behind = order_event::feed_position
        .gt(after.position)
        .or(order_event::order_id.gt(id))
        .or(order_event::order_id.eq(id).and(order_event::revision.gt(after.revision)));
    order_event::table
        .left_join(orders::table.on(orders::order_id.eq(order_event::order_id)))
        .filter(order_event::feed_position.ge(after.position))
        .filter(behind)
        .filter(order_event::feed_position.lt(end))
        .order(order_event::feed_position)
        .limit(i64::from(size))
        .select((
            order_event::feed_position,
            orders::order_number.nullable(),
            orders::customer_id.nullable(),
            orders::currency.nullable(),
            EventRow::as_select(),
        ))
        .load(connection)
        .map_err(fault)
}

pub(super) fn consumer(connection: &mut SqliteConnection, name: &str) -> Done<Option<ConsumerRow>> {
    feed_consumer::table.find(name).select(ConsumerRow::as_select()).first(connection).optional().map_err(fault)
}

pub(super) fn put_consumer(connection: &mut SqliteConnection, row: &ConsumerRow) -> Done {
    diesel::replace_into(feed_consumer::table).values(row).execute(connection).map_err(fault)?;
    Ok(())
}

pub(super) fn put_dead_letter(connection: &mut SqliteConnection, row: &DeadLetterRow) -> Done {
    diesel::replace_into(dead_letter::table).values(row).execute(connection).map_err(fault)?;
    Ok(())
}

pub(super) fn drop_dead_letter(connection: &mut SqliteConnection, consumer: &str, event: &FeedCursor) -> Done {
    let key = (consumer, event.position, Id(event.order_id.uuid()), event.revision);
    diesel::delete(dead_letter::table.find(key)).execute(connection).map_err(fault)?;
    Ok(())
}

pub(super) fn dead_letters(connection: &mut SqliteConnection, query: &DeadLetterQuery) -> Done<Vec<DeadLetterRow>> {
    let after = query.after.unwrap_or(FeedCursor::BEGINNING);
    let id = Id(after.order_id.uuid());
    let behind = dead_letter::feed_position
        .gt(after.position)
        .or(dead_letter::order_id.gt(id))
        .or(dead_letter::order_id.eq(id).and(dead_letter::revision.gt(after.revision)));
    dead_letter::table
        .filter(dead_letter::consumer.eq(&query.consumer))
        .filter(dead_letter::feed_position.ge(after.position))
        .filter(behind)
        .order((dead_letter::feed_position, dead_letter::order_id, dead_letter::revision))
        .limit(i64::from(query.size) + 1)
        .select(DeadLetterRow::as_select())
        .load(connection)
        .map_err(fault)
}
