//! Those who pass the feed on, and what they could not get rid of.

use std::time::Duration;

use order_core::time::Timestamp;

use super::reads::feed_end;
use crate::{
    backend::WriteWork,
    error::StoreError,
    fields::{At, Id},
    query::{DeadLetter, FeedCursor},
    rows::{ConsumerRow, DeadLetterRow},
    statements::{Done, Write},
    store::ConsumerLease,
};

/// Taking the work for a consumer over.
pub(super) struct ClaimConsumer(pub(super) ConsumerLease);

/// Noting how far one has come.
pub(super) struct AdvanceConsumer(pub(super) ConsumerLease, pub(super) FeedCursor);

/// Putting an event aside.
pub(super) struct PutDeadLetter(pub(super) DeadLetter);

/// Forgetting one of those.
pub(super) struct DropDeadLetter {
    pub(super) consumer: String,
    pub(super) event: FeedCursor,
}

impl WriteWork for PutDeadLetter {
    type Output = ();
    const NAME: &'static str = "put_dead_letter";

    async fn run<T: Write>(&self, tx: &mut T) -> Done {
        tx.put_dead_letter(&DeadLetterRow::new(&self.0)).await
    }
}

impl WriteWork for DropDeadLetter {
    type Output = ();
    const NAME: &'static str = "drop_dead_letter";

    async fn run<T: Write>(&self, tx: &mut T) -> Done {
        tx.drop_dead_letter(&self.consumer, &self.event).await
    }
}

impl WriteWork for ClaimConsumer {
    type Output = Option<FeedCursor>;
    const NAME: &'static str = "claim_consumer";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let Self(lease) = self;
        let end = feed_end(tx).await?;
        let row = match tx.lock_consumer(lease.name).await? {
            Some(row) => row,
            None => {
                // Two processes may begin at the same time: the second one finds what the first has put.
                tx.add_consumer(&ConsumerRow::new(lease.name, end, At(lease.now))).await?;
                let row = tx.lock_consumer(lease.name).await?;
                row.ok_or_else(|| StoreError::corrupt(format!("the consumer {} is gone", lease.name)))?
            }
        };
        let is_anothers = row.holder.is_some_and(|holder| holder.0 != lease.holder);
        if is_anothers && row.lease_until.is_some_and(|until| lease.now < until.0) {
            return Ok(None);
        }
        // The lock was waited for: another process may have come further than the feed went before.
        let place = row.place();
        let place = if place > end { place.min(feed_end(tx).await?) } else { place };
        if place < row.place() {
            tracing::error!(consumer = lease.name, "the database was restored; what was passed on since is not known");
        }
        tx.put_consumer(&held(row.at(place), lease)).await?;
        Ok(Some(place))
    }
}

impl WriteWork for AdvanceConsumer {
    type Output = bool;
    const NAME: &'static str = "advance_consumer";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<bool> {
        let Self(lease, place) = self;
        let Some(row) = tx.lock_consumer(lease.name).await? else { return Ok(false) };
        // Whoever let the lease run out may go on, as long as nobody else has begun.
        if row.holder != Some(Id(lease.holder)) {
            return Ok(false);
        }
        tx.put_consumer(&held(row.at(*place), lease)).await?;
        Ok(true)
    }
}

/// The row with a lease, or without one where it has no length.
fn held(row: ConsumerRow, lease: &ConsumerLease) -> ConsumerRow {
    let is_held = lease.lease > Duration::ZERO;
    ConsumerRow {
        holder: is_held.then_some(Id(lease.holder)),
        lease_until: is_held.then(|| At(until(lease.now, lease.lease))),
        update_time: At(lease.now),
        ..row
    }
}

fn until(now: Timestamp, lease: Duration) -> Timestamp {
    Timestamp::from_micros(now.micros().saturating_add(i64::try_from(lease.as_micros()).unwrap_or(i64::MAX)))
}
