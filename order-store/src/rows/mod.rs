//! Rows, once for both engines, and how they become domain values and back.
//!
//! Reading back checks: a row that breaks the domain's rules is [`StoreError::Corrupt`], never a half-right value.

mod cart;
mod catalog;
mod consumer;
mod coupon;
mod dead_letter;
mod event;
mod inventory;
mod ledger;
mod order;
mod parcel;
mod request;
mod rollup;

pub(crate) use cart::{CartItemRow, CartRow, CartRows, cart_from_rows, cart_rows};
pub(crate) use catalog::{MovementCause, MovementRow, ProductRow, ReservationRow, StockRow};
pub(crate) use consumer::ConsumerRow;
pub(crate) use coupon::{CouponRow, RedemptionRow};
pub(crate) use dead_letter::DeadLetterRow;
pub(crate) use event::{EventRow, FeedRow};
pub(crate) use inventory::{InventoryCountRow, InventoryRow};
pub(crate) use ledger::{GatewayRow, OperationRow, PaymentEventRow, PaymentRow, UnresolvedRow};
pub(crate) use order::{LineRow, NewOrder, OrderRow, OrderRows, SearchLineRow, SearchRow};
pub(crate) use parcel::{ReturnRow, ShipmentRow};
pub(crate) use request::RequestRow;
pub(crate) use rollup::{CustomerRollupRow, Grain, OrderRollupRow, Rollups};

use diesel::{QueryResult, query_builder::AstPass, sqlite::Sqlite};
use order_core::{currency::Currency, ids::IdError, money::Money};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::StoreError;

/// The derives and options that every row has, and its insert for SQLite. None is written as NULL, always: a default would keep diesel from
/// caching the statement.
macro_rules! row {
    ($(#[$meta:meta])* $table:ident, $name:ident { $($field:ident: $type:ty),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, PartialEq, Eq,
            diesel::Queryable, diesel::Selectable, diesel::Insertable, diesel::AsChangeset,
        )]
        #[diesel(table_name = crate::schema::$table)]
        #[diesel(treat_none_as_default_value = false)]
        #[diesel(treat_none_as_null = true)]
        pub(crate) struct $name {
            $(pub(crate) $field: $type),+
        }

        impl $crate::rows::SqliteInsert for $name {
            const INSERT: &'static str =
                concat!("INSERT INTO ", stringify!($table), " (", $crate::rows::listed!($($field),+), ") VALUES (");

            fn push_values<'b>(
                &'b self,
                out: &mut diesel::query_builder::AstPass<'_, 'b, diesel::sqlite::Sqlite>,
            ) -> diesel::QueryResult<()> {
                $crate::rows::push_values!((self, out, $table) $($field),+);
                Ok(())
            }
        }
    };
}
pub(crate) use row;

/// The names of columns as a list.
macro_rules! listed {
    ($first:ident $(, $rest:ident)*) => { concat!(stringify!($first) $(, ", ", stringify!($rest))*) };
}
pub(crate) use listed;

/// Pushes the values of columns as a list.
macro_rules! push_values {
    (($row:ident, $out:ident, $table:ident) $first:ident $(, $rest:ident)*) => {
        $out.push_bind_param::<diesel::dsl::SqlTypeOf<$crate::schema::$table::$first>, _>(&$row.$first)?;
        $(
            $out.push_sql(", ");
            $out.push_bind_param::<diesel::dsl::SqlTypeOf<$crate::schema::$table::$rest>, _>(&$row.$rest)?;
        )*
    };
}
pub(crate) use push_values;

/// What an insert of a row is made of, for SQLite; PostgreSQL takes many rows at once, as arrays.
pub(crate) trait SqliteInsert: 'static {
    /// The statement up to the values.
    const INSERT: &'static str;

    /// The values, in the order of the columns.
    fn push_values<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()>;
}

pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("domain values have string keys and no failing serialisers")
}

fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(StoreError::corrupt)
}

fn currency(code: &str) -> Result<Currency, StoreError> {
    Currency::parse(code).map_err(StoreError::corrupt)
}

fn key<T>(parsed: Result<T, IdError>) -> Result<T, StoreError> {
    parsed.map_err(StoreError::corrupt)
}

/// Finds the variant whose word this is.
fn word<T: Copy>(all: &[T], as_str: fn(T) -> &'static str, text: &str) -> Result<T, StoreError> {
    let known = all.iter().copied().find(|known| as_str(*known) == text);
    known.ok_or_else(|| StoreError::corrupt(format!("unknown word {text}")))
}

fn count(stored: i32) -> Result<u32, StoreError> {
    u32::try_from(stored).map_err(StoreError::corrupt)
}

/// Counts are bounded far below 2^31 by the limits; a larger one would be a bug worth stopping at.
fn stored(count: u32) -> i32 {
    i32::try_from(count).expect("counts are bounded by the limits")
}

fn position(index: usize) -> i32 {
    i32::try_from(index).expect("lists are bounded by the limits")
}

fn money(minor: i64, code: &str) -> Result<Money, StoreError> {
    Ok(Money::new(minor, currency(code)?))
}
