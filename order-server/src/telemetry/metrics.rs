//! Metrics in Prometheus' form. Labels come from small fixed sets: methods of the rule table, codes of gRPC.

use std::{sync::OnceLock, time::Duration};

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use order_core::time::Timestamp;
use tonic::Code;

/// Stands for every method that we do not have: paths are chosen by callers, and a label for each would fill the memory.
pub const OTHER: &str = "_OTHER";

/// OpenTelemetry's `rpc.server.call.duration`, seconds.
const CALL_DURATION: &str = "rpc_server_call_duration_seconds";
/// Calls that have begun and not ended.
const CALLS_ACTIVE: &str = "rpc_server_active_calls";
/// Connections that were accepted and not closed.
const CONNECTIONS_OPEN: &str = "server_open_connections";
/// Connections that were closed at once, by reason: `full`, because there were too many, or `address`, too many from one address.
const CONNECTIONS_REFUSED: &str = "server_refused_connections_total";
/// TLS handshakes that came to nothing, by reason: `failed`, or `late` where they did not end in time.
const HANDSHAKES_FAILED: &str = "server_failed_handshakes_total";

/// Looks at TLS files that found what cannot be used, by side: `door` or `neighbours`.
pub const TLS_RELOADS_FAILED: &str = "tls_failed_reloads_total";
/// When the certificate in use ends, in seconds since 1970, by side.
pub const TLS_CERTIFICATE_EXPIRY: &str = "tls_certificate_expiry_timestamp_seconds";

/// Outcomes of payment operations that were booked, by kind and outcome: succeeded, failed, unknown.
pub const PAYMENT_OPERATIONS: &str = "payment_operations_total";
/// Payment operations without an outcome, by state, in the whole database.
pub const PAYMENT_OPERATIONS_UNRESOLVED: &str = "payment_operations_unresolved";
/// Age of the oldest of them in seconds, by state; 0 where there is none.
pub const PAYMENT_OPERATIONS_UNRESOLVED_AGE: &str = "payment_operations_unresolved_age_seconds";

/// What an inventory service has not heard yet, by kind, in the whole database.
pub const INVENTORY_OPERATIONS_UNTOLD: &str = "inventory_operations_untold";
/// Age of the oldest of it in seconds, by kind; 0 where there is none.
pub const INVENTORY_OPERATIONS_UNTOLD_AGE: &str = "inventory_operations_untold_age_seconds";

/// Streams that watch orders.
pub const FEED_WATCHERS: &str = "feed_watchers";
/// Events that were found at a look into the feed that found any.
pub const FEED_BATCH: &str = "feed_batch_size";

/// Calls to neighbours, by neighbour and code, all attempts together.
pub const NEIGHBOUR_CALL_DURATION: &str = "neighbour_call_duration_seconds";
/// Calls that were not made, because the neighbour failed too often, by neighbour.
pub const NEIGHBOUR_SKIPPED: &str = "neighbour_skipped_calls_total";
/// Whether a neighbour is left alone for a while, 1 or 0, by neighbour.
pub const NEIGHBOUR_LEFT_ALONE: &str = "neighbour_left_alone";

/// Calls that were counted, by scope: `shared`, where all processes count together, or `local`.
pub const RATE_LIMIT_DECISIONS: &str = "rate_limit_decisions_total";
/// Calls that came faster than their caller's share, by class.
pub const RATE_LIMIT_REFUSED: &str = "rate_limit_refused_total";
/// Whether all processes count together, 1 or 0. Absent where that is not configured.
pub const RATE_LIMIT_SHARED: &str = "rate_limit_shared";

/// Spans that are over, by outcome: `sent`, `lost` because the collector did not take them, or `dropped` because too many
/// waited.
pub const TRACE_SPANS: &str = "trace_spans_total";

/// News that the notification service refused for good.
pub const NEWS_REFUSED: &str = "notification_refused_total";
/// Events that were passed on or put aside, by consumer.
pub const CONSUMER_EVENTS: &str = "feed_consumer_events_total";

/// For how many seconds the oldest event that is not taken has been there, by consumer; 0 where there is none.
pub const CONSUMER_WAITING: &str = "feed_consumer_waiting_seconds";

