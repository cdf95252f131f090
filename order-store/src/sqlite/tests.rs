//! What is particular to this engine: its threads, and the plans of its queries.

use std::{
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

use diesel::{
    QueryableByName, RunQueryDsl as _, SelectableHelper as _, SqliteConnection, connection::SimpleConnection as _,
    debug_query, sql_query, sql_types::Text,
};

use order_core::time::Timestamp;

use super::{
    Sqlite,
    job::{Job, Verdict},
};
use crate::{
    backend::{Backend as _, WriteWork},
    deadline,
    error::StoreError,
    statements::{Done, Fault, NumberRange, Write},
    testing::TestDatabase,
    url::{ConnectOptions, DatabaseUrl},
};

fn open(database: &TestDatabase) -> Sqlite {
    open_with(database, &ConnectOptions::default())
}

fn open_with(database: &TestDatabase, options: &ConnectOptions) -> Sqlite {
    let DatabaseUrl::Sqlite(path) = database.url() else { panic!("it is SQLite") };
    Sqlite::open(path, options).unwrap()
}

/// Takes a number, and then does what it is told.
struct Take(fn() -> Done);

impl WriteWork for Take {
    type Output = i64;
    const NAME: &'static str = "test";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<i64> {
        let number = tx.take_numbers(NumberRange { prefix: "T", year: 2026, first: 1, count: 1 }).await?;
        (self.0)()?;
        Ok(number)
    }
}

const WELL: Take = Take(|| Ok(()));

