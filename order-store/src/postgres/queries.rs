//! The texts of the statements that look, where the query builder would not let the server remember them, or has no words.

use diesel::sql_types::{BigInt, Text, Untyped};

use super::sql::statement;
use crate::{
    schema::{request, reservation},
    sql_types::Uuid,
};

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
