//! `reservation`. Short statements, one row each: they are cached, a list of any length is not.

use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _, SelectableHelper as _, SqliteConnection};
use order_core::{
    ids::{CartId, Sku},
    limits::LINES_PER_ORDER,
    time::Timestamp,
};

use super::connection::fault;
use crate::{
    backend::PLACE_BATCH,
    fields::{At, Id},
    rows::ReservationRow,
    schema::reservation,
    statements::Done,
};

pub(super) fn put(connection: &mut SqliteConnection, rows: &[ReservationRow]) -> Done {
    for row in rows {
        diesel::insert_into(reservation::table)
            .values(row)
            .on_conflict((reservation::cart_id, reservation::sku))
            .do_update()
            .set(row)
            .execute(connection)
            .map_err(fault)?;
    }
    Ok(())
}

pub(super) fn take_out(connection: &mut SqliteConnection, rows: &[ReservationRow]) -> Done {
    for row in rows {
        let gone = reservation::table.find((row.cart_id, &row.sku));
        diesel::delete(gone).execute(connection).map_err(fault)?;
    }
    Ok(())
}

/// Arguments that a statement may have: SQLITE_MAX_VARIABLE_NUMBER, as it comes.
const ARGUMENTS: usize = 32_766;
const _: () =
    assert!(PLACE_BATCH * LINES_PER_ORDER + 2 <= ARGUMENTS, "a batch looks for what is held of all its SKUs at once");

pub(super) fn expired(
    connection: &mut SqliteConnection,
    skus: &[Sku],
    (now, most): (Timestamp, u32),
) -> Done<Vec<ReservationRow>> {
    reservation::table
        .filter(reservation::sku.eq_any(skus.iter().map(Sku::as_str)))
        .filter(reservation::expire_time.le(At(now)))
        .order((reservation::expire_time, reservation::cart_id, reservation::sku))
        .select(ReservationRow::as_select())
        .limit(i64::from(most))
        .load(connection)
        .map_err(fault)
}

pub(super) fn of_carts(connection: &mut SqliteConnection, carts: &[CartId]) -> Done<Vec<ReservationRow>> {
    let mut held = Vec::new();
    for cart in carts {
        let of_cart = reservation::table.filter(reservation::cart_id.eq(Id(cart.uuid())));
        held.extend(of_cart.select(ReservationRow::as_select()).load(connection).map_err(fault)?);
    }
    Ok(held)
}

pub(super) fn due(connection: &mut SqliteConnection, now: Timestamp, most: u32) -> Done<Vec<String>> {
    reservation::table
        .filter(reservation::expire_time.le(At(now)))
        .order(reservation::expire_time)
        .select(reservation::sku)
        .limit(i64::from(most))
        .load(connection)
        .map_err(fault)
}
