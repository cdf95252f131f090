//! From finished spans to the collector.

use std::time::Duration;

use metrics::counter;
use opentelemetry::Context;
use opentelemetry_proto::{
    tonic::collector::trace::v1::{ExportTraceServiceRequest, trace_service_client::TraceServiceClient},
    transform::{common::tonic::ResourceAttributesWithSchema, trace::tonic::group_spans_by_resource_and_scope},
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint, Uri},
};

use crate::telemetry::metrics::TRACE_SPANS;

/// Spans in one message.
const BATCH: usize = 512;
/// How long the first of them waits for others.
const LINGER: Duration = Duration::from_secs(1);
/// How long the collector may take. The queue fills meanwhile, and nobody waits.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a connection is asked whether the collector is still there.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// How often the log says that spans get lost; the metrics say how many.
const COMPLAINT: Duration = Duration::from_secs(60);

/// Where finished spans wait. Whoever finishes one never does.
#[derive(Debug)]
pub(super) struct Queue(pub(super) mpsc::Sender<SpanData>);

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.0.try_send(span).is_err() {
            counter!(TRACE_SPANS, "outcome" => "dropped").increment(1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// The task that sends them.
pub(super) struct Export {
    client: TraceServiceClient<Channel>,
    resource: ResourceAttributesWithSchema,
    spans: mpsc::Receiver<SpanData>,
    /// Fires when no more spans will come that matter.
    stop: CancellationToken,
    complained: Option<Instant>,
}

impl Export {
    /// Sends these spans there. Connects once it is needed, and again whenever the connection was lost.
    pub(super) fn new(
        endpoint: &Uri,
        resource: &Resource,
        (spans, stop): (mpsc::Receiver<SpanData>, CancellationToken),
    ) -> Self {
        let channel = Endpoint::from(endpoint.clone())
            .connect_timeout(PATIENCE)
            .timeout(PATIENCE)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(PATIENCE)
            .connect_lazy();
        let client = TraceServiceClient::new(channel);
        Self { client, resource: resource.into(), spans, stop, complained: None }
    }

    /// Sends until it is told to stop, and then what is left.
    pub(super) async fn run(mut self) {
        loop {
            let batch = self.collect().await;
            if batch.is_empty() {
                return;
            }
            self.send(batch).await;
        }
    }

    /// The next spans; none when there are no more.
    async fn collect(&mut self) -> Vec<SpanData> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut until = None;
        loop {
            let linger = async move {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            let room = BATCH - batch.len();
            let is_stopping = self.spans.is_closed();
            tokio::select! {
                biased;
                () = self.stop.cancelled(), if !is_stopping => self.spans.close(),
                got = self.spans.recv_many(&mut batch, room) => {
                    until = until.or_else(|| Some(Instant::now() + LINGER));
                    if got == 0 || batch.len() == BATCH {
                        return batch;
                    }
                }
                () = linger => return batch,
            }
        }
    }

    async fn send(&mut self, batch: Vec<SpanData>) {
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        match self.try_to_send(ExportTraceServiceRequest { resource_spans }).await {
            Ok(rejected) => {
                counter!(TRACE_SPANS, "outcome" => "sent").increment(count.saturating_sub(rejected));
                counter!(TRACE_SPANS, "outcome" => "lost").increment(rejected);
            }
            Err(status) => {
                counter!(TRACE_SPANS, "outcome" => "lost").increment(count);
                self.complain(&status);
            }
        }
    }

    /// Sends spans, and says how many of them the collector did not want.
    async fn try_to_send(&mut self, message: ExportTraceServiceRequest) -> Result<u64, Status> {
        let sent = match self.client.export(message.clone()).await {
            // The connection may have been closed since the last time.
            Err(status) if matches!(status.code(), Code::Unavailable | Code::Unknown) => {
                self.client.export(message).await
            }
            sent => sent,
        };
        let partial = sent?.into_inner().partial_success;
        Ok(partial.and_then(|partial| u64::try_from(partial.rejected_spans).ok()).unwrap_or_default())
    }

    fn complain(&mut self, status: &Status) {
        if self.complained.is_some_and(|last| last.elapsed() < COMPLAINT) {
            return;
        }
        self.complained = Some(Instant::now());
        tracing::warn!(code = ?status.code(), error = status.message(), "the collector does not take spans; they are lost");
    }
}
