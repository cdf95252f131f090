//! Taking documents into the search index.

use diesel_async::SimpleAsyncConnection as _;
use order_core::ids::Sku;

use super::{eventually, lease, rows::id, store};
use crate::{
    backend::{Backend as _, WriteWork},
    error::StoreError,
    postgres::documents::PAUSE,
    rows::SearchRow,
    statements::{Done, Write},
    testing::TestDatabase,
};

/// Documents that stand on the index's list.
const WAITING: &str = "SELECT pending_tuples::text FROM pgstatginindex('order_search_document_idx')";
/// New lines of theirs on the list of the other index.
const WAITING_LINES: &str = "SELECT pending_tuples::text FROM pgstatginindex('search_line_idx')";
const TAKE_IN: &str = "SELECT take_in_search_documents()::text";
const WRITE: &str = "INSERT INTO order_search (order_id, document) VALUES (gen_random_uuid(), 'spk-2026-000001')";

/// A database in which one can see how many documents wait.
async fn watched(database: &TestDatabase) {
    database.execute("CREATE EXTENSION pgstattuple").await.unwrap();
}

/// Writes a document.
struct Document(u128);

impl WriteWork for Document {
    type Output = ();
    const NAME: &'static str = "document";

    async fn run<T: Write>(&self, tx: &mut T) -> Done {
        tx.put_search(&[SearchRow { order_id: id(self.0), document: format!("spk-2026-{:06}", self.0) }]).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_found_at_once_and_taken_in_behind_their_transaction() {
    let (database, store) = store(2).await;
    watched(&database).await;
    for n in 1..=3 {
        store.write(Document(n)).await.unwrap();
        // Along the index, which knows what is on its list.
        let found = format!(
            "(SELECT count(*) FROM order_search WHERE split_part(document, E'\\n\\n', 1) LIKE '%2026-00000%') = {n}"
        );
        let look = format!("BEGIN; SET LOCAL enable_seqscan = off; DO $$ BEGIN ASSERT {found}; END $$; ROLLBACK");
        database.execute(&look).await.unwrap();
        eventually(&database, WAITING, "0").await;
    }
    store.write(Lamp(4)).await.unwrap();
    assert_eq!(database.texts("SELECT line FROM search_line WHERE line LIKE '%lam%'").await, ["lamp"]);
    eventually(&database, WAITING_LINES, "0").await;
}

/// Writes a document with a line of goods, and changes its mind.
struct Undone;

impl WriteWork for Undone {
    type Output = ();
    const NAME: &'static str = "undone";

    async fn run<T: Write>(&self, tx: &mut T) -> Done {
        Lamp(1).run(tx).await?;
        Err(StoreError::Internal("no".into()).into())
    }
}

/// Writes a document with a line of goods.
struct Lamp(u128);

impl WriteWork for Lamp {
    type Output = ();
    const NAME: &'static str = "lamp";

    async fn run<T: Write>(&self, tx: &mut T) -> Done {
        // As every transaction does, it begins with something to read, which may be tried again on another connection.
        tx.lock_stock(&[Sku::parse("LAMP").unwrap()]).await?;
        tx.put_search(&[SearchRow { order_id: id(self.0), document: format!("spk-{}\n\nlamp", self.0) }]).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_known_only_once_it_is_committed() {
    const LINES: &str = "SELECT line FROM search_line";
    let (database, store) = store(1).await;
    store.write(Undone).await.unwrap_err();
    assert_eq!(database.texts(LINES).await, Vec::<String>::new());
    store.write(Lamp(2)).await.unwrap();
    assert_eq!(database.texts(LINES).await, ["lamp"]);
    // It is not looked at again, unless another server may stand there.
    database.execute("DELETE FROM search_line").await.unwrap();
    store.write(Lamp(3)).await.unwrap();
    assert_eq!(database.texts(LINES).await, Vec::<String>::new());
    let cut = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity \
        WHERE datname = current_database() AND application_name = 'order-service'";
    database.texts(cut).await;
    store.write(Lamp(4)).await.unwrap();
    assert_eq!(database.texts(LINES).await, ["lamp"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_others_left_behind_are_taken_in_with_the_next_ones() {
    let (database, store) = store(1).await;
    watched(&database).await;
    database.execute(WRITE).await.unwrap();
    assert_eq!(database.texts(WAITING).await, ["1"]);
    store.write(Document(1)).await.unwrap();
    eventually(&database, WAITING, "0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_taken_in_is_tried_again() {
    let (database, store) = store(1).await;
    watched(&database).await;
    database.execute("ALTER FUNCTION take_in_search_documents RENAME TO hidden").await.unwrap();
    store.write(Document(1)).await.unwrap();
    tokio::time::sleep(2 * PAUSE).await;
    assert_eq!(database.texts(WAITING).await, ["1"]);
    database.execute("ALTER FUNCTION hidden RENAME TO take_in_search_documents").await.unwrap();
    eventually(&database, WAITING, "0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_at_a_time_takes_in_and_need_not_own_the_index() {
    let database = TestDatabase::postgres().await;
    watched(&database).await;
    database.execute(WRITE).await.unwrap();
    let role = format!("reader_of_{}", database.texts("SELECT current_database()::text").await.concat());
    let as_reader = |rest: &str| format!("BEGIN; CREATE ROLE {role}; SET LOCAL ROLE {role}; {rest}; ROLLBACK");
    let clean = "SELECT gin_clean_pending_list('order_search_document_idx')";
    database.execute(&as_reader(clean)).await.unwrap_err();
    assert_eq!(database.texts(WAITING).await, ["1"]);
    database.execute(&as_reader(TAKE_IN)).await.unwrap();
    assert_eq!(
        database.texts(WAITING).await,
        ["0"],
        "what the index holds does not depend on how the transaction ends"
    );
    let holder = lease(&database).await;
    let hold = "BEGIN; SELECT pg_advisory_xact_lock(7310093211452883202)";
    holder.connection().batch_execute(hold).await.unwrap();
    let taken = format!("SELECT COALESCE(({TAKE_IN}), 'somebody else')");
    assert_eq!(database.texts(&taken).await, ["somebody else"]);
    holder.connection().batch_execute("ROLLBACK").await.unwrap();
    assert_ne!(database.texts(&taken).await, ["somebody else"]);
}
