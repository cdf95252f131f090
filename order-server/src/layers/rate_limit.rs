//! Gives every caller its share of calls, so that one of them cannot crowd out the rest.
//!
//! Counted per customer, and for guests per address, each class of methods apart. Services and administrators are not
//! limited: they act for many, and admission protects us from them as from everybody.
//!
//! Where there is a Redis, all processes count together. While it does not answer each counts for itself.

mod caller;
mod local;

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::Either;
use metrics::counter;
use tower::{Layer, Service};

use self::{caller::Caller, local::Local};
use super::{BoxFuture, Request, Response};
use crate::{
    auth::{
        Principal,
        access::{Access, Class, PerClass},
    },
    config::{Networks, Rate},
    crowd::Crowd,
    error::{ApiError, Reason},
    gateways::{Allowed, Redis},
    telemetry::metrics::{RATE_LIMIT_DECISIONS, RATE_LIMIT_REFUSED},
};

/// What callers are given, and where it is counted.
#[derive(Debug, Clone)]
pub struct RateLimits {
    /// By class; `None` means no limit.
    pub rates: PerClass<Option<Rate>>,
    /// Who may say for whom they call.
    pub trusted_proxies: Networks,
    /// Where all processes count together.
    pub shared: Option<Arc<Redis>>,
    /// How many calls of one caller may be under way in this process.
    pub at_once: usize,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct RateLimitLayer(Arc<Limiter>);

impl RateLimitLayer {
    /// A layer that all connections share.
    #[must_use]
    pub fn new(limits: RateLimits) -> Self {
        let (local, under_way) = (Local::new(limits.rates), Crowd::new(limits.at_once));
        Self(Arc::new(Limiter { limits, under_way, local }))
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimited<S>;

    fn layer(&self, inner: S) -> RateLimited<S> {
        RateLimited { limiter: Arc::clone(&self.0), inner }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct RateLimited<S> {
    limiter: Arc<Limiter>,
    inner: S,
}

impl<S> Service<Request> for RateLimited<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<BoxFuture, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Some(counted) = self.limiter.counted(&request) else {
            return Either::Right(self.inner.call(request));
        };
        // The one that is ready goes with the call; its copy will be asked anew.
        let copy = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, copy);
        let limiter = Arc::clone(&self.limiter);
        Either::Left(Box::pin(async move {
            // Held until the answer is there: a request whose message never comes takes up room like any other.
            let Some(_place) = limiter.under_way.enter(&counted.caller) else {
                return Ok(crowded(counted.class).into_response());
            };
            match limiter.admit(&counted).await {
                Ok(()) => inner.call(request).await,
                Err(wait) => Ok(refusal(counted.class, wait).into_response()),
            }
        }))
    }
}

#[derive(Debug)]
struct Limiter {
    limits: RateLimits,
    /// Calls of each caller that have no answer yet.
    under_way: Crowd<Caller>,
    local: Local,
}

/// A call that is counted.
#[derive(Debug)]
struct Counted {
    caller: Caller,
    class: Class,
    rate: Rate,
}

impl Limiter {
    /// What of a request is counted; `None` if nothing is.
    fn counted(&self, request: &Request) -> Option<Counted> {
        let method = super::method(request).filter(|method| method.access != Access::Public)?;
        let rate = (*self.limits.rates.of(method.class))?;
        let caller = match request.extensions().get::<Principal>()? {
            Principal::Customer { id, .. } => Caller::Customer(id.as_str().to_owned()),
            Principal::Guest => Caller::guest(request, &self.limits.trusted_proxies),
            Principal::Admin { .. } | Principal::Service { .. } => return None,
        };
        Some(Counted { caller, class: method.class, rate })
    }

    /// Lets a call in, or says after which time it may come back.
    async fn admit(&self, counted: &Counted) -> Result<(), Duration> {
        // Counted here in any case: who has no allowance left here has none anywhere, and a flood does not reach Redis; and nobody has a
        // second allowance as soon as Redis is gone.
        let admitted = match self.local.take(counted) {
            Ok(()) => match self.ask_all(counted).await {
                Some(Allowed::Now) => Ok(()),
                Some(Allowed::After(wait)) => Err(wait),
                None => {
                    counter!(RATE_LIMIT_DECISIONS, "scope" => "local").increment(1);
                    Ok(())
                }
            },
            Err(wait) => {
                counter!(RATE_LIMIT_DECISIONS, "scope" => "local").increment(1);
                Err(wait)
            }
        };
        if admitted.is_err() {
            counter!(RATE_LIMIT_REFUSED, "class" => counted.class.as_str()).increment(1);
        }
        admitted
    }

    async fn ask_all(&self, counted: &Counted) -> Option<Allowed> {
        let shared = self.limits.shared.as_ref()?;
        let answer = shared.take(&counted.caller.key(counted.class), counted.rate).await?;
        counter!(RATE_LIMIT_DECISIONS, "scope" => "shared").increment(1);
        Some(answer)
    }
}

/// Rates alone let one caller have more calls under way than are let in from all together.
fn crowded(class: Class) -> ApiError {
    counter!(RATE_LIMIT_REFUSED, "class" => class.as_str()).increment(1);
    ApiError::new(Reason::RateLimited, "you have too many calls under way; wait for their answers")
        .with_metadata("class", class.as_str())
        .with_retry_after(Duration::from_secs(1))
}

fn refusal(class: Class, wait: Duration) -> ApiError {
    // Rounded up, so that whoever waits as told is let in.
    let delay = wait.saturating_add(Duration::from_millis(1));
    let message = match class {
        Class::Read => "you read faster than your share; slow down",
        Class::Write => "you write faster than your share; slow down",
        Class::Search => "you search faster than your share; slow down",
    };
    ApiError::new(Reason::RateLimited, message).with_metadata("class", class.as_str()).with_retry_after(delay)
}
