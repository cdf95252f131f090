//! Names every call. The caller's `x-request-id` is taken if it is sane; it goes into logs and headers, so anything
//! else is replaced by a UUIDv7.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderName, HeaderValue};
use tower::{Layer, Service};

use super::{BoxFuture, Request, Response};
use crate::clock::{IdSource, RandomIds};

/// The header, in requests and in every response.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Long enough for UUIDs and trace ids, too short for mischief.
const CHARS_MAX: usize = 64;

/// The name of a call, in every request's extensions. Not the `request_id` of messages, which names an attempt at a
/// change and is the client's alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Takes the caller's name for the call if it is sane.
    fn given(request: &Request) -> Option<Self> {
        let text = request.headers().get(HEADER)?.to_str().ok()?;
        let fits = (1..=CHARS_MAX).contains(&text.len());
        let sane = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        (fits && sane).then(|| Self(text.into()))
    }

    fn fresh() -> Self {
        Self(RandomIds.seed().nth(0).to_string().into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("ids are made of letters, digits, '-', '_' and '.'")
    }
}

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct RequestIdLayer;

impl<S> Layer<S> for RequestIdLayer {
    type Service = RequestIds<S>;

    fn layer(&self, inner: S) -> RequestIds<S> {
        RequestIds { inner }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct RequestIds<S> {
    inner: S,
}

impl<S> Service<Request> for RequestIds<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> BoxFuture {
        let id = RequestId::given(&request).unwrap_or_else(RequestId::fresh);
        let header = id.header();
        request.extensions_mut().insert(id);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            response.headers_mut().insert(HEADER, header);
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests {
    use tonic::body::Body;

    use super::*;

    fn given(text: &str) -> Option<RequestId> {
        let value = HeaderValue::from_bytes(text.as_bytes()).unwrap();
        RequestId::given(&http::Request::builder().header(HEADER, value).body(Body::empty()).unwrap())
    }

    #[test]
    fn only_sane_names_are_taken() {
        assert_eq!(given("7f3a-A.b_9").unwrap().as_str(), "7f3a-A.b_9");
        for text in ["", "a b", "a\tb", "ä", "a;b", &"x".repeat(CHARS_MAX + 1)] {
            assert_eq!(given(text), None, "{text}");
        }
    }

    #[test]
    fn fresh_names_are_sane_and_distinct() {
        let (one, other) = (RequestId::fresh(), RequestId::fresh());
        assert_ne!(one, other);
        assert_eq!(given(one.as_str()), Some(one));
    }
}
