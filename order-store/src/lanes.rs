//! Lanes: what is asked for at the same time is done together.
//!
//! A transaction costs a flush of the disk and holds row locks through it, whether it places one order or a hundred. A lane takes
//! whatever is queued, does it in one transaction and answers each caller. Nobody waits for company: one caller alone is served at
//! once, as a batch of one, and while a lane is busy the next batch grows by itself. A further lane begins only where a whole batch
//! waits, or where the busy one is held up: two small transactions cost more than one, and stand in each other's way.
//!
//! The work belongs to the lane, not to its callers: who goes away before it began has it never done, and afterwards it is
//! done to its end.

use std::{
    collections::{BTreeSet, VecDeque},
    ops::Range,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use tokio::sync::{Notify, oneshot};
use tokio_util::task::TaskTracker;

use crate::{deadline, error::StoreError};

/// Pause before a batch of unknown outcome is looked at again; it doubles up to the longest.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// For how long the outcome of a batch is looked for where no caller has a deadline.
const PATIENCE: Duration = Duration::from_secs(30);
/// A lane that has been at a batch for so long is not waited for: something holds it up, a lock or a lost connection.
const HELD_UP: Duration = Duration::from_millis(100);
/// What is known of a lane's pace before its first batch: the time for one item.
const FIRST_PACE: Duration = Duration::from_millis(1);

/// What lanes do.
pub(crate) trait Work: Send + Sync + 'static {
    /// What a caller brings.
    type Item: Send + Sync + 'static;
    /// What a caller gets.
    type Answer: Send + 'static;
    /// What two items of one batch must not share, such as a request id.
    type Key: Ord + Send;
    /// For metrics.
    const NAME: &'static str;
    /// Lanes, each a task that has one batch under way: while one waits for the database, another one can work.
    const LANES: usize;
    /// Whether each has a thread to itself, instead of sharing those of its runtime.
    const OWN_THREADS: bool = false;
    /// Items of a batch, at most.
    const BATCH: usize;
    /// What the items of a batch may weigh together; one that weighs more is a batch by itself.
    const LOAD: usize = usize::MAX;
    /// Items that may wait, at most; beyond them callers are told [`StoreError::Overloaded`] at once.
    const QUEUE: usize;

    /// What no other item of its batch may share.
    fn keys(item: &Self::Item) -> Vec<Self::Key>;

    /// What an item weighs, where a batch is bounded by more than the number of its items.
    fn weight(_item: &Self::Item) -> usize {
        1
    }

    /// Does a batch in one transaction: an answer for each item, in their order, or an error that means that none was done. Lets go of
    /// the batch before it answers, so that callers who share in their items can have them back.
    fn run(
        &self,
        batch: Batch<Self::Item>,
    ) -> impl Future<Output = Result<Vec<Result<Self::Answer, StoreError>>, StoreError>> + Send;
}

/// Items to be done together.
pub(crate) struct Batch<I> {
    items: Arc<[I]>,
    range: Range<usize>,
    /// The lane that does it, counted from 0.
    pub(crate) lane: usize,
    /// Whether it may have been done before.
    pub(crate) attempt: Attempt,
}

impl<I> Batch<I> {
    /// The items.
    pub(crate) fn items(&self) -> &[I] {
        &self.items[self.range.clone()]
    }
}

/// What is known of earlier attempts at a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// There was none that could have come to anything.
    First,
    /// The answer to its commit got lost: all of it may be done, or nothing.
    Again,
}

/// An item that waits.
struct Entry<W: Work> {
    item: W::Item,
    until: Option<Instant>,
    since: Instant,
    caller: Caller<W>,
}

impl<W: Work> Entry<W> {
    /// Whether anybody waits for it, and still has the time to.
    fn is_awaited(&self) -> bool {
        !self.caller.is_closed() && self.until.is_none_or(|until| deadline::left(until).is_some())
    }
}

type Caller<W> = oneshot::Sender<Result<<W as Work>::Answer, StoreError>>;

/// A batch that a lane has begun.
struct Taken<W: Work> {
    entries: Vec<Entry<W>>,
    began: Instant,
}

