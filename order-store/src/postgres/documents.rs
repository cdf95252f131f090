//! Taking documents into the search index, behind the transactions that write them.
//!
//! What is written stands on a list of the index's, and whoever searches reads that list too, so that everything is found at once. To take
//! it in costs a quarter of all that the database does for an order, where that is done by the transaction that happens to
//! find the list full, under the locks of its shelves. Some thousand documents at once, which have most of their letters in common, cost
//! little more than a hundred, and here nobody waits for it.

use std::{sync::Arc, time::Duration};

use deadpool::managed::Pool;
use diesel::sql_types::{BigInt, Nullable};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    pool::{self, Sessions},
    sql::{Bound, statement},
    tx::{Access, PgTx, run},
};
use crate::statements::Done;

/// How long documents stand on the list. Longer, and searching reads more of it: at five thousand orders a second it is 6 MB by then.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

statement! {
    /// Takes in what is there. NULL where somebody else is at it.
    TakeIn -> Nullable<BigInt>:
    "SELECT take_in_search_documents()"
}

/// Takes documents in from time to time, once they are written, until it is stopped; also what others left behind.
pub(super) async fn take_in(
    pool: Pool<Sessions>,
    written: Arc<Notify>,
    (tasks, stop): (TaskTracker, CancellationToken),
) {
    let mut failed = false;
    written.notify_one();
    while stop.run_until_cancelled(pause(&written)).await.is_some() {
        // Whoever closes waits for it, and who has closed has it not begun.
        let token = tasks.token();
        if tasks.is_closed() {
            return;
        }
        let outcome = take_in_once(&pool).await;
        drop(token);
        if let Err(fault) = &outcome {
            // It is no worse for it: at worst a transaction does it.
            if !failed {
                tracing::warn!(
                    ?fault,
                    "documents could not be taken into the search index; it is tried again every second"
                );
            }
            written.notify_one();
        }
        failed = outcome.is_err();
    }
}

async fn pause(written: &Notify) {
    written.notified().await;
    tokio::time::sleep(PAUSE).await;
}

async fn take_in_once(pool: &Pool<Sessions>) -> Done {
    let mut tx = PgTx::new(pool::lease(pool, None).await?, Access::Write, None)?;
    let taken: Done<Option<i64>> = run!(tx, get_result(Bound::<TakeIn>::new()));
    // The index keeps it either way, and there is nothing to be committed.
    tx.rollback().await;
    taken.map(drop)
}
