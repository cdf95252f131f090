//! Neighbours that are services of their own, behind the contract in `proto/integrations/v1`.
//!
//! Every call has a deadline, the caller's own or the configured one, whichever comes first. What may be the connection's fault is
//! tried again, under the same key, while there is time. Only so many calls are under way at once, and a neighbour that keeps failing
//! is left alone for a while: its callers hear so at once.

mod address;
mod breaker;
mod catalog;
mod inventory;
mod notification;
mod payment;
mod shipping;

use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use opentelemetry::trace::FutureExt as _;
use order_core::ports::{Health, Lack, Unavailable};
use tokio::sync::Semaphore;
use tonic::{
    Code, Request, Response, Status,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use self::breaker::Breaker;
pub use self::{
    address::RemoteAddress, catalog::RemoteCatalog, inventory::RemoteInventory, notification::RemoteNotifier,
    payment::RemotePayments, shipping::RemoteShipping,
};
use crate::telemetry::{
    metrics::{NEIGHBOUR_CALL_DURATION, NEIGHBOUR_SKIPPED, code_name},
    traces,
};

/// How often a call is tried.
const ATTEMPTS: u32 = 3;
/// The pause before the second attempt; before the third it is twice as long.
const PAUSE: Duration = Duration::from_millis(20);
/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(1);
/// How often a connection is asked whether it is still there, and how long it may take to say so.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(5));

const TOO_MANY: &str = "too many calls are under way";

/// What one neighbour is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// How long a call may take, all attempts together.
    pub timeout: Duration,
    /// Calls under way at once.
    pub concurrency: usize,
}

/// A neighbour that is reached over gRPC.
pub(super) struct Remote {
    name: &'static str,
    channel: Channel,
    allowance: Allowance,
    permits: Semaphore,
    breaker: Breaker,
    peer: traces::Peer,
}

/// A call, told of to metrics and traces where it ends, also where whoever waited for it went away.
struct Told {
    name: &'static str,
    began: Instant,
    traced: traces::Traced,
    code: Code,
}

impl Drop for Told {
    fn drop(&mut self) {
        histogram!(NEIGHBOUR_CALL_DURATION, "neighbour" => self.name, "code" => code_name(self.code))
            .record(self.began.elapsed());
        self.traced.finish(self.code);
    }
}

/// Why a call came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// The neighbour answered, with this.
    Answered(Status),
    /// It did not, or not in time.
    Unavailable(Unavailable),
    /// It was not asked: too much is under way, or it is left alone.
    Unasked(Unavailable),
}

impl Failure {
    fn code(&self) -> Code {
        match self {
            Self::Answered(status) => status.code(),
            Self::Unavailable(unavailable) | Self::Unasked(unavailable) => match unavailable.lack {
                Lack::TimeOver => Code::DeadlineExceeded,
                Lack::Overloaded => Code::ResourceExhausted,
                Lack::Down => Code::Unavailable,
            },
        }
    }
}

impl Remote {
    /// The neighbour at this address. Connects once it is needed, and again whenever the connection was lost. Must be called
    /// inside the runtime.
    pub(super) fn new(name: &'static str, address: &RemoteAddress, allowance: Allowance) -> Self {
        let settle = |endpoint: Endpoint| {
            endpoint
                .connect_timeout(CONNECT)
                .tcp_nodelay(true)
                .http2_keep_alive_interval(KEEPALIVE.0)
                .keep_alive_timeout(KEEPALIVE.1)
        };
        Self {
            name,
            channel: address.channel(settle),
            allowance,
            permits: Semaphore::new(allowance.concurrency),
            breaker: Breaker::new(name, allowance.timeout),
            peer: traces::Peer::new(name, address.uri()),
        }
    }

    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    /// Asks the neighbour. `send` is given the connection and a request, with its deadline, around the message.
    pub(super) async fn call<M, T, F>(&self, message: M, send: impl Fn(Channel, Request<M>) -> F) -> Result<T, Failure>
    where
        M: Clone,
        F: Future<Output = Result<Response<T>, Status>>,
    {
        // Until it is known better, nobody waited for the answer.
        let mut told = Told {
            name: self.name,
            began: Instant::now(),
            traced: traces::asked::<M>(&self.peer),
            code: Code::Cancelled,
        };
        let answer = self.guarded(message, send).with_context(told.traced.context()).await;
        told.code = match &answer {
            Ok(_) => Code::Ok,
            Err(failure) => failure.code(),
        };
        answer
    }

