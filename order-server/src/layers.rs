//! What every call passes before it reaches a service, outermost first:
//!
//! 0. [`web`] answers browsers' preflights and translates gRPC-Web.
//! 1. [`request_id`] names the call; the name is echoed in every answer.
//! 2. [`observe`] opens the span, measures the call and writes its one log line, also when the caller goes away.
//! 3. [`panic`] turns a panic into INTERNAL.
//! 4. [`admission`] refuses what cannot be done in time, before any work is spent on it.
//! 5. [`deadline`] ends the call when nobody waits for it any more.
//! 6. [`authenticate`] finds out who calls.
//! 7. [`authorize`] decides by path whether they may. What has no rule is refused.
//! 8. [`rate_limit`] gives every caller its share.
//! 9. [`message`] explains what was wrong with bytes that are no message.
//!
//! All speak [`Request`] and [`Response`] and cannot fail: what they refuse is an answer of trailers only, with details.

pub mod admission;
pub mod authenticate;
pub mod authorize;
mod body;
pub mod deadline;
pub mod gate;
pub mod message;
pub mod observe;
pub mod panic;
mod pushback;
pub mod rate_limit;
pub mod request_id;
pub mod web;

use std::{convert::Infallible, future::Future, num::NonZeroU32, pin::Pin, sync::Arc};

use tonic::{body::Body, service::Routes};
use tower::{Service, ServiceBuilder};

use crate::{
    auth::{access::Method, verify::Tokens},
    config::{LimitsConfig, Networks, Origins, Switch},
    gateways::Redis,
};

/// What the layers pass down.
pub type Request = http::Request<Body>;
/// What the layers pass up.
pub type Response = http::Response<Body>;
/// The outcome of a call; a refusal is a response too.
pub type Outcome = Result<Response, Infallible>;
/// The future of layers that do something after the inner service.
pub type BoxFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A caller may have one in so many of all calls that are let in at once.
const SHARE: usize = 8;
/// And so many in any case: a page that asks for several things at once is no attack.
const SHARE_MIN: usize = 16;

/// What the layers need.
#[derive(Debug, Clone)]
pub struct Policy {
    /// How much is let in.
    pub limits: LimitsConfig,
    /// Where all processes count calls together.
    pub shared_limits: Option<Arc<Redis>>,
    /// Who may say for whom they call.
    pub trusted_proxies: Networks,
    /// Who is believed.
    pub tokens: Arc<Tokens>,
    /// Whether carts and orders need no token.
    pub guest_checkout: Switch,
    /// Whether gRPC-Web is spoken.
    pub grpc_web: Switch,
    /// Whose pages may read our answers.
    pub origins: Origins,
}

/// The method that is called, as found by [`observe`] in the table of rules. Absent from a request's extensions if the
/// path is in no rule.
pub(crate) fn method(request: &Request) -> Option<&'static Method> {
    request.extensions().get::<&'static Method>().copied()
}

/// The services with every layer around them.
pub fn stack(
    policy: &Policy,
    routes: Routes,
) -> impl Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static {
    ServiceBuilder::new()
        .option_layer(web::cors(&policy.origins))
        .option_layer(policy.grpc_web.is_on().then(tonic_web::GrpcWebLayer::new))
        .layer(request_id::RequestIdLayer)
        .layer(observe::ObserveLayer)
        .layer(panic::PanicLayer)
        .layer(admission::AdmissionLayer::new(policy.limits.max_concurrent_requests))
        .layer(deadline::DeadlineLayer::new(policy.limits.request_timeout))
        .layer(gate::GateLayer::new(authenticate::Authenticate::new(Arc::clone(&policy.tokens))))
        .layer(gate::GateLayer::new(authorize::Authorize::new(policy.guest_checkout)))
        .layer(rate_limit::RateLimitLayer::new(rate_limits(policy)))
        .layer(message::MessageLayer)
        .service(routes.prepare())
}

fn share(calls: NonZeroU32) -> usize {
    usize::try_from(calls.get()).map_or(usize::MAX, |calls| (calls / SHARE).max(SHARE_MIN))
}

fn rate_limits(policy: &Policy) -> rate_limit::RateLimits {
    rate_limit::RateLimits {
        rates: policy.limits.rates,
        trusted_proxies: policy.trusted_proxies.clone(),
        shared: policy.shared_limits.clone(),
        at_once: share(policy.limits.max_concurrent_requests),
    }
}
