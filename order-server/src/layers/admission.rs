//! Refuses what cannot be done in time. One semaphore for the whole process: beyond it a call would only wait in a queue
//! until nobody wants its answer, and make those before it wait longer.

use std::{
    convert::Infallible,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use futures_util::future::{Either, Ready, ready};
use tokio::sync::Semaphore;
use tonic::body::Body;
use tower::{Layer, Service};

use super::{BoxFuture, Outcome, Request, Response, body::Guarded, pushback::Pushback};
use crate::{
    auth::access::{Access, Shape},
    error::{ApiError, Reason},
};

/// See the module.
#[derive(Debug, Clone)]
pub struct AdmissionLayer {
    permits: Arc<Semaphore>,
    /// How many calls were let in.
    admitted: Arc<AtomicU64>,
    pushback: Arc<Mutex<Pushback>>,
}

impl AdmissionLayer {
    /// Lets this many calls be in progress. Health and reflection are not counted: a busy process is not a sick one.
    #[must_use]
    pub fn new(calls: NonZeroU32) -> Self {
        let permits = usize::try_from(calls.get()).unwrap_or(Semaphore::MAX_PERMITS);
        let pushback = Arc::new(Mutex::new(Pushback::new(Instant::now())));
        Self { permits: Arc::new(Semaphore::new(permits)), admitted: Arc::default(), pushback }
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
        self.layer.admitted.fetch_add(1, Ordering::Relaxed);
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
        let admitted = self.layer.admitted.load(Ordering::Relaxed);
        let mut pushback = self.layer.pushback.lock().unwrap_or_else(PoisonError::into_inner);
        let delay = pushback.delay(admitted, Instant::now());
        drop(pushback);
        ApiError::new(Reason::Overloaded, "the service has as much work as it can do in time; try again shortly")
            .with_retry_after(delay)
    }
}
