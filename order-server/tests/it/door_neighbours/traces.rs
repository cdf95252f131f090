//! Traces, sent by the real binary to a collector, and what happens where there is none.

use std::{
    fs::File,
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use neighbour_sim::{Fault, Neighbours, Service};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use order_api::v1;
use order_store::testing::{TestDatabase, on_both_engines};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

use super::{neighbours, product};
use crate::{
    door_races::{kit::eventually, process::Process},
    world::{card, cash, order_of},
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// Takes spans and keeps them.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    /// A collector, and its address.
    async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (collector, url) = (Self::default(), format!("http://{}", listener.local_addr().unwrap()));
        let service = TraceServiceServer::new(collector.clone());
        tokio::spawn(Server::builder().add_service(service).serve_with_incoming(TcpListenerStream::new(listener)));
        (collector, url)
    }

    fn spans(&self) -> Vec<Span> {
        let taken = self.0.lock().unwrap();
        let scopes = taken.iter().flat_map(|message| &message.resource_spans).flat_map(|spans| &spans.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    /// The span of a call to this method, once it is there.
    async fn span(&self, name: &str) -> Span {
        let found = || self.spans().into_iter().find(|span| span.name == name);
        eventually(name, || async { found().is_some() }).await;
        found().unwrap()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    let value = found.value.clone()?.value?;
    if let Value::IntValue(number) = value {
        return Some(number.to_string());
    }
    let Value::StringValue(text) = value else { panic!("{name} is {value:?}") };
    Some(text)
}

/// A request with a trace of its caller's, to be sent or not.
fn traced<M>(message: M, flags: &str) -> Request<M> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("traceparent", format!("00-{TRACE}-{CALLER}-{flags}").parse().unwrap());
    request
}

/// A process with these settings, with goods on the shelf.
async fn process(database: &TestDatabase, settings: &[(&str, &str)]) -> Process {
    let process = Process::start(database, settings).await;
    let products = vec![crate::world::product("fangs", ("USD", 10, 0), 1000)];
    let request = v1::UpsertProductsRequest { products, ..Default::default() };
    process.admin().admin.upsert_products(request).await.unwrap();
    process
}

/// A process whose products and payments are others' business.
async fn surrounded(database: &TestDatabase, (around, collector): (&Neighbours, &str)) -> Process {
    let url = around.url();
    around.put_product(product("fangs", 10));
    let neighbours = [("CATALOG_URL", url.as_str()), ("CATALOG_CACHE_MS", "0"), ("PAYMENT_URL", url.as_str())];
    process(database, &[&neighbours[..], &[("OTEL_EXPORTER_OTLP_ENDPOINT", collector)]].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_a_part_of_its_callers_trace_and_so_is_what_it_leads_to() {
    on_both_engines(|database| async move {
        let ((collector, url), around) = (Collector::start().await, neighbours().await);
        let process = surrounded(&database, (&around, &url)).await;
        let order = order_of(&[("fangs", 2)], Some(card("tok_ok")));
        let placed = process.customer("tilly").orders.create_order(traced(order, "01")).await.unwrap().into_inner();

        let call = collector.span("orders.v1.OrderService/CreateOrder").await;
        assert_eq!((hex(&call.trace_id).as_str(), hex(&call.parent_span_id).as_str()), (TRACE, CALLER));
        assert_eq!(call.kind(), SpanKind::Server);
        for (name, value) in [
            ("rpc.system.name", "grpc"),
            ("rpc.method", "orders.v1.OrderService/CreateOrder"),
            ("rpc.response.status_code", "OK"),
        ] {
            assert_eq!(text(&call.attributes, name).as_deref(), Some(value));
        }
        let port = around.url().rsplit(':').next().unwrap().to_owned();
        let heard = around.traceparents();
        for name in ["integrations.v1.CatalogService/BatchGetProducts", "integrations.v1.PaymentService/Authorize"] {
            let asked = collector.span(name).await;
            assert_eq!((&asked.trace_id, &asked.parent_span_id), (&call.trace_id, &call.span_id), "{name}");
            assert_eq!(asked.kind(), SpanKind::Client);
            assert_eq!(text(&asked.attributes, "server.port"), Some(port.clone()));
            let passed_on = format!("00-{TRACE}-{}-01", hex(&asked.span_id));
            assert!(heard.contains(&passed_on), "{passed_on} is not among {heard:?}");
        }
        let stored = collector.span("place").await;
        assert_eq!((&stored.trace_id, &stored.parent_span_id), (&call.trace_id, &call.span_id));
        assert!(text(&stored.attributes, "db.system.name").is_some());
        assert!(stored.start_time_unix_nano >= call.start_time_unix_nano - 2_000_000);

        // Nothing is looked for that a random number or a time might hold.
        let everything = format!("{:?}", collector.0.lock().unwrap());
        for told in ["tilly", "example.com", "tok_ok", "Main Street", "Oakland", &placed.order_id, &placed.order_number]
        {
            assert!(!everything.contains(told), "{told} is in a span");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_to_a_neighbour_that_nobody_waits_for_any_more_ends_as_cancelled() {
    let (database, (collector, url), around) =
        (TestDatabase::sqlite().await, Collector::start().await, neighbours().await);
    let process = surrounded(&database, (&around, &url)).await;
    around.befall(Service::Catalog, Fault::Slow(Duration::from_secs(30)));
    let mut ada = process.customer("ada");
    let waiting = tokio::spawn(async move { ada.orders.create_order(order_of(&[("fangs", 2)], Some(cash()))).await });
    eventually("the product service is asked", || async { around.calls(Service::Catalog) > 0 }).await;
    waiting.abort();
    let asked = collector.span("integrations.v1.CatalogService/BatchGetProducts").await;
    assert_eq!(text(&asked.attributes, "rpc.response.status_code").as_deref(), Some("CANCELLED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_says_which_one_it_is() {
    let (database, (collector, url)) = (TestDatabase::sqlite().await, Collector::start().await);
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_SERVICE_NAME", "orders-of-the-south"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,shop=a%20b"),
    ];
    let process = process(&database, &settings).await;
    let missing = v1::GetOrderRequest { order_id: "0198c0de-0000-7000-8000-000000000000".into() };
    process.customer("ada").orders.get_order(missing).await.unwrap_err();
    let call = collector.span("orders.v1.OrderService/GetOrder").await;
    assert_eq!(text(&call.attributes, "rpc.response.status_code").as_deref(), Some("NOT_FOUND"));
    let status = call.status.map(|status| status.code());
    assert!(status.is_none_or(|status| status == StatusCode::Unset), "what a caller does wrong is no error of ours");
    let resource = collector.0.lock().unwrap()[0].resource_spans[0].resource.clone().unwrap();
    for (name, value) in [
        ("service.name", "orders-of-the-south"),
        ("deployment.environment.name", "test"),
        ("shop", "a b"),
        ("service.version", env!("CARGO_PKG_VERSION")),
    ] {
        assert_eq!(text(&resource.attributes, name).as_deref(), Some(value));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_decides_what_is_sent_and_otherwise_the_ratio_does() {
    let (database, (collector, url)) = (TestDatabase::sqlite().await, Collector::start().await);
    let settings = [("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()), ("OTEL_TRACES_SAMPLER_ARG", "0")];
    let mut process = process(&database, &settings).await;
    let mut ada = process.customer("ada");
    ada.orders.list_orders(traced(v1::ListOrdersRequest::default(), "00")).await.unwrap();
    ada.carts.get_cart(v1::GetCartRequest::default()).await.unwrap();
    ada.orders.list_orders(traced(v1::ListOrdersRequest::default(), "01")).await.unwrap();
    assert!(process.terminate().await.success());
    let calls: Vec<_> = collector.spans().into_iter().filter(|span| span.kind() == SpanKind::Server).collect();
    let names: Vec<_> = calls.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["orders.v1.OrderService/ListOrders"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_the_trace_that_is_sent_also_where_it_begins_here() {
    let (database, (collector, url)) = (TestDatabase::sqlite().await, Collector::start().await);
    let log = tempfile::NamedTempFile::new().unwrap();
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("LOG_FORMAT", "json"),
        // What is logged is another matter: spans are there whatever the level.
        ("RUST_LOG", "error,order_server=info,access=info"),
    ];
    let written = Stdio::from(File::create(log.path()).unwrap());
    let process = Process::start_logging(&database, &settings, written).await;
    process.customer("ada").carts.get_cart(v1::GetCartRequest::default()).await.unwrap();
    let call = collector.span("orders.v1.CartService/GetCart").await;
    assert!(call.parent_span_id.is_empty());
    let trace = hex(&call.trace_id);
    eventually("the line is written", || async {
        let log = std::fs::read_to_string(log.path()).unwrap();
        log.lines().any(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["span"]["rpc_method"] == "orders.v1.CartService/GetCart" && line["span"]["trace_id"] == *trace
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_spans_are_sent_before_the_process_ends() {
    let (database, (collector, url)) = (TestDatabase::sqlite().await, Collector::start().await);
    let mut process = process(&database, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]).await;
    for _ in 0..20 {
        process.customer("ada").carts.get_cart(v1::GetCartRequest::default()).await.unwrap();
    }
    assert!(process.terminate().await.success());
    let calls = collector.spans().into_iter().filter(|span| span.name == "orders.v1.CartService/GetCart");
    assert_eq!(calls.count(), 20);
}

/// Twenty calls through a process with this collector, and its end, take no longer than they may.
async fn goes_on(url: &str) {
    let database = TestDatabase::sqlite().await;
    let mut process = process(&database, &[("OTEL_EXPORTER_OTLP_ENDPOINT", url)]).await;
    let began = Instant::now();
    for _ in 0..20 {
        process.customer("ada").carts.get_cart(v1::GetCartRequest::default()).await.unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    let ending = Instant::now();
    assert!(process.terminate().await.success());
    assert!(ending.elapsed() < Duration::from_secs(6), "{:?}", ending.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_down_or_says_nothing_costs_nothing() {
    goes_on("http://127.0.0.1:9").await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let accepting = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = silent.accept().await {
            open.push(stream);
        }
    });
    goes_on(&url).await;
    accepting.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_a_trace_is_passed_on_to_neighbours_as_it_came() {
    let (database, around) = (TestDatabase::sqlite().await, neighbours().await);
    let url = around.url();
    around.put_product(product("fangs", 10));
    let settings = [("CATALOG_URL", url.as_str()), ("CATALOG_CACHE_MS", "0")];
    let process = process(&database, &settings).await;
    let order = order_of(&[("fangs", 1)], None);
    process.customer("ada").orders.create_order(traced(order.clone(), "01")).await.unwrap();
    process.customer("ada").orders.create_order(order).await.unwrap();
    assert_eq!(around.traceparents(), [format!("00-{TRACE}-{CALLER}-01")]);
}
