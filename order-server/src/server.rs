//! The server: two ports, the layers, and an orderly end.
//!
//! [`bind`] takes the ports, so that whoever starts a server on port 0 learns where it is; [`Server::run`] serves until
//! it is told to stop.

mod incoming;
mod stream;

use std::{future::Future, io, net::SocketAddr, num::NonZeroU32, sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{
    service::Routes,
    transport::server::{Server as Transport, TcpIncoming},
};
use tonic_health::pb::health_server::HealthServer;

use self::incoming::{Gatekeeper, Places};
use crate::{
    auth::verify::Tokens,
    config::{Config, ShutdownConfig, Switch},
    gateways::Redis,
    health::{Health, ReadinessProbe},
    layers, ops,
    shutdown::Lifecycle,
    telemetry,
    tls::{self, Kept},
};

/// Calls at once on one connection. tonic's `None` would remove hyper's limit.
const STREAMS_PER_CONNECTION: u32 = 256;
/// Streams that we reset for the peer's mistakes before the connection ends.
const LOCAL_RESETS_MAX: usize = 1024;
/// Streams that the peer reset and that wait to be accepted before the connection ends: rapid reset, CVE-2023-44487.
const PENDING_RESETS_MAX: usize = 20;
/// All headers of a request: a JWT and baggage fit.
const HEADER_LIST_BYTES: u32 = 16 * 1024;
/// A connection that says nothing for so long is asked.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// And closed if it does not answer in this time.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// After this time a connection gets a GOAWAY, so that clients spread over new replicas. Never set the grace time that
/// goes with it: with it no GOAWAY is sent, and calls in flight die as UNKNOWN.
const CONNECTION_AGE: Duration = Duration::from_secs(300);
/// Between cutting the last connections and giving up on them.
const CUT_TIME: Duration = Duration::from_secs(1);
/// Between two tidyings of the metrics' histograms.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// What a server serves.
pub struct Parts {
    /// The services. Health and, where configured, reflection are added.
    pub routes: Routes,
    /// What readiness means.
    pub probe: Arc<dyn ReadinessProbe>,
    /// Who is believed.
    pub tokens: Arc<Tokens>,
    /// Where all processes count calls together.
    pub shared_limits: Option<Arc<Redis>>,
    /// The life that the services share with the server.
    pub lifecycle: Lifecycle,
}

/// Why a server could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A port could not be taken.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The descriptor sets do not fit together.
    #[error("reflection cannot be built: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The transport failed.
    #[error("the server failed: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// A server that holds its ports and has not begun to answer.
pub struct Server {
    grpc: TcpIncoming,
    grpc_addr: SocketAddr,
    ops: TcpListener,
    ops_addr: SocketAddr,
    routes: Routes,
    policy: layers::Policy,
    shutdown: ShutdownConfig,
    places: Places,
    tls: Option<Arc<Kept<tls::Door>>>,
    health: Health,
    lifecycle: Lifecycle,
}

/// Takes the ports and looks once at readiness.
///
/// # Errors
/// A port is taken, or reflection cannot be built.
pub async fn bind(config: &Config, parts: Parts) -> Result<Server, ServeError> {
    let Parts { routes, probe, tokens, shared_limits, lifecycle } = parts;
    let grpc = TcpIncoming::bind(config.listen_addr).map_err(|source| bind_error(config.listen_addr, source))?;
    let grpc = grpc.with_nodelay(Some(true)).with_keepalive(Some(KEEPALIVE_INTERVAL));
    let ops = TcpListener::bind(config.ops_addr).await.map_err(|source| bind_error(config.ops_addr, source))?;
    let grpc_addr = grpc.local_addr().map_err(|source| bind_error(config.listen_addr, source))?;
    let ops_addr = ops.local_addr().map_err(|source| bind_error(config.ops_addr, source))?;
    let health = Health::start(probe, lifecycle.clone()).await;
    let routes = routes.add_service(HealthServer::new(health.clone()));
    let routes = if config.reflection.is_on() { with_reflection(routes)? } else { routes };
    let policy = layers::Policy {
        limits: config.limits,
        shared_limits,
        trusted_proxies: config.trusted_proxies.clone(),
        tokens,
        guest_checkout: config.shop.guest_checkout,
        grpc_web: config.web.grpc_web,
        origins: config.web.origins.clone(),
    };
    let many = |most: NonZeroU32| usize::try_from(most.get()).unwrap_or(usize::MAX);
    let places = Places {
        all: many(config.limits.max_connections),
        of_an_address: many(config.limits.max_connections_per_address),
    };
    let (shutdown, tls) = (config.shutdown, config.tls.clone());
    Ok(Server { grpc, grpc_addr, ops, ops_addr, routes, policy, shutdown, places, tls, health, lifecycle })
}

fn bind_error(address: SocketAddr, source: io::Error) -> ServeError {
    ServeError::Bind { address, source }
}

/// Version v1, and v1alpha, which is all that Python's client speaks.
fn with_reflection(routes: Routes) -> Result<Routes, ServeError> {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(order_api::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    Ok(routes.add_service(builder().build_v1()?).add_service(builder().build_v1alpha()?))
}

impl Server {
    /// Where the gRPC API listens.
    #[must_use]
    pub const fn grpc_addr(&self) -> SocketAddr {
        self.grpc_addr
    }

    /// Where metrics, health and readiness listen.
    #[must_use]
    pub const fn ops_addr(&self) -> SocketAddr {
        self.ops_addr
    }

    /// Serves until `stop` completes, and then ends in order: NOT_SERVING; time for that to get around; no new
    /// connections, streams end; calls in progress finish, or are cut; background work finishes; the ops port closes.
    ///
    /// # Errors
    /// The transport failed.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), ServeError> {
        let metrics = telemetry::metrics::init();
        let ops = tokio::spawn(serve_ops(self.ops, ops::router(self.health.clone(), metrics.clone())));
        let upkeep = tokio::spawn(async move {
            loop {
                tokio::time::sleep(METRICS_UPKEEP).await;
                metrics.run_upkeep();
            }
        });
        let certificates = self.tls.clone().map(|kept| tokio::spawn(kept.keep_fresh()));
        let cut = CancellationToken::new();
        let connections = Gatekeeper::new(self.places, cut.clone(), self.tls).connections(self.grpc);
        let serving = transport(self.policy.grpc_web).serve_with_incoming_shutdown(
            layers::stack(&self.policy, self.routes),
            connections,
            self.lifecycle.draining().clone().cancelled_owned(),
        );
        let ending = End { health: self.health, lifecycle: self.lifecycle.clone(), shutdown: self.shutdown, cut };
        tokio::pin!(serving);
        let served = tokio::select! {
            served = &mut serving => served,
            () = ending.drain(stop) => tokio::time::timeout(CUT_TIME, serving).await.unwrap_or(Ok(())),
        };
        if let Err(unfinished) = self.lifecycle.close(self.shutdown.tasks).await {
            tracing::warn!(unfinished, "background work did not finish in time");
        }
        ops.abort();
        upkeep.abort();
        if let Some(certificates) = certificates {
            certificates.abort();
        }
        tracing::info!("stopped");
        Ok(served?)
    }
}

/// The first half of the end.
struct End {
    health: Health,
    lifecycle: Lifecycle,
    shutdown: ShutdownConfig,
    cut: CancellationToken,
}

impl End {
    /// Waits for `stop`, then lets the calls finish. Returns only when patience is over and every connection is cut;
    /// whoever waits sees the transport end earlier if all goes well.
    async fn drain(&self, stop: impl Future<Output = ()>) {
        stop.await;
        self.health.retire();
        tokio::time::sleep(self.shutdown.propagation).await;
        self.lifecycle.draining().cancel();
        tokio::time::sleep(self.shutdown.drain).await;
        tracing::warn!("calls or connections outlived the drain time and are cut");
        self.cut.cancel();
    }
}

/// gRPC-Web may come over HTTP/1.1; nothing else does.
fn transport(grpc_web: Switch) -> Transport {
    Transport::builder()
        .accept_http1(grpc_web.is_on())
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .http2_max_local_error_reset_streams(Some(LOCAL_RESETS_MAX))
        .http2_max_pending_accept_reset_streams(Some(PENDING_RESETS_MAX))
        .http2_max_header_list_size(HEADER_LIST_BYTES)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .max_connection_age(CONNECTION_AGE)
}

async fn serve_ops(listener: TcpListener, router: axum::Router) {
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "the ops port failed");
    }
}
