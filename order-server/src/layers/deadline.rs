//! Ends a call when nobody waits for its answer any more.
//!
//! The deadline is the caller's `grpc-timeout` less a few milliseconds for the way back, and for unary calls never later
//! than the configured cap. It is handed on as [`Deadline`], so that the database can be told.
//!
//! tonic has a timeout of its own for `grpc-timeout`; it answers CANCELLED. Ours fires earlier.

use std::{
    convert::Infallible,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::{Either, Ready, ready};
use http::HeaderMap;
use tokio::time::Instant;
use tonic::body::Body;
use tower::{Layer, Service};

use super::{BoxFuture, Outcome, Request, Response, body::Limited};
use crate::{auth::access::Shape, error::ApiError};

/// What the way back may take. Were we to answer at the very last moment, the caller would have given up already, and
/// would not learn what happened.
const WAY_BACK: Duration = Duration::from_millis(5);

/// The moment after which nobody waits for the answer; in the extensions of every request that has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Instant);

impl Deadline {
    /// The moment.
    #[must_use]
    pub const fn instant(self) -> Instant {
        self.0
    }

    /// The time that is left; zero when it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct DeadlineLayer {
    cap: Duration,
}

impl DeadlineLayer {
    /// Gives unary calls at most this long.
    #[must_use]
    pub const fn new(cap: Duration) -> Self {
        Self { cap }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadlines<S>;

    fn layer(&self, inner: S) -> Deadlines<S> {
        Deadlines { cap: self.cap, inner }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Deadlines<S> {
    cap: Duration,
    inner: S,
}

impl<S> Deadlines<S> {
    /// How long the call may take; `None` for a stream whose caller set no limit.
    fn allowance(&self, request: &Request) -> Option<Duration> {
        let asked = grpc_timeout(request.headers()).map(|timeout| timeout.saturating_sub(WAY_BACK));
        match super::method(request).map(|method| method.shape) {
            Some(Shape::Streaming) => asked,
            Some(Shape::Unary) | None => Some(asked.map_or(self.cap, |asked| asked.min(self.cap))),
        }
    }
}

impl<S> Service<Request> for Deadlines<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Ready<Outcome>, BoxFuture>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let Some(allowance) = self.allowance(&request) else {
            return Either::Right(Box::pin(self.inner.call(request)));
        };
        if allowance.is_zero() {
            // Nothing is begun that cannot be answered.
            return Either::Left(ready(Ok(ApiError::deadline_exceeded().into_response())));
        }
        let until = Instant::now() + allowance;
        let streams = super::method(&request).is_some_and(|method| method.shape == Shape::Streaming);
        request.extensions_mut().insert(Deadline(until));
        let answer = self.inner.call(request);
        Either::Right(Box::pin(async move {
            let Ok(response) = tokio::time::timeout_at(until, answer).await else {
                return Ok(ApiError::deadline_exceeded().into_response());
            };
            let response = response?;
            Ok(if streams { response.map(|body| Body::new(Limited::new(body, until))) } else { response })
        }))
    }
}

/// Reads `grpc-timeout`: up to eight digits and a unit, as the gRPC protocol has it. What cannot be read counts as absent,
/// and the cap holds.
pub(super) fn grpc_timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", http::HeaderValue::from_static(text));
        grpc_timeout(&headers)
    }

    #[test]
    fn timeouts_are_read_as_the_protocol_writes_them() {
        assert_eq!(read("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(read("3M"), Some(Duration::from_secs(180)));
        assert_eq!(read("99999999S"), Some(Duration::from_secs(99_999_999)));
        assert_eq!(read("250m"), Some(Duration::from_millis(250)));
        assert_eq!(read("1u"), Some(Duration::from_micros(1)));
        assert_eq!(read("0n"), Some(Duration::ZERO));
    }

    #[test]
    fn what_cannot_be_read_counts_as_absent() {
        for text in ["", "S", "1", "+1S", "-1S", "1 S", "1x", "123456789S"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
