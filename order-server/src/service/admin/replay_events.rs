//! AdminService.ReplayEvents: passing events on once more, to one publisher.
//!
//! The replay belongs to the stream: when the caller goes, or the process does, it ends, and the caller knows up to where it had come.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use crate::{
    app::App,
    convert::{checked, cloud_event, ids, publisher, watch},
    error::ApiError,
    gateways::{NotTaken, Publisher, Taken},
    service::telling::{Listener, Told, told},
    workers::{AT_ONCE, by_order},
};
use futures_util::{TryStreamExt as _, stream};
use order_api::v1::{ReplayEventsRequest, ReplayEventsResponse};
use order_core::{
    ids::OrderId,
    ports::Unavailable,
    violation::{Violations, reason},
};
use order_store::{DeadLetter, DeadLetterQuery, FeedCursor, FeedEvent, FeedPage};

/// Events between two messages.
const PAGE: u32 = 64;
/// How often a message is tried where the publisher cannot be reached, and the pause between.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// Begins a replay.
///
/// # Errors
/// `INVALID_FIELD`, `PAGE_TOKEN_INVALID`, `CURSOR_OUT_OF_RANGE`. What fails later ends the stream: the store's errors,
/// `PUBLISHER_UNAVAILABLE`, `WATCH_TOO_SLOW`, `SHUTTING_DOWN`.
pub(super) async fn replay_events(
    app: &Arc<App>,
    request: &ReplayEventsRequest,
) -> Result<Told<ReplayEventsResponse>, ApiError> {
    let (publisher, order_id) = checked(|violations| {
        let publisher = publisher::find(&app.publishers, request.publisher, violations);
        let order_id = ids::optional(&request.order_id, OrderId::parse, "order_id", violations);
        let is_range = [&request.after_cursor, &request.until_cursor, &request.order_id].iter().any(|s| !s.is_empty());
        if request.dead_letters && is_range {
            violations.push("dead_letters", reason::CONFLICT, "must not be given with a range or an order");
        }
        Some((publisher?, order_id?))
    })?;
    let end = app.store.feed_end().await?;
    let place = watch::place(&request.after_cursor, "after_cursor")?.unwrap_or(FeedCursor::BEGINNING);
    let until = watch::place(&request.until_cursor, "until_cursor")?.unwrap_or(end);
    if place > end || until > end {
        return Err(watch::out_of_range(&end));
    }
    if until < place {
        return Err(Violations::one("until_cursor", reason::CONFLICT, "must not lie before after_cursor").into());
    }
    let what = if request.dead_letters { What::PutAside } else { What::Range { until, order_id } };
    let [published, known, refused] = [0; 3].map(AtomicI64::new);
    let app = Arc::clone(app);
    let replay = Replay { app: Arc::clone(&app), publisher, what, place, published, known, refused, has_ended: false };
    Ok(told(&app, |listener| replay.run(listener)))
}

/// What is passed on.
enum What {
    /// What stands between two places.
    Range { until: FeedCursor, order_id: Option<OrderId> },
    /// What was put aside.
    PutAside,
}

/// A replay under way.
struct Replay {
    app: Arc<App>,
    publisher: Arc<dyn Publisher>,
    what: What,
    /// How far it has come.
    place: FeedCursor,
    published: AtomicI64,
    /// They say that they had it before.
    known: AtomicI64,
    refused: AtomicI64,
    has_ended: bool,
}

impl Replay {
    async fn run(mut self, listener: Listener<ReplayEventsResponse>) -> Result<(), ApiError> {
        while !self.has_ended {
            let message = self.next().await?;
            listener.tell(message).await?;
        }
        Ok(())
    }

    /// Passes on what comes next, and says how far that was.
    async fn next(&mut self) -> Result<ReplayEventsResponse, ApiError> {
        match self.what {
            What::Range { until, order_id } => self.range(until, order_id).await?,
            What::PutAside => self.letters().await?,
        }
        Ok(ReplayEventsResponse {
            cursor: watch::cursor(&self.place),
            published_count: self.published.load(Ordering::Relaxed),
            known_count: self.known.load(Ordering::Relaxed),
            refused_count: self.refused.load(Ordering::Relaxed),
        })
    }

    async fn range(&mut self, until: FeedCursor, order_id: Option<OrderId>) -> Result<(), ApiError> {
        let Some(FeedPage { mut events, next, .. }) = self.app.store.feed(self.place, PAGE).await? else {
            return Err(watch::out_of_range(&self.app.store.feed_end().await?));
        };
        // Behind the last event there is nothing; what is left out of a page does not end it.
        self.has_ended = next == self.place || next >= until;
        events.retain(|event| event.cursor <= until && order_id.is_none_or(|order_id| event.order_id == order_id));
        let this = &*self;
        let passing =
            stream::iter(by_order(&events).into_iter().map(Ok)).try_for_each_concurrent(AT_ONCE, async |events| {
                // Once one cannot be passed on, none behind it is: it would overtake.
                for event in events {
                    this.pass_on(event).await?;
                }
                Ok::<_, Unavailable>(())
            });
        passing.await?;
        self.place = next.min(until);
        Ok(())
    }

    async fn letters(&mut self) -> Result<(), ApiError> {
        let consumer = self.publisher.name();
        let query = DeadLetterQuery { consumer: consumer.to_owned(), size: PAGE, after: Some(self.place) };
        let page = self.app.store.dead_letters(query).await?;
        for letter in page.items {
            self.place = letter.event;
            let refused = match self.event_of(&letter).await? {
                Some(event) => self.pass_on(&event).await?,
                None => {
                    tracing::error!(consumer, order_id = %letter.event.order_id, "an event that was put aside is gone");
                    None
                }
            };
            match refused {
                None => self.app.store.drop_dead_letter(consumer, letter.event).await?,
                Some(reason) => self.put_aside(letter.event, &reason).await?,
            }
        }
        self.has_ended = !page.more;
        Ok(())
    }

    async fn put_aside(&self, event: FeedCursor, reason: &str) -> Result<(), ApiError> {
        let letter = DeadLetter::new(self.publisher.name(), event, (reason, self.app.clock.now()));
        Ok(self.app.store.put_dead_letter(letter).await?)
    }

    /// The event of a letter; `None` where a restored database does not know it.
    async fn event_of(&self, letter: &DeadLetter) -> Result<Option<FeedEvent>, ApiError> {
        let before = FeedCursor { revision: letter.event.revision - 1, ..letter.event };
        let page = self.app.store.feed(before, 1).await?;
        let found = page.and_then(|page| page.events.into_iter().next());
        Ok(found.filter(|event| event.cursor == letter.event))
    }

    /// Passes one on; what they said, where they do not want it.
    async fn pass_on(&self, event: &FeedEvent) -> Result<Option<String>, Unavailable> {
        let message = cloud_event::message(event);
        let mut attempt = 1;
        loop {
            match self.publisher.publish(&message).await {
                Ok(taken) => {
                    let counted = match taken {
                        Taken::Now => &self.published,
                        Taken::Before => &self.known,
                    };
                    counted.fetch_add(1, Ordering::Relaxed);
                    return Ok(None);
                }
                Err(NotTaken::Refused(reason) | NotTaken::Failed(reason)) => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    return Ok(Some(reason));
                }
                Err(NotTaken::Unavailable(unavailable)) if attempt == ATTEMPTS => return Err(unavailable),
                Err(NotTaken::Unavailable(_)) => {}
            }
            attempt += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }
}
