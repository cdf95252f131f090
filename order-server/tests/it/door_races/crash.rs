//! The process dies at every moment at which it can: before a gateway acts, after it acted and before it answers, after it
//! answered, and anywhere in the transactions around. The next one finds out what happened and goes on, and dies as well; the
//! one after it has everything settled, as if nothing had been.
//!
//! A process that dies is one whose runtime is gone from one step to the next: whatever it was at stays as it is.

mod deed;
mod doomed;
mod gateway;

use std::{sync::Arc, time::Duration};

use order_server::workers;
use order_store::testing::TestDatabase;
use tokio::task::JoinSet;

use self::{
    deed::{Behaviour, Deed, Subject},
    doomed::Doomed,
    gateway::{Moment, mended},
};
use super::{
    call::Desk,
    kit::{all_agrees, eventually, on_both_engines, open_operations, quiet, reconcile, shelve, spread},
};
use crate::world::World;

/// How a shop takes money that deeds of one step are about, and of two.
const AT_ONCE: &[(&str, &str)] = &[("CAPTURE_ON", "place")];
const IN_TWO_STEPS: &[(&str, &str)] = &[("CAPTURE_ON", "manual")];

/// At how many points between an answer and its end a process dies.
const POINTS: u32 = 4;

/// How many requests the reconciler has under way at a time.
const RECONCILED_AT_ONCE: i64 = 8;

/// How many subjects are under way at a time where it does not matter.
const WIDTH: usize = 12;

/// When the worlds of a test begin, one after the other: a day apart.
fn day(n: u32) -> Duration {
    Duration::from_secs(u64::from(n) * 24 * 3600)
}

/// What has happened so far: rows of the tables that only grow.
async fn footprint(database: &TestDatabase) -> Vec<String> {
    let mut rows = Vec::new();
    for table in ["orders", "order_event", "payment_operation", "gateway_operation", "stock_movement"] {
        rows.extend(database.texts(&format!("SELECT '{table} ' || CAST(count(*) AS text) FROM {table}")).await);
    }
    rows
}

/// Makes a call for each subject; the calls, to be waited for.
fn call_all(world: &World, subjects: &[Subject]) -> JoinSet<()> {
    let mut calls = JoinSet::new();
    for subject in subjects {
        let (desk, call) = (desk(world, subject), subject.call.clone());
        calls.spawn(async move { drop(call.make(&desk).await) });
    }
    calls
}

async fn all_end(calls: JoinSet<()>) {
    let ending = calls.join_all();
    tokio::time::timeout(Duration::from_secs(20), ending).await.expect("a call to a dead process fails");
}

fn desk(world: &World, subject: &Subject) -> Desk {
    Desk { buyer: world.customer(&subject.customer), office: world.admin() }
}

/// Prepares a subject for each of these.
async fn prepare(world: &World, deeds: &[(Deed, Behaviour)]) -> Vec<Subject> {
    spread((deeds.len(), WIDTH), |n| {
        let (deed, behaviour) = deeds[n];
        let customer = crate::world::request_id();
        let desk = Desk { buyer: world.customer(&customer), office: world.admin() };
        async move { Subject::prepare(&desk, customer, (deed, behaviour)).await }
    })
    .await
}

/// A process that dies while it looks after what an earlier one has left.
async fn die_reconciling(database: &Arc<TestDatabase>, settings: &'static [(&str, &str)], (moment, n): (Moment, u32)) {
    let open = open_operations(database).await;
    if open == 0 {
        return;
    }
    let doomed = Doomed::start(database, settings, day(n)).await;
    doomed.stage.stop_at(moment);
    let app = Arc::clone(&doomed.world.app);
    // It is torn out of its work, and so has no result.
    let reconciling = doomed.runtime.spawn(async move { workers::reconcile_due(&app).await });
    doomed.stage.reached(open.min(RECONCILED_AT_ONCE)).await;
    doomed.die(n).await;
    drop(reconciling.await);
}

