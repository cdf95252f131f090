//! Passing the feed on: at least once, the events of one order in their order, and each consumer by one process at a time.
//!
//! How far a consumer has come is kept in the database, with a lease for the process that works for it. A process that dies loses its lease;
//! another one goes on where it was noted last, and tells again what was not noted yet.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use metrics::{counter, gauge};
use order_core::{ids::OrderId, ports::Unavailable, time::Timestamp};
use order_store::{ConsumerLease, FeedCursor, FeedEvent, StoreError};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    app::App,
    telemetry::metrics::{CONSUMER_EVENTS, CONSUMER_WAITING},
};

/// For how long a process works for a consumer without saying so.
const LEASE: Duration = Duration::from_secs(15);
/// How often it is measured for how long the oldest event has been waiting.
const MEASURED: Duration = Duration::from_secs(1);
/// How often a process says that it works for a consumer.
const RENEWAL: Duration = Duration::from_secs(5);
/// How often the feed is looked at, and how often a process asks whether there is work for it.
const PAUSE: Duration = Duration::from_millis(200);
const IDLE_PAUSE: Duration = Duration::from_secs(1);
/// Events that are passed on before it is noted.
const PAGE: u32 = 64;
/// Orders whose events are passed on at the same time.
pub(crate) const AT_ONCE: usize = 16;
/// The pause after a delivery that failed; it doubles up to the longest.
const RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// Whom events are passed on to.
#[async_trait]
pub(super) trait Deliver: Send + Sync + 'static {
    /// The consumer's name, in the database and in metrics.
    fn name(&self) -> &'static str;

    /// Passes an event on. May be asked twice.
    ///
    /// # Errors
    /// Where it has to be tried again.
    async fn deliver(&self, event: &FeedEvent) -> Result<(), Unavailable>;
}

/// One who passes the feed on, in this process.
pub(super) struct Consumer<D> {
    app: Arc<App>,
    target: D,
    holder: Uuid,
}

/// The same events, order by order.
pub(crate) fn by_order(events: &[FeedEvent]) -> Vec<Vec<&FeedEvent>> {
    let mut orders: BTreeMap<OrderId, Vec<&FeedEvent>> = BTreeMap::new();
    for event in events {
        orders.entry(event.order_id).or_default().push(event);
    }
    orders.into_values().collect()
}

/// Why a process no longer works for a consumer.
enum Ended {
    /// Another one has taken it over.
    TakenOver,
    /// The feed does not go so far any more.
    Restored,
    /// The database failed.
    Store(StoreError),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<D: Deliver> Consumer<D> {
    pub(super) fn new(app: Arc<App>, target: D) -> Self {
        let holder = app.ids.seed().nth(0);
        Self { app, target, holder }
    }

    /// Works whenever there is work for this process, until `stop` is cancelled.
    pub(super) async fn run(self, stop: CancellationToken) {
        let name = self.target.name();
        // So that rates see the first one.
        counter!(CONSUMER_EVENTS, "consumer" => name).increment(0);
        let working = async {
            loop {
                match self.app.store.claim_consumer(self.lease(LEASE)).await {
                    Ok(None) => {}
                    Ok(Some(place)) => match self.pass_on(place).await {
                        Ended::Restored => tracing::error!(consumer = name, "the database was restored"),
                        Ended::TakenOver => tracing::warn!(consumer = name, "another process has taken over"),
                        Ended::Store(error) => tracing::warn!(consumer = name, %error, "will go on"),
                    },
                    Err(error) => tracing::warn!(consumer = name, %error, "will try again"),
                }
                // What is another process's work is shown there.
                self.show_waiting(None);
                sleep(IDLE_PAUSE).await;
            }
        };
        // What is in hand is given up; whoever goes on tells it again.
        let _: Option<std::convert::Infallible> = stop.run_until_cancelled(working).await;
        self.give_away().await;
    }

    /// Lets another process begin at once.
    async fn give_away(&self) {
        if let Ok(Some(place)) = self.app.store.claim_consumer(self.lease(LEASE)).await {
            drop(self.app.store.advance_consumer(self.lease(Duration::ZERO), place).await);
        }
    }

    fn lease(&self, lease: Duration) -> ConsumerLease {
        ConsumerLease { name: self.target.name(), holder: self.holder, now: self.app.clock.now(), lease }
    }

    /// Passes on what comes behind a place.
    async fn pass_on(&self, mut place: FeedCursor) -> Ended {
        let mut noted = Instant::now();
        loop {
            let page = match self.app.store.feed(place, PAGE).await {
                Ok(Some(page)) => page,
                Ok(None) => return Ended::Restored,
                Err(error) => return error.into(),
            };
            let is_empty = page.events.is_empty();
            if !is_empty && let Err(ended) = self.deliver(place, &page.events).await {
                return ended;
            }
            place = page.next;
            if !is_empty || noted.elapsed() >= RENEWAL {
                if let Err(ended) = self.note(place).await {
                    return ended;
                }
                noted = Instant::now();
            }
            if is_empty {
                self.show_waiting(None);
                sleep(PAUSE).await;
            }
        }
    }

    /// Notes how far it has come, and goes on with the lease.
    async fn note(&self, place: FeedCursor) -> Result<(), Ended> {
        let is_ours = self.app.store.advance_consumer(self.lease(LEASE), place).await?;
        if is_ours { Ok(()) } else { Err(Ended::TakenOver) }
    }

    /// Delivers events, however long it takes, for as long as the work is ours.
    async fn deliver(&self, place: FeedCursor, events: &[FeedEvent]) -> Result<(), Ended> {
        let delivering = stream::iter(by_order(events)).for_each_concurrent(AT_ONCE, async |events| {
            for event in events {
                self.insist(event).await;
            }
        });
        let renewing = async {
            loop {
                sleep(RENEWAL).await;
                if let Err(ended) = self.note(place).await {
                    return ended;
                }
            }
        };
        let measuring = async {
            loop {
                self.show_waiting(events.first().map(|oldest| oldest.event.time));
                sleep(MEASURED).await;
            }
        };
        tokio::select! {
            () = delivering => Ok(()),
            ended = renewing => Err(ended),
            () = measuring => unreachable!("it goes on"),
        }
    }

    /// Shows for how long the oldest event that is not taken has been there.
    fn show_waiting(&self, since: Option<Timestamp>) {
        let micros = since.map_or(0, |since| (self.app.clock.now().micros() - since.micros()).max(0));
        let waiting = Duration::from_micros(micros.unsigned_abs());
        gauge!(CONSUMER_WAITING, "consumer" => self.target.name()).set(waiting);
    }

    /// Delivers an event, however often it has to be tried.
    async fn insist(&self, event: &FeedEvent) {
        let name = self.target.name();
        let mut pause = RETRY;
        while let Err(error) = self.target.deliver(event).await {
            tracing::warn!(consumer = name, order_id = %event.order_id, %error, "an event waits to be passed on");
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_RETRY);
        }
        counter!(CONSUMER_EVENTS, "consumer" => name).increment(1);
    }
}
