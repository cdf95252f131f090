//! Gives refusals of a message's bytes a code and details of ours.
//!
//! Bytes that are no message, or too many, never reach a service: tonic answers INTERNAL or OUT_OF_RANGE, without details.
//! That is the caller's mistake and not ours, and is told like any other bad input.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use order_core::limits;
use tonic::{Code, Status};
use tower::{Layer, Service};

use super::{BoxFuture, Request, Response};
use crate::error::{ApiError, Reason};

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct MessageLayer;

impl<S> Layer<S> for MessageLayer {
    type Service = ExplainMessages<S>;

    fn layer(&self, inner: S) -> ExplainMessages<S> {
        ExplainMessages { inner }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct ExplainMessages<S> {
    inner: S,
}

impl<S> Service<Request> for ExplainMessages<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> BoxFuture {
        let answer = self.inner.call(request);
        Box::pin(async move {
            let response = answer.await?;
            Ok(explained(&response).map_or(response, ApiError::into_response))
        })
    }
}

/// What to say instead, if the answer is tonic's own. Ours never lack details, and only an answer of trailers alone, which
/// no service has begun, has its status among the headers.
fn explained(response: &Response) -> Option<ApiError> {
    let status = Status::from_header_map(response.headers()).filter(|status| status.details().is_empty())?;
    match status.code() {
        Code::Internal => Some(ApiError::new(Reason::MessageMalformed, status.message().to_owned())),
        Code::OutOfRange => {
            let message = format!("a message must have at most {} bytes", limits::MESSAGE_BYTES_IN);
            Some(ApiError::new(Reason::MessageTooLarge, message).with_metadata("max", limits::MESSAGE_BYTES_IN))
        }
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Unimplemented
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_without_details_of_ours_are_explained() {
        let reason = |status: Status| explained(&status.into_http()).map(|error| error.reason());
        assert_eq!(reason(Status::internal("failed to decode")), Some(Reason::MessageMalformed));
        assert_eq!(reason(Status::out_of_range("too large")), Some(Reason::MessageTooLarge));
        assert_eq!(reason(Status::not_found("no such service")), None);
        assert_eq!(reason(ApiError::internal(&"ours").into_status()), None);
    }
}