/// Waits until the server is done with what dead processes have sent: it carries that out, whether or not anybody waits for it.
async fn all_is_carried_out(database: &TestDatabase) {
    const BUSY: &str = "SELECT CAST(count(*) AS text) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'";
    if database.secret_url().starts_with("postgres") {
        eventually("no transaction is open", || async { database.texts(BUSY).await == ["0"] }).await;
    }
}

/// The process that lives: it settles everything, and whoever asks again is answered and changes nothing.
async fn judge(database: &Arc<TestDatabase>, settings: &'static [(&str, &str)], (subjects, n): (&[Subject], u32)) {
    all_is_carried_out(database).await;
    let world = World::start_with(database, settings, mended).await;
    world.clock.advance(day(n));
    for _ in 0..6 {
        reconcile(&world).await;
    }
    let before = footprint(database).await;
    let known = subjects.iter().all(|subject| subject.has_begun);
    let first = ask_again(&world, subjects).await;
    if known {
        assert_eq!(footprint(database).await, before, "what was begun is not begun again");
    }
    for (subject, order_id) in subjects.iter().zip(&first) {
        let order = world.admin().order(order_id).await;
        assert_eq!(order.payment_status(), subject.expected(), "{subject:?} {order:?}");
    }
    let before = footprint(database).await;
    assert_eq!(ask_again(&world, subjects).await, first);
    assert_eq!(footprint(database).await, before);
    all_agrees(database).await;
    once_each(database).await;
    world.stop().await;
}

/// Makes every call again; the orders that the answers name.
async fn ask_again(world: &World, subjects: &[Subject]) -> Vec<String> {
    let answers = spread((subjects.len(), WIDTH), |n| {
        let (desk, subject) = (desk(world, &subjects[n]), subjects[n].clone());
        async move { subject.ask_again(&desk).await }
    })
    .await;
    quiet(world).await;
    answers
}

/// No order was charged or paid back twice: here, each has every kind of request at most once.
async fn once_each(database: &TestDatabase) {
    let twice =
        "SELECT order_id FROM payment_operation WHERE state = 'SUCCEEDED' GROUP BY order_id, kind HAVING count(*) > 1";
    let twice = super::audit::count(database, &format!("SELECT count(*) AS n FROM ({twice}) AS twice")).await;
    assert_eq!(twice, 0, "orders that were charged or paid back twice");
}

/// How the processes of a round die: where the first one is stopped, and after how many steps from there it dies, or that these
/// are to be counted until everything is done. Rounds are numbered by what day it is.
#[derive(Debug, Clone, Copy)]
struct Round {
    moment: Moment,
    steps: Option<u32>,
    day: u32,
}

