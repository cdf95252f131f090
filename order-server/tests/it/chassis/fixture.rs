//! A server on free ports, with stand-in methods.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use order_server::{
    auth::{
        Principal, Role,
        verify::{Subject, Tokens},
    },
    config::{Config, Purpose, Raw},
    gateways::{REDIS_PATIENCE, Redis},
    health::ReadinessProbe,
    server::{self, Parts},
    shutdown::Lifecycle,
};
use order_store::testing::Deadline;
use tokio::{sync::Semaphore, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Response, Status,
    body::Body,
    metadata::MetadataMap,
    service::Routes,
    transport::{Channel, Endpoint},
};

/// The key of all fixtures.
pub(crate) const KEY: &str = "a key of at least thirty-two bytes, for tests";

/// Answers at once and says in `x-principal` who called.
pub(crate) const ECHO: &str = "/orders.v1.OrderService/GetOrder";
/// The same, where guests are let in if configured.
pub(crate) const GUEST: &str = "/orders.v1.OrderService/QuoteOrder";
/// The same, counted as a change.
pub(crate) const WRITE: &str = "/orders.v1.OrderService/CancelOrder";
/// The same, counted as a search.
pub(crate) const SEARCH: &str = "/orders.v1.OrderService/ListOrders";
/// The same, for administrators.
pub(crate) const ADMIN: &str = "/orders.v1.AdminService/GetOrder";
/// Answers when the test lets it.
pub(crate) const SLOW: &str = "/orders.v1.OrderService/GetOrderStatus";
/// Panics.
pub(crate) const PANIC: &str = "/orders.v1.OrderService/GetOrderTracking";
/// Is served, and no rule speaks of it.
pub(crate) const UNRULED: &str = "/orders.v1.OrderService/Forgotten";

/// What the stand-in methods and the test share.
#[derive(Clone)]
pub(crate) struct Controls {
    /// One permit lets one slow call answer.
    pub(crate) gate: Arc<Semaphore>,
    /// How many calls have reached a method.
    pub(crate) reached: Arc<AtomicU32>,
    /// What readiness says.
    pub(crate) ready: Arc<Mutex<Result<(), String>>>,
}

#[async_trait]
impl ReadinessProbe for Controls {
    async fn check(&self) -> Result<(), String> {
        self.ready.lock().unwrap().clone()
    }
}

/// A running server.
pub(crate) struct Fixture {
    pub(crate) grpc: SocketAddr,
    pub(crate) ops: SocketAddr,
    pub(crate) controls: Controls,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) shared_limits: Option<Arc<Redis>>,
    pub(crate) running: JoinHandle<()>,
    stop: CancellationToken,
    tokens: Arc<Tokens>,
    _deadline: Deadline,
}

impl Fixture {
    /// Starts a server with these settings on top of the defaults of development.
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_waiting(settings, REDIS_PATIENCE).await
    }

    /// The same, waiting for Redis so long, if there is one.
    pub(crate) async fn start_waiting(settings: &[(&str, &str)], patience: Duration) -> Self {
        let given = settings.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let raw = Raw::of([
            ("LISTEN_ADDR", "127.0.0.1:0".to_owned()),
            ("OPS_ADDR", "127.0.0.1:0".to_owned()),
            ("JWT_SECRET", KEY.to_owned()),
        ]);
        let config = Config::resolve(&raw.with(given), Purpose::Serve).unwrap();
        let secret = order_server::config::Secret::new(KEY.to_owned());
        let tokens = Arc::new(Tokens::new(&config.identity, &secret));
        let controls = Controls {
            gate: Arc::new(Semaphore::new(0)),
            reached: Arc::default(),
            ready: Arc::new(Mutex::new(Ok(()))),
        };
        let (lifecycle, stop) = (Lifecycle::new(), CancellationToken::new());
        let shared_limits = config.redis.as_ref().map(|url| Redis::start(url, patience, &lifecycle));
        let parts = Parts {
            routes: stand_ins(&controls),
            probe: Arc::new(controls.clone()),
            tokens: Arc::clone(&tokens),
            shared_limits: shared_limits.clone(),
            lifecycle: lifecycle.clone(),
        };
        let server = server::bind(&config, parts).await.unwrap();
        let (grpc, ops) = (server.grpc_addr(), server.ops_addr());
        let stopped = stop.clone().cancelled_owned();
        let running = tokio::spawn(async move { server.run(stopped).await.unwrap() });
        Self { grpc, ops, controls, lifecycle, shared_limits, running, stop, tokens, _deadline: Deadline::start() }
    }

    pub(crate) async fn channel(&self) -> Channel {
        connect(self.grpc).await
    }

    /// A good token.
    pub(crate) fn token(&self, role: Role) -> String {
        self.token_of("42", role)
    }

    /// A good token of somebody.
    pub(crate) fn token_of(&self, id: &str, role: Role) -> String {
        let ttl = Duration::from_secs(60);
        self.tokens.issue(&Subject { id: id.into(), role, email: None, name: None, ttl }).unwrap()
    }

    /// Calls a method with a good token.
    pub(crate) async fn call_as(&self, role: Role, path: &'static str) -> Result<Response<()>, Status> {
        self.call_with(path, &[("authorization", &format!("Bearer {}", self.token(role)))]).await
    }

    /// Calls a method with these headers.
    pub(crate) async fn call_with(&self, path: &'static str, headers: &[(&str, &str)]) -> Result<Response<()>, Status> {
        call(self.channel().await, path, headers).await
    }

    /// Begins the orderly end.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    pub(crate) fn reached(&self) -> u32 {
        self.controls.reached.load(Ordering::SeqCst)
    }

    /// Waits until so many calls have reached a method.
    pub(crate) async fn wait_until_reached(&self, calls: u32) {
        eventually(|| self.reached() >= calls).await;
    }
}

