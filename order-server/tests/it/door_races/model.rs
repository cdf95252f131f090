//! Random sequences of calls through the door, against a small model of what the service promises.
//!
//! The model knows words, goods and money, and nothing of revisions, transactions or gateways. A failing sequence is
//! shortened and printed as it can be pasted into a test.

mod order;
mod player;
mod reference;
mod step;

use order_store::testing::{TestDatabase, on_both_engines};
use proptest::{
    collection::vec,
    prelude::any,
    test_runner::{Config, TestRunner},
};

use self::{
    player::Player,
    step::{Step, step},
};
use super::audit::audit;

/// Sequences for each engine, each on a database of its own.
const SEQUENCES: u32 = 10;

/// Most steps of a sequence; on average it has half of them, so that an engine sees some 1500. Not a fixed number, because
/// then a failing sequence could not be shortened.
const STEPS: usize = 300;

/// How many shorter sequences are tried to find the shortest that fails.
const SHORTENINGS: u32 = 500;

/// And for how long, in milliseconds.
const SHORTENING_MS: u32 = 120_000;

#[tokio::test(flavor = "multi_thread")]
async fn model_random_ops() {
    on_both_engines(async |database| {
        let (engine, runtime) = (database.url().engine(), tokio::runtime::Handle::current());
        let run = move || {
            let config = Config {
                cases: SEQUENCES,
                max_shrink_iters: SHORTENINGS,
                max_shrink_time: SHORTENING_MS,
                failure_persistence: None,
                ..Config::default()
            };
            TestRunner::new(config).run(&(any::<bool>(), vec(step(), 1..=STEPS)), |(when_paid, steps)| {
                runtime.block_on(play(engine, when_paid, &steps));
                Ok(())
            })
        };
        if let Err(found) = tokio::task::spawn_blocking(run).await.unwrap() {
            panic!("{found}");
        }
    })
    .await;
}

/// Plays a sequence on a new database; fails where the service differs from the model.
async fn play(engine: &str, when_paid: bool, steps: &[Step]) {
    let database = match engine {
        "sqlite" => TestDatabase::sqlite().await,
        _ => TestDatabase::postgres().await,
    };
    let mut player = Player::new(&database, when_paid).await;
    for (n, step) in steps.iter().enumerate() {
        player.play(step).await;
        if n % 15 == 14 {
            player.compare_everything().await;
        }
    }
    player.compare_everything().await;
    player.compare_money(&database).await;
    audit(&database).await;
    player.stop().await;
}