    async fn guarded<M, T, F>(&self, message: M, send: impl Fn(Channel, Request<M>) -> F) -> Result<T, Failure>
    where
        M: Clone,
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let time = Time::of(self.allowance.timeout);
        let permit = tokio::time::timeout_at(time.until.into(), self.permits.acquire()).await;
        let Ok(Ok(_permit)) = permit else {
            return Err(self.unasked(Lack::Overloaded, TOO_MANY));
        };
        let Some(time) = time.after_waiting(self.allowance.timeout) else {
            return Err(self.unasked(Lack::Overloaded, TOO_MANY));
        };
        let Some(pass) = self.breaker.let_through() else {
            counter!(NEIGHBOUR_SKIPPED, "neighbour" => self.name).increment(1);
            return Err(self.unasked(Lack::Down, "it failed too often and is left alone for a while"));
        };
        let answer = self.attempts(time, message, send).await;
        match &answer {
            Ok(_) | Err(Failure::Answered(_)) => self.breaker.succeeded(),
            // A caller with little time, or little left of it, says nothing about the neighbour.
            Err(Failure::Unasked(_)) => {}
            Err(Failure::Unavailable(Unavailable { lack: Lack::TimeOver, .. })) if !time.was_fair => {}
            Err(Failure::Unavailable(_)) => self.breaker.failed(pass),
        }
        answer
    }

    async fn attempts<M, T, F>(
        &self,
        time: Time,
        message: M,
        send: impl Fn(Channel, Request<M>) -> F,
    ) -> Result<T, Failure>
    where
        M: Clone,
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let Time { until, late, .. } = time;
        let mut pause = PAUSE;
        for attempt in 1..=ATTEMPTS {
            let mut request = Request::new(message.clone());
            traces::pass_on(request.metadata_mut());
            request.set_timeout(until.saturating_duration_since(Instant::now()));
            let answer = tokio::time::timeout_at(until.into(), send(self.channel.clone(), request)).await;
            let detail = match answer {
                Ok(Ok(answer)) => return Ok(answer.into_inner()),
                // Where the time is over, tonic says CANCELLED, a moment before or after we would.
                Ok(Err(status)) if is_over(status.code()) && Instant::now() + PAUSE >= until => {
                    return Err(self.lack(late, "it did not answer in time"));
                }
                Ok(Err(status)) if is_over(status.code()) || is_transient(status.code()) => status.to_string(),
                Ok(Err(status)) => return Err(Failure::Answered(status)),
                Err(_elapsed) => return Err(self.lack(late, "it did not answer in time")),
            };
            let goes_on = Instant::now() + pause;
            if attempt == ATTEMPTS || goes_on >= until {
                return Err(self.lack(Lack::Down, &detail));
            }
            tokio::time::sleep_until(goes_on.into()).await;
            pause *= 2;
        }
        unreachable!("the last attempt has returned")
    }

    /// Whether the neighbour says that it serves. One that has no health service answers by that. Also one that is left alone is asked,
    /// and its answer changes nothing about that.
    pub(super) async fn check(&self) -> Result<Health, Unavailable> {
        let message = HealthCheckRequest::default();
        let send = |channel, request| async move { HealthClient::new(channel).check(request).await };
        match self.attempts(Time::of(self.allowance.timeout), message, send).await {
            Ok(answer) if answer.status() == ServingStatus::Serving => Ok(Health::Connected),
            Ok(answer) => Err(self.unavailable(Lack::Down, format!("it says {}", answer.status().as_str_name()))),
            Err(Failure::Answered(status)) if status.code() == Code::Unimplemented => Ok(Health::Connected),
            Err(failure) => Err(self.nonsense(failure)),
        }
    }

    /// A failure that means nothing in particular.
    pub(super) fn nonsense(&self, failure: Failure) -> Unavailable {
        match failure {
            Failure::Unavailable(unavailable) | Failure::Unasked(unavailable) => unavailable,
            Failure::Answered(status) if status.code() == Code::ResourceExhausted => {
                self.unavailable(Lack::Overloaded, status.to_string())
            }
            Failure::Answered(status) => self.unavailable(Lack::Down, status.to_string()),
        }
    }

    /// An answer that breaks the contract.
    pub(super) fn broken(&self, what: impl std::fmt::Display) -> Unavailable {
        tracing::error!(neighbour = self.name, %what, "a neighbour's answer breaks the contract");
        self.unavailable(Lack::Down, what.to_string())
    }

    fn unasked(&self, lack: Lack, detail: &str) -> Failure {
        Failure::Unasked(self.unavailable(lack, detail.to_owned()))
    }

    fn lack(&self, lack: Lack, detail: &str) -> Failure {
        Failure::Unavailable(self.unavailable(lack, detail.to_owned()))
    }

    const fn unavailable(&self, lack: Lack, detail: String) -> Unavailable {
        Unavailable { neighbour: self.name, lack, detail }
    }
}

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
struct Time {
    until: Instant,
    /// What is said where it was too long: whose time it is that ends first.
    late: Lack,
    /// Whether a neighbour that is well would have answered by then.
    was_fair: bool,
}

impl Time {
    fn of(timeout: Duration) -> Self {
        let now = Instant::now();
        let own = now + timeout;
        let until = order_store::deadline::current().map_or(own, |callers| callers.min(own));
        let late = if until < own { Lack::TimeOver } else { Lack::Down };
        Self { until, late, was_fair: until.saturating_duration_since(now) >= timeout / 2 }
    }

    /// What is left of it after others were waited for; `None` where that is nothing.
    fn after_waiting(self, timeout: Duration) -> Option<Self> {
        let left = self.until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        Some(Self { was_fair: left >= timeout / 2, ..self })
    }
}

/// Whether the connection was lost, or whoever answered could not do better: worth another try. A connection that dies in flight comes as
/// UNKNOWN.
const fn is_transient(code: Code) -> bool {
    matches!(code, Code::Unavailable | Code::Unknown | Code::Internal)
}

/// Whether somebody says that the time is over.
const fn is_over(code: Code) -> bool {
    matches!(code, Code::DeadlineExceeded | Code::Cancelled)
}
