//! Lanes without a database: what is done together, and what becomes of callers when something goes wrong.

use std::{
    pin::Pin,
    task::{Context, Wake, Waker},
};

use super::*;

/// Doubles numbers.
#[derive(Default)]
struct Doubling {
    seen: Mutex<Vec<(Vec<u32>, Attempt)>>,
    /// What goes wrong with the next batches, one after the other.
    troubles: Mutex<VecDeque<StoreError>>,
}

/// Nobody can double this.
const POISON: u32 = 13;
/// Doubling this panics.
const PANIC: u32 = 66;

impl Work for Doubling {
    type Item = u32;
    type Answer = u32;
    type Key = u32;
    const NAME: &'static str = "doubling";
    const LANES: usize = 2;
    const BATCH: usize = 8;
    const LOAD: usize = 1000;
    const QUEUE: usize = 10;

    fn weight(item: &u32) -> usize {
        usize::try_from(*item).unwrap()
    }

    /// Numbers with the same last two digits do not go together.
    fn keys(item: &u32) -> Vec<u32> {
        vec![item % 100]
    }

    async fn run(&self, batch: Batch<u32>) -> Result<Vec<Result<u32, StoreError>>, StoreError> {
        self.seen.lock().unwrap().push((batch.items().to_vec(), batch.attempt));
        assert!(!batch.items().contains(&PANIC), "as the test wants it");
        if let Some(trouble) = self.troubles.lock().unwrap().pop_front() {
            return Err(trouble);
        }
        if batch.items().contains(&POISON) {
            return Err(StoreError::Internal("poison".to_owned()));
        }
        Ok(batch.items().iter().map(|n| Ok(n * 2)).collect())
    }
}

impl Doubling {
    fn batches(&self) -> Vec<Vec<u32>> {
        self.seen.lock().unwrap().iter().map(|(items, _)| items.clone()).collect()
    }
}

type Answer = oneshot::Receiver<Result<u32, StoreError>>;

fn queue<W: Work>() -> Queue<W> {
    let state = State { waiting: VecDeque::new(), busy: Vec::new(), pace: FIRST_PACE, open: true };
    Queue { state: Mutex::new(state), wake: Notify::new() }
}

fn push_until(queue: &Queue<Doubling>, items: &[u32], until: Option<Instant>) -> Vec<Answer> {
    let push = |&item: &u32| {
        let (caller, answer) = oneshot::channel();
        queue.push(Entry { item, until, since: Instant::now(), caller }).unwrap();
        answer
    };
    items.iter().map(push).collect()
}

fn push(queue: &Queue<Doubling>, items: &[u32]) -> Vec<Answer> {
    push_until(queue, items, None)
}

/// Does one batch.
async fn serve(queue: &Queue<Doubling>, work: &Doubling) {
    let batch = queue.take().await.unwrap();
    queue.serve((work, 0), batch).await;
}

fn answered(answers: Vec<Answer>) -> Vec<Result<u32, StoreError>> {
    answers.into_iter().map(|mut answer| answer.try_recv().unwrap()).collect()
}

