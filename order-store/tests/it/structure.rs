//! The schema, on both engines.

use order_core::cart::CartOwner;
use order_store::{
    DatabaseUrl, MovementQuery, StoreError, connect, migrate,
    testing::{TestDatabase, on_both_engines},
};

use crate::shop::{Shop, Wish, customer, sku};

/// Every migration, oldest first.
const MIGRATIONS: [&str; 17] = [
    "0001_initial",
    "0002_coupons",
    "0003_reservations",
    "0004_money_and_goods",
    "0005_rollups",
    "0006_lean_placing",
    "0007_lean_shelves",
    "0008_feed",
    "0009_consumers",
    "0010_dead_letters",
    "0011_inventory",
    "0012_search_behind",
    "0013_lean_lines",
    "0014_shelf_history",
    "0015_appended_requests",
    "0016_lean_documents",
    "0017_lean_search_index",
];

async fn empty_databases() -> [TestDatabase; 2] {
    [TestDatabase::empty_sqlite(), TestDatabase::empty_postgres().await]
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_have_the_same_tables_and_columns() {
    let sqlite = TestDatabase::sqlite().await.columns().await;
    let postgres = TestDatabase::postgres().await.columns().await;
    let only_sqlite: Vec<_> = sqlite.difference(&postgres).filter(|c| !c.starts_with("order_search_index")).collect();
    // The index of SQLite's full-text search needs a number to refer to.
    assert_eq!(only_sqlite, ["order_search.search_id"]);
    // Only PostgreSQL keeps what documents say of goods apart.
    let only_postgres: Vec<_> = postgres.difference(&sqlite).collect();
    assert_eq!(only_postgres, ["search_line.line"]);
    assert!(postgres.contains("orders.order_number"));
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_go_up_and_down_and_up_again() {
    for database in empty_databases().await {
        assert_eq!(database.migrate().await, MIGRATIONS);
        let columns = database.columns().await;
        assert_eq!(database.migrate().await, Vec::<String>::new(), "a second time there is nothing to do");
        assert!(database.revert().await.iter().rev().eq(MIGRATIONS), "newest first");
        assert!(database.columns().await.is_empty(), "nothing is left: {:?}", database.columns().await);
        assert_eq!(database.migrate().await, MIGRATIONS);
        assert_eq!(database.columns().await, columns);
    }
}

/// How a migration is taken back, on SQLite and on PostgreSQL.
macro_rules! down {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../migrations/sqlite/", $name, "/down.sql")),
            include_str!(concat!("../../migrations/postgres/", $name, "/down.sql")),
        )
    };
}
pub(crate) use down;

/// Takes migrations back past the program, on a database that is in use, the last one first, and applies them again.
pub(crate) async fn take_back_and_apply(database: &TestDatabase, migrations: &[(&str, &str, &str)]) {
    for (name, sqlite, postgres) in migrations.iter().rev() {
        let (off, down) = match database.url() {
            DatabaseUrl::Sqlite(_) => ("PRAGMA foreign_keys = OFF;", sqlite),
            DatabaseUrl::Postgres(_) => ("", postgres),
        };
        let forget = format!("DELETE FROM __diesel_schema_migrations WHERE version = '{}'", &name[..4]);
        database.execute(&format!("{off} BEGIN; {down} {forget}; COMMIT")).await.unwrap();
    }
    let names: Vec<_> = migrations.iter().map(|(name, ..)| *name).collect();
    assert_eq!(database.migrate().await, names);
}

#[tokio::test(flavor = "multi_thread")]
async fn shelves_and_their_history_outlive_the_tables_that_are_built_anew() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 7).await;
        shop.place(Wish::of(&[(&mug, 2)])).await.unwrap();
        shop.hold(&CartOwner::Customer(customer("eve")), &mug, 3).await.unwrap();
        let history = async || {
            let page = shop.store.movements(MovementQuery { sku: None, size: 10, after: None }).await.unwrap();
            page.items.into_iter().filter(|movement| movement.cart_id.is_none()).collect::<Vec<_>>()
        };
        let of_mugs = async || {
            let query = MovementQuery { sku: Some(sku("MUG")), size: 10, after: None };
            shop.store.movements(query).await.unwrap().items
        };
        let (before, mugs) = (history().await, of_mugs().await);
        assert_eq!((before.len(), mugs.len()), (2, 3));
        take_back_and_apply(&database, &[down!("0014_shelf_history")]).await;
        assert_eq!(of_mugs().await, mugs, "the shelf's history is found in its movements");
        take_back_and_apply(&database, &[down!("0003_reservations"), down!("0014_shelf_history")]).await;
        assert_eq!(database.texts("SELECT CAST(reserved AS text) FROM stock").await, ["0"], "holds are given back");
        assert_eq!(history().await, before);
        assert_eq!(of_mugs().await, before);
        let level = shop.level("MUG").await;
        assert_eq!((level.on_hand, level.reserved, level.allocated, level.backorder_limit), (7, 0, 2, 0));
        shop.hold(&CartOwner::Customer(customer("eve")), &mug, 1).await.unwrap();
        let orphan = "UPDATE reservation SET sku = 'NONE'";
        assert!(database.execute(orphan).await.is_err(), "what refers to a shelf refers to the new one");
        shop.hold(&CartOwner::Customer(customer("eve")), &mug, 5).await.unwrap_err();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_that_migrate_at_once_migrate_once() {
    for database in empty_databases().await {
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let url = database.url().clone();
                tokio::spawn(async move { migrate(&url).await })
            })
            .collect();
        let mut applied = 0;
        for task in tasks {
            applied += task.await.unwrap().unwrap().len();
        }
        assert_eq!(applied, MIGRATIONS.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_ready_once_it_is_migrated() {
    for database in empty_databases().await {
        let store = database.connect().await;
        let ping = store.ping().await;
        assert!(matches!(ping, Err(StoreError::Unavailable(_))), "{ping:?}");
        database.migrate().await;
        assert_eq!(store.ping().await, Ok(()));
        assert_eq!(store.engine(), database.url().engine());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_program_is_refused() {
    for database in [TestDatabase::sqlite().await, TestDatabase::postgres().await] {
        let store = database.connect().await;
        database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')").await.unwrap();
        let refused = migrate(database.url()).await;
        assert!(matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("9999")), "{refused:?}");
        assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_unavailable_and_no_password_is_told() {
    let url = DatabaseUrl::parse("postgres://me:hunter2@127.0.0.1:1/shop?password=hunter2").unwrap();
    let told = match connect(&url, &order_store::ConnectOptions::default()).await {
        Ok(store) => store.ping().await.unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(told, StoreError::Unavailable(_)), "{told:?}");
    assert!(!format!("{told:?} {told} {url:?} {url}").contains("hunter2"));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_sqlite_file_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let database = TestDatabase::sqlite().await;
    let store = database.connect().await;
    store.ping().await.unwrap();
    let DatabaseUrl::Sqlite(path) = database.url() else { panic!("it is a file") };
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for file in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let file = file.unwrap().path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}
