//! Until when a caller waits, carried beside the call so that no method of the port has to name it.
//!
//! Work that has not begun by then is not begun; a statement that runs then is stopped where the engine can. What is done together, in
//! lanes, goes on until the last of its callers stops waiting.

use std::time::{Duration, Instant};

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Runs a future whose calls to the store must be done by `deadline`.
pub async fn within<F: Future>(deadline: Instant, future: F) -> F::Output {
    DEADLINE.scope(deadline, future).await
}

/// The deadline of the current call, if it has one.
#[must_use]
pub fn current() -> Option<Instant> {
    DEADLINE.try_with(|deadline| *deadline).ok()
}

/// What is left of a deadline; `None` once it has passed.
pub(crate) fn left(deadline: Instant) -> Option<Duration> {
    deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
}
