//! Transactions that are a single look: they end in the message that looks.

use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection as _;
use order_core::ids::{CustomerId, OrderId};
use uuid::Uuid;

use super::{
    TERMINATE, connections_in, eventually, lease,
    rows::{order_id, order_rows},
    store, target,
};
use crate::{
    backend::{Backend as _, Path, ReadWork},
    deadline,
    error::StoreError,
    postgres::{
        pool,
        tx::{Access, PgTx},
    },
    query::{OrderKey, Scope},
    rows::OrderRows,
    statements::{Done, Read, Write as _},
    testing::TestDatabase,
};

/// The store's connections.
const CONNECTIONS: &str = "SELECT pid::text FROM pg_stat_activity \
     WHERE datname = current_database() AND application_name = 'order-service'";

/// Looks at an order as anybody may.
struct One(OrderId);

impl ReadWork for One {
    type Output = Option<OrderRows>;
    const NAME: &'static str = "one";
    const PATH: Path = Path::ByKey;

    async fn run<T: Read>(&self, tx: &mut T) -> Done<Option<OrderRows>> {
        tx.order(&OrderKey::Id(self.0), &Scope::All).await
    }
}

/// The first order is a customer's, the second a guest's.
async fn two_orders(database: &TestDatabase) -> [OrderRows; 2] {
    let orders = [1, 2].map(order_rows);
    let [own, mut guests] = orders;
    guests.order.customer_id = None;
    let orders = [own, guests];
    let mut tx = PgTx::new(lease(database).await, Access::Write, None).unwrap();
    tx.insert_orders(&orders).await.unwrap();
    tx.commit().await.unwrap();
    orders
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_look_ends_its_transaction_once_all_of_it_is_prepared() {
    let database = TestDatabase::postgres().await;
    let [own, guests] = two_orders(&database).await;
    let pool = pool::new(target(&database), 1).unwrap();
    let begin = async || PgTx::new(pool::lease(&pool, None).await.unwrap(), Access::Read(Path::ByKey), None).unwrap();
    let me = Scope::Customer(CustomerId::parse("me").unwrap());
    // What diesel has no word for is prepared each time, and would be sent behind the end.
    for (order, scope, is_prepared) in
        [(&own, Scope::All, true), (&own, me, true), (&guests, Scope::Guest("me@example.com".into()), false)]
    {
        let key = OrderKey::Id(OrderId::new(order.order.order_id.0));
        for turn in 0..3 {
            let mut tx = begin().await;
            assert_eq!(tx.order(&key, &scope).await.unwrap().as_ref(), Some(order), "{scope:?}");
            assert_eq!(tx.has_ended(), is_prepared && turn > 0, "{scope:?}, turn {turn}");
            tx.order(&key, &scope).await.expect_err("one look was to be all of it");
            let lease = tx.rollback().await.expect("the connection is of use");
            assert!(lease.is_idle());
            eventually(&database, &connections_in("idle in%"), "0").await;
            lease
                .connection()
                .batch_execute("DO $$ BEGIN ASSERT current_setting('plan_cache_mode') = 'auto'; END $$")
                .await
                .expect("no setting outlives its transaction");
            drop(lease);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_fails_on_a_warm_connection_leaves_one_that_can_be_used() {
    let (database, store) = store(1).await;
    let [own, _] = two_orders(&database).await;
    let look = async || store.read(One(order_id(1))).await;
    for _ in 0..2 {
        assert_eq!(look().await.unwrap().as_ref(), Some(&own));
    }
    eventually(&database, &connections_in("%"), "1").await;
    let before = database.texts(CONNECTIONS).await;
    // It stands in the way of the lines, whose statement is neither the first nor the last.
    let mut holder = lease(&database).await;
    holder.connection().batch_execute("BEGIN; LOCK TABLE order_line IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let late = deadline::within(Instant::now() + Duration::from_millis(100), look()).await;
    assert_eq!(late, Err(StoreError::DeadlineExceeded));
    holder.connection().batch_execute("ROLLBACK").await.unwrap();
    holder.lose();
    drop(holder);
    for _ in 0..2 {
        assert_eq!(look().await.unwrap().as_ref(), Some(&own));
    }
    eventually(&database, CONNECTIONS, &before[0]).await;
    // And one that was closed meanwhile is replaced.
    database.execute(TERMINATE).await.unwrap();
    assert_eq!(look().await.unwrap().as_ref(), Some(&own));
    assert_eq!(store.read(One(OrderId::new(Uuid::from_u128(9)))).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_whose_statements_a_migration_made_useless_is_taken_again() {
    let (database, store) = store(1).await;
    two_orders(&database).await;
    for _ in 0..2 {
        store.read(One(order_id(1))).await.unwrap().unwrap();
    }
    database.execute("ALTER TABLE order_line ALTER COLUMN sku TYPE varchar(64)").await.unwrap();
    let found = store.read(One(order_id(1))).await.unwrap().unwrap();
    assert_eq!(found.lines.len(), order_rows(1).lines.len());
}
