//! What is demanded of a server, and what of a URL is understood and never repeated.

use tokio_postgres::config::SslMode;

use super::{store, transactions::Look, url};
use crate::{
    backend::Backend as _,
    error::StoreError,
    postgres::{Postgres, connect::Target, pool},
    testing::TestDatabase,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_would_lose_acknowledged_orders_is_refused() {
    let database = TestDatabase::postgres().await;
    let forget =
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$";
    database.execute(forget).await.unwrap();
    let refused = Postgres::connect(&url(&database), 1).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Unavailable(why) if why.contains("synchronous_commit")), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_unavailability_and_no_secret_is_told() {
    for port in ["1", "2"] {
        let url = format!("postgres://me:s3cret@127.0.0.1:{port}/shop?connect_timeout=2");
        let refused = Postgres::connect(&url, 1).await.unwrap_err();
        assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
        assert!(!refused.to_string().contains("s3cret") && !format!("{refused:?}").contains("s3cret"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_not_told_either() {
    let database = TestDatabase::postgres().await;
    let right = url(&database);
    let (before, after) = right.rsplit_once('@').unwrap();
    let user = before.rsplit_once(':').unwrap().0;
    let refused = Postgres::connect(&format!("{user}:s3cret@{after}"), 1).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
    assert!(!refused.to_string().contains("s3cret"));
}

#[test]
fn a_url_that_cannot_be_read_is_not_repeated() {
    for wrong in [
        "postgres://me:s3cret@host:x/",
        "postgres://h/?s3cret=1",
        "postgres://h/?sslmode=s3cret",
        "postgres://h/?sslrootcert=%s3cret",
    ] {
        let error = Target::parse(wrong).unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[test]
fn a_target_is_never_shown() {
    let target = Target::parse("postgres://me:s3cret@host/shop").unwrap();
    assert_eq!(format!("{target:?}"), "Target(..)");
}

#[test]
fn sslmode_means_what_it_means_to_libpq() {
    for (mode, expected) in [
        ("disable", SslMode::Disable),
        ("allow", SslMode::Prefer),
        ("prefer", SslMode::Prefer),
        ("require", SslMode::Require),
    ] {
        let target = Target::parse(&format!("postgres://h/d?sslmode={mode}&application_name=x")).unwrap();
        assert_eq!(target.ssl_mode(), expected, "{mode}");
    }
    assert_eq!(Target::parse("postgres://h/d").unwrap().ssl_mode(), SslMode::Prefer);
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_leave_no_setting_in_the_session() {
    use diesel_async::RunQueryDsl as _;

    let (_database, store) = store(1).await;
    store.read(Look).await.unwrap();
    // The same connection, between two transactions: diesel-async itself sets the time zone and the encoding, which
    // PgBouncer knows of and restores.
    let lease = pool::lease(&store.pool, None).await.unwrap();
    let query = "SELECT name FROM pg_settings WHERE source = 'session' AND name NOT IN ('TimeZone', 'client_encoding')";
    let left: Vec<Setting> = diesel::sql_query(query).load(&mut lease.connection()).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[derive(Debug, diesel::QueryableByName)]
struct Setting {
    #[diesel(sql_type = diesel::sql_types::Text)]
    #[expect(dead_code, reason = "shown when the test fails")]
    name: String,
}
