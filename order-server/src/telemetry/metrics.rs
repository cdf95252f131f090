//! Metrics in Prometheus' form. Labels come from small fixed sets: methods of the rule table, codes of gRPC.

use std::{sync::OnceLock, time::Duration};

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tonic::Code;

/// Stands for every method that we do not have: paths are chosen by callers, and a label for each would fill the memory.
pub const OTHER: &str = "_OTHER";

/// OpenTelemetry's `rpc.server.call.duration`, seconds.
const CALL_DURATION: &str = "rpc_server_call_duration_seconds";
/// Calls that have begun and not ended.
const CALLS_ACTIVE: &str = "rpc_server_active_calls";
/// Connections that were accepted and not closed.
const CONNECTIONS_OPEN: &str = "server_open_connections";
/// Connections that were closed at once, because there were too many.
const CONNECTIONS_REFUSED: &str = "server_refused_connections_total";

/// Outcomes of payment operations that were booked, by kind and outcome: succeeded, failed, unknown.
pub const PAYMENT_OPERATIONS: &str = "payment_operations_total";
/// Payment operations without an outcome, by state, in the whole database.
pub const PAYMENT_OPERATIONS_UNRESOLVED: &str = "payment_operations_unresolved";
/// Age of the oldest of them in seconds, by state; 0 where there is none.
pub const PAYMENT_OPERATIONS_UNRESOLVED_AGE: &str = "payment_operations_unresolved_age_seconds";

/// Bounds that OpenTelemetry advises for durations of calls, with two finer ones below for an embedded database.
const DURATION_BUCKETS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts recording. The first call in a process counts; tests start many servers.
///
/// Durations of anything end in `_duration_seconds` and share the same buckets.
pub fn init() -> PrometheusHandle {
    HANDLE.get_or_init(install).clone()
}

fn install() -> PrometheusHandle {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_duration_seconds".to_owned()), DURATION_BUCKETS)
        .expect("the table of buckets is not empty")
        .build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("another metrics recorder is installed; /metrics stays empty");
    }
    describe_histogram!(CALL_DURATION, Unit::Seconds, "Duration of calls by method and status.");
    describe_gauge!(CALLS_ACTIVE, Unit::Count, "Calls in progress.");
    describe_gauge!(CONNECTIONS_OPEN, Unit::Count, "Open connections.");
    describe_counter!(CONNECTIONS_REFUSED, Unit::Count, "Connections refused because too many were open.");
    describe_counter!(PAYMENT_OPERATIONS, Unit::Count, "Outcomes of payment operations that were booked.");
    describe_gauge!(PAYMENT_OPERATIONS_UNRESOLVED, Unit::Count, "Payment operations without an outcome, by state.");
    describe_gauge!(PAYMENT_OPERATIONS_UNRESOLVED_AGE, Unit::Seconds, "Age of the oldest of them, by state.");
    handle
}

/// One call's metrics, from its beginning to its end.
#[derive(Debug)]
pub struct CallMetrics {
    method: &'static str,
}

impl CallMetrics {
    /// A call of this method has begun.
    #[must_use]
    pub fn begin(method: &'static str) -> Self {
        gauge!(CALLS_ACTIVE).increment(1.0);
        Self { method }
    }

    /// It has ended. To be called once.
    pub fn finish(&self, code: Code, elapsed: Duration) {
        gauge!(CALLS_ACTIVE).decrement(1.0);
        histogram!(CALL_DURATION, "rpc_method" => self.method, "rpc_response_status_code" => code_name(code))
            .record(elapsed.as_secs_f64());
    }
}

/// Counts a connection as open until it is dropped.
#[derive(Debug)]
pub struct OpenConnection(());

impl OpenConnection {
    /// A connection was accepted.
    #[must_use]
    pub fn begin() -> Self {
        gauge!(CONNECTIONS_OPEN).increment(1.0);
        Self(())
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        gauge!(CONNECTIONS_OPEN).decrement(1.0);
    }
}

/// A connection was closed at once.
pub fn connection_refused() {
    counter!(CONNECTIONS_REFUSED).increment(1);
}

/// The name of a code, as in the gRPC specification.
#[must_use]
pub const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
