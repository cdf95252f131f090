//! The port for operators and orchestrators: metrics, liveness, readiness, and gRPC health over plain HTTP/2, since
//! kubelets know neither TLS nor metadata. Not for the public: bind it where only they can reach it.

use std::sync::LazyLock;

use axum::{
    Router, extract::State, http::StatusCode, http::header::CONTENT_TYPE, response::IntoResponse, routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;
use tonic::service::Routes;
use tonic_health::pb::health_server::HealthServer;

use crate::{
    auth::access::{Access, METHODS},
    health::{Health, Readiness},
    openapi,
};

/// The description of the REST side, made when somebody asks for it first.
static OPENAPI: LazyLock<String> = LazyLock::new(|| {
    let guests: Vec<_> =
        METHODS.iter().filter(|method| method.access == Access::Guest).map(|method| method.path).collect();
    openapi::document(env!("CARGO_PKG_VERSION"), &guests).to_string()
});

/// The routes of the ops port.
pub fn router(health: Health, metrics: PrometheusHandle) -> Router {
    let pages = Router::new()
        .route("/metrics", get(render))
        .with_state(metrics)
        .route("/healthz", get(async || "ok\n"))
        .route("/openapi.json", get(async || ([(CONTENT_TYPE, "application/json")], OPENAPI.as_str())))
        .merge(Router::new().route("/readyz", get(readiness)).with_state(health.clone()));
    // tonic's own fallback answers 200 to everything, since gRPC keeps its codes elsewhere: a probe with a mistyped path
    // would be green for ever.
    pages.merge(Routes::new(HealthServer::new(health)).into_axum_router().reset_fallback())
}

async fn render(State(metrics): State<PrometheusHandle>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render())
}

async fn readiness(State(health): State<Health>) -> (StatusCode, String) {
    match health.readiness() {
        Readiness::Ready => (StatusCode::OK, "ready\n".to_owned()),
        Readiness::NotReady(missing) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {missing}\n")),
        Readiness::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n".to_owned()),
    }
}
