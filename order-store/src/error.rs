//! What can go wrong between the domain and its rows.

use order_core::error::Refusal;

/// Why a method of the store gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The domain said no; nothing was changed. Not a failure.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database does not answer. Nothing is known to have been changed; the same request may be sent again.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The connection was lost after the commit was sent: it may have happened. A retry under the same request id finds out.
    #[error("the outcome is not known: {0}")]
    UnknownOutcome(String),
    /// Somebody else was faster, again and again.
    #[error("too much contention: {0}")]
    Contended(String),
    /// More work is queued than will be done in time.
    #[error("too much work is queued")]
    Overloaded {
        /// When there will be room again, where the queue's pace is known.
        retry_after: Option<std::time::Duration>,
    },
    /// The call's time was up before the work began, or while the database was at it.
    #[error("the deadline has passed")]
    DeadlineExceeded,
    /// A row does not say what it should: a bug, or somebody else's hand.
    #[error("the stored data is not as it should be: {0}")]
    Corrupt(String),
    /// Anything else: a bug.
    #[error("the store failed: {0}")]
    Internal(String),
}

impl StoreError {
    /// A row that cannot be read back.
    pub(crate) fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Corrupt(what.to_string())
    }
}
