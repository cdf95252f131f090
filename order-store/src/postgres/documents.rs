//! Taking documents into the search index, behind the transactions that write them.
//!
//! What is written stands on a list of the index's, and whoever searches reads that list too, so that everything is found at once. To take
//! it in costs a quarter of all that the database does for an order, where that is done by the transaction that happens to
//! find the list full, under the locks of its shelves. Some thousand documents at once, which have most of their letters in common, cost
//! little more than a hundred, and here nobody waits for it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use deadpool::managed::Pool;
use diesel::sql_types::{BigInt, Nullable};
use tokio::sync::Notify;

use super::{
    pool::{self, Sessions},
    sql::{Bound, statement},
    tx::{Access, PgTx, run},
};
use crate::statements::{Done, Fault};

/// How long documents stand on the list. Longer, and searching reads more of it: at five thousand orders a second it is 6 MB by then.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// How long taking in may last, a connection included. Many times what a second's documents take.
const PATIENCE: Duration = Duration::from_secs(10);

statement! {
    /// Takes in what is there. NULL where somebody else is at it.
    TakeIn -> Nullable<BigInt>:
    "SELECT take_in_search_documents()"
}

/// Takes documents in from time to time, once some are written, for ever. It may be ended at any point: what was not taken in is with the
/// next ones.
pub(super) async fn take_in(pool: Pool<Sessions>, written: Arc<Notify>) {
    let mut warned = false;
    loop {
        written.notified().await;
        tokio::time::sleep(PAUSE).await;
        match take_in_once(&pool).await {
            Ok(Some(_pages)) => {
                warned = false;
                continue;
            }
            // Somebody else, or the server's own housekeeping, is at it, and may have begun before ours were written.
            Ok(None) | Err(Fault::Retry(_)) => {}
            Err(Fault::Fatal(error)) => {
                if !warned {
                    tracing::warn!(%error, "documents cannot be taken into the search index; it is tried again and again");
                }
                warned = true;
            }
        }
        written.notify_one();
    }
}

async fn take_in_once(pool: &Pool<Sessions>) -> Done<Option<i64>> {
    let until = Some(Instant::now() + PATIENCE);
    let mut tx = PgTx::new(pool::lease(pool, until).await?, Access::Write, until)?;
    let taken = run!(tx, get_result(Bound::<TakeIn>::new()));
    // The index keeps it either way, and there is nothing to be committed.
    tx.rollback().await;
    taken
}
