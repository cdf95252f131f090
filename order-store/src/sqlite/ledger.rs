//! `payment_operation` and `gateway_operation`: what has to be looked after.

use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, NullableExpressionMethods as _, OptionalExtension as _,
    QueryDsl as _, RunQueryDsl as _, SelectableHelper as _, SqliteConnection,
    dsl::{count_star, sql},
    sql_types::{Bool, Nullable},
};
use order_core::{
    ids::{OperationId, OrderId},
    time::Timestamp,
};

use super::{
    connection::fault,
    insert::{insert_new, insert_row},
};
use crate::{
    fields::{At, Id},
    fragments,
    rows::{GatewayRow, PaymentEventRow, UnresolvedRow},
    schema::{gateway_operation, orders, payment_event, payment_operation},
    sql_types::Instant,
    statements::{Claimed, Done},
};

pub(super) fn due_operations(
    connection: &mut SqliteConnection,
    now: Timestamp,
    most: u32,
) -> Done<Vec<(OrderId, OperationId)>> {
    use payment_operation::{next_attempt_at, operation_id, order_id};

    // Written out: a partial index is used only where its own condition stands in the query, and a bound value does not.
    let open = sql::<Bool>("payment_operation.state IN ('INITIAL', 'SENT', 'UNKNOWN')");
    let due = payment_operation::table
        .filter(open.and(next_attempt_at.assume_not_null().le(At(now))))
        .order((next_attempt_at.asc(), operation_id.asc()))
        .select((order_id, operation_id))
        .limit(i64::from(most))
        .load::<(Id, Id)>(connection)
        .map_err(fault)?;
    Ok(due.into_iter().map(|(order, operation)| (OrderId::new(order.0), OperationId::new(operation.0))).collect())
}

pub(super) fn due_operations_of(
    connection: &mut SqliteConnection,
    id: OrderId,
    (now, most): (Timestamp, u32),
) -> Done<Vec<(OrderId, OperationId)>> {
    use payment_operation::{next_attempt_at, operation_id, order_id};

    let due = payment_operation::table
        .filter(order_id.eq(Id(id.uuid())))
        .filter(sql::<Bool>("payment_operation.state IN ('INITIAL', 'SENT', 'UNKNOWN')"))
        .filter(next_attempt_at.assume_not_null().le(At(now)))
        .order((next_attempt_at.asc(), operation_id.asc()))
        .select(operation_id)
        .limit(i64::from(most))
        .load::<Id>(connection)
        .map_err(fault)?;
    Ok(due.into_iter().map(|operation| (id, OperationId::new(operation.0))).collect())
}

pub(super) fn unresolved_operations(connection: &mut SqliteConnection) -> Done<Vec<UnresolvedRow>> {
    use payment_operation::state;

    payment_operation::table
        .filter(sql::<Bool>("payment_operation.state IN ('INITIAL', 'SENT', 'UNKNOWN')"))
        .group_by(state)
        .select((state, count_star(), sql::<Nullable<Instant>>("min(payment_operation.create_time)")))
        .load(connection)
        .map_err(fault)
}

pub(super) fn due_expiries(connection: &mut SqliteConnection, now: Timestamp, most: u32) -> Done<Vec<OrderId>> {
    let pending = sql::<Bool>("orders.state = 'PENDING' AND orders.pay_by IS NOT NULL");
    let due = orders::table
        .filter(pending.and(orders::pay_by.assume_not_null().lt(At(now))))
        .filter(orders::payment_status.eq_any(fragments::expiring()))
        .order((orders::pay_by.asc(), orders::order_id.asc()))
        .select(orders::order_id)
        .limit(i64::from(most))
        .load::<Id>(connection)
        .map_err(fault)?;
    Ok(due.into_iter().map(|id| OrderId::new(id.0)).collect())
}

pub(super) fn order_of_operation(connection: &mut SqliteConnection, id: OperationId) -> Done<Option<OrderId>> {
    let order =
        payment_operation::table.find(Id(id.uuid())).select(payment_operation::order_id).first::<Id>(connection);
    Ok(order.optional().map_err(fault)?.map(|id| OrderId::new(id.0)))
}

pub(super) fn claim_payment_event(connection: &mut SqliteConnection, row: &PaymentEventRow) -> Done<Claimed> {
    Ok(if insert_new(connection, row).map_err(fault)? { Claimed::Now } else { Claimed::Before })
}

pub(super) fn payment_events(connection: &mut SqliteConnection, id: OrderId) -> Done<Vec<PaymentEventRow>> {
    payment_event::table
        .filter(payment_event::order_id.eq(Id(id.uuid())))
        .order((payment_event::create_time.asc(), payment_event::event_id.asc()))
        .select(PaymentEventRow::as_select())
        .load(connection)
        .map_err(fault)
}

pub(super) fn gateway(connection: &mut SqliteConnection, key: OperationId) -> Done<Option<GatewayRow>> {
    let row = gateway_operation::table.find(Id(key.uuid())).select(GatewayRow::as_select()).first(connection);
    row.optional().map_err(fault)
}

pub(super) fn put_gateway(connection: &mut SqliteConnection, row: &GatewayRow) -> Done<GatewayRow> {
    if let Some(holder) = gateway(connection, OperationId::new(row.key.0))? {
        return Ok(holder);
    }
    insert_row(connection, row).map_err(fault)?;
    Ok(row.clone())
}
