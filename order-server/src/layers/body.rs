//! Response bodies that carry something with them.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http::{HeaderMap, HeaderValue};
use http_body::{Frame, SizeHint};
use tokio::time::Sleep;
use tonic::{Status, body::Body};

use crate::error::ApiError;

type Data = <Body as http_body::Body>::Data;
type Polled = Poll<Option<Result<Frame<Data>, Status>>>;

/// A body that keeps a guard until it is read to its end or dropped.
pub(super) struct Guarded<G> {
    body: Body,
    guard: Option<G>,
}

impl<G> Guarded<G> {
    pub(super) const fn new(body: Body, guard: G) -> Self {
        Self { body, guard: Some(guard) }
    }
}

impl<G: Unpin> http_body::Body for Guarded<G> {
    type Data = Data;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(None) = polled {
            self.guard = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body that ends with DEADLINE_EXCEEDED when its time is over.
pub(super) struct Limited {
    body: Option<Body>,
    time: Pin<Box<Sleep>>,
}

impl Limited {
    pub(super) fn new(body: Body, until: tokio::time::Instant) -> Self {
        Self { body: Some(body), time: Box::pin(tokio::time::sleep_until(until)) }
    }
}

impl http_body::Body for Limited {
    type Data = Data;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        if let ready @ Poll::Ready(_) = Pin::new(body).poll_frame(cx) {
            return ready;
        }
        if self.time.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        // Dropped at once: whoever fills it must not go on for a caller who has left.
        self.body = None;
        Poll::Ready(Some(Ok(Frame::trailers(deadline_trailers()))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(http_body::Body::is_end_stream)
    }
}

fn deadline_trailers() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    let status = ApiError::deadline_exceeded().into_status();
    if status.add_header(&mut trailers).is_err() {
        // Only a text that fits in no header could do this; the code alone always fits.
        trailers.insert(Status::GRPC_STATUS, HeaderValue::from(status.code() as i32));
    }
    trailers
}
