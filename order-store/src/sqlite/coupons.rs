//! `coupon` and `coupon_redemption`.

use diesel::{
    ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _, SelectableHelper as _,
    SqliteConnection,
};
use order_core::{
    discount::Redeemer,
    ids::{CouponCode, OrderId},
};

use super::{
    connection::{fault, race},
    insert::insert_row,
};
use crate::{
    error::StoreError,
    fields::Id,
    query::CouponQuery,
    rows::{CouponRow, RedemptionRow},
    schema::{coupon, coupon_redemption},
    statements::Done,
};

pub(super) fn get(connection: &mut SqliteConnection, code: &CouponCode) -> Done<Option<CouponRow>> {
    let row = coupon::table.find(code.as_str()).select(CouponRow::as_select()).first(connection);
    row.optional().map_err(fault)
}

/// Those of these coupons that exist, in their order.
pub(super) fn by_code(connection: &mut SqliteConnection, codes: &[CouponCode]) -> Done<Vec<CouponRow>> {
    let mut found = Vec::with_capacity(codes.len());
    for code in codes {
        found.extend(get(connection, code)?);
    }
    Ok(found)
}

pub(super) fn page(connection: &mut SqliteConnection, query: &CouponQuery) -> Done<Vec<CouponRow>> {
    let mut page = coupon::table
        .select(CouponRow::as_select())
        .order(coupon::coupon_code.asc())
        .limit(i64::from(query.size) + 1)
        .into_boxed();
    if let Some(active) = query.active {
        page = page.filter(coupon::active.eq(active));
    }
    if let Some(after) = &query.after {
        page = page.filter(coupon::coupon_code.gt(after.as_str()));
    }
    page.load(connection).map_err(fault)
}

pub(super) fn redemption_count(connection: &mut SqliteConnection, code: &CouponCode, redeemer: &Redeemer) -> Done<u32> {
    let used: i64 = coupon_redemption::table
        .filter(coupon_redemption::coupon_code.eq(code.as_str()))
        .filter(coupon_redemption::redeemer.eq(redeemer.as_str()))
        .count()
        .get_result(connection)
        .map_err(fault)?;
    Ok(u32::try_from(used).map_err(StoreError::corrupt)?)
}

pub(super) fn insert(connection: &mut SqliteConnection, row: &CouponRow) -> Done {
    insert_row(connection, row).map_err(race)?;
    Ok(())
}

pub(super) fn update(connection: &mut SqliteConnection, rows: &[CouponRow]) -> Done {
    for row in rows {
        diesel::update(coupon::table.find(&row.coupon_code)).set(row).execute(connection).map_err(fault)?;
    }
    Ok(())
}

pub(super) fn insert_redemptions(connection: &mut SqliteConnection, rows: &[RedemptionRow]) -> Done {
    for row in rows {
        insert_row(connection, row).map_err(fault)?;
    }
    Ok(())
}

/// Says how many there were: one or none.
pub(super) fn delete_redemption(connection: &mut SqliteConnection, order_id: OrderId) -> Done<u32> {
    let row = coupon_redemption::table.find(Id(order_id.uuid()));
    let gone = diesel::delete(row).execute(connection).map_err(fault)?;
    Ok(u32::try_from(gone).map_err(StoreError::corrupt)?)
}