/// Events that were refused again and again and put aside, by consumer.
pub const DEAD_LETTERS: &str = "feed_consumer_dead_letters_total";

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
    describe_counter!(CONNECTIONS_REFUSED, Unit::Count, "Connections refused because too many were open, by reason.");
    describe_counter!(HANDSHAKES_FAILED, Unit::Count, "TLS handshakes that came to nothing, by reason.");
    describe_counter!(TLS_RELOADS_FAILED, Unit::Count, "Looks at TLS files that cannot be used, by side.");
    describe_gauge!(TLS_CERTIFICATE_EXPIRY, Unit::Seconds, "When the certificate in use ends, since 1970, by side.");
    describe_counter!(PAYMENT_OPERATIONS, Unit::Count, "Outcomes of payment operations that were booked.");
    describe_gauge!(PAYMENT_OPERATIONS_UNRESOLVED, Unit::Count, "Payment operations without an outcome, by state.");
    describe_gauge!(PAYMENT_OPERATIONS_UNRESOLVED_AGE, Unit::Seconds, "Age of the oldest of them, by state.");
    describe_gauge!(INVENTORY_OPERATIONS_UNTOLD, Unit::Count, "What an inventory service has not heard yet, by kind.");
    describe_gauge!(INVENTORY_OPERATIONS_UNTOLD_AGE, Unit::Seconds, "Age of the oldest of it, by kind.");
    describe_histogram!(NEIGHBOUR_CALL_DURATION, Unit::Seconds, "Duration of calls to neighbours, with all attempts.");
    describe_counter!(NEIGHBOUR_SKIPPED, Unit::Count, "Calls not made because the neighbour failed too often.");
    describe_gauge!(
        NEIGHBOUR_LEFT_ALONE,
        Unit::Count,
        "1 while a neighbour is left alone because it failed too often."
    );
    describe_counter!(
        RATE_LIMIT_DECISIONS,
        Unit::Count,
        "Calls that were counted, by scope: shared with all processes, or local."
    );
    describe_counter!(RATE_LIMIT_REFUSED, Unit::Count, "Calls that came faster than their caller's share, by class.");
    describe_gauge!(RATE_LIMIT_SHARED, Unit::Count, "1 while all processes count calls together.");
    describe_counter!(TRACE_SPANS, Unit::Count, "Spans that are over, by outcome: sent, lost or dropped.");
    describe_counter!(NEWS_REFUSED, Unit::Count, "News that the notification service refused for good.");
    describe_counter!(
        CONSUMER_EVENTS,
        Unit::Count,
        "Events of the feed that were passed on or put aside, by consumer."
    );
    describe_counter!(
        DEAD_LETTERS,
        Unit::Count,
        "Events that were refused again and again and put aside, by consumer."
    );
    describe_gauge!(
        CONSUMER_WAITING,
        Unit::Seconds,
        "For how long the oldest event that is not taken has been there, by consumer."
    );
    describe_gauge!(FEED_WATCHERS, Unit::Count, "Streams that watch orders through this process.");
    describe_histogram!(FEED_BATCH, Unit::Count, "Events found at a look into the feed that found any.");
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

/// Why a connection was closed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedConnection {
    /// Too many are open.
    Full,
    /// Too many are open from its address.
    Address,
}

/// A connection was closed at once.
pub fn connection_refused(why: RefusedConnection) {
    let reason = match why {
        RefusedConnection::Full => "full",
        RefusedConnection::Address => "address",
    };
    counter!(CONNECTIONS_REFUSED, "reason" => reason).increment(1);
}

/// Why a TLS handshake came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeFailure {
    /// The two sides did not agree, or the other one went away.
    Failed,
    /// It did not end in time.
    Late,
}

/// A TLS handshake came to nothing.
pub fn handshake_failed(failure: HandshakeFailure) {
    let reason = match failure {
        HandshakeFailure::Failed => "failed",
        HandshakeFailure::Late => "late",
    };
    counter!(HANDSHAKES_FAILED, "reason" => reason).increment(1);
}

/// How many of a kind wait for something, and for how many seconds the oldest of them has waited, as gauges take it: none, or how many
/// and since when.
pub(crate) fn waiting(found: Option<(u32, Timestamp)>, now: Timestamp) -> (f64, f64) {
    let waited = found.map_or(0, |(_, oldest)| now.micros().saturating_sub(oldest.micros()).max(0));
    let waited = u64::try_from(waited).map_or(Duration::ZERO, Duration::from_micros);
    (f64::from(found.map_or(0, |(count, _)| count)), waited.as_secs_f64())
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
