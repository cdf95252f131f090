//! The texts of the statements that look, where the query builder would not let the server remember them, or has no words.

use std::sync::LazyLock;

use diesel::{
    dsl::AsSelect,
    pg::Pg,
    sql_types::{BigInt, Nullable, Text, Untyped},
};

use super::sql::{of_orders, selected, statement};
use crate::{
    fragments::HISTORY,
    rows::EventRow,
    schema::{dead_letter, request, reservation},
    sql_types::Uuid,
};

of_orders! {
    /// The orders themselves.
    Orders -> OrderRow: ""
}

of_orders! {
    /// Those of them that are a customer's.
    OwnOrders -> OrderRow: "AND customer_id = ?"
}

of_orders! {
    /// Their lines.
    Lines -> LineRow: "ORDER BY order_id, line_id"
}

of_orders! {
    /// Their payments.
    Payments -> PaymentRow: "ORDER BY order_id, position"
}

of_orders! {
    /// Their payment operations.
    Operations -> OperationRow: "ORDER BY order_id, payment_id, position"
}

of_orders! {
    /// Their shipments.
    Shipments -> ShipmentRow: "ORDER BY order_id, sequence"
}

of_orders! {
    /// Their returns.
    Returns -> ReturnRow: "ORDER BY order_id, sequence"
}

statement! {
    /// Requests by key. A join, because `(a, b, c) IN (...)` has no form that takes arrays.
    Requests -> diesel::dsl::SqlTypeOf<<request::table as diesel::Table>::AllColumns>:
    "SELECT request.principal, request.method, request.request_id, request.body_hash, request.outcome, request.create_time \
     FROM (SELECT unnest(?) AS principal, unnest(?) AS method, unnest(?) AS request_id) AS wanted \
     JOIN request USING (principal, method, request_id)"
}

statement! {
    /// What has expired of these SKUs, the earliest first.
    ExpiredReservations -> diesel::dsl::SqlTypeOf<<reservation::table as diesel::Table>::AllColumns>:
    "SELECT cart_id, sku, quantity, expire_time FROM reservation WHERE sku = ANY (?) AND expire_time <= ? \
     ORDER BY expire_time, cart_id, sku LIMIT ?"
}

statement! {
    /// The SKUs of what has expired, the earliest first.
    DueReservations -> Text:
    "SELECT sku FROM reservation WHERE expire_time <= ? ORDER BY expire_time LIMIT ?"
}

statement! {
    /// The history of a shelf.
    History -> Uuid:
    HISTORY
}

statement! {
    /// The position of the oldest transaction under way: those below it have ended. One that waits to begin will stand higher.
    FeedEnd -> BigInt:
    "SELECT feed_origin() + pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
}

statement! {
    /// The last event below a position.
    FeedLast -> (BigInt, Uuid, BigInt):
    "SELECT feed_position, order_id, revision FROM order_event WHERE feed_position < ? \
     ORDER BY feed_position DESC, order_id DESC, revision DESC LIMIT 1"
}

statement! {
    /// The events behind a place in the feed. The page is found first, along its index: a join before it would be planned as if there
    /// were as few events as when the table was new.
    Feed -> (BigInt, Nullable<Text>, Nullable<Text>, Nullable<Text>, diesel::dsl::SqlTypeOf<AsSelect<EventRow, Pg>>):
    "WITH event AS MATERIALIZED ( \
         SELECT * FROM order_event WHERE (feed_position, order_id, revision) > (?, ?, ?) AND feed_position < ? \
         ORDER BY feed_position, order_id, revision LIMIT ? \
     ) \
     SELECT event.feed_position, orders.order_number, orders.customer_id, orders.currency, \
         event.order_id, event.revision, event.kind, event.actor_kind, event.actor_id, event.request_id, event.reason, \
         event.create_time, event.status_after, event.payload \
     FROM event LEFT JOIN orders USING (order_id) ORDER BY event.feed_position, event.order_id, event.revision"
}

statement! {
    /// What was put aside for a consumer, behind a place. The builder has no comparison of rows.
    DeadLetters -> diesel::dsl::SqlTypeOf<<dead_letter::table as diesel::Table>::AllColumns>:
    "SELECT consumer, feed_position, order_id, revision, reason, create_time FROM dead_letter \
     WHERE consumer = ? AND (feed_position, order_id, revision) > (?, ?, ?) \
     ORDER BY feed_position, order_id, revision LIMIT ?"
}

statement! {
    /// All orders, by word and currency.
    Sums -> Untyped:
    "SELECT status, currency, sum(orders)::bigint AS orders, sum(total)::bigint AS total, \
         sum(refunded)::bigint AS refunded, sum(credited)::bigint AS credited \
     FROM order_rollup WHERE grain = 'ALL' GROUP BY status, currency"
}

statement! {
    /// The orders since an origin, by block of time, word and currency, where a rollup is made of such blocks.
    RolledUp -> Untyped:
    "SELECT (extract(epoch FROM start_time - ?) * 1000000)::bigint / ? AS block, status, currency, \
         sum(orders)::bigint AS orders, sum(total - credited)::bigint AS revenue \
     FROM order_rollup WHERE grain = ? AND start_time >= ? GROUP BY start_time, status, currency"
}

statement! {
    /// The same of any blocks, order by order. Divides once per group, not once per order.
    BlockSums -> Untyped:
    "SELECT (extract(epoch FROM bin - ?) * 1000000)::bigint / ? AS block, status, currency, orders, revenue \
     FROM ( \
         SELECT date_bin(? * interval '1 microsecond', create_time, ?) AS bin, status, currency, count(*) AS orders, \
             sum(total - credited)::bigint AS revenue \
         FROM orders WHERE create_time >= ? GROUP BY 1, 2, 3 \
     ) AS bins"
}

statement! {
    /// Literals, not arguments, so that a plan made for any argument still uses the partial index.
    DueOperations -> (Uuid, Uuid):
    "SELECT order_id, operation_id FROM payment_operation \
     WHERE state IN ('INITIAL', 'SENT', 'UNKNOWN') AND next_attempt_at <= ? \
     ORDER BY next_attempt_at, operation_id LIMIT ?"
}

statement! {
    /// As above.
    DueExpiries -> Uuid:
    "SELECT order_id FROM orders WHERE state = 'PENDING' AND pay_by < ? AND payment_status = ANY (?) \
     ORDER BY pay_by, order_id LIMIT ?"
}

statement! {
    /// The migrations that were run.
    Applied -> Text:
    "SELECT version FROM __diesel_schema_migrations"
}

statement! {
    /// For how many orders somebody uses a coupon.
    RedemptionCount -> BigInt:
    "SELECT count(*) FROM coupon_redemption WHERE coupon_code = ? AND redeemer = ?"
}
