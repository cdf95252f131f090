//! Whole transactions: tried again, abandoned, cut off.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use order_core::ids::Sku;
use tokio::sync::{Barrier, Notify, Semaphore};

use super::{TERMINATE, connections_in, eventually, store};
use crate::{
    backend::{Backend as _, ReadWork, WriteWork},
    deadline,
    error::StoreError,
    postgres::Postgres,
    rows::StockRow,
    statements::{Done, Fault, Read, Write},
    testing::TestDatabase,
};

fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

fn shelf(sku: &str, on_hand: i64) -> StockRow {
    StockRow { sku: sku.into(), on_hand, reserved: 0, allocated: 0, backorder_limit: 0, last_movement_id: None }
}

/// Looks at nothing in particular.
pub(super) struct Look;

impl ReadWork for Look {
    type Output = usize;
    const NAME: &'static str = "look";

    async fn run<T: Read>(&self, tx: &mut T) -> Done<usize> {
        Ok(tx.levels(&[sku("A"), sku("B")]).await?.len())
    }
}

/// Adds shelves.
struct Add(&'static [&'static str]);

impl WriteWork for Add {
    type Output = usize;
    const NAME: &'static str = "add";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<usize> {
        let rows: Vec<_> = self.0.iter().map(|sku| shelf(sku, 1)).collect();
        Ok(tx.insert_stock(&rows).await?.len())
    }
}

/// Adds one to a shelf, waiting at two gates inside the transaction.
struct Gated {
    sku: &'static str,
    began: Arc<Notify>,
    gate: Arc<Semaphore>,
}

impl Gated {
    fn new(sku: &'static str) -> Self {
        Self { sku, began: Arc::default(), gate: Arc::new(Semaphore::new(0)) }
    }
}

impl WriteWork for Gated {
    type Output = ();
    const NAME: &'static str = "gated";

    async fn run<T: Write>(&self, tx: &mut T) -> Done {
        let level = tx.lock_stock(&[sku(self.sku)]).await?.remove(0);
        self.began.notify_one();
        let _permit = self.gate.acquire().await.unwrap();
        tx.update_stock(&[StockRow { on_hand: level.on_hand + 1, ..level }]).await
    }
}

/// Locks two shelves, one after the other; at the first try, only after everybody holds the first.
struct Crossing {
    skus: [&'static str; 2],
    barrier: Arc<Barrier>,
    tries: AtomicU32,
}

impl WriteWork for Crossing {
    type Output = u32;
    const NAME: &'static str = "crossing";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<u32> {
        let tries = self.tries.fetch_add(1, Ordering::SeqCst) + 1;
        tx.lock_stock(&[sku(self.skus[0])]).await?;
        if tries == 1 {
            self.barrier.wait().await;
        }
        tx.lock_stock(&[sku(self.skus[1])]).await?;
        Ok(tries)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_victim_of_a_deadlock_is_tried_again_and_succeeds() {
    let (_database, store) = store(2).await;
    store.write(Add(&["A", "B"])).await.unwrap();
    let barrier = Arc::new(Barrier::new(2));
    let crossing = |skus| store.write(Crossing { skus, barrier: Arc::clone(&barrier), tries: AtomicU32::new(0) });
    let (one, other) = tokio::join!(crossing(["A", "B"]), crossing(["B", "A"]));
    assert_eq!(one.unwrap() + other.unwrap(), 3, "one went through, the other came twice");
}

struct Never(Arc<AtomicU32>);

impl WriteWork for Never {
    type Output = ();
    const NAME: &'static str = "never";

