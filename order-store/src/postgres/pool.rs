//! The pool of connections.

use std::{ops, time::Duration};

use deadpool::{
    Runtime,
    managed::{Manager, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult, TimeoutType, Timeouts},
};

use super::connect::{Session, Target};
use crate::{deadline, error::StoreError};

/// How long a call waits for a connection, unless its deadline comes first. Longer than any transaction should take; who
/// waits longer is one of too many.
const WAIT: Duration = Duration::from_secs(5);
/// After how long a connection is replaced, so that a pool finds back to all servers behind a name after one was away.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

/// Opens connections and looks at those that come back. Looking costs no round trip: whether the server is still there is
/// known from the socket, and whether a transaction is open from the session.
#[derive(Debug)]
pub(super) struct Sessions(pub(super) Target);

impl Manager for Sessions {
    type Type = Session;
    type Error = StoreError;

    async fn create(&self) -> Result<Session, StoreError> {
        // Boxed: it is large, rare, and would otherwise be part of every call's future.
        Box::pin(self.0.open()).await
    }

    async fn recycle(&self, session: &mut Session, metrics: &Metrics) -> RecycleResult<StoreError> {
        if !session.is_idle() {
            return Err(RecycleError::message("it is not idle"));
        }
        if metrics.created.elapsed() > MAX_AGE {
            return Err(RecycleError::message("it is old"));
        }
        Ok(())
    }
}

/// Makes a pool; nothing is opened yet.
pub(super) fn new(target: Target, size: usize) -> Result<Pool<Sessions>, StoreError> {
    let timeouts = Timeouts { wait: Some(WAIT), create: Some(WAIT), recycle: None };
    let pool = Pool::builder(Sessions(target)).max_size(size).timeouts(timeouts).runtime(Runtime::Tokio1).build();
    pool.map_err(|error| StoreError::Internal(error.to_string()))
}

/// Waits for a connection, but not past the deadline.
pub(super) async fn lease(pool: &Pool<Sessions>, until: Option<std::time::Instant>) -> Result<Lease, StoreError> {
    let left = match until {
        None => WAIT,
        Some(until) => deadline::left(until).ok_or(StoreError::DeadlineExceeded)?,
    };
    let bound = left.min(WAIT);
    let timeouts = Timeouts { wait: Some(bound), create: Some(bound), recycle: None };
    match pool.timeout_get(&timeouts).await {
        Ok(object) => Ok(Lease(Some(object))),
        Err(PoolError::Timeout(_)) if left <= WAIT && until.is_some() => Err(StoreError::DeadlineExceeded),
        Err(error) => Err(refused(error)),
    }
}

/// A connection, if one is free.
pub(super) async fn lease_now(pool: &Pool<Sessions>) -> Result<Lease, StoreError> {
    let timeouts = Timeouts { wait: Some(Duration::ZERO), create: Some(WAIT), recycle: None };
    match pool.timeout_get(&timeouts).await {
        Ok(object) => Ok(Lease(Some(object))),
        Err(error) => Err(refused(error)),
    }
}

fn refused(error: PoolError<StoreError>) -> StoreError {
    match error {
        PoolError::Timeout(TimeoutType::Wait) => StoreError::Overloaded { retry_after: None },
        PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => {
            StoreError::Unavailable("no connection could be opened in time".into())
        }
        PoolError::Backend(error) => error,
        PoolError::Closed => StoreError::Unavailable("the pool is closed".into()),
        error @ (PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_)) => {
            StoreError::Internal(error.to_string())
        }
    }
}

/// A connection on loan. When it is dropped while a transaction is open, it does not go back: it would sit there, idle and
/// holding row locks, until somebody happened to take it out again.
pub(super) struct Lease(Option<Object<Sessions>>);

impl ops::Deref for Lease {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.0.as_ref().expect("it is given back only when the lease is dropped")
    }
}

impl ops::DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Session {
        self.0.as_mut().expect("it is given back only when the lease is dropped")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.0.take().filter(|session| !session.is_idle()) {
            drop(Object::take(object));
        }
    }
}