/// What waits for the lanes of one kind.
struct Queue<W: Work> {
    state: Mutex<State<W>>,
    wake: Notify,
}

struct State<W: Work> {
    waiting: VecDeque<Entry<W>>,
    /// When those batches began that are under way.
    busy: Vec<Instant>,
    /// The time that one item takes, all lanes together, smoothed.
    pace: Duration,
    open: bool,
}

/// Lanes of one kind.
pub(crate) struct Lanes<W: Work> {
    queue: Arc<Queue<W>>,
    tasks: TaskTracker,
}

impl<W: Work> Lanes<W> {
    /// Starts the lanes. Must be called inside the runtime.
    pub(crate) fn start(work: W) -> Self {
        let state = State { waiting: VecDeque::new(), busy: Vec::new(), pace: FIRST_PACE, open: true };
        let queue = Arc::new(Queue { state: Mutex::new(state), wake: Notify::new() });
        let (work, tasks) = (Arc::new(work), TaskTracker::new());
        for lane in 0..W::LANES {
            let (work, queue) = (Arc::clone(&work), Arc::clone(&queue));
            let serving = async move {
                while let Some(taken) = queue.take().await {
                    queue.serve((&*work, lane), taken).await;
                }
            };
            if W::OWN_THREADS {
                own_thread::<W>(lane, tasks.track_future(serving));
            } else {
                tasks.spawn(serving);
            }
        }
        tasks.close();
        Self { queue, tasks }
    }

    /// Queues an item and waits for its answer.
    pub(crate) async fn ask(&self, item: W::Item) -> Result<W::Answer, StoreError> {
        let until = deadline::current();
        if until.is_some_and(|until| deadline::left(until).is_none()) {
            return Err(StoreError::DeadlineExceeded);
        }
        let (caller, answer) = oneshot::channel();
        self.queue.push(Entry { item, until, since: Instant::now(), caller })?;
        answer.await.unwrap_or_else(|_gone| Err(StoreError::Internal(format!("a {} lane broke", W::NAME))))
    }

    /// Takes nothing new and waits until what is queued is done.
    pub(crate) async fn close(&self) {
        self.queue.close();
        self.tasks.wait().await;
    }
}

/// Runs a lane, and all that it spawns, in a thread with a runtime of its own.
///
/// # Panics
/// Where the system gives neither: a program that cannot even start its lanes has nothing to serve.
fn own_thread<W: Work>(lane: usize, serving: impl Future<Output = ()> + Send + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the system provides what a lane's runtime needs");
    let thread = std::thread::Builder::new().name(format!("{}-{lane}", W::NAME));
    thread.spawn(move || runtime.block_on(serving)).expect("the system provides a thread for a lane");
}

impl<W: Work> Drop for Lanes<W> {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl<W: Work> Queue<W> {
    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, entry: Entry<W>) -> Result<(), StoreError> {
        let mut state = self.state();
        if !state.open {
            return Err(StoreError::Unavailable("the store is being closed".to_owned()));
        }
        if state.waiting.len() >= W::QUEUE {
            state.waiting.retain(Entry::is_awaited);
        }
        if state.waiting.len() >= W::QUEUE {
            let waiting = u32::try_from(state.waiting.len()).unwrap_or(u32::MAX);
            metrics::counter!("lane_refused_total", "lane" => W::NAME).increment(1);
            return Err(StoreError::Overloaded { retry_after: Some(state.pace.saturating_mul(waiting)) });
        }
        state.waiting.push_back(entry);
        state.show();
        // The first that waits wakes a lane even where it is another one's to do, so that somebody watches that one. Always the lane
        // that was busy last: its connection, and the server's process behind that, have everything at hand.
        let wakes = state.is_ready() || state.waiting.len() == 1;
        drop(state);
        if wakes {
            self.wake.notify_last();
        }
        Ok(())
    }

    fn close(&self) {
        self.state().open = false;
        self.wake.notify_waiters();
        // For a lane that looked before and will wait only now.
        self.wake.notify_last();
    }

