//! Each class of error, provoked on a real server.

use diesel_async::SimpleAsyncConnection as _;

use super::{connections_in, eventually, lease};
use crate::{
    error::StoreError,
    postgres::{
        error::{Connection, Failure},
        pool::Lease,
    },
    statements::Fault,
    testing::TestDatabase,
};

async fn run(lease: &Lease, sql: &str) -> Result<(), Failure> {
    Ok(lease.connection().batch_execute(sql).await?)
}

/// What a statement fails with in an otherwise empty database.
async fn provoke(sql: &str) -> Failure {
    let database = TestDatabase::postgres().await;
    run(&lease(&database).await, sql).await.unwrap_err()
}

fn sound(error: StoreError) -> Failure {
    Failure { fault: Fault::Fatal(error), connection: Connection::Sound }
}

fn internal(text: &str) -> Failure {
    sound(StoreError::Internal(text.to_owned()))
}

#[track_caller]
fn assert_retry(failure: &Failure) {
    assert!(matches!(failure, Failure { fault: Fault::Retry(_), connection: Connection::Sound }), "{failure:?}");
}

#[track_caller]
fn assert_lost(failure: &Failure) {
    let is_lost =
        matches!(failure, Failure { fault: Fault::Fatal(StoreError::Unavailable(_)), connection: Connection::Lost });
    assert!(is_lost, "{failure:?}");
}

const TWO_SHELVES: &str = "INSERT INTO stock VALUES ('A', 1, 0, 0), ('B', 1, 0, 0)";

