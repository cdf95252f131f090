//! Turns a panic into INTERNAL. The panic hook has logged it by then, under the call's span.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    task::{Context, Poll},
};

use futures_util::FutureExt;
use tower::{Layer, Service, ServiceExt};

use super::{BoxFuture, Request, Response};
use crate::error::ApiError;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct PanicLayer;

impl<S> Layer<S> for PanicLayer {
    type Service = CatchPanics<S>;

    fn layer(&self, inner: S) -> CatchPanics<S> {
        CatchPanics { inner }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct CatchPanics<S> {
    inner: S,
}

impl<S> Service<Request> for CatchPanics<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> BoxFuture {
        // `oneshot` calls the inner service from within the future, so that a panic in `call` itself is caught as well.
        // Unwind safe, because the clone that panicked is dropped and shares nothing but locks that do not poison.
        let answer = AssertUnwindSafe(self.inner.clone().oneshot(request)).catch_unwind();
        Box::pin(async move {
            answer.await.unwrap_or_else(|_panic| Ok(ApiError::internal(&"a handler panicked").into_response()))
        })
    }
}
