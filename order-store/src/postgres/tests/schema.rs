//! Migrations, and what the program believes about the schema.

use std::collections::BTreeSet;

use diesel::{QueryDsl as _, SelectableHelper as _, debug_query, pg::Pg};

use super::url;
use crate::{
    error::StoreError,
    postgres::{self, sql::Table},
    rows::{
        CartItemRow, CartRow, ConsumerRow, CouponRow, CustomerRollupRow, DeadLetterRow, EventRow, GatewayRow,
        InventoryRow, LineRow, MovementRow, OperationRow, OrderRollupRow, OrderRow, PaymentEventRow, PaymentRow,
        ProductRow, RedemptionRow, RequestRow, ReservationRow, ReturnRow, SearchLineRow, SearchRow, ShipmentRow,
        StockRow,
    },
    schema::{order_line, order_return, orders, payment, payment_operation, shipment},
    testing::TestDatabase,
};

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_migrate_at_once_all_succeed() {
    let database = TestDatabase::empty_postgres().await;
    let url = url(&database);
    let tasks: Vec<_> =
        (0..8).map(|_| url.clone()).map(|url| tokio::spawn(async move { postgres::migrate(&url).await })).collect();
    let mut ran = Vec::new();
    for task in tasks {
        ran.extend(task.await.unwrap().unwrap());
    }
    let known = super::super::migrate::versions();
    assert_eq!(ran.len(), known.len(), "each migration is run once: {ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_program_is_not_migrated() {
    let database = TestDatabase::postgres().await;
    database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')").await.unwrap();
    assert!(matches!(postgres::migrate(&url(&database)).await, Err(StoreError::Unavailable(_))));
}

#[test]
fn every_migration_on_disk_is_embedded() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres");
    let on_disk = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let versions: BTreeSet<_> = on_disk.map(|name| name.split('_').next().unwrap().to_owned()).collect();
    assert_eq!(postgres::migrate::versions().into_iter().collect::<BTreeSet<_>>(), versions);
}

fn believed<R: Table>() -> BTreeSet<String> {
    R::COLUMNS.iter().map(|column| format!("{}.{column}", R::NAME)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_write_every_column_of_their_table() {
    let believed = [
        believed::<CartItemRow>(),
        believed::<CartRow>(),
        believed::<ConsumerRow>(),
        believed::<CouponRow>(),
        believed::<DeadLetterRow>(),
        believed::<EventRow>(),
        believed::<GatewayRow>(),
        believed::<InventoryRow>(),
        believed::<LineRow>(),
        believed::<MovementRow>(),
        believed::<OperationRow>(),
        believed::<OrderRow>(),
        believed::<PaymentRow>(),
        believed::<ProductRow>(),
        believed::<RedemptionRow>(),
        believed::<RequestRow>(),
        believed::<ReservationRow>(),
        believed::<SearchLineRow>(),
        believed::<SearchRow>(),
        believed::<ShipmentRow>(),
        believed::<ReturnRow>(),
        believed::<PaymentEventRow>(),
        believed::<StockRow>(),
        believed::<OrderRollupRow>(),
        believed::<CustomerRollupRow>(),
    ];
    let columns = TestDatabase::postgres().await.columns().await;
    // Counters are moved by statements of their own, and an event's place is the database's to give.
    let is_own = |column: &String| column.starts_with("order_counter.") || column == "order_event.feed_position";
    let columns: BTreeSet<_> = columns.into_iter().filter(|column| !is_own(column)).collect();
    assert_eq!(believed.into_iter().flatten().collect::<BTreeSet<_>>(), columns);
}

/// A row is read by the places of its columns: two of one type that change places would be taken for each other.
#[test]
fn whole_rows_are_selected_in_the_order_of_their_fields() {
    macro_rules! assert_in_order {
        ($($row:ident of $table:ident),+) => {$(
            let built = debug_query::<Pg, _>(&$table::table.select($row::as_select())).to_string();
            let columns: Vec<_> = built.split('"').skip(3).step_by(4).take($row::COLUMNS.len()).collect();
            assert_eq!(columns, $row::COLUMNS);
        )+};
    }
    assert_in_order!(
        OrderRow of orders,
        LineRow of order_line,
        PaymentRow of payment,
        OperationRow of payment_operation,
        ShipmentRow of shipment,
        ReturnRow of order_return
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_foreign_key_is_the_beginning_of_an_index() {
    let database = TestDatabase::postgres().await;
    let without = "SELECT conname::text FROM pg_constraint AS c WHERE contype = 'f' AND NOT EXISTS ( \
             SELECT FROM pg_index WHERE indrelid = c.conrelid AND indkey[0] = c.conkey[1] AND indpred IS NULL)";
    assert_eq!(database.texts(without).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_amount_of_money_is_checked() {
    // Differences may be negative, and so may what is added to a sum, which the server checks as if it were the sum.
    let database = TestDatabase::postgres().await;
    let unchecked = "SELECT a.attrelid::regclass::text || '.' || attname FROM pg_attribute AS a \
         JOIN pg_class AS r ON r.oid = a.attrelid AND r.relkind = 'r' AND r.relnamespace = current_schema()::regnamespace \
         WHERE atttypid = 'bigint'::regtype AND attnum > 0 AND attname NOT LIKE '%_delta' \
             AND relname NOT IN ('order_rollup', 'customer_rollup') AND NOT EXISTS ( \
             SELECT FROM pg_constraint WHERE contype = 'c' AND conrelid = a.attrelid AND a.attnum = ANY (conkey))";
    assert_eq!(database.texts(unchecked).await, Vec::<String>::new());
}
