//! Refuses what cannot be done in time. One semaphore for the whole process: beyond it a call would only wait in a queue
//! until nobody wants its answer, and make those before it wait longer.

use std::{
    convert::Infallible,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::{Either, Ready, ready};
use tokio::sync::Semaphore;
use tonic::body::Body;
use tower::{Layer, Service};

use super::{BoxFuture, Outcome, Request, Response, body::Guarded};
use crate::{
    auth::access::{Access, Shape},
    error::{ApiError, Reason},
};

/// Refused callers are told to come back after 100 to 1099 ms.
const RETRY_MIN_MS: u64 = 100;
/// The width of that interval.
const RETRY_SPREAD_MS: u64 = 1000;
/// Successive refusals are this far apart within it. Coprime to the width, so that all of it is used and callers who are
/// refused together do not come back together.
const RETRY_STRIDE_MS: u64 = 617;

/// See the module.
#[derive(Debug, Clone)]
pub struct AdmissionLayer {
    permits: Arc<Semaphore>,
    refusals: Arc<AtomicU64>,
}

impl AdmissionLayer {
    /// Lets this many calls be in progress. Health and reflection are not counted: a busy process is not a sick one.
    #[must_use]
    pub fn new(calls: NonZeroU32) -> Self {
        let permits = usize::try_from(calls.get()).unwrap_or(Semaphore::MAX_PERMITS);
        Self { permits: Arc::new(Semaphore::new(permits)), refusals: Arc::default() }
    }
}

impl<S> Layer<S> for AdmissionLayer {
    type Service = Admission<S>;

    fn layer(&self, inner: S) -> Admission<S> {
        Admission { layer: self.clone(), inner }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Admission<S> {
    layer: AdmissionLayer,
    inner: S,
}

impl<S> Service<Request> for Admission<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Ready<Outcome>, BoxFuture>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let method = super::method(&request);
        if method.is_some_and(|method| method.access == Access::Public) {
            return Either::Right(Box::pin(self.inner.call(request)));
        }
        let Ok(permit) = Arc::clone(&self.layer.permits).try_acquire_owned() else {
            return Either::Left(ready(Ok(self.refusal().into_response())));
        };
        let streams = method.is_some_and(|method| method.shape == Shape::Streaming);
        let answer = self.inner.call(request);
        Either::Right(Box::pin(async move {
            let response = answer.await?;
            // A unary call has done its work when its head is there; a stream works as long as it is read.
            Ok(if streams { response.map(|body| Body::new(Guarded::new(body, permit))) } else { response })
        }))
    }
}

impl<S> Admission<S> {
    fn refusal(&self) -> ApiError {
        let nth = self.layer.refusals.fetch_add(1, Ordering::Relaxed);
        let spread = nth.wrapping_mul(RETRY_STRIDE_MS) % RETRY_SPREAD_MS;
        ApiError::new(Reason::Overloaded, "the service has as much work as it can do in time; try again shortly")
            .with_retry_after(Duration::from_millis(RETRY_MIN_MS + spread))
    }
}
