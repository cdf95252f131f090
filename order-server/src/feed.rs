//! The newest part of the feed, read once for everybody who watches through this process.
//!
//! One task reads on from where the feed ended, for as long as anybody watches, and keeps what came last. Who keeps up is served from
//! that; who falls behind it reads for itself, page by page, until it has caught up. However slow somebody is, the process keeps no
//! more for them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use metrics::{gauge, histogram};
use order_core::{ids::CustomerId, limits};
use order_store::{FeedCursor, FeedEvent, Store, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::task::TaskTracker;

use crate::{
    crowd::{Crowd, Place},
    telemetry::metrics::{FEED_BATCH, FEED_WATCHERS},
};

/// How often the feed is looked at while anybody watches. Nobody is told of writes in other processes, so that it has to be looked for; a look
/// that finds nothing is one short query.
const PAUSE: Duration = Duration::from_millis(10);
/// The same after the database did not answer.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(250);
/// Events that are read at a time.
const PAGE: u32 = 256;
/// Events that are kept for those who keep up.
const KEPT: usize = 4096;
/// For how long the database may not answer before those who watch are told.
const PATIENCE: Duration = Duration::from_secs(5);
/// Who reads the database for itself at the same time.
const CATCHING_UP: usize = 4;

/// The feed as this process sees it. Clones are the same one.
#[derive(Clone)]
pub struct Feed {
    store: Arc<dyn Store>,
    tail: watch::Sender<Tail>,
    places: Arc<Semaphore>,
    customers: Arc<Semaphore>,
    of_customers: Crowd<CustomerId>,
    catching_up: Arc<Semaphore>,
    /// Whether the reading task runs.
    is_read: Arc<Mutex<bool>>,
}

/// What came last.
#[derive(Debug)]
struct Tail {
    /// Behind `from`, in order.
    events: VecDeque<Arc<FeedEvent>>,
    /// Behind which place there is everything.
    from: FeedCursor,
    /// Up to where.
    to: FeedCursor,
    /// Since when the database has not answered, and what was the matter last.
    failing: Option<(Instant, StoreError)>,
    /// How often it was begun anew, because the feed did not go as far as it had gone before.
    begun: u64,
}

/// A part of the feed for one who watches.
#[derive(Debug)]
pub(crate) struct Part {
    /// The events, in order.
    pub(crate) events: Vec<Arc<FeedEvent>>,
    /// Where to go on behind them.
    pub(crate) next: FeedCursor,
}

/// One who watches. Reading goes on for as long as there is one.
pub(crate) struct Reader {
    feed: Feed,
    tail: watch::Receiver<Tail>,
    _places: Vec<OwnedSemaphorePermit>,
    _own: Option<Place<CustomerId>>,
}

/// Who wants to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// A customer.
    Customer(CustomerId),
    /// A service or an administrator.
    Shop,
}

/// Why there is nothing more to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The feed does not go so far: the database was restored.
    Beyond,
    /// The store failed, for longer than one waits for it.
    Store(StoreError),
}