#[tokio::test(flavor = "multi_thread")]
async fn a_serialization_failure_is_tried_again() {
    let database = TestDatabase::postgres().await;
    database.execute(TWO_SHELVES).await.unwrap();
    let one = lease(&database).await;
    run(&one, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM stock").await.unwrap();
    database.execute("UPDATE stock SET on_hand = 5").await.unwrap();
    assert_retry(&run(&one, "UPDATE stock SET on_hand = 6").await.unwrap_err());
    run(&one, "ROLLBACK").await.unwrap();
    run(&one, "UPDATE stock SET on_hand = 6").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_tried_again() {
    let database = TestDatabase::postgres().await;
    database.execute(TWO_SHELVES).await.unwrap();
    let (one, other) = (lease(&database).await, lease(&database).await);
    run(&one, "BEGIN; UPDATE stock SET on_hand = 2 WHERE sku = 'A'").await.unwrap();
    run(&other, "BEGIN; UPDATE stock SET on_hand = 2 WHERE sku = 'B'").await.unwrap();
    let (first, second) = tokio::join!(
        run(&one, "UPDATE stock SET on_hand = 3 WHERE sku = 'B'; COMMIT"),
        run(&other, "UPDATE stock SET on_hand = 3 WHERE sku = 'A'; COMMIT"),
    );
    assert_ne!(first.is_ok(), second.is_ok(), "one of the two is the victim");
    assert_retry(&first.and(second).unwrap_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_not_given_in_time_is_tried_again() {
    let database = TestDatabase::postgres().await;
    database.execute(TWO_SHELVES).await.unwrap();
    let (one, other) = (lease(&database).await, lease(&database).await);
    run(&one, "BEGIN; SELECT FROM stock FOR UPDATE").await.unwrap();
    assert_retry(&run(&other, "SET lock_timeout = 20; SELECT FROM stock FOR UPDATE").await.unwrap_err());
    assert_retry(&run(&other, "SELECT FROM stock FOR UPDATE NOWAIT").await.unwrap_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_past_its_time_is_a_passed_deadline() {
    let failure = provoke("SET statement_timeout = 20; SELECT pg_sleep(10)").await;
    assert_eq!(failure, sound(StoreError::DeadlineExceeded));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_an_administrator_cancels_is_unavailability() {
    let database = TestDatabase::postgres().await;
    let one = lease(&database).await;
    let cancel = async {
        eventually(&database, &connections_in("active"), "1").await;
        database
            .execute(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(10)' AND \
             datname = current_database() AND application_name = 'order-service'",
            )
            .await
            .unwrap();
    };
    let (slept, ()) = tokio::join!(run(&one, "SELECT pg_sleep(10)"), cancel);
    let failure = slept.unwrap_err();
    assert!(matches!(
        &failure,
        Failure { fault: Fault::Fatal(StoreError::Unavailable(_)), connection: Connection::Sound }
    ));
    run(&one, "SELECT 1").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_connection_is_lost_and_stays_lost() {
    let database = TestDatabase::postgres().await;
    let one = lease(&database).await;
    let terminate = async {
        eventually(&database, &connections_in("active"), "1").await;
        database.execute(super::TERMINATE).await.unwrap();
    };
    let (slept, ()) = tokio::join!(run(&one, "SELECT pg_sleep(10)"), terminate);
    assert_lost(&slept.unwrap_err());
    assert_lost(&run(&one, "SELECT 1").await.unwrap_err());
    assert!(!one.is_idle(), "the pool sees it without asking the server");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_idles_too_long_loses_its_connection() {
    let database = TestDatabase::postgres().await;
    let one = lease(&database).await;
    run(&one, "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 20").await.unwrap();
    eventually(&database, &connections_in("%"), "0").await;
    assert_lost(&run(&one, "SELECT 1").await.unwrap_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_read_only_is_left() {
    assert_lost(&provoke("BEGIN READ ONLY; INSERT INTO stock VALUES ('A', 1, 0, 0)").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_for_a_known_key_is_tried_again() {
    let cart = "INSERT INTO cart (cart_id, customer_id, state, revision, create_time, update_time, expire_time) \
         VALUES (gen_random_uuid(), 'me', 'ACTIVE', 1, now(), now(), now())";
    assert_retry(&provoke(&format!("{cart}; {cart}")).await);
    let guest = cart.replace("customer_id", "guest_key").replace("'me'", "sha256('me')");
    assert_retry(&provoke(&format!("{guest}; {guest}")).await);
    let product =
        |id: &str| format!("INSERT INTO product VALUES ('{id}', 'S', '', '', 1, 'USD', '', true, 1, now(), now())");
    assert_retry(&provoke(&format!("{}; {}", product("a"), product("b"))).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_violated_constraint_is_named_and_nothing_else() {
    let shelf = "INSERT INTO stock VALUES ('SECRET', 1, 0, 0)";
    let unique = provoke(&format!("{shelf}; {shelf}")).await;
    assert_eq!(unique, internal("the constraint stock_pkey is violated"));
    let check = provoke("INSERT INTO stock VALUES ('SECRET', 1, 1, 1)").await;
    assert_eq!(check, internal("the constraint stock_promised_check is violated"));
    let foreign = provoke("INSERT INTO cart_item VALUES (gen_random_uuid(), gen_random_uuid(), 0, 'SECRET', 'SECRET', 1, 1, 'USD', now())").await;
    assert_eq!(foreign, internal("the constraint cart_item_cart_id_fkey is violated"));
    let missing = provoke("INSERT INTO stock (sku) VALUES ('SECRET')").await;
    assert_eq!(missing, internal("the column on_hand is missing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_not_there_is_unavailability() {
    for sql in ["SELECT * FROM nothing", "SELECT nothing FROM stock"] {
        let failure = provoke(sql).await;
        let text = "the schema is not this program's: migrate";
        assert_eq!(failure, sound(StoreError::Unavailable(text.into())), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_prepared_before_a_migration_is_tried_again_elsewhere() {
    let prepare = "CREATE TABLE t (a int); PREPARE p AS SELECT * FROM t; EXECUTE p; ALTER TABLE t ADD b int";
    let failure = provoke(&format!("{prepare}; EXECUTE p")).await;
    assert!(matches!(failure, Failure { fault: Fault::Retry(_), connection: Connection::Lost }), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn anything_else_is_a_bug() {
    let text = "PostgreSQL: cannot take square root of a negative number";
    assert_eq!(provoke("SELECT sqrt(-1)").await, internal(text));
}
