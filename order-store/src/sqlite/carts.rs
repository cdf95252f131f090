//! `cart` and `cart_item`.

use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _,
    SelectableHelper as _, SqliteConnection, dsl::sql, sql_types::Bool,
};
use order_core::{
    cart::{CartOwner, CartState, GuestKey},
    time::Timestamp,
};

use super::{
    connection::{fault, race},
    insert::insert_row,
};
use crate::{
    fields::{At, Id},
    rows::{CartItemRow, CartRow, CartRows},
    schema::{cart, cart_item},
    statements::Done,
};

type Whole = CartRows;

/// The newest cart of an owner.
pub(super) fn newest(connection: &mut SqliteConnection, owner: &CartOwner) -> Done<Option<Whole>> {
    let newest = cart::table
        .order((cart::create_time.desc(), cart::state.asc(), cart::cart_id.desc()))
        .select(CartRow::as_select())
        .limit(1);
    let row = match owner {
        CartOwner::Customer(id) => newest.filter(cart::customer_id.eq(id.as_str())).first(connection),
        CartOwner::Guest(key) => newest.filter(cart::guest_key.eq(key.0.as_slice())).first(connection),
    };
    with_items(connection, row.optional().map_err(fault)?)
}

/// The newest cart of a guest, whatever its state.
pub(super) fn newest_of_guest(connection: &mut SqliteConnection, guest: GuestKey) -> Done<Option<Whole>> {
    let row = cart::table
        .filter(cart::guest_key.eq(guest.0.as_slice()))
        .order((cart::create_time.desc(), cart::cart_id.desc()))
        .select(CartRow::as_select())
        .first(connection);
    with_items(connection, row.optional().map_err(fault)?)
}

pub(super) fn by_id(connection: &mut SqliteConnection, id: uuid::Uuid) -> Done<Option<Whole>> {
    let row = cart::table.find(Id(id)).select(CartRow::as_select()).first(connection);
    with_items(connection, row.optional().map_err(fault)?)
}

fn with_items(connection: &mut SqliteConnection, row: Option<CartRow>) -> Done<Option<Whole>> {
    let Some(row) = row else { return Ok(None) };
    let items = cart_item::table
        .filter(cart_item::cart_id.eq(row.cart_id))
        .order(cart_item::position.asc())
        .select(CartItemRow::as_select())
        .load(connection)
        .map_err(fault)?;
    Ok(Some((row, items)))
}

/// Writes carts whose items stay as they are.
pub(super) fn replace(connection: &mut SqliteConnection, rows: &[CartRow]) -> Done {
    for row in rows {
        diesel::update(cart::table.find(row.cart_id)).set(row).execute(connection).map_err(fault)?;
    }
    Ok(())
}

pub(super) fn put(connection: &mut SqliteConnection, row: &CartRow, items: &[CartItemRow]) -> Done {
    diesel::insert_into(cart::table)
        .values(row)
        .on_conflict(cart::cart_id)
        .do_update()
        .set(row)
        .execute(connection)
        .map_err(race)?;
    let old = cart_item::table.filter(cart_item::cart_id.eq(row.cart_id));
    diesel::delete(old).execute(connection).map_err(fault)?;
    for item in items {
        insert_row(connection, item).map_err(fault)?;
    }
    Ok(())
}

/// Nothing but the word changes: a cart whose time is over was as good as gone before.
pub(super) fn expire(connection: &mut SqliteConnection, now: Timestamp, most: u32) -> Done<Vec<uuid::Uuid>> {
    // Written out, not bound, so that the partial index serves.
    let due = cart::table
        .filter(sql::<Bool>("cart.state = 'ACTIVE'").and(cart::expire_time.le(At(now))))
        .order(cart::expire_time.asc())
        .select(cart::cart_id)
        .limit(i64::from(most))
        .load::<Id>(connection)
        .map_err(fault)?;
    let swept = cart::table.filter(cart::cart_id.eq_any(&due));
    diesel::update(swept).set(cart::state.eq(CartState::Expired.as_str())).execute(connection).map_err(fault)?;
    Ok(due.into_iter().map(|id| id.0).collect())
}
