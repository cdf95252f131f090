//! Browsers: gRPC-Web, and who may read our answers (CORS).
//!
//! Outside all other layers: a preflight is no call, and what is counted and logged of a call is the call, not its translation.

use std::time::Duration;

use http::{HeaderName, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::config::Origins;

/// For how long a browser may remember the answer to a preflight.
const PREFLIGHT: Duration = Duration::from_secs(3600);

/// What tells browsers who may read our answers; `None` where nobody may.
pub(super) fn cors(origins: &Origins) -> Option<CorsLayer> {
    let origins = match origins {
        Origins::None => return None,
        Origins::Any => AllowOrigin::any(),
        Origins::These(these) => AllowOrigin::list(these.clone()),
    };
    let asked =
        ["authorization", "content-type", "x-grpc-web", "x-user-agent", "grpc-timeout", "x-request-id", "traceparent"];
    let told = ["grpc-status", "grpc-message", "grpc-status-details-bin", "grpc-retry-pushback-ms", "x-request-id"];
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::POST])
        .allow_headers(asked.map(HeaderName::from_static))
        .expose_headers(told.map(HeaderName::from_static))
        .max_age(PREFLIGHT);
    Some(layer)
}