#[tokio::test]
async fn what_is_queued_is_done_together_in_order_of_arrival_up_to_a_bound() {
    let (queue, work) = (queue(), Doubling::default());
    let answers = push(&queue, &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    serve(&queue, &work).await;
    serve(&queue, &work).await;
    assert_eq!(work.batches(), [vec![1, 2, 3, 4, 5, 6, 7, 8], vec![9]]);
    assert_eq!(answered(answers), (1..=9).map(|n| Ok(n * 2)).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_weighs_too_much_waits_for_the_next_batch() {
    let (queue, work) = (queue(), Doubling::default());
    let answers = push(&queue, &[1, 302, 697, 3, 504, 2005, 6]);
    for _ in 0..4 {
        serve(&queue, &work).await;
    }
    assert_eq!(work.batches(), [vec![1, 302, 697], vec![3, 504], vec![2005], vec![6]], "in order of arrival");
    assert_eq!(answered(answers).len(), 7);
}

#[tokio::test]
async fn a_busy_lane_is_waited_for_unless_a_whole_batch_waits_or_it_is_held_up() {
    let (queue, work) = (queue(), Doubling::default());
    let first = push(&queue, &[1]);
    let busy = queue.take().await.unwrap();
    let second = push(&queue, &[2]);
    assert!(tokio::time::timeout(HELD_UP / 4, queue.take()).await.is_err(), "it is for the lane that is busy");
    let others = push(&queue, &[3, 4, 5, 6, 7, 8, 9]);
    serve(&queue, &work).await;
    assert_eq!(work.batches(), [vec![2, 3, 4, 5, 6, 7, 8, 9]], "as many as go together");
    let late = push(&queue, &[10]);
    serve(&queue, &work).await;
    assert!(busy.began.elapsed() >= HELD_UP, "the busy lane was given its time");
    let later = push(&queue, &[12]);
    assert!(queue.state().is_ready(), "a lane that is held up holds nobody else up");
    serve(&queue, &work).await;
    queue.serve((&work, 0), busy).await;
    let _waiting = push(&queue, &[11]);
    assert!(tokio::time::timeout(HELD_UP / 4, queue.take()).await.is_ok(), "no lane is busy");
    assert_eq!(answered([first, second, others, late, later].into_iter().flatten().collect()).len(), 11);
}

#[tokio::test]
async fn what_shares_a_key_waits_for_the_next_batch_and_holds_nobody_up() {
    let (queue, work) = (queue(), Doubling::default());
    let answers = push(&queue, &[1, 101, 2, 201]);
    for _ in 0..3 {
        serve(&queue, &work).await;
    }
    assert_eq!(work.batches(), [vec![1, 2], vec![101], vec![201]]);
    assert_eq!(answered(answers), [Ok(2), Ok(202), Ok(4), Ok(402)]);
}

#[tokio::test]
async fn poison_is_found_and_everybody_else_is_served() {
    let (queue, work) = (queue(), Doubling::default());
    let answers = push(&queue, &[1, 2, POISON, 4]);
    serve(&queue, &work).await;
    assert_eq!(work.batches(), [vec![1, 2, POISON, 4], vec![1, 2], vec![POISON, 4], vec![POISON], vec![4]]);
    let poisoned = Err(StoreError::Internal("poison".to_owned()));
    assert_eq!(answered(answers), [Ok(2), Ok(4), poisoned, Ok(8)]);
}

#[tokio::test]
async fn a_batch_whose_answer_got_lost_is_done_again_until_that_is_known() {
    let (queue, work) = (queue(), Doubling::default());
    let lost = || StoreError::UnknownOutcome("gone".to_owned());
    let away = || StoreError::Unavailable("away".to_owned());
    work.troubles.lock().unwrap().extend([lost(), away(), lost()]);
    let answers = push(&queue, &[1, 2]);
    serve(&queue, &work).await;
    assert_eq!(answered(answers), [Ok(2), Ok(4)]);
    let attempts: Vec<_> = work.seen.lock().unwrap().iter().map(|(_, attempt)| *attempt).collect();
    assert_eq!(attempts, [Attempt::First, Attempt::Again, Attempt::Again, Attempt::Again]);
}

#[tokio::test]
async fn an_outcome_that_is_not_known_in_time_is_never_told_as_a_failure() {
    let (queue, work) = (queue(), Doubling::default());
    let away = std::iter::repeat_with(|| StoreError::Unavailable("away".to_owned())).take(20);
    work.troubles.lock().unwrap().push_back(StoreError::UnknownOutcome("gone".to_owned()));
    work.troubles.lock().unwrap().extend(away);
    let answers = push_until(&queue, &[1], Some(Instant::now() + PAUSE * 2));
    serve(&queue, &work).await;
    assert_eq!(answered(answers), [Err(StoreError::UnknownOutcome("the database is not available: away".to_owned()))]);
}

#[tokio::test]
async fn what_may_have_been_done_is_never_told_as_failed_whatever_comes_afterwards() {
    let (queue, work) = (queue(), Doubling::default());
    work.troubles.lock().unwrap().push_back(StoreError::UnknownOutcome("gone".to_owned()));
    let answers = push(&queue, &[1, POISON]);
    serve(&queue, &work).await;
    let unknown = StoreError::UnknownOutcome("the store failed: poison".to_owned());
    assert_eq!(answered(answers), [Ok(2), Err(unknown)]);
}

#[tokio::test]
async fn of_a_batch_that_others_are_in_the_way_of_the_free_ones_are_done() {
    let (queue, work) = (queue(), Doubling::default());
    let contended = StoreError::Contended("a lock".to_owned());
    work.troubles.lock().unwrap().extend([contended.clone(), contended.clone()]);
    let answers = push(&queue, &[1, 2]);
    serve(&queue, &work).await;
    assert_eq!((work.batches(), answered(answers)), (vec![vec![1, 2], vec![1], vec![2]], vec![Err(contended), Ok(4)]));
}

#[tokio::test]
async fn who_does_not_wait_any_more_takes_no_room_in_a_full_queue() {
    let (queue, work) = (queue(), Doubling::default());
    drop(push(&queue, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
    let answers = push(&queue, &[11]);
    serve(&queue, &work).await;
    assert_eq!(answered(answers), [Ok(22)]);
}

#[tokio::test]
async fn a_database_that_is_away_is_told_at_once_and_to_everybody() {
    let (queue, work) = (queue(), Doubling::default());
    let away = StoreError::Unavailable("away".to_owned());
    work.troubles.lock().unwrap().push_back(away.clone());
    let answers = push(&queue, &[1, 2]);
    serve(&queue, &work).await;
    assert_eq!((work.batches().len(), answered(answers)), (1, vec![Err(away.clone()), Err(away)]));
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_begun() {
    let (queue, work) = (queue(), Doubling::default());
    let passed = Instant::now();
    let late = push_until(&queue, &[1], Some(passed));
    drop(push(&queue, &[2]));
    let answers = push(&queue, &[3]);
    serve(&queue, &work).await;
    assert_eq!(work.batches(), [vec![3]]);
    assert_eq!((answered(late), answered(answers)), (vec![Err(StoreError::DeadlineExceeded)], vec![Ok(6)]));
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_says_when_to_come_back() {
    let (queue, work) = (queue(), Doubling::default());
    let answers = push(&queue, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let (caller, _answer) = oneshot::channel();
    let refused = queue.push(Entry { item: 11, until: None, since: Instant::now(), caller });
    assert_eq!(refused, Err(StoreError::Overloaded { retry_after: Some(FIRST_PACE * 10) }));
    serve(&queue, &work).await;
    serve(&queue, &work).await;
    assert_eq!(answered(answers).len(), 10);
}

#[tokio::test]
async fn a_panic_is_told_to_its_callers_and_the_lane_goes_on() {
    let lanes = Lanes::start(Doubling::default());
    assert!(matches!(lanes.ask(PANIC).await, Err(StoreError::Internal(_))));
    assert_eq!(lanes.ask(1).await, Ok(2));
}

#[tokio::test]
async fn closed_lanes_finish_what_is_queued_and_take_nothing_new() {
    let lanes = Arc::new(Lanes::start(Doubling::default()));
    let answers = push(&lanes.queue, &[1, 2, 3]);
    lanes.close().await;
    assert_eq!(answered(answers), [Ok(2), Ok(4), Ok(6)]);
    assert!(matches!(lanes.ask(4).await, Err(StoreError::Unavailable(_))));
}

/// Looks at items that callers share in, one after the other where it is told to.
struct Sharing {
    alone: bool,
}

impl Work for Sharing {
    type Item = Arc<u32>;
    type Answer = ();
    type Key = ();
    const NAME: &'static str = "sharing";
    const LANES: usize = 1;
    const BATCH: usize = 8;
    const QUEUE: usize = 10;

    fn keys(_item: &Arc<u32>) -> Vec<()> {
        Vec::new()
    }

    async fn run(&self, batch: Batch<Arc<u32>>) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        if self.alone && batch.items().len() > 1 {
            return Err(StoreError::Internal("one after the other".to_owned()));
        }
        Ok(batch.items().iter().map(|_item| Ok(())).collect())
    }
}

/// How many share in an item at the moment its caller is woken, this one left out.
struct Woken {
    item: Arc<u32>,
    others: Mutex<Option<usize>>,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        *self.others.lock().unwrap() = Some(Arc::strong_count(&self.item) - 1);
    }
}

/// Asks for two items at once; with how many others each caller shares its own when it is answered.
async fn sharers(work: Sharing) -> [Option<usize>; 2] {
    let queue = queue::<Sharing>();
    let asked = [1, 2].map(|n| {
        let woken = Arc::new(Woken { item: Arc::new(n), others: Mutex::default() });
        let (caller, mut answer) = oneshot::channel();
        let item = Arc::clone(&woken.item);
        queue.push(Entry { item, until: None, since: Instant::now(), caller }).unwrap();
        let waker = Waker::from(Arc::clone(&woken));
        assert!(Pin::new(&mut answer).poll(&mut Context::from_waker(&waker)).is_pending());
        (woken, answer)
    });
    let batch = queue.take().await.unwrap();
    queue.serve((&work, 0), batch).await;
    asked.map(|(woken, _answer)| *woken.others.lock().unwrap())
}

#[tokio::test]
async fn who_is_answered_has_the_item_alone() {
    assert_eq!(sharers(Sharing { alone: false }).await, [Some(0), Some(0)]);
}

#[tokio::test]
async fn of_a_divided_batch_the_last_part_has_its_items_alone() {
    assert_eq!(sharers(Sharing { alone: true }).await, [Some(1), Some(0)]);
}
