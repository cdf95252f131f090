//! Callers that make one call after the other, and what that comes to.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use tokio::task::JoinSet;
use tonic::{Status, transport::Channel};

use crate::{Failed, dice::Dice, figures, server::Server};

/// Connections that the callers share.
const CONNECTIONS: usize = 8;
/// Before anything is counted.
const WARM_UP: Duration = Duration::from_millis(1500);
/// How long a caller waits who was refused, unless the server says for how long: a caller who asks again at once would only keep
/// it busy with refusing.
const PUSHBACK: Duration = Duration::from_millis(100);

/// What a caller does again and again.
pub(crate) trait Call: Send + 'static {
    /// Makes one call, and says when it began.
    fn make(&mut self) -> impl Future<Output = Result<Instant, Status>> + Send;
}

/// How many callers, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Calls in flight.
    pub(crate) in_flight: usize,
    /// Before anything is counted.
    warm_up: Duration,
    /// What is counted.
    time: Duration,
}

impl Load {
    /// Counted once it is under way.
    pub(crate) const fn new(in_flight: usize, time: Duration) -> Self {
        Self { in_flight, warm_up: WARM_UP, time }
    }

    /// Counted from the first call on.
    pub(crate) const fn at_once(self) -> Self {
        Self { warm_up: Duration::ZERO, ..self }
    }
}

/// What a load came to.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// Calls that succeeded in a second.
    pub(crate) per_second: f64,
    /// How long each of them took, sorted.
    pub(crate) latencies: Vec<Duration>,
    /// Calls that were refused.
    pub(crate) refused: u64,
    /// What one of them was told.
    pub(crate) refusal: Option<String>,
}

impl Outcome {
    /// The latency that this share of all calls, in thousandths, did not exceed.
    pub(crate) fn at(&self, per_mille: usize) -> Duration {
        at(&self.latencies, per_mille)
    }
}

/// What so many of sorted times, in thousandths, did not exceed.
pub(crate) fn at(sorted: &[Duration], per_mille: usize) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * per_mille / 1000).copied().unwrap_or_default()
}

/// A number for every load, so that no two ever use the same request ids.
static LOADS: AtomicU64 = AtomicU64::new(1);

/// Has callers at work, each made for a connection and with dice of its own.
pub(crate) async fn drive<C: Call>(
    server: &Server,
    load: Load,
    caller: impl Fn(Channel, Dice) -> C,
) -> Result<Outcome, Failed> {
    let Load { in_flight, warm_up, time } = load;
    let mut channels = Vec::new();
    for _ in 0..CONNECTIONS.min(in_flight) {
        channels.push(server.connect().await?);
    }
    let (from, number) = (Instant::now() + warm_up, LOADS.fetch_add(1, Ordering::Relaxed));
    let mut callers = JoinSet::new();
    for n in 0..in_flight {
        let caller = caller(channels[n % channels.len()].clone(), Dice::new(number << 32 | u64::try_from(n)?));
        callers.spawn(call_until(caller, (from, from + time)));
    }
    let mut told = Told::default();
    while let Some(done) = callers.join_next().await {
        let own = done?;
        told.latencies.extend(own.latencies);
        told.refused += own.refused;
        told.refusal = told.refusal.or(own.refusal);
    }
    let Told { mut latencies, refused, refusal } = told;
    latencies.sort_unstable();
    let per_second = figures::ratio(latencies.len(), time.as_secs_f64());
    Ok(Outcome { per_second, latencies, refused, refusal })
}

/// What a caller was told.
#[derive(Default)]
struct Told {
    latencies: Vec<Duration>,
    refused: u64,
    refusal: Option<String>,
}

/// Calls that end in the interval are counted.
async fn call_until<C: Call>(mut caller: C, (from, until): (Instant, Instant)) -> Told {
    let mut told = Told::default();
    loop {
        let answer = caller.make().await;
        let ended = Instant::now();
        if ended >= until {
            return told;
        }
        let is_counted = ended >= from;
        match answer {
            Ok(began) if is_counted => told.latencies.push(ended - began),
            Ok(_began) => {}
            Err(status) => {
                told.refused += u64::from(is_counted);
                let end = tokio::time::Instant::from_std(until);
                let pause = tokio::time::sleep(pushback(&status));
                if tokio::time::timeout_at(end, pause).await.is_err() {
                    return told;
                }
                told.refusal.get_or_insert_with(|| format!("{:?}: {}", status.code(), status.message()));
            }
        }
    }
}

/// For how long the server asks to be left alone.
fn pushback(status: &Status) -> Duration {
    let asked = status.metadata().get("grpc-retry-pushback-ms").and_then(|value| value.to_str().ok());
    asked.and_then(|text| text.parse().ok()).map_or(PUSHBACK, Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_calls_was_as_fast_as_its_latency_says() {
        let latencies = (1..=100).map(Duration::from_millis).collect();
        let outcome = Outcome { per_second: 1.0, latencies, refused: 0, refusal: None };
        assert_eq!(outcome.at(500), Duration::from_millis(50));
        assert_eq!(outcome.at(1000), Duration::from_millis(100));
    }

    #[test]
    fn the_server_says_how_long_to_wait() {
        let mut status = Status::resource_exhausted("later");
        assert_eq!(pushback(&status), PUSHBACK);
        status.metadata_mut().insert("grpc-retry-pushback-ms", "250".parse().unwrap());
        assert_eq!(pushback(&status), Duration::from_millis(250));
    }
}
