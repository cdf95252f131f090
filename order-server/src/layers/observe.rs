//! Opens the spans, of the log and of the trace, measures the call and writes its one log line.
//!
//! A call is over when its last trailer has been handed over, when it was refused, or when the caller went away: the
//! record is a guard, so a dropped call is counted like any other, as CANCELLED.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http::HeaderMap;
use http_body::{Frame, SizeHint};
use opentelemetry::trace::FutureExt as _;
use tonic::{Code, Status, body::Body};
use tower::{Layer, Service};
use tracing::{Instrument, Span};

use super::{BoxFuture, Request, Response, deadline, request_id::RequestId};
use crate::{
    auth::{
        Principal,
        access::{self, Access},
    },
    telemetry::{
        metrics::{CallMetrics, OTHER, code_name},
        traces::{self, Traced},
    },
};

/// What is known about a call while it runs; in every request's extensions, so that inner layers can add to it.
#[derive(Debug)]
pub struct Call {
    method: &'static str,
    access: Option<Access>,
    timeout: Option<Duration>,
    started: Instant,
    principal: OnceLock<String>,
}

impl Call {
    /// Notes who calls, for the log line.
    pub fn identify(&self, principal: &Principal) {
        // Set once, by authentication; a second call would have nothing to add.
        let _first = self.principal.set(principal.to_string());
    }
}

/// Counts the call when it is dropped.
struct Record {
    call: Arc<Call>,
    metrics: CallMetrics,
    traced: Traced,
    span: Span,
    outcome: Option<Code>,
}

/// The code in trailers, or in the headers of an answer that has nothing else.
fn code(headers: &HeaderMap) -> Code {
    headers.get(Status::GRPC_STATUS).map_or(Code::Unknown, |value| Code::from_bytes(value.as_bytes()))
}

impl Record {
    /// The call ended by itself.
    fn finish(mut self, outcome: Code) {
        self.outcome = Some(outcome);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let code = self.outcome.unwrap_or(Code::Cancelled);
        let elapsed = self.call.started.elapsed();
        self.metrics.finish(code, elapsed);
        self.traced.finish(code);
        let line =
            Line { call: &self.call, code, duration_us: whole(elapsed.as_micros()), dropped: self.outcome.is_none() };
        self.span.in_scope(|| line.write());
    }
}

/// The log line of a call. Request id, method and trace id come from the span.
struct Line<'a> {
    call: &'a Call,
    code: Code,
    duration_us: u64,
    dropped: bool,
}

impl Line<'_> {
    fn write(&self) {
        let status = code_name(self.code);
        let principal = self.call.principal.get().map_or("-", String::as_str);
        let deadline_ms = self.call.timeout.map(|timeout| whole(timeout.as_millis()));
        let (duration_us, dropped) = (self.duration_us, self.dropped);
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(target: "access", status, duration_us, principal, deadline_ms, dropped, "call")
            };
        }
        match (self.code, self.call.access) {
            (Code::Internal | Code::Unknown | Code::DataLoss, _) => line!(error),
            // Probes come every second and say nothing while all is well.
            (Code::Ok | Code::Cancelled, Some(Access::Public)) => line!(debug),
            _ => line!(info),
        }
    }
}

/// JSON has no numbers of 128 bits; they would be written as text.
fn whole(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct ObserveLayer;

impl<S> Layer<S> for ObserveLayer {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed { inner }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Observed<S> {
    inner: S,
}

impl<S> Service<Request> for Observed<S>
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
        let record = begin(&mut request);
        let (span, context) = (record.span.clone(), record.traced.context());
        let answer = span.in_scope(|| self.inner.call(request));
        let observed = async move {
            let response = answer.await?;
            if response.headers().contains_key(Status::GRPC_STATUS) {
                record.finish(code(response.headers()));
                return Ok(response);
            }
            Ok(response.map(|body| Body::new(Watched { body, record: Some(record) })))
        };
        Box::pin(observed.with_context(context).instrument(span))
    }
}

fn begin(request: &mut Request) -> Record {
    let method = access::find(request.uri().path());
    let name = method.map_or(OTHER, access::Method::name);
    let traced = traces::served(method, request.headers());
    let request_id = request.extensions().get::<RequestId>();
    let span = tracing::info_span!(
        "call",
        rpc_method = name,
        request_id = request_id.map(RequestId::as_str),
        trace_id = traced.trace_id(),
    );
    let call = Arc::new(Call {
        method: name,
        access: method.map(|method| method.access),
        timeout: deadline::grpc_timeout(request.headers()),
        started: Instant::now(),
        principal: OnceLock::new(),
    });
    let extensions = request.extensions_mut();
    if let Some(method) = method {
        extensions.insert(method);
    }
    extensions.insert(Arc::clone(&call));
    Record { metrics: CallMetrics::begin(call.method), call, traced, span, outcome: None }
}

/// A body whose trailers end the record.
struct Watched {
    body: Body,
    record: Option<Record>,
}

impl Watched {
    /// Ends the record; whatever comes after the end, such as the end of the stream behind its trailers, is ignored.
    fn finish(&mut self, outcome: Code) {
        if let Some(record) = self.record.take() {
            record.finish(outcome);
        }
    }
}

impl http_body::Body for Watched {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        let entered =
            self.record.as_ref().map(|record| (record.traced.context().attach(), record.span.clone().entered()));
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        drop(entered);
        let outcome = match &polled {
            Poll::Ready(Some(Ok(frame))) => frame.trailers_ref().map(code),
            Poll::Ready(Some(Err(status))) => Some(status.code()),
            Poll::Ready(None) => Some(Code::Unknown),
            Poll::Pending => None,
        };
        if let Some(outcome) = outcome {
            self.finish(outcome);
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