    async fn run<T: Write>(&self, tx: &mut T) -> Done {
        tx.insert_stock(&[shelf("A", 1)]).await?;
        self.0.fetch_add(1, Ordering::SeqCst);
        Err(Fault::Retry("again".into()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_four_tries_it_is_contention_and_nothing_was_written() {
    let (_database, store) = store(1).await;
    let tries = Arc::new(AtomicU32::new(0));
    assert_eq!(store.write(Never(Arc::clone(&tries))).await, Err(StoreError::Contended("again".into())));
    assert_eq!(tries.load(Ordering::SeqCst), 4);
    assert_eq!(store.read(Look).await, Ok(0));
}

/// Drops a future after so many polls that did not finish it.
async fn abandoned_after<F: Future>(polls: u32, future: F) {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(move |context| {
        if left == 0 || future.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    })
    .await;
}

/// Waits for all transactions that are under way; then none may be open.
async fn assert_nothing_is_open(database: &TestDatabase, store: &Postgres) {
    store.tasks.close();
    store.tasks.wait().await;
    store.tasks.reopen();
    for state in ["idle in transaction%", "active"] {
        assert_eq!(database.texts(&connections_in(state)).await, ["0"], "{state}");
    }
}

fn ready(sku: &'static str) -> Gated {
    let work = Gated::new(sku);
    work.gate.add_permits(1);
    work
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_leaves_no_transaction_open() {
    let (database, store) = store(4).await;
    store.write(Add(&["A"])).await.unwrap();
    for polls in 0..12 {
        abandoned_after(polls, store.write(ready("A"))).await;
        abandoned_after(polls, store.read(Look)).await;
        assert_nothing_is_open(&database, &store).await;
    }
    for point in 0..20 {
        let after = Duration::from_micros(250 * point);
        drop(tokio::time::timeout(after, store.write(ready("A"))).await);
        drop(tokio::time::timeout(after, store.read(Look)).await);
        assert_nothing_is_open(&database, &store).await;
    }
    store.close().await;
    assert_eq!(
        store.write(Add(&["B"])).await.unwrap_err(),
        StoreError::Unavailable("the store is being closed".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_is_finished_without_its_caller_and_closing_waits_for_it() {
    let (database, store) = store(2).await;
    store.write(Add(&["A"])).await.unwrap();
    let work = Gated::new("A");
    let (began, gate) = (Arc::clone(&work.began), Arc::clone(&work.gate));
    let call = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.write(work).await }
    });
    began.notified().await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    let closing = tokio::spawn(async move { store.close().await });
    eventually(&database, &connections_in("idle in transaction"), "1").await;
    assert!(!closing.is_finished());
    gate.add_permits(1);
    closing.await.unwrap();
    assert_eq!(database.texts("SELECT on_hand::text FROM stock").await, ["2"]);
}

struct Panics;

impl WriteWork for Panics {
    type Output = ();
    const NAME: &'static str = "panics";

    async fn run<T: Write>(&self, tx: &mut T) -> Done {
        tx.insert_stock(&[shelf("A", 1)]).await?;
        panic!("a bug");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_an_error_of_one_call_and_its_connection_is_thrown_away() {
    let (database, store) = store(1).await;
    assert!(matches!(store.write(Panics).await, Err(StoreError::Internal(_))));
    eventually(&database, &connections_in("idle in transaction%"), "0").await;
    assert_eq!(store.read(Look).await, Ok(0));
}

/// Goes on after a statement has failed.
struct Careless;

impl WriteWork for Careless {
    type Output = ();
    const NAME: &'static str = "careless";

    async fn run<T: Write>(&self, tx: &mut T) -> Done {
        let _ignored = tx.insert_stock(&[shelf("A", -1)]).await;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_with_a_failed_statement_is_never_said_to_be_committed() {
    let (_database, store) = store(1).await;
    assert!(matches!(store.write(Careless).await, Err(StoreError::Internal(_))));
    assert_eq!(store.write(Add(&["A"])).await, Ok(1), "its connection is as good as new");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_survives_the_loss_of_all_its_connections() {
    let (database, store) = store(4).await;
    store.write(Add(&["A"])).await.unwrap();
    for _ in 0..5 {
        tokio::try_join!(store.read(Look), store.read(Look), store.read(Look), store.read(Look)).unwrap();
        database.execute(TERMINATE).await.unwrap();
        let all = tokio::join!(store.read(Look), store.read(Look), store.write(Add(&["B"])), store.write(Add(&["B"])));
        assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok() && all.3.is_ok(), "{all:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lost_before_the_commit_is_unavailability() {
    let (database, store) = store(1).await;
    store.write(Add(&["A"])).await.unwrap();
    let work = Gated::new("A");
    let (began, gate) = (Arc::clone(&work.began), Arc::clone(&work.gate));
    let cut = async {
        began.notified().await;
        database.execute(TERMINATE).await.unwrap();
        gate.add_permits(1);
    };
    let (result, ()) = tokio::join!(store.write(work), cut);
    assert!(matches!(result, Err(StoreError::Unavailable(_))), "{result:?}");
    assert_eq!(database.texts("SELECT on_hand::text FROM stock").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lost_in_the_commit_leaves_the_outcome_unknown() {
    let (database, store) = store(1).await;
    let suicide = "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON stock DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION die()";
    database.execute(suicide).await.unwrap();
    let result = store.write(Add(&["A"])).await;
    assert!(matches!(result, Err(StoreError::UnknownOutcome(_))), "{result:?}");
    assert_eq!(store.read(Look).await, Ok(0), "the next transaction gets another connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_the_server_reports_of_a_commit_is_that_error() {
    let (database, store) = store(1).await;
    let refuse = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE check_violation USING CONSTRAINT = 'late_check'; END $$; \
         CREATE CONSTRAINT TRIGGER refuses AFTER INSERT ON stock DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION refuse()";
    database.execute(refuse).await.unwrap();
    let result = store.write(Add(&["A"])).await;
    assert_eq!(result, Err(StoreError::Internal("the constraint late_check is violated".into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn work_whose_deadline_has_passed_is_not_begun() {
    let (_database, store) = store(1).await;
    let result = deadline::within(Instant::now(), store.write(Add(&["A"]))).await;
    assert_eq!(result, Err(StoreError::DeadlineExceeded));
    assert_eq!(deadline::within(Instant::now(), store.read(Look)).await, Err(StoreError::DeadlineExceeded));
    assert_eq!(store.read(Look).await, Ok(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_waits_past_the_deadline_is_stopped() {
    let (_database, store) = store(2).await;
    store.write(Add(&["A"])).await.unwrap();
    let holder = Gated::new("A");
    let (began, gate) = (Arc::clone(&holder.began), Arc::clone(&holder.gate));
    let waits = async {
        began.notified().await;
        let waiter = Gated::new("A");
        let result = deadline::within(Instant::now() + Duration::from_millis(80), store.write(waiter)).await;
        gate.add_permits(1);
        result
    };
    let (held, waited) = tokio::join!(store.write(holder), waits);
    assert_eq!((held, waited), (Ok(()), Err(StoreError::DeadlineExceeded)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_connection_past_the_deadline_nor_for_ever() {
    let (_database, store) = store(1).await;
    store.write(Add(&["A"])).await.unwrap();
    let holder = Gated::new("A");
    let (began, gate) = (Arc::clone(&holder.began), Arc::clone(&holder.gate));
    let wait = async {
        began.notified().await;
        let patient = store.read(Look);
        let hurried = deadline::within(Instant::now() + Duration::from_millis(50), store.read(Look));
        let results = tokio::join!(patient, hurried);
        gate.add_permits(1);
        results
    };
    let (_, (patient, hurried)) = tokio::join!(store.write(holder), wait);
    assert_eq!(hurried, Err(StoreError::DeadlineExceeded));
    assert_eq!(patient, Err(StoreError::Overloaded { retry_after: None }));
}

/// Looks twice, with a pause between.
struct LookTwice {
    looked: Arc<Notify>,
    again: Arc<Notify>,
}

impl ReadWork for LookTwice {
    type Output = [usize; 2];
    const NAME: &'static str = "look_twice";

    async fn run<T: Read>(&self, tx: &mut T) -> Done<[usize; 2]> {
        let first = Look.run(tx).await?;
        self.looked.notify_one();
        self.again.notified().await;
        Ok([first, Look.run(tx).await?])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_transaction_sees_one_snapshot() {
    let (_database, store) = store(2).await;
    store.write(Add(&["A"])).await.unwrap();
    let (looked, again) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let meanwhile = async {
        looked.notified().await;
        store.write(Add(&["B"])).await.unwrap();
        again.notify_one();
    };
    let twice = LookTwice { looked: Arc::clone(&looked), again: Arc::clone(&again) };
    let (seen, ()) = tokio::join!(store.read(twice), meanwhile);
    assert_eq!((seen, store.read(Look).await), (Ok([1, 1]), Ok(2)));
}
