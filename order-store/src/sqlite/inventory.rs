//! What an inventory service is to be asked or told.

use diesel::{
    ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _, SelectableHelper as _, SqliteConnection,
    dsl::{count_star, sql},
    sql_types::Bool,
};
use order_core::time::Timestamp;

use super::connection::fault;
use crate::{
    fields::{At, Id},
    fragments::is_oldest_to_tell,
    rows::{InventoryCountRow, InventoryRow},
    schema::inventory_operation,
    sql_types::Instant,
    statements::Done,
};

pub(super) fn get(connection: &mut SqliteConnection, ids: &[Id]) -> Done<Vec<InventoryRow>> {
    inventory_operation::table
        .filter(inventory_operation::operation_id.eq_any(ids))
        .order(inventory_operation::operation_id)
        .select(InventoryRow::as_select())
        .load(connection)
        .map_err(fault)
}

pub(super) fn due(connection: &mut SqliteConnection, now: Timestamp, most: u32) -> Done<Vec<InventoryRow>> {
    inventory_operation::table
        .filter(inventory_operation::next_attempt_at.le(At(now)))
        .filter(sql::<Bool>(is_oldest_to_tell!()))
        .order((inventory_operation::next_attempt_at, inventory_operation::operation_id))
        .limit(i64::from(most))
        .select(InventoryRow::as_select())
        .load(connection)
        .map_err(fault)
}

pub(super) fn put(connection: &mut SqliteConnection, rows: &[InventoryRow]) -> Done {
    for row in rows {
        diesel::replace_into(inventory_operation::table).values(row).execute(connection).map_err(fault)?;
    }
    Ok(())
}

pub(super) fn drop(connection: &mut SqliteConnection, ids: &[Id]) -> Done {
    for id in ids {
        diesel::delete(inventory_operation::table.find(id)).execute(connection).map_err(fault)?;
    }
    Ok(())
}

pub(super) fn has_claims(connection: &mut SqliteConnection, claimant: Id) -> Done<bool> {
    let found = inventory_operation::table.filter(inventory_operation::claimant.eq(claimant));
    diesel::select(diesel::dsl::exists(found)).get_result(connection).map_err(fault)
}

pub(super) fn counts(connection: &mut SqliteConnection) -> Done<Vec<InventoryCountRow>> {
    inventory_operation::table
        .group_by(inventory_operation::kind)
        .select((inventory_operation::kind, count_star(), sql::<Instant>("min(inventory_operation.create_time)")))
        .load(connection)
        .map_err(fault)
}
