//! Traces: which call led to which, and how long each took, for a collector that speaks OTLP.
//!
//! A span has a name, codes and times, by OpenTelemetry's conventions for RPC and databases; nothing that a caller sent is in
//! it but what `tracestate` says. Made are spans for calls to us (but not for probes), for calls of ours to neighbours, and for what calls do in the
//! store. Where nothing is traced, a trace that a caller brings is passed on to neighbours as it came.
//!
//! Spans are made by hand, not out of those of `tracing`: what is logged, and at which level, is another matter.

mod export;
mod span;
mod store;

use std::sync::OnceLock;

use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracer, SdkTracerProvider},
};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use self::export::{Export, Queue};
pub(crate) use self::span::{Peer, Traced, asked, pass_on, served};
use crate::{
    clock::{IdSource as _, RandomIds},
    config::TracesConfig,
};

/// Spans that wait to be sent; what comes beyond them is dropped. A few seconds of a busy process, some megabytes.
const QUEUE: usize = 8192;
/// How long the last spans may take to be sent when the process ends.
const LAST: std::time::Duration = std::time::Duration::from_secs(2);

/// Who makes spans, once for the process; nobody, where nothing is traced.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// What sends spans.
#[derive(Debug)]
pub struct Traces(Option<Sending>);

#[derive(Debug)]
struct Sending {
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
}

impl Traces {
    /// Begins to trace, if there is a collector. The first call in a process counts. Must be called inside the runtime.
    #[must_use]
    pub fn start(config: &TracesConfig) -> Self {
        let Some(endpoint) = &config.endpoint else { return Self(None) };
        let (sender, spans) = mpsc::channel(QUEUE);
        let resource = resource(config);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(Queue(sender))
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.ratio))))
            .with_resource(resource.clone())
            .build();
        if TRACER.set(provider.tracer(env!("CARGO_PKG_NAME"))).is_err() {
            return Self(None);
        }
        order_store::watch_methods(store::done);
        let stop = CancellationToken::new();
        let export = Export::new(endpoint, &resource, (spans, stop.clone()));
        Self(Some(Sending { stop, task: AbortOnDropHandle::new(tokio::spawn(export.run())) }))
    }

    /// Sends what is left, for a while.
    pub async fn finish(self) {
        let Some(Sending { stop, task }) = self.0 else { return };
        stop.cancel();
        if timeout(LAST, task).await.is_err() {
            tracing::warn!("the last spans could not be sent in time");
        }
    }
}

/// What is said about the process. What is configured by hand comes last and wins.
fn resource(config: &TracesConfig) -> Resource {
    let given = config.attributes.iter().map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
    Resource::builder_empty()
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", RandomIds.seed().nth(0).to_string()))
        .with_attributes(given)
        .with_service_name(config.service_name.clone())
        .build()
}