impl Feed {
    /// The feed of this store. Nothing is read before somebody watches.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        let (from, to) = (FeedCursor::BEGINNING, FeedCursor::BEGINNING);
        let tail = Tail { events: VecDeque::new(), from, to, failing: None, begun: 0 };
        Self {
            store,
            tail: watch::Sender::new(tail),
            places: Arc::new(Semaphore::new(limits::WATCHERS)),
            customers: Arc::new(Semaphore::new(limits::WATCHERS_CUSTOMERS)),
            of_customers: Crowd::new(limits::WATCHERS_OF_A_CUSTOMER),
            catching_up: Arc::new(Semaphore::new(CATCHING_UP)),
            is_read: Arc::default(),
        }
    }

    /// A place among those who watch, and where the feed ends now; `None` where there are too many.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn watch(
        &self,
        who: Who,
        tasks: &TaskTracker,
    ) -> Result<Option<(Reader, FeedCursor)>, StoreError> {
        let (taken, own) = match &who {
            Who::Customer(id) => {
                // One customer is not to keep the others out.
                let Some(own) = self.of_customers.enter(id) else { return Ok(None) };
                (vec![&self.customers, &self.places], Some(own))
            }
            Who::Shop => (vec![&self.places], None),
        };
        let taken = taken.into_iter().map(|places| Arc::clone(places).try_acquire_owned().ok());
        let Some(places) = taken.collect::<Option<Vec<_>>>() else { return Ok(None) };
        let end = self.store.feed_end().await?;
        let reader = Reader { feed: self.clone(), tail: self.tail.subscribe(), _places: places, _own: own };
        gauge!(FEED_WATCHERS).increment(1.0);
        let mut is_read = self.is_read.lock().unwrap_or_else(PoisonError::into_inner);
        if !*is_read {
            *is_read = true;
            self.tail.send_modify(|tail| tail.begin(end));
            tasks.spawn(self.clone().read());
        }
        Ok(Some((reader, end)))
    }

    /// Reads on until nobody watches.
    async fn read(self) {
        // Should it ever panic, the next one who watches begins anew.
        let reading = Reading(&self);
        while !reading.has_ended() {
            let to = self.tail.borrow().to;
            let pause = match self.store.feed(to, PAGE).await {
                Ok(Some(page)) => {
                    let pause = if page.is_full { Duration::ZERO } else { PAUSE };
                    self.tail.send_if_modified(|tail| tail.add(page.events, page.next, KEPT));
                    pause
                }
                Ok(None) => match self.store.feed_end().await {
                    Ok(end) => {
                        tracing::error!("the database was restored; those who watch are told to go on at its end");
                        self.tail.send_modify(|tail| tail.begin(end));
                        PAUSE
                    }
                    Err(error) => self.fail(error),
                },
                Err(error) => self.fail(error),
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Takes note that the database does not answer.
    fn fail(&self, error: StoreError) -> Duration {
        self.tail.send_modify(|tail| {
            let since = tail.failing.as_ref().map_or_else(Instant::now, |(since, _)| *since);
            tail.failing = Some((since, error));
        });
        PAUSE_AFTER_ERROR
    }
}

/// The reading task, for as long as it runs.
struct Reading<'a>(&'a Feed);

impl Reading<'_> {
    /// Whether nobody watches any more; then no one else is told that it runs.
    fn has_ended(&self) -> bool {
        let mut is_read = self.0.is_read.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.tail.receiver_count() > 0 {
            return false;
        }
        *is_read = false;
        self.0.tail.send_modify(|tail| tail.events = VecDeque::new());
        true
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            *self.0.is_read.lock().unwrap_or_else(PoisonError::into_inner) = false;
        }
    }
}

impl Tail {
    /// Begins anew at a place.
    fn begin(&mut self, place: FeedCursor) {
        *self = Self { events: VecDeque::new(), from: place, to: place, failing: None, begun: self.begun + 1 };
    }

    /// Adds what was read, and keeps so many events; says whether that is of any interest.
    fn add(&mut self, events: Vec<FeedEvent>, to: FeedCursor, kept: usize) -> bool {
        let is_news = !events.is_empty() || self.failing.is_some();
        if !events.is_empty() {
            histogram!(FEED_BATCH).record(u32::try_from(events.len()).unwrap_or(u32::MAX));
        }
        self.failing = None;
        self.to = to;
        self.events.extend(events.into_iter().map(Arc::new));
        while self.events.len() > kept {
            self.from = self.events.pop_front().map_or(self.from, |oldest| oldest.cursor);
        }
        is_news
    }

    /// What stands behind a place, as far as it is here; `None` where it is too old.
    fn behind(&self, place: FeedCursor) -> Option<Part> {
        if place < self.from {
            return None;
        }
        let begin = self.events.partition_point(|event| event.cursor <= place);
        let most = usize::try_from(PAGE).unwrap_or(usize::MAX);
        let events: Vec<_> = self.events.range(begin..).take(most).cloned().collect();
        let is_all = begin + events.len() == self.events.len();
        let last = events.last().map(|event| event.cursor).filter(|_| !is_all);
        let next = last.unwrap_or_else(|| self.to.max(place));
        Some(Part { events, next })
    }
}

impl Reader {
    /// The next part behind a place, at once if there is any; otherwise an empty one, with how far the feed was looked through.
    pub(crate) async fn behind(&mut self, place: FeedCursor) -> Result<Part, Ended> {
        let near = {
            let tail = self.tail.borrow_and_update();
            if let Some((since, error)) = &tail.failing
                && since.elapsed() >= PATIENCE
            {
                return Err(Ended::Store(error.clone()));
            }
            tail.behind(place)
        };
        match near {
            Some(part) => Ok(part),
            None => self.catch_up(place).await,
        }
    }

