//! Passing everything that happens on to a broker or an endpoint.
//!
//! Whoever cannot be reached is waited for, however long it takes: the feed keeps what happens meanwhile. A message that they do not want
//! is tried twice more and then put aside, so that it does not hold up all others; one at which they fail is tried for some minutes.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use metrics::counter;
use order_core::{
    ids::OrderId,
    limits,
    ports::{Lack, Unavailable},
};
use order_store::{DeadLetter, FeedEvent};
use tokio::time::{Instant, sleep};

use super::consumer::Deliver;
use crate::{
    app::App,
    convert::cloud_event,
    gateways::{NotTaken, Publisher, Taken},
    telemetry::metrics::DEAD_LETTERS,
};

/// The pause after the first refusal; it grows with each further one. A refusal is about the message, and seldom changes.
const PAUSE: Duration = Duration::from_millis(100);
/// The pause after a failure, and for how long a message is tried at which they fail: long enough to mend a wrong path or key.
const FAILURE_PAUSE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(limits::PUBLISH_PATIENCE_SECONDS as u64);
/// Orders that are remembered because something of them was put aside. Forgetting one costs a few more tries.
const DISLIKED_MAX: usize = 1024;

/// Passes events on to a publisher.
pub(super) struct Publish {
    app: Arc<App>,
    publisher: Arc<dyn Publisher>,
    /// Orders of which something was put aside: whoever did not want that will not want the rest, and is asked once.
    disliked: Mutex<HashSet<OrderId>>,
    /// For how long a message is tried at which they fail.
    patience: Duration,
}

impl Publish {
    pub(super) fn new(app: &Arc<App>, publisher: &Arc<dyn Publisher>) -> Self {
        // So that rates see the first one.
        counter!(DEAD_LETTERS, "consumer" => publisher.name()).increment(0);
        Self { app: Arc::clone(app), publisher: Arc::clone(publisher), disliked: Mutex::default(), patience: PATIENCE }
    }

    fn disliked(&self) -> MutexGuard<'_, HashSet<OrderId>> {
        self.disliked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_disliked(&self, order_id: OrderId) -> bool {
        self.disliked().contains(&order_id)
    }

    fn dislike(&self, order_id: OrderId) {
        let mut disliked = self.disliked();
        if disliked.len() >= DISLIKED_MAX {
            disliked.clear();
        }
        disliked.insert(order_id);
    }

    /// Puts an event aside.
    async fn put_aside(&self, event: &FeedEvent, reason: String) -> Result<(), Unavailable> {
        let consumer = self.name();
        tracing::error!(consumer, order_id = %event.order_id, revision = event.event.revision, reason, "an event was put aside");
        let letter = DeadLetter::new(consumer, event.cursor, (&reason, self.app.clock.now()));
        match self.app.store.put_dead_letter(letter).await {
            Ok(()) => {
                self.dislike(event.order_id);
                counter!(DEAD_LETTERS, "consumer" => consumer).increment(1);
                Ok(())
            }
            Err(error) => Err(Unavailable { neighbour: "database", lack: Lack::Down, detail: error.to_string() }),
        }
    }
}

