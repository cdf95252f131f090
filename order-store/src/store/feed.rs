//! The feed: the events of all orders, one after the other, and those who pass it on.

use std::time::Duration;

use async_trait::async_trait;
use order_core::time::Timestamp;
use uuid::Uuid;

use crate::{
    error::StoreError,
    query::{DeadLetter, DeadLetterQuery, FeedCursor, FeedPage, Page},
};

/// Work for one of those who pass the feed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerLease {
    /// Whom for, such as `notification`.
    pub name: &'static str,
    /// Which process works for it.
    pub holder: Uuid,
    /// When it asks.
    pub now: Timestamp,
    /// For how long nobody else may.
    pub lease: Duration,
}

/// The feed.
#[async_trait]
pub trait FeedStore: Send + Sync {
    /// Where the feed ends now, behind the last event that can be told: all that is committed after this call stands behind it.
    ///
    /// # Errors
    /// None of its own.
    async fn feed_end(&self) -> Result<FeedCursor, StoreError>;

    /// At most `size` events behind a place in the feed. Who reads on from [`FeedPage::next`] sees every event of every order once,
    /// those of one order by revision, however many write meanwhile. What is being written now delays what was written since it began.
    ///
    /// `None` for a place that the feed has not come to: it is of another database, or of one that was restored from a backup since.
    ///
    /// # Errors
    /// None of its own.
    async fn feed(&self, after: FeedCursor, size: u32) -> Result<Option<FeedPage>, StoreError>;

    /// Takes the work for a consumer over, or goes on with it: where it has come to. `None` while another process has a lease.
    /// One that nobody has heard of begins at the end of the feed, and so does one that had come further than the feed goes, in a
    /// database that was restored from a backup since.
    ///
    /// # Errors
    /// None of its own.
    async fn claim_consumer(&self, lease: ConsumerLease) -> Result<Option<FeedCursor>, StoreError>;

    /// Notes how far a consumer has come, and prolongs the lease; `false` where another process has taken it over, and nothing is noted.
    /// A lease of no length gives the work away.
    ///
    /// # Errors
    /// None of its own.
    async fn advance_consumer(&self, lease: ConsumerLease, place: FeedCursor) -> Result<bool, StoreError>;

    /// Puts an event aside that a consumer could not get rid of. One that lies there already gets the new reason and time.
    ///
    /// # Errors
    /// None of its own.
    async fn put_dead_letter(&self, letter: DeadLetter) -> Result<(), StoreError>;

    /// What was put aside for a consumer.
    ///
    /// # Errors
    /// None of its own.
    async fn dead_letters(&self, query: DeadLetterQuery) -> Result<Page<DeadLetter>, StoreError>;

    /// Forgets an event that was put aside for a consumer; does nothing where there is none.
    ///
    /// # Errors
    /// None of its own.
    async fn drop_dead_letter(&self, consumer: &str, event: FeedCursor) -> Result<(), StoreError>;
}
