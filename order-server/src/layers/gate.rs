//! A layer that lets a request pass or answers it with an error, without waiting for anything.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::{Either, Ready, ready};
use tower::{Layer, Service};

use super::{Outcome, Request, Response};
use crate::error::ApiError;

/// Decides about requests.
pub trait Gate: Send + Sync + 'static {
    /// Lets the request pass, possibly with something added to its extensions.
    ///
    /// # Errors
    /// What the caller hears instead.
    fn check(&self, request: &mut Request) -> Result<(), ApiError>;
}

/// See the module.
#[derive(Debug)]
pub struct GateLayer<G>(Arc<G>);

impl<G: Gate> GateLayer<G> {
    /// A layer around one gate, which all connections share.
    pub fn new(gate: G) -> Self {
        Self(Arc::new(gate))
    }
}

impl<G> Clone for GateLayer<G> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<G, S> Layer<S> for GateLayer<G> {
    type Service = Gated<G, S>;

    fn layer(&self, inner: S) -> Gated<G, S> {
        Gated { gate: Arc::clone(&self.0), inner }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Gated<G, S> {
    gate: Arc<G>,
    inner: S,
}

impl<G, S: Clone> Clone for Gated<G, S> {
    fn clone(&self) -> Self {
        Self { gate: Arc::clone(&self.gate), inner: self.inner.clone() }
    }
}

impl<G, S> Service<Request> for Gated<G, S>
where
    G: Gate,
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Ready<Outcome>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        match self.gate.check(&mut request) {
            Ok(()) => Either::Right(self.inner.call(request)),
            Err(error) => Either::Left(ready(Ok(error.into_response()))),
        }
    }
}
