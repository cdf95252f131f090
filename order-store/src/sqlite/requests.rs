//! `request`: idempotency.

use diesel::{
    ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _, SelectableHelper as _,
    SqliteConnection,
};

use diesel::sql_types::BigInt;
use order_core::time::Timestamp;

use super::{connection::fault, insert::insert_new};
use crate::{
    error::StoreError,
    fields::{At, Id},
    rows::RequestRow,
    schema::request,
    sql_types::Instant,
    statements::Done,
};

/// Inserts the rows whose keys are free and returns those that hold the others.
pub(super) fn claim(connection: &mut SqliteConnection, rows: &[RequestRow]) -> Done<Vec<RequestRow>> {
    let mut taken = Vec::new();
    for row in rows {
        if !insert_new(connection, row).map_err(fault)? {
            let holder = get(connection, (&row.principal, &row.method, row.request_id))?;
            taken.push(holder.ok_or_else(|| StoreError::Internal("a request could not be claimed".to_owned()))?);
        }
    }
    Ok(taken)
}

pub(super) fn unclaim(connection: &mut SqliteConnection, rows: &[RequestRow]) -> Done {
    for row in rows {
        let claimed = request::table.find((&row.principal, &row.method, row.request_id));
        diesel::delete(claimed).execute(connection).map_err(fault)?;
    }
    Ok(())
}

pub(super) fn set_outcomes(connection: &mut SqliteConnection, rows: &[RequestRow]) -> Done {
    for row in rows {
        let claimed = request::table.find((&row.principal, &row.method, row.request_id));
        diesel::update(claimed).set(request::outcome.eq(&row.outcome)).execute(connection).map_err(fault)?;
    }
    Ok(())
}

/// Takes out of the first rows those that are old enough.
pub(super) const FORGET: &str =
    "DELETE FROM request WHERE create_time < ? AND rowid IN (SELECT rowid FROM request ORDER BY rowid LIMIT ?)";

/// Looks at the first rows only, which are the oldest: rows are appended. Of those, one that a clock wrote that was ahead stays, and what
/// stands behind very many of these is forgotten with them.
pub(super) fn forget(connection: &mut SqliteConnection, before: Timestamp, most: u32) -> Done<u32> {
    let gone = diesel::sql_query(FORGET)
        .bind::<Instant, _>(At(before))
        .bind::<BigInt, _>(i64::from(most))
        .execute(connection)
        .map_err(fault)?;
    Ok(u32::try_from(gone).unwrap_or(most))
}

pub(super) fn get(connection: &mut SqliteConnection, key: (&str, &str, Id)) -> Done<Option<RequestRow>> {
    let row = request::table.find(key).select(RequestRow::as_select()).first(connection);
    row.optional().map_err(fault)
}
