//! A real process that ends in the middle of its work, killed or asked to: what was acknowledged is there, once, and what was not
//! can be asked for again.

mod life;
mod watchers;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use order_api::v1;
use order_store::testing::TestDatabase;
use tokio::task::JoinSet;

use self::life::lead;
use super::{
    audit::{count, events, moved},
    call::{Call, Desk, Made, is_lost},
    kit::{all_agrees, eventually, fact, on_both_engines, reason, settled_by_workers, spread},
    process::Process,
};
use crate::{dice::Dice, world::product};

/// How often the process is killed.
const KILLS: usize = 3;

/// How many buyers are at it.
const BUYERS: usize = 12;

/// After how many acknowledged calls of a round the process is killed, at least, and how many more it may be.
const CALLS: (usize, usize) = (150, 100);

/// How long an orderly end may take: the calls, the background work, and five seconds for the rest, as the README has it.
const IN_TIME: Duration = Duration::from_secs(20 + 10 + 5);

/// How many calls are made again at a time.
const WIDTH: usize = 16;

/// A call, and what was acknowledged of it.
type Entry = (Call, Option<Made>);

/// What the buyers know: every call that was sent and may have been carried out.
#[derive(Debug, Clone, Default)]
struct Journal {
    calls: Arc<Mutex<BTreeMap<usize, Entry>>>,
    acknowledged: Arc<AtomicUsize>,
}

/// Nobody answered: the process is gone.
#[derive(Debug)]
struct Gone;

impl Journal {
    /// Writes a call down, makes it, and writes down what was acknowledged. What was refused has not happened.
    async fn make(&self, desk: &Desk, call: Call) -> Result<Option<Made>, Gone> {
        let key = self.write(call.clone());
        let answer = call.make(desk).await;
        self.heard(key, (call, answer))
    }

    fn write(&self, call: Call) -> usize {
        let mut calls = self.calls.lock().unwrap();
        let key = calls.last_key_value().map_or(0, |(last, _)| last + 1);
        calls.insert(key, (call, None));
        key
    }

    fn heard(&self, key: usize, (call, answer): (Call, Result<Made, tonic::Status>)) -> Result<Option<Made>, Gone> {
        match answer {
            Ok(made) => {
                self.calls.lock().unwrap().insert(key, (call, Some(made.clone())));
                self.acknowledged.fetch_add(1, Ordering::SeqCst);
                Ok(Some(made))
            }
            Err(status) if is_lost(&status) => Err(Gone),
            Err(_refused) => {
                self.calls.lock().unwrap().remove(&key);
                Ok(None)
            }
        }
    }

    /// Makes the calls again that nobody answered.
    async fn finish(&self, desk: &Desk) {
        self.make_again(desk, |made| made.is_none()).await;
    }

    /// Makes every call again: what was acknowledged is what there is.
    async fn make_all_again(&self, desk: &Desk) {
        self.make_again(desk, |_any| true).await;
    }

    async fn make_again(&self, desk: &Desk, is_meant: impl Fn(&Option<Made>) -> bool) {
        let calls = self.calls.lock().unwrap().clone();
        let calls: Vec<_> = calls.into_iter().filter(|(_, (_, made))| is_meant(made)).collect();
        spread((calls.len(), WIDTH), |n| {
            let ((key, (call, before)), desk, journal) = (calls[n].clone(), desk.clone(), self.clone());
            async move {
                let answer = call.make(&desk).await;
                match (before, answer) {
                    (Some(before), Ok(made)) => assert_eq!(made, before, "{call:?}"),
                    // Of a payment that was under way it is told what became of it.
                    (Some(before), Err(status)) if call.kind() == "Pay" => {
                        let facts = (reason(&status), fact(&status, "order_id"));
                        assert_eq!(facts, ("PAYMENT_DECLINED".to_owned(), before.order_id));
                    }
                    (Some(before), Err(status)) => panic!("{call:?} {before:?} {status:?}"),
                    (None, answer) => drop(journal.heard(key, (call, answer)).expect("a living process answers")),
                }
            }
        })
        .await;
    }