    /// The next batch, as soon as there is anything to do; `None` once the lanes are closed and nothing is left.
    async fn take(&self) -> Option<Taken<W>> {
        loop {
            let woken = self.wake.notified();
            let (taken, more, open) = {
                let mut state = self.state();
                let taken = if state.is_ready() { state.begin() } else { None };
                (taken, !state.waiting.is_empty(), state.open)
            };
            if taken.is_some() {
                if more {
                    // Whoever woke this lane may have meant several.
                    self.wake.notify_last();
                }
                return taken;
            }
            if !open && !more {
                self.wake.notify_last();
                return None;
            }
            if more {
                // It is for a lane that is busy, unless that is held up.
                drop(tokio::time::timeout(HELD_UP, woken).await);
            } else {
                woken.await;
            }
        }
    }

    /// Does a batch and answers those who brought it.
    async fn serve(&self, (work, lane): (&W, usize), Taken { entries, began }: Taken<W>) {
        let size = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let waited = metrics::histogram!("lane_wait_duration_seconds", "lane" => W::NAME);
        entries.iter().for_each(|entry| waited.record(began - entry.since));
        metrics::histogram!("lane_batch_size", "lane" => W::NAME).record(size);
        let untils: Option<Vec<_>> = entries.iter().map(|entry| entry.until).collect();
        let latest = untils.and_then(|untils| untils.into_iter().max());
        let (items, callers): (Vec<_>, Vec<_>) = entries.into_iter().map(|entry| (entry.item, entry.caller)).unzip();
        let doing = run((work, lane), Arc::from(items), callers, latest.unwrap_or(began + PATIENCE));
        let doing = AssertUnwindSafe(async {
            match latest {
                Some(until) => deadline::within(until, doing).await,
                None => doing.await,
            }
        });
        // A panic must not take the lane along. The callers learn of it, because nobody is left to answer them.
        if doing.catch_unwind().await.is_err() {
            tracing::error!(lane = W::NAME, "a batch panicked");
        }
        let mut state = self.state();
        let lanes = u32::try_from(state.busy.len()).unwrap_or(u32::MAX);
        state.learn(began.elapsed() / size.max(1) / lanes.max(1));
        let own = state.busy.iter().position(|other| *other == began);
        own.map(|own| state.busy.swap_remove(own));
    }
}

impl<W: Work> State<W> {
    /// Whether a lane that is free has anything to begin.
    fn is_ready(&self) -> bool {
        let is_whole = self.waiting.len() >= W::BATCH;
        !self.waiting.is_empty() && (is_whole || self.busy.iter().all(|began| began.elapsed() >= HELD_UP))
    }

    /// Begins the next batch, if anybody waits for it.
    fn begin(&mut self) -> Option<Taken<W>> {
        let entries = self.next_batch();
        if entries.is_empty() {
            return None;
        }
        let began = Instant::now();
        self.busy.push(began);
        Some(Taken { entries, began })
    }

    /// Takes out what can be done together, in order of arrival. Nobody waits any more for what has passed its deadline, nor for
    /// what lost its caller: that is never begun. What shares a key with the batch stays for the next one.
    fn next_batch(&mut self) -> Vec<Entry<W>> {
        let (mut batch, mut keys, mut load) = (Vec::new(), BTreeSet::new(), 0_usize);
        let mut left = VecDeque::new();
        while let Some(entry) = self.waiting.pop_front() {
            if entry.caller.is_closed() {
                continue;
            }
            if entry.until.is_some_and(|until| deadline::left(until).is_none()) {
                drop(entry.caller.send(Err(StoreError::DeadlineExceeded)));
                continue;
            }
            let own = W::keys(&entry.item);
            if own.iter().any(|key| keys.contains(key)) {
                left.push_back(entry);
                continue;
            }
            load = load.saturating_add(W::weight(&entry.item));
            if load > W::LOAD && !batch.is_empty() {
                left.push_back(entry);
                break;
            }
            keys.extend(own);
            batch.push(entry);
            if batch.len() == W::BATCH {
                break;
            }
        }
        left.append(&mut self.waiting);
        self.waiting = left;
        self.show();
        batch
    }