/// The whole way: die in the middle of these deeds, die again while reconciling, and live. How many steps it took from the
/// answers to the end, where that was counted.
async fn die_at(
    (database, settings): (&Arc<TestDatabase>, &'static [(&str, &str)]),
    deeds: &[(Deed, Behaviour)],
    round: Round,
) -> u32 {
    let doomed = Doomed::start(database, settings, day(round.day)).await;
    let subjects = prepare(&doomed.world, deeds).await;
    doomed.stage.stop_at(round.moment);
    let calls = call_all(&doomed.world, &subjects);
    doomed.stage.reached(i64::try_from(subjects.len()).unwrap()).await;
    let took = end(doomed, calls, round.steps).await;
    let next = [Moment::Asked, Moment::Done, Moment::Answered][usize::try_from(round.day).unwrap() % 3];
    die_reconciling(database, settings, (next, round.day + 1)).await;
    judge(database, settings, (&subjects, round.day + 2)).await;
    took
}

/// Dies after so many steps, or when all calls are answered; how many steps that took.
async fn end(doomed: Doomed, calls: JoinSet<()>, steps: Option<u32>) -> u32 {
    match steps {
        Some(steps) => {
            doomed.die(steps).await;
            all_end(calls).await;
            steps
        }
        None => {
            let counting = doomed.count();
            all_end(calls).await;
            let took = counting.so_far();
            doomed.die(0).await;
            took
        }
    }
}

/// Dies at every moment around a request to a gateway.
async fn die_around_gateways(settings: &'static [(&str, &str)], deeds: &[(Deed, Behaviour)]) {
    on_both_engines(async |database| {
        let shop = open(&database, settings).await;
        die_at(shop, deeds, Round { moment: Moment::Asked, steps: Some(0), day: 1 }).await;
        die_at(shop, deeds, Round { moment: Moment::Done, steps: Some(0), day: 5 }).await;
        let all = die_at(shop, deeds, Round { moment: Moment::Answered, steps: None, day: 9 }).await;
        for point in 0..POINTS {
            let (steps, day) = (Some(all / POINTS * point), 13 + 4 * point);
            die_at(shop, deeds, Round { moment: Moment::Answered, steps, day }).await;
        }
    })
    .await;
}

/// Dies somewhere in calls, with no regard for gateways: before, in and after every transaction.
async fn die_in_calls(settings: &'static [(&str, &str)], deeds: &[(Deed, Behaviour)]) {
    on_both_engines(async |database| {
        let shop = open(&database, settings).await;
        let all = die_in_call(shop, deeds, (None, 1)).await;
        for point in 0..POINTS {
            die_in_call(shop, deeds, (Some(all / POINTS * point), 5 + 4 * point)).await;
        }
    })
    .await;
}

async fn die_in_call(
    (database, settings): (&Arc<TestDatabase>, &'static [(&str, &str)]),
    deeds: &[(Deed, Behaviour)],
    (steps, n): (Option<u32>, u32),
) -> u32 {
    let doomed = Doomed::start(database, settings, day(n)).await;
    let subjects = prepare(&doomed.world, deeds).await;
    let subjects: Vec<_> = subjects.into_iter().map(Subject::of_unknown_fate).collect();
    let calls = call_all(&doomed.world, &subjects);
    let took = end(doomed, calls, steps).await;
    judge(database, settings, (&subjects, n + 2)).await;
    took
}

/// A shop with enough of one ware.
async fn open<'a>(
    database: &'a Arc<TestDatabase>,
    settings: &'static [(&'static str, &'static str)],
) -> (&'a Arc<TestDatabase>, &'static [(&'static str, &'static str)]) {
    let world = World::start(database, settings).await;
    shelve(&world, "ware", 100_000).await;
    world.stop().await;
    (database, settings)
}

/// Each deed with everything that a gateway can make of it.
fn each_with_all(deeds: &[Deed]) -> Vec<(Deed, Behaviour)> {
    let all = deeds.iter().flat_map(|deed| Behaviour::ALL.map(|behaviour| (*deed, behaviour)));
    all.filter(|(deed, behaviour)| deed.can_meet(*behaviour)).collect()
}

/// Each deed a few times, all of which go well.
fn each_thrice(deeds: &[Deed]) -> Vec<(Deed, Behaviour)> {
    deeds.iter().flat_map(|deed| [(*deed, Behaviour::Approve); 3]).collect()
}

const ONE_STEP: [Deed; 7] =
    [Deed::Create, Deed::Checkout, Deed::Pay, Deed::Cancel, Deed::Refund, Deed::Receive, Deed::Tell];
const TWO_STEPS: [Deed; 4] = [Deed::Authorize, Deed::Capture, Deed::Void, Deed::CallOff];

#[tokio::test(flavor = "multi_thread")]
async fn a_process_dies_around_gateways_that_take_money_at_once() {
    die_around_gateways(AT_ONCE, &each_with_all(&ONE_STEP)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_dies_around_gateways_that_promise_money_first() {
    die_around_gateways(IN_TWO_STEPS, &each_with_all(&TWO_STEPS)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_dies_anywhere_in_its_calls() {
    die_in_calls(AT_ONCE, &[each_thrice(&ONE_STEP), each_thrice(&[Deed::Ship])].concat()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_dies_anywhere_in_its_calls_about_promises() {
    die_in_calls(IN_TWO_STEPS, &each_thrice(&TWO_STEPS)).await;
}