#[async_trait]
impl Deliver for Publish {
    fn name(&self) -> &'static str {
        self.publisher.name()
    }

    async fn deliver(&self, event: &FeedEvent) -> Result<(), Unavailable> {
        let message = cloud_event::message(event);
        let began = Instant::now();
        let mut refusals = 0;
        loop {
            let (reason, is_enough, pause) = match self.publisher.publish(&message).await {
                Ok(Taken::Now | Taken::Before) => {
                    self.disliked().remove(&event.order_id);
                    return Ok(());
                }
                Err(NotTaken::Unavailable(unavailable)) => return Err(unavailable),
                Err(NotTaken::Refused(reason)) => {
                    refusals += 1;
                    (reason, refusals >= limits::PUBLISH_REFUSALS, PAUSE * refusals)
                }
                Err(NotTaken::Failed(reason)) => (reason, began.elapsed() >= self.patience, FAILURE_PAUSE),
            };
            if is_enough || self.is_disliked(event.order_id) {
                return self.put_aside(event, reason).await;
            }
            sleep(pause).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use order_core::{
        currency::Currency,
        ids::OrderNumber,
        order::{Actor, Event, EventBody, Status},
        ports::{Health, Neighbour},
        time::Timestamp,
    };
    use order_store::{DeadLetterQuery, FeedCursor};

    use super::*;
    use crate::{gateways::Message, service::fixture::Shop};

    /// Somebody who always gives the same answer.
    struct Always(Result<Taken, NotTaken>, Mutex<u32>);

    #[async_trait]
    impl Neighbour for Always {
        fn name(&self) -> &'static str {
            "webhook"
        }

        async fn check(&self) -> Result<Health, Unavailable> {
            Ok(Health::Connected)
        }
    }

    #[async_trait]
    impl Publisher for Always {
        async fn publish(&self, _message: &Message) -> Result<Taken, NotTaken> {
            *self.1.lock().unwrap() += 1;
            self.0.clone()
        }
    }

    fn event(order: u128, revision: i64) -> FeedEvent {
        let order_id = OrderId::new(uuid::Uuid::from_u128(order));
        FeedEvent {
            cursor: FeedCursor { position: revision, order_id, revision },
            order_id,
            order_number: OrderNumber::new("SPK", 2026, 1),
            customer_id: None,
            currency: Currency::parse("USD").unwrap(),
            event: Event {
                revision,
                time: Timestamp::from_micros(0),
                actor: Actor::Guest,
                request_id: None,
                reason: None,
                status_after: Status::Pending,
                body: EventBody::Confirmed,
            },
        }
    }

    /// Delivers these events to somebody with this answer and patience; how often they were asked, and the reasons of what was put aside.
    async fn deliver(answer: Result<Taken, NotTaken>, patience: Duration, events: &[FeedEvent]) -> (u32, Vec<String>) {
        let shop = Shop::open().await;
        let always = Arc::new(Always(answer, Mutex::new(0)));
        let publisher: Arc<dyn Publisher> = always.clone();
        let app = Arc::new(shop.app);
        let publish = Publish { app: Arc::clone(&app), publisher, disliked: Mutex::default(), patience };
        for event in events {
            // Where it has to be tried again, whoever asked does so.
            let told = tokio::time::timeout(Duration::from_secs(1), publish.deliver(event)).await;
            assert!(!matches!(told, Ok(Ok(()))) || !matches!(always.0, Err(NotTaken::Unavailable(_))));
        }
        let query = DeadLetterQuery { consumer: "webhook".to_owned(), size: 10, after: None };
        let letters = app.store.dead_letters(query).await.unwrap().items;
        let asked = *always.1.lock().unwrap();
        (asked, letters.into_iter().map(|letter| letter.reason).collect())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_refused_failed_at_or_away_is_told_apart() {
        let (long, none) = (Duration::from_secs(60), Duration::ZERO);
        let one = [event(1, 1)];
        assert_eq!(deliver(Ok(Taken::Now), long, &one).await, (1, vec![]));
        let refused = || Err(NotTaken::Refused("no".to_owned()));
        assert_eq!(deliver(refused(), long, &one).await, (limits::PUBLISH_REFUSALS, vec!["no".to_owned()]));
        let failed = || Err(NotTaken::Failed("oops".to_owned()));
        assert_eq!(deliver(failed(), long, &one).await, (1, vec![]), "it is tried for a while");
        assert_eq!(deliver(failed(), none, &one).await, (1, vec!["oops".to_owned()]));
        let away = Unavailable { neighbour: "webhook", lack: Lack::Down, detail: String::new() };
        assert_eq!(deliver(Err(NotTaken::Unavailable(away)), none, &one).await, (1, vec![]), "it is waited for");
        let more = [event(1, 1), event(1, 2), event(2, 1)];
        let (asked, aside) = deliver(refused(), long, &more).await;
        assert_eq!((asked, aside.len()), (2 * limits::PUBLISH_REFUSALS + 1, 3), "the rest of an order is tried once");
    }
}