    fn show(&self) {
        let waiting = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        metrics::gauge!("lane_queue_length", "lane" => W::NAME).set(f64::from(waiting));
    }

    fn learn(&mut self, pace: Duration) {
        self.pace = (self.pace * 7 + pace) / 8;
    }
}

/// Does items together, or, where one of them cannot be done, in ever smaller parts, so that the others can. Each is answered
/// as soon as its part is decided.
async fn run<W: Work>((work, lane): (&W, usize), mut items: Arc<[W::Item]>, callers: Vec<Caller<W>>, until: Instant) {
    let mut callers: Vec<_> = callers.into_iter().map(Some).collect();
    // A stack: halves are done in their order.
    let mut open = vec![(0..items.len(), Attempt::First)];
    let mut pause = PAUSE;
    while let Some((range, attempt)) = open.pop() {
        let batch = Batch { items: Arc::clone(&items), range: range.clone(), lane, attempt };
        let error = match work.run(batch).await {
            Ok(answers) => {
                if open.is_empty() {
                    // Callers who share in their items have them to themselves from here on; those whose part was done before
                    // others may find the lane still holding them.
                    items = Arc::default();
                }
                for (caller, answer) in callers[range].iter_mut().zip(answers) {
                    tell::<W>(caller, answer);
                }
                continue;
            }
            Err(error) => error,
        };
        match course(&error, attempt) {
            Course::LookAgain if deadline::left(until).is_some_and(|left| left > pause) => {
                metrics::counter!("lane_unknown_total", "lane" => W::NAME).increment(1);
                tracing::warn!(lane = W::NAME, %error, "the outcome of a batch is looked for");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                open.push((range, Attempt::Again));
            }
            Course::Divide if range.len() > 1 => {
                metrics::counter!("lane_divided_total", "lane" => W::NAME).increment(1);
                let middle = range.start + range.len() / 2;
                open.push((middle..range.end, attempt));
                open.push((range.start..middle, attempt));
            }
            Course::LookAgain | Course::Divide | Course::GiveUp => {
                let error = told(error, attempt);
                callers[range].iter_mut().for_each(|caller| tell::<W>(caller, Err(error.clone())));
            }
        }
    }
}

/// The caller may be gone: what was done is done all the same.
fn tell<W: Work>(caller: &mut Option<Caller<W>>, answer: Result<W::Answer, StoreError>) {
    if let Some(caller) = caller.take() {
        drop(caller.send(answer));
    }
}

/// What its callers are told of a batch that failed. Whatever stands in the way now: what was sent before may have been done.
fn told(error: StoreError, attempt: Attempt) -> StoreError {
    match (attempt, error) {
        (Attempt::Again, error @ (StoreError::Refused(_) | StoreError::UnknownOutcome(_))) => error,
        (Attempt::Again, error) => StoreError::UnknownOutcome(error.to_string()),
        (Attempt::First, error) => error,
    }
}

/// What to do about a batch that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    /// It may have been done: the same again, with the same keys and identities, until that is known.
    LookAgain,
    /// Perhaps the fault of one item.
    Divide,
    /// Nothing was done, and it would go no better in parts.
    GiveUp,
}

const fn course(error: &StoreError, attempt: Attempt) -> Course {
    match (error, attempt) {
        (StoreError::UnknownOutcome(_), _) => Course::LookAgain,
        (StoreError::Refused(_) | StoreError::Corrupt(_) | StoreError::Internal(_), _)
        | (StoreError::Contended(_), Attempt::First) => Course::Divide,
        // What is in the way says nothing about what was sent before.
        (
            StoreError::Unavailable(_)
            | StoreError::Contended(_)
            | StoreError::Overloaded { .. }
            | StoreError::DeadlineExceeded,
            Attempt::Again,
        ) => Course::LookAgain,
        (StoreError::Unavailable(_) | StoreError::Overloaded { .. } | StoreError::DeadlineExceeded, Attempt::First) => {
            Course::GiveUp
        }
    }
}

#[cfg(test)]
mod tests;
