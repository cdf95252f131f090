//! Spans of calls to us, and of ours to neighbours.

use http::HeaderMap;
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer as _},
};
use tonic::{Code, metadata::MetadataMap, transport::Uri};

use super::TRACER;
use crate::{
    auth::access::{Access, Method},
    telemetry::{
        metrics::{OTHER, code_name},
        trace_context,
    },
};

/// A call, as a part of a trace. Where nothing is traced, it is the part that it came from, if any.
#[derive(Debug, Clone)]
pub(crate) struct Traced {
    context: Context,
    side: Side,
}

/// Whose call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Somebody's, to us.
    Server,
    /// Ours, to somebody.
    Client,
}

/// A neighbour, as spans name it.
#[derive(Debug)]
pub(crate) struct Peer {
    service: String,
    host: String,
    port: i64,
}

impl Peer {
    /// The neighbour of this name, such as `catalog`, at this address.
    pub(crate) fn new(name: &str, address: &Uri) -> Self {
        let (first, rest) = name.split_at(1);
        let service = format!("integrations.v1.{}{rest}Service", first.to_ascii_uppercase());
        let port = address.port_u16().unwrap_or(if address.scheme_str() == Some("https") { 443 } else { 80 });
        Self { service, host: address.host().unwrap_or_default().to_owned(), port: port.into() }
    }

    /// The method that takes messages of this type: by the conventions of the contract it has the name of its request.
    fn method<M>(&self) -> String {
        let message = std::any::type_name::<M>();
        let message = message.rsplit("::").next().unwrap_or(message);
        format!("{}/{}", self.service, message.strip_suffix("Request").unwrap_or(message))
    }
}

/// A call to us begins. Probes come every second and are no part of anything.
pub(crate) fn served(method: Option<&'static Method>, headers: &HeaderMap) -> Traced {
    let caller = trace_context::read(headers);
    let parent = caller.map_or_else(Context::new, |caller| Context::new().with_remote_span_context(caller));
    if TRACER.get().is_none() || method.is_some_and(|method| method.access == Access::Public) {
        return Traced { context: parent, side: Side::Server };
    }
    let name = method.map_or(OTHER, Method::name);
    begin(parent, Side::Server, vec![KeyValue::new("rpc.method", name)])
}

/// A call of ours begins, with a message of this type.
pub(crate) fn asked<M>(peer: &Peer) -> Traced {
    if TRACER.get().is_none() {
        return Traced { context: Context::current(), side: Side::Client };
    }
    let attributes = vec![
        KeyValue::new("rpc.method", peer.method::<M>()),
        KeyValue::new("server.address", peer.host.clone()),
        KeyValue::new("server.port", peer.port),
    ];
    begin(Context::current(), Side::Client, attributes)
}

/// Tells whoever is called which call this one is made from.
pub(crate) fn pass_on(metadata: &mut MetadataMap) {
    let context = Context::current();
    let span = context.span().span_context().clone();
    if span.is_valid() {
        trace_context::write(&span, metadata);
    }
}

/// Begins a span with the name of the method that is the first attribute.
fn begin(parent: Context, side: Side, mut attributes: Vec<KeyValue>) -> Traced {
    let Some(tracer) = TRACER.get() else { return Traced { context: parent, side } };
    let name = attributes.first().map(|method| method.value.to_string()).unwrap_or_default();
    attributes.push(KeyValue::new("rpc.system.name", "grpc"));
    let kind = match side {
        Side::Server => SpanKind::Server,
        Side::Client => SpanKind::Client,
    };
    let builder = SpanBuilder::from_name(name).with_kind(kind).with_attributes(attributes);
    let span = tracer.build_with_context(builder, &parent);
    Traced { context: parent.with_span(span), side }
}

impl Traced {
    /// What is called from here has to run in it.
    pub(crate) fn context(&self) -> Context {
        self.context.clone()
    }

    /// The trace that it is a part of, 32 hexadecimal digits.
    pub(crate) fn trace_id(&self) -> Option<String> {
        let span = self.context.span();
        let context = span.span_context();
        context.is_valid().then(|| context.trace_id().to_string())
    }

    /// The call is over.
    pub(crate) fn finish(&self, code: Code) {
        let span = self.context.span();
        if !span.is_recording() {
            return;
        }
        span.set_attribute(KeyValue::new("rpc.response.status_code", code_name(code)));
        if self.is_error(code) {
            span.set_attribute(KeyValue::new("error.type", code_name(code)));
            span.set_status(Status::error(""));
        }
        span.end();
    }

    /// Whether a code means that something is wrong on the side that the span is about: of a server that is not what its
    /// callers did wrong.
    fn is_error(&self, code: Code) -> bool {
        match (self.side, code) {
            (_, Code::Ok) => false,
            (Side::Client, _) => true,
            (
                Side::Server,
                Code::Unknown
                | Code::DeadlineExceeded
                | Code::Unimplemented
                | Code::Internal
                | Code::Unavailable
                | Code::DataLoss,
            ) => true,
            (
                Side::Server,
                Code::Cancelled
                | Code::InvalidArgument
                | Code::NotFound
                | Code::AlreadyExists
                | Code::PermissionDenied
                | Code::ResourceExhausted
                | Code::FailedPrecondition
                | Code::Aborted
                | Code::OutOfRange
                | Code::Unauthenticated,
            ) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use order_api::integrations::v1::{BatchGetProductsRequest, NotifyRequest};

    use super::*;

    #[test]
    fn a_neighbours_methods_have_the_names_of_the_contract() {
        let catalog = Peer::new("catalog", &Uri::from_static("http://products:8080"));
        assert_eq!(catalog.method::<BatchGetProductsRequest>(), "integrations.v1.CatalogService/BatchGetProducts");
        assert_eq!((catalog.host.as_str(), catalog.port), ("products", 8080));
        let notification = Peer::new("notification", &Uri::from_static("https://news"));
        assert_eq!(notification.method::<NotifyRequest>(), "integrations.v1.NotificationService/Notify");
        assert_eq!(notification.port, 443);
    }

    #[test]
    fn without_a_collector_a_trace_is_passed_on_as_it_came() {
        let mut headers = HeaderMap::new();
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        headers.insert("traceparent", text.parse().unwrap());
        let traced = served(None, &headers);
        assert_eq!(traced.trace_id().unwrap(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let _inside = traced.context().attach();
        let mut metadata = MetadataMap::new();
        pass_on(&mut metadata);
        assert_eq!(metadata.get("traceparent").unwrap(), text);
        assert_eq!(served(None, &HeaderMap::new()).trace_id(), None);
    }
}
