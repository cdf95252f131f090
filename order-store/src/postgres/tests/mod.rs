//! What only PostgreSQL can show. What both engines have in common is in the contract suite.

mod documents;
mod errors;
mod plans;
mod rows;
mod schema;
mod server;
mod single;
mod statements;
mod transactions;

use std::{sync::Arc, time::Duration};

use super::{Postgres, connect::Target, pool};
use crate::{testing::TestDatabase, url::DatabaseUrl};

/// A new database with a store of so many connections over it.
async fn store(connections: usize) -> (TestDatabase, Arc<Postgres>) {
    let database = TestDatabase::postgres().await;
    let store = Postgres::connect(&url(&database), connections).await.unwrap();
    (database, Arc::new(store))
}

fn url(database: &TestDatabase) -> String {
    match database.url() {
        DatabaseUrl::Postgres(url) => url.secret().to_owned(),
        DatabaseUrl::Sqlite(_) => unreachable!("these are tests of PostgreSQL"),
    }
}

fn target(database: &TestDatabase) -> Target {
    Target::parse(&url(database)).unwrap()
}

/// A connection of a pool of one.
async fn lease(database: &TestDatabase) -> pool::Lease {
    let pool = pool::new(target(database), 1).unwrap();
    pool::lease(&pool, None).await.unwrap()
}

/// Waits until a query that gives one text gives this one; fails after five seconds, before the
/// server's own timeouts would tidy up.
async fn eventually(database: &TestDatabase, query: &str, expected: &str) {
    let mut last = Vec::new();
    for _ in 0..250 {
        last = database.texts(query).await;
        if last == [expected] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{query} gives {last:?}, not {expected}");
}

/// How many of the store's connections are in a state.
fn connections_in(state: &str) -> String {
    format!(
        "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name = 'order-service' AND state LIKE '{state}'"
    )
}

/// Ends every connection of the store, as a restart of the server would.
const TERMINATE: &str = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
     WHERE datname = current_database() AND application_name = 'order-service'";