    /// How many calls of a kind were carried out.
    fn done(&self, kind: &str) -> i64 {
        let calls = self.calls.lock().unwrap();
        i64::try_from(calls.values().filter(|(call, made)| call.kind() == kind && made.is_some()).count()).unwrap()
    }
}

/// Buyers at work, and the process ends in the middle of it.
async fn load_and_end(
    process: &mut Process,
    (journal, dice): (&Journal, &mut Dice),
    end: impl AsyncFnOnce(&mut Process),
) {
    let before = journal.acknowledged.load(Ordering::SeqCst);
    let mut buyers = JoinSet::new();
    for _ in 0..BUYERS {
        let (desk, journal, dice) = (process.desk("42"), journal.clone(), Dice::of(dice.next()));
        buyers.spawn(lead(desk, journal, dice));
    }
    let enough = before + CALLS.0 + dice.below(CALLS.1);
    eventually("calls are acknowledged", || async { journal.acknowledged.load(Ordering::SeqCst) >= enough }).await;
    end(process).await;
    buyers.join_all().await;
}

/// A process with plenty to sell.
async fn open(database: &TestDatabase) -> Process {
    let process = Process::start(database, &[]).await;
    let products = vec![product("ware", ("USD", 10, 0), 1_000_000)];
    let request = v1::UpsertProductsRequest { products, ..Default::default() };
    process.admin().admin.upsert_products(request).await.unwrap();
    process
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_after_kill() {
    on_both_engines(async |database| {
        let (journal, mut dice) = (Journal::default(), Dice::seeded());
        let mut process = open(&database).await;
        for _ in 0..KILLS {
            load_and_end(&mut process, (&journal, &mut dice), async |process| process.kill()).await;
            process = Process::start(&database, &[]).await;
            journal.finish(&process.desk("42")).await;
        }
        settled_by_workers(&database).await;
        each_is_there_once(&database, &journal).await;
        let before = moved(&database, "REFUND").await;
        journal.make_all_again(&process.desk("42")).await;
        each_is_there_once(&database, &journal).await;
        assert_eq!(moved(&database, "REFUND").await, before);
        all_agrees(&database).await;
    })
    .await;
}

/// Asked to end while everybody orders and others watch or say nothing, it answers what it has begun, takes nothing new, and ends well
/// and in time.
#[tokio::test(flavor = "multi_thread")]
async fn graceful_shutdown_at_peak() {
    on_both_engines(async |database| {
        let (journal, mut dice) = (Journal::default(), Dice::seeded());
        let mut process = open(&database).await;
        let end = async |process: &mut Process| {
            let _hangers_on = process.hangers_on().await;
            let began = Instant::now();
            let status = process.terminate().await;
            assert_eq!(status.code(), Some(0), "{status}");
            assert!(began.elapsed() < IN_TIME, "{:?}", began.elapsed());
        };
        load_and_end(&mut process, (&journal, &mut dice), end).await;
        let process = Process::start(&database, &[]).await;
        journal.make_all_again(&process.desk("42")).await;
        settled_by_workers(&database).await;
        each_is_there_once(&database, &journal).await;
        all_agrees(&database).await;
    })
    .await;
}

/// Everything that was asked for is there, and nothing else.
async fn each_is_there_once(database: &TestDatabase, journal: &Journal) {
    assert_eq!(count(database, "SELECT count(*) AS n FROM orders").await, journal.done("Create"), "orders");
    for (call, event) in [
        ("Cancel", "CANCELLED"),
        ("Pack", "SHIPMENT_CREATED"),
        ("Ship", "SHIPPED"),
        ("AskBack", "RETURN_REQUESTED"),
        ("Approve", "RETURN_APPROVED"),
        ("Receive", "RETURN_RECEIVED"),
    ] {
        assert_eq!(events(database, event).await, journal.done(call), "{call}");
    }
    let refunds = "SELECT count(*) AS n FROM payment_operation WHERE kind = 'REFUND' AND cause = 'REQUESTED'";
    assert_eq!(count(database, refunds).await, journal.done("Refund"), "refunds");
}
