//! What this process counts by itself.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

use super::{Counted, caller::Caller};
use crate::{auth::access::PerClass, config::Rate};

/// How many callers are remembered for each class. Beyond it guests share one allowance until the idle ones are
/// forgotten; memory stays bounded whatever addresses callers come from.
const CALLERS_MAX: usize = 100_000;

/// Callers that have been idle long enough to have their whole allowance back are forgotten once in so many calls.
const CALLS_BETWEEN_SWEEPS: u64 = 16_384;

type Limiter = DefaultKeyedRateLimiter<Caller>;

/// See the module.
pub(super) struct Local {
    limiters: PerClass<Option<Limiter>>,
    clock: DefaultClock,
    calls: AtomicU64,
}

impl Local {
    /// Limits every caller to these rates.
    pub(super) fn new(rates: PerClass<Option<Rate>>) -> Self {
        let limiter = |rate: Rate| RateLimiter::keyed(Quota::per_second(rate.per_second).allow_burst(rate.burst));
        let limiters = rates.map(|rate| rate.map(limiter));
        Self { limiters, clock: DefaultClock::default(), calls: AtomicU64::new(0) }
    }

    /// Takes a call out of its caller's allowance, or says after which time there may be something left.
    pub(super) fn take(&self, counted: &Counted) -> Result<(), Duration> {
        let Some(limiter) = self.limiters.of(counted.class) else { return Ok(()) };
        self.sweep_now_and_then(limiter);
        // Whoever has a token is somebody that there is; addresses there are as many of as somebody likes.
        let caller = match &counted.caller {
            Caller::Guest(_) if limiter.len() >= CALLERS_MAX => &Caller::Newcomer,
            caller @ (Caller::Customer(_) | Caller::Guest(_) | Caller::Newcomer) => caller,
        };
        limiter.check_key(caller).map_err(|until| until.wait_time_from(self.clock.now()))
    }

    fn sweep_now_and_then(&self, limiter: &Limiter) {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        if calls % CALLS_BETWEEN_SWEEPS == CALLS_BETWEEN_SWEEPS - 1 {
            limiter.retain_recent();
        }
    }
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local").finish_non_exhaustive()
    }
}