/// Where a raw job's end is told.
type Ends = Arc<Mutex<Vec<(&'static str, Result<(), Fault>)>>>;

/// A job of a few statements.
struct Raw {
    name: &'static str,
    statements: &'static str,
    ends: Ends,
}

impl Job for Raw {
    fn run(&mut self, connection: &mut SqliteConnection) -> Verdict {
        connection.batch_execute(self.statements).unwrap();
        Verdict::Keep
    }

    fn answer(self: Box<Self>, ended: Result<(), Fault>) {
        self.ends.lock().unwrap().push((self.name, ended));
    }
}

/// Keeps the writer busy until the other end of its channel is dropped.
struct Block(mpsc::Receiver<()>);

impl Job for Block {
    fn run(&mut self, _connection: &mut SqliteConnection) -> Verdict {
        // Fails once the sender is dropped, which is what is waited for.
        assert!(self.0.recv().is_err());
        Verdict::Keep
    }

    fn answer(self: Box<Self>, _ended: Result<(), Fault>) {}
}

/// Makes the writer wait, so that what is queued meanwhile becomes one batch. It goes on when the result is dropped.
fn hold(sqlite: &Sqlite) -> mpsc::Sender<()> {
    let (go, wait) = mpsc::channel();
    sqlite.writes().unwrap().send(Box::new(Block(wait))).unwrap();
    go
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_panics_takes_neither_the_writer_nor_its_neighbours_along() {
    let database = TestDatabase::sqlite().await;
    let sqlite = open(&database);
    let go = hold(&sqlite);
    let panics = Take(|| panic!("a bug"));
    let fails = Take(|| Err(StoreError::Internal("no".to_owned()).into()));
    let all = async { tokio::join!(sqlite.write(WELL), sqlite.write(panics), sqlite.write(fails), sqlite.write(WELL)) };
    let (results, ()) = tokio::join!(all, async { drop(go) });
    assert_eq!((results.0, results.3), (Ok(1), Ok(2)), "what failed used no number up");
    assert!(matches!(results.1, Err(StoreError::Internal(_))));
    assert_eq!(results.2, Err(StoreError::Internal("no".to_owned())));
    assert_eq!(sqlite.write(WELL).await, Ok(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_is_an_unknown_outcome_for_its_whole_batch_and_the_writer_goes_on() {
    let database = TestDatabase::sqlite().await;
    let sqlite = open(&database);
    let ends = Ends::default();
    let go = hold(&sqlite);
    for (name, statements) in [
        ("innocent", "INSERT INTO order_counter VALUES ('A', 2026, 1)"),
        (
            "breaks the commit",
            "PRAGMA defer_foreign_keys = ON;
             INSERT INTO order_search (order_id, document) VALUES (zeroblob(16), 'of no order')",
        ),
    ] {
        let job = Raw { name, statements, ends: Arc::clone(&ends) };
        sqlite.writes().unwrap().send(Box::new(job)).unwrap();
    }
    drop(go);
    // It comes after that batch or joins it; in either case it is answered after it.
    let other = sqlite.write(WELL).await;
    assert!(matches!(other, Ok(1) | Err(StoreError::UnknownOutcome(_))), "{other:?}");
    let ends: Vec<_> = ends.lock().unwrap().clone();
    assert_eq!(ends.iter().map(|end| end.0).collect::<Vec<_>>(), ["innocent", "breaks the commit"]);
    for (name, end) in ends {
        assert!(matches!(end, Err(Fault::Fatal(StoreError::UnknownOutcome(_)))), "{name}: {end:?}");
    }
    assert_eq!(database.texts("SELECT prefix FROM order_counter WHERE prefix = 'A'").await, Vec::<String>::new());
    assert!(sqlite.write(WELL).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_says_so_at_once() {
    let database = TestDatabase::sqlite().await;
    let sqlite = open_with(&database, &ConnectOptions { queue_depth: 1, ..ConnectOptions::default() });
    let go = hold(&sqlite);
    // One more fits once the writer has taken the first; from then on nothing does.
    let filled = loop {
        let write = sqlite.write(WELL);
        match tokio::time::timeout(Duration::from_millis(20), write).await {
            Err(_it_waits) => continue,
            Ok(result) => break result,
        }
    };
    assert_eq!(filled, Err(StoreError::Overloaded { retry_after: None }));
    drop(go);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_past_its_deadline_is_not_begun() {
    let database = TestDatabase::sqlite().await;
    let sqlite = open(&database);
    let go = hold(&sqlite);
    let until = Instant::now() + Duration::from_millis(50);
    let late = deadline::within(until, sqlite.write(WELL));
    let release = async {
        tokio::time::sleep_until(tokio::time::Instant::from_std(until)).await;
        drop(go);
    };
    assert_eq!(tokio::join!(late, release).0, Err(StoreError::DeadlineExceeded));
    assert_eq!(sqlite.write(WELL).await, Ok(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_cannot_write() {
    let database = TestDatabase::sqlite().await;
    let DatabaseUrl::Sqlite(path) = database.url() else { panic!("it is SQLite") };
    let mut reader = super::connection::reader(path).unwrap();
    assert!(reader.batch_execute("INSERT INTO order_counter VALUES ('A', 2026, 1)").is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_one_snapshot() {
    let database = TestDatabase::sqlite().await;
    let DatabaseUrl::Sqlite(path) = database.url() else { panic!("it is SQLite") };
    let mut reader = super::connection::reader(path).unwrap();
    let mut count = || sql_query("SELECT prefix AS detail FROM order_counter").load::<Step>(&mut reader).unwrap().len();
    assert_eq!(count(), 0);
    let sqlite = open(&database);
    let mut inside = super::connection::reader(path).unwrap();
    inside.batch_execute("BEGIN DEFERRED; SELECT * FROM order_counter;").unwrap();
    sqlite.write(WELL).await.unwrap();
    assert_eq!(count(), 1);
    let inside = sql_query("SELECT prefix AS detail FROM order_counter").load::<Step>(&mut inside).unwrap();
    assert_eq!(inside.len(), 0);
}

/// One that a clock wrote which was ahead stays, and holds up nobody.
#[tokio::test(flavor = "multi_thread")]
async fn of_the_first_requests_those_are_forgotten_that_are_old_enough() {
    let database = TestDatabase::sqlite().await;
    let DatabaseUrl::Sqlite(path) = database.url() else { panic!("it is SQLite") };
    let mut writer = super::connection::writer(path).unwrap();
    for time in [5, 1, 2, 1] {
        let insert = "INSERT INTO request VALUES ('me', 'Test', randomblob(16), zeroblob(32), '{}', ";
        writer.batch_execute(&format!("{insert}{time})")).unwrap();
    }
    let mut forget = || super::requests::forget(&mut writer, Timestamp::from_micros(2), 2).unwrap();
    assert_eq!([forget(), forget()], [1, 0], "the younger ones are the first two then");
    let mut all = || super::requests::forget(&mut writer, Timestamp::from_micros(5), 9).unwrap();
    assert_eq!([all(), all()], [2, 0]);
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

mod plans {
    use diesel::QueryDsl as _;
    use order_core::{
        currency::Currency,
        ids::{CustomerId, OrderId, ProductId, Sku},
        order::Status,
        time::Timestamp,
    };

    use super::*;
    use crate::{
        query::{Direction, OrderCursor, OrderFilter, OrderQuery, OrderSort, Scope},
        rows::OrderRow,
        sqlite::order_lists::{filtered, paged, with_words},
    };

    fn plan(connection: &mut SqliteConnection, query: &OrderQuery) -> String {
        let query = paged(with_words(filtered(&query.filter), &query.filter), query).select(OrderRow::as_select());
        let statement = debug_query::<diesel::sqlite::Sqlite, _>(&query).to_string();
        explain(connection, statement.split("-- binds").next().unwrap())
    }

    fn explain(connection: &mut SqliteConnection, statement: &str) -> String {
        let steps = sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load::<Step>(connection).unwrap();
        steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("; ")
    }

    fn list(filter: OrderFilter) -> OrderQuery {
        let after = OrderCursor { value: 1_000, id: OrderId::new(uuid::Uuid::nil()) };
        OrderQuery {
            filter,
            sort: OrderSort::CreateTime,
            direction: Direction::Descending,
            size: 50,
            after: Some(after),
        }
    }

    /// Each of the hot lists is one walk along one index that ends with the page: nothing is sorted, nothing is scanned.
    #[tokio::test(flavor = "multi_thread")]
    async fn lists_walk_along_an_index() {
        let database = TestDatabase::sqlite().await;
        let DatabaseUrl::Sqlite(path) = database.url() else { panic!("it is SQLite") };
        let mut connection = crate::sqlite::connection::reader(path).unwrap();
        let all = || OrderFilter::of(Scope::All);
        let own = Scope::Customer(CustomerId::parse("ada").unwrap());
        let by_total = OrderQuery { sort: OrderSort::Total, ..list(all()) };
        for (index, query) in [
            ("orders_by_time (create_time<?)", list(all())),
            ("orders_by_time (create_time>?)", OrderQuery { direction: Direction::Ascending, ..list(all()) }),
            ("orders_by_customer (customer_id=? AND create_time<?)", list(OrderFilter::of(own))),
            (
                "orders_by_status (status=? AND create_time<?)",
                list(OrderFilter { statuses: vec![Status::Pending], ..all() }),
            ),
            ("orders_by_total (total<?)", by_total.clone()),
            ("orders_by_total (total>?)", OrderQuery { direction: Direction::Ascending, ..by_total }),
            ("orders_by_email", list(OrderFilter { email: Some("a@example.com".to_owned()), ..all() })),
            ("VIRTUAL TABLE", list(OrderFilter { sku: Some(Sku::parse("A1").unwrap()), ..all() })),
            ("VIRTUAL TABLE", list(OrderFilter { product_id: Some(ProductId::parse("a-1").unwrap()), ..all() })),
            ("VIRTUAL TABLE", list(OrderFilter { words: vec!["word".to_owned()], ..all() })),
        ] {
            let plan = plan(&mut connection, &query);
            assert!(plan.contains(index), "{index}: {plan}");
            assert!(!plan.contains("SCAN orders") && !plan.contains("SCAN order_line"), "{index}: {plan}");
            let may_sort = ["orders_by_email", "VIRTUAL TABLE"].contains(&index);
            assert!(may_sort || !plan.contains("TEMP B-TREE"), "{index}: {plan}");
        }
        let filters = OrderFilter {
            created_from: Some(Timestamp::from_micros(0)),
            currency: Some(Currency::parse("USD").unwrap()),
            total_min: Some(1),
            ..all()
        };
        assert!(plan(&mut connection, &list(filters)).contains("USING INDEX"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_due_comes_from_partial_indexes_and_statistics_from_rollups() {
        let database = TestDatabase::sqlite().await;
        let DatabaseUrl::Sqlite(path) = database.url() else { panic!("it is SQLite") };
        let mut connection = crate::sqlite::connection::reader(path).unwrap();
        for (index, statement) in [
            (
                "payment_operation_due",
                "SELECT order_id FROM payment_operation WHERE state IN ('INITIAL', 'SENT', 'UNKNOWN') AND next_attempt_at <= ?
                 ORDER BY next_attempt_at, operation_id",
            ),
            ("orders_by_pay_by", "SELECT order_id FROM orders WHERE state = 'PENDING' AND pay_by IS NOT NULL AND pay_by < ?"),
            ("cart_by_expiry", "SELECT cart_id FROM cart WHERE state = 'ACTIVE' AND expire_time <= ?"),
            ("reservation_by_expiry", "SELECT sku FROM reservation WHERE expire_time <= ? ORDER BY expire_time LIMIT ?"),
            (
                "reservation_by_sku (sku=? AND expire_time<?)",
                "SELECT * FROM reservation WHERE sku IN (?, ?) AND expire_time <= ? ORDER BY expire_time, cart_id, sku LIMIT ?",
            ),
            (
                "order_rollup USING PRIMARY KEY (grain=?)",
                "SELECT status, currency, SUM(orders) FROM order_rollup WHERE grain = 'ALL' GROUP BY status, currency",
            ),
            (
                "order_rollup USING PRIMARY KEY (grain=? AND start_time>?)",
                "SELECT (start_time - ?1) / ?2 AS block, SUM(orders) FROM order_rollup
                 WHERE grain = ?3 AND start_time >= ?1 GROUP BY start_time, status, currency",
            ),
            ("SEARCH m USING PRIMARY KEY (movement_id=?)", crate::fragments::HISTORY),
            ("request USING INTEGER PRIMARY KEY (rowid=?)", crate::sqlite::requests::FORGET),
            ("SEARCH stock USING PRIMARY KEY (sku=?)", crate::sqlite::catalog::LEVELS),
            ("SEARCH product USING INDEX sqlite_autoindex_product_1 (product_id=?)", crate::sqlite::catalog::REVISIONS),
            ("customer_rollup USING PRIMARY KEY (customer_id=?)", "SELECT * FROM customer_rollup WHERE customer_id = ?"),
            (
                "order_event USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
                "SELECT order_event.payload FROM order_event INNER JOIN orders ON orders.order_id = order_event.order_id
                 WHERE order_event.feed_position >= ? AND (order_event.feed_position > ? OR order_event.order_id > ?
                     OR (order_event.order_id = ? AND order_event.revision > ?)) AND order_event.feed_position < ?
                 ORDER BY order_event.feed_position LIMIT ?",
            ),
            (
                "COVERING INDEX orders_by_customer (customer_id=? AND create_time>?)",
                "SELECT COUNT(*) FROM orders WHERE customer_id = ? AND create_time >= ?",
            ),
        ] {
            let plan = explain(&mut connection, statement);
            assert!(plan.contains(index), "{index}: {plan}");
        }
    }
}
