//! Random sequences of calls through the door, against a small model of what the service promises.
//!
//! The model knows words, goods and money, and nothing of revisions, transactions or gateways. A failing sequence is shortened and
//! printed with its seed, as it can be pasted into [`regressions`]; `MODEL_SEED` plays a whole run again.

mod back;
mod carts;
mod compare;
mod goods;
mod message;
mod money;
mod order;
mod player;
mod price;
mod reference;
mod regressions;
mod request;
mod sequence;
mod settings;
mod step;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use order_store::testing::TestDatabase;
use proptest::{
    strategy::Strategy as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use self::{
    message::Message,
    player::Player,
    price::COUPONS,
    sequence::Sequence,
    settings::{Settings, settings},
    step::{Step, step},
};
use super::audit::audit;
use crate::dice::Dice;

/// Most steps of a sequence; on average it has half of them. Not a fixed number, because then a failing sequence could not be
/// shortened.
const STEPS: usize = 300;

/// Of so many sequences, one is audited after every step.
const AUDITED: usize = 12;

/// How many shorter sequences are tried to find the shortest that fails, and for how long, in milliseconds.
const SHORTENINGS: (u32, u32) = (2_000, 180_000);

/// Everything is compared after so many steps; only what a step was about, after every one.
const ROUND: usize = 50;

/// What was played.
#[derive(Debug, Default)]
struct Played {
    steps: usize,
    /// How often each kind of request was accepted, and refused.
    tally: BTreeMap<&'static str, [usize; 2]>,
}

impl Played {
    /// Kinds of requests of which none did anything: a model of these would not have been held against anything.
    fn never_accepted(&self) -> Vec<&'static str> {
        let never = |name: &&&str| self.tally.get(**name).is_none_or(|[accepted, _refused]| *accepted == 0);
        Message::NAMES.iter().filter(never).copied().collect()
    }

    fn add(&mut self, more: Self) {
        self.steps += more.steps;
        for (name, [accepted, refused]) in more.tally {
            let sum = self.tally.entry(name).or_default();
            *sum = [sum[0] + accepted, sum[1] + refused];
        }
    }
}

/// By engine, so that both are played at the same time; together at least 10 000 steps that find something to be done, which one in
/// eight does not.
#[tokio::test(flavor = "multi_thread")]
async fn model_random_ops_on_sqlite() {
    play_many("sqlite", 7_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn model_random_ops_on_postgresql() {
    play_many("postgresql", 4_700).await;
}

async fn play_many(engine: &'static str, enough: usize) {
    let runtime = tokio::runtime::Handle::current();
    let playing = tokio::task::spawn_blocking(move || run((engine, enough), &runtime));
    if let Err(failed) = playing.await {
        std::panic::resume_unwind(failed.into_panic());
    }
}

/// Plays sequences until enough steps were taken.
fn run((engine, enough): (&'static str, usize), runtime: &tokio::runtime::Handle) {
    let (max_shrink_iters, max_shrink_time) = SHORTENINGS;
    let config = Config { max_shrink_iters, max_shrink_time, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed()));
    let sequences = (settings(), Sequence { of: step(COUPONS.len()), most: STEPS });
    let played = Arc::new(Mutex::new(Played::default()));
    for n in 0.. {
        let audits = if n % AUDITED == 0 { Audits::EveryStep } else { Audits::End };
        let tree = sequences.new_tree(&mut runner).unwrap();
        let all = Arc::clone(&played);
        let found = runner.run_one(tree, |(settings, steps)| {
            let more = runtime.block_on(play(engine, (settings, audits), &steps));
            all.lock().unwrap().add(more);
            Ok(())
        });
        if let Err(found) = found {
            panic!("on {engine}: {found}");
        }
        let played = played.lock().unwrap();
        let never = played.never_accepted();
        if played.steps >= enough && never.is_empty() {
            eprintln!("on {engine}: {played:?}");
            break;
        }
        assert!(played.steps < 4 * enough, "none of these was accepted in {} steps: {never:?}", played.steps);
    }
}

/// The seed of a run, printed for the case that it fails.
#[expect(clippy::disallowed_methods, reason = "whoever repeats a failed run says which")]
fn seed() -> [u8; 32] {
    let given = std::env::var("MODEL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| Dice::seeded().next());
    eprintln!("MODEL_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes
}

/// When the tables are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audits {
    EveryStep,
    End,
}

/// Plays a sequence on a new database; fails where the service differs from the model.
async fn play(engine: &str, (settings, audits): (Settings, Audits), steps: &[Step]) -> Played {
    let database = match engine {
        "sqlite" => TestDatabase::sqlite().await,
        _ => TestDatabase::postgres().await,
    };
    let mut player = Player::new(&database, settings).await;
    for (n, step) in steps.iter().enumerate() {
        player.play(step).await;
        if audits == Audits::EveryStep {
            audit(&database).await;
        }
        if n % ROUND == ROUND - 1 {
            player.compare_everything().await;
        }
    }
    player.compare_everything().await;
    player.compare_money(&database).await;
    audit(&database).await;
    player.verify().await;
    player.stop().await
}