pub(crate) async fn connect(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

/// A unary call with an empty message each way.
pub(crate) async fn call(
    channel: Channel,
    path: &'static str,
    headers: &[(&str, &str)],
) -> Result<Response<()>, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    client
        .unary(empty(headers), http::uri::PathAndQuery::from_static(path), tonic_prost::ProstCodec::<(), ()>::default())
        .await
}

/// The same by a client that does not keep the deadline itself: it hears what the server says when that is over.
pub(crate) async fn patient_call(
    address: SocketAddr,
    path: &'static str,
    headers: &[(&str, &str)],
) -> Result<Response<()>, Status> {
    let http = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Body>();
    let mut client = tonic::client::Grpc::with_origin(http, format!("http://{address}").parse().unwrap());
    client.ready().await.unwrap();
    client
        .unary(empty(headers), http::uri::PathAndQuery::from_static(path), tonic_prost::ProstCodec::<(), ()>::default())
        .await
}

fn empty(headers: &[(&str, &str)]) -> Request<()> {
    let mut map = http::HeaderMap::new();
    for (name, value) in headers {
        map.append(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
    }
    Request::from_parts(MetadataMap::from_headers(map), http::Extensions::new(), ())
}

/// Waits until something holds, and fails if it does not within ten seconds.
pub(crate) async fn eventually(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap();
}

fn stand_ins(controls: &Controls) -> Routes {
    let echo = axum::routing::post(echo).with_state(controls.clone());
    let router = axum::Router::new()
        .route(ECHO, echo.clone())
        .route(GUEST, echo.clone())
        .route(WRITE, echo.clone())
        .route(SEARCH, echo.clone())
        .route(ADMIN, echo.clone())
        .route(UNRULED, echo)
        .route(SLOW, axum::routing::post(slow).with_state(controls.clone()))
        .route(PANIC, axum::routing::post(panics));
    Routes::from(router)
}

async fn echo(
    axum::extract::State(controls): axum::extract::State<Controls>,
    axum::Extension(principal): axum::Extension<Principal>,
) -> http::Response<Body> {
    controls.reached.fetch_add(1, Ordering::SeqCst);
    answer(&principal)
}

async fn slow(
    axum::extract::State(controls): axum::extract::State<Controls>,
    axum::Extension(principal): axum::Extension<Principal>,
) -> http::Response<Body> {
    controls.reached.fetch_add(1, Ordering::SeqCst);
    controls.gate.acquire().await.unwrap().forget();
    answer(&principal)
}

async fn panics() -> http::Response<Body> {
    panic!("as the test wants")
}

/// One empty message and trailers, as a service would send them.
fn answer(principal: &Principal) -> http::Response<Body> {
    let mut trailers = http::HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    let message = Full::new(axum::body::Bytes::from_static(&[0; 5]));
    let body = message.with_trailers(async move { Some(Ok(trailers)) });
    http::Response::builder()
        .header("content-type", "application/grpc")
        .header("x-principal", principal.to_string())
        .body(Body::new(body))
        .unwrap()
}
