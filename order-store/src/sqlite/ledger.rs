//! `payment_operation` and `gateway_operation`: what has to be looked after.

use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, NullableExpressionMethods as _, OptionalExtension as _,
    QueryDsl as _, RunQueryDsl as _, SelectableHelper as _, SqliteConnection, dsl::sql, sql_types::Bool,
};
use order_core::{
    ids::{OperationId, OrderId},
    time::Timestamp,
};

use super::connection::fault;
use crate::{
    fields::{At, Id},
    fragments,
    rows::GatewayRow,
    schema::{gateway_operation, orders, payment_operation},
    statements::Done,
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

pub(super) fn due_expiries(connection: &mut SqliteConnection, now: Timestamp, most: u32) -> Done<Vec<OrderId>> {
    let pending = sql::<Bool>("orders.state = 'PENDING' AND orders.pay_by IS NOT NULL");
    let due = orders::table
        .filter(pending.and(orders::pay_by.assume_not_null().lt(At(now))))
        .filter(orders::payment_status.eq_any(fragments::holding_no_money()))
        .order((orders::pay_by.asc(), orders::order_id.asc()))
        .select(orders::order_id)
        .limit(i64::from(most))
        .load::<Id>(connection)
        .map_err(fault)?;
    Ok(due.into_iter().map(|id| OrderId::new(id.0)).collect())
}

pub(super) fn gateway(connection: &mut SqliteConnection, key: OperationId) -> Done<Option<GatewayRow>> {
    let row = gateway_operation::table.find(Id(key.uuid())).select(GatewayRow::as_select()).first(connection);
    row.optional().map_err(fault)
}

pub(super) fn put_gateway(connection: &mut SqliteConnection, row: &GatewayRow) -> Done<GatewayRow> {
    if let Some(holder) = gateway(connection, OperationId::new(row.key.0))? {
        return Ok(holder);
    }
    diesel::insert_into(gateway_operation::table).values(row).execute(connection).map_err(fault)?;
    Ok(row.clone())
}