    /// The same from the database, which is asked again for as long as it may be late.
    async fn catch_up(&self, place: FeedCursor) -> Result<Part, Ended> {
        let until = Instant::now() + PATIENCE;
        loop {
            // It is never closed.
            let _turn = self.feed.catching_up.acquire().await;
            match self.feed.store.feed(place, PAGE).await {
                Ok(Some(page)) => {
                    let events = page.events.into_iter().map(Arc::new).collect();
                    return Ok(Part { events, next: page.next });
                }
                Ok(None) => return Err(Ended::Beyond),
                Err(error) if Instant::now() >= until => return Err(Ended::Store(error)),
                Err(_) => {}
            }
            tokio::time::sleep(PAUSE_AFTER_ERROR).await;
        }
    }

    /// How often the feed was begun anew.
    pub(crate) fn begun(&self) -> u64 {
        self.tail.borrow().begun
    }

    /// Waits until there may be more.
    pub(crate) async fn changed(&mut self) {
        // The sender lives in `self`.
        drop(self.tail.changed().await);
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        gauge!(FEED_WATCHERS).decrement(1.0);
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use order_core::{
        currency::Currency,
        ids::{OrderId, OrderNumber},
        order::{Actor, Event, EventBody, Status},
        time::Timestamp,
    };

    use super::*;

    fn at(position: i64) -> FeedCursor {
        FeedCursor { position, ..FeedCursor::BEGINNING }
    }

    fn event(position: i64) -> FeedEvent {
        let event = Event {
            revision: 1,
            time: Timestamp::from_micros(0),
            actor: Actor::Guest,
            request_id: None,
            reason: None,
            status_after: Status::Pending,
            body: EventBody::Confirmed,
        };
        FeedEvent {
            cursor: at(position),
            order_id: OrderId::new(uuid::Uuid::nil()),
            order_number: OrderNumber::new("SPK", 2026, position),
            customer_id: None,
            currency: Currency::parse("USD").unwrap(),
            event,
        }
    }

    fn positions(part: &Part) -> Vec<i64> {
        part.events.iter().map(|event| event.cursor.position).collect()
    }

    /// Kept are the last four of what was read; whoever stands before them has to read for itself, and nobody else.
    #[test]
    fn who_keeps_up_is_served_from_what_came_last_and_nobody_is_told_a_part_of_it() {
        let mut tail = Tail { events: VecDeque::new(), from: at(0), to: at(0), failing: None, begun: 0 };
        tail.begin(at(10));
        assert!(tail.behind(at(9)).is_none(), "nothing is known of what came before");
        let part = tail.behind(at(10)).unwrap();
        assert_eq!((positions(&part), part.next), (vec![], at(10)));
        assert!(tail.add((11..=16).map(event).collect(), at(16), 4));
        assert!(tail.behind(at(11)).is_none(), "12 is gone");
        let part = tail.behind(at(12)).unwrap();
        assert_eq!((positions(&part), part.next), (vec![13, 14, 15, 16], at(16)));
        let part = tail.behind(at(15)).unwrap();
        assert_eq!((positions(&part), part.next), (vec![16], at(16)));
        let part = tail.behind(at(16)).unwrap();
        assert_eq!((positions(&part), part.next), (vec![], at(16)));
        assert!(!tail.add(Vec::new(), at(16), 4), "no news");
        let part = tail.behind(at(20)).unwrap();
        assert_eq!((positions(&part), part.next), (vec![], at(20)), "it never goes back");
    }

    #[test]
    fn a_part_is_no_larger_than_a_page_and_says_where_to_go_on() {
        let mut tail = Tail { events: VecDeque::new(), from: at(0), to: at(0), failing: None, begun: 0 };
        let page = i64::from(PAGE);
        tail.add((1..=page + 5).map(event).collect(), at(page + 5), KEPT);
        let first = tail.behind(at(0)).unwrap();
        assert_eq!((first.events.len(), first.next), (usize::try_from(PAGE).unwrap(), at(page)));
        let second = tail.behind(first.next).unwrap();
        assert_eq!((second.events.len(), second.next), (5, at(page + 5)));
    }
}
