//! Gives every caller its share of calls, so that one of them cannot crowd out the rest.
//!
//! Counted per customer, and for guests per peer address. Services and administrators are not limited: they act for
//! many, and admission protects us from them as from everybody.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use tonic::transport::server::TcpConnectInfo;

use super::{Request, gate::Gate};
use crate::{
    auth::{Principal, access::Access},
    config::Rate,
    error::{ApiError, Reason},
};

/// How many callers are remembered. Beyond it newcomers share one allowance until the idle ones are forgotten; memory
/// stays bounded whatever addresses callers come from.
const CALLERS_MAX: usize = 100_000;

/// Callers that have been idle long enough to have their whole allowance back are forgotten once in so many calls.
const CALLS_BETWEEN_SWEEPS: u64 = 65_536;

/// Who is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Caller {
    Customer(String),
    Address(Option<IpAddr>),
    /// Everybody who comes when too many are remembered.
    Newcomer,
}

/// See the module.
pub struct RateLimit {
    limiter: DefaultKeyedRateLimiter<Caller>,
    clock: DefaultClock,
    calls: AtomicU64,
}

impl RateLimit {
    /// Limits every caller to this rate.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self { limiter: RateLimiter::keyed(quota), clock: DefaultClock::default(), calls: AtomicU64::new(0) }
    }

    /// The caller as it is counted; `None` if it is not.
    fn caller(&self, request: &Request) -> Option<Caller> {
        let caller = match request.extensions().get::<Principal>()? {
            Principal::Customer { id, .. } => Caller::Customer(id.as_str().to_owned()),
            Principal::Guest => Caller::Address(peer(request)),
            Principal::Admin { .. } | Principal::Service { .. } => return None,
        };
        let crowded = self.limiter.len() >= CALLERS_MAX;
        Some(if crowded { Caller::Newcomer } else { caller })
    }

    fn sweep_now_and_then(&self) {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        if calls % CALLS_BETWEEN_SWEEPS == CALLS_BETWEEN_SWEEPS - 1 {
            self.limiter.retain_recent();
        }
    }
}

impl Gate for RateLimit {
    fn check(&self, request: &mut Request) -> Result<(), ApiError> {
        let public = super::method(request).is_some_and(|method| method.access == Access::Public);
        let Some(caller) = self.caller(request).filter(|_| !public) else { return Ok(()) };
        self.sweep_now_and_then();
        self.limiter.check_key(&caller).map_err(|until| refusal(until.wait_time_from(self.clock.now())))
    }
}

impl std::fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimit").field("callers", &self.limiter.len()).finish_non_exhaustive()
    }
}

fn peer(request: &Request) -> Option<IpAddr> {
    request.extensions().get::<TcpConnectInfo>()?.remote_addr().map(|address| address.ip())
}

fn refusal(wait: Duration) -> ApiError {
    // Rounded up, so that whoever waits as told is let in.
    let delay = wait.saturating_add(Duration::from_millis(1));
    ApiError::new(Reason::RateLimited, "you send requests faster than your share; slow down").with_retry_after(delay)
}
