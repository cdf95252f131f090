//! Rates that all processes count together, over a real Redis, on its good days and its bad ones.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use order_api::v1::{self, DependencyStatus};
use order_core::ports::Neighbour as _;
use order_server::{
    auth::Role,
    clock::{IdSource as _, RandomIds},
    gateways::REDIS_PATIENCE,
};
use order_store::testing::TestDatabase;
use redis::AsyncCommands as _;
use tokio::net::TcpListener;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::fixture::{ECHO, Fixture, SEARCH, WRITE, call};
use crate::{daemon::Daemon, door_races::kit::eventually, world::World};

const PASSWORD: &str = "hunter2";
/// What a caller has at once in these tests; one call a second comes back.
const BURST: u64 = 20;

struct Shared(Daemon);

impl Shared {
    async fn start() -> Self {
        let mut shared = Self(Daemon::new("redis-server", |port, _| {
            let port = port.to_string();
            let texts = ["--bind", "127.0.0.1", "--port", &port, "--save", "", "--requirepass", PASSWORD];
            texts.map(str::to_owned).into()
        }));
        shared.come_back().await;
        shared
    }

    async fn come_back(&mut self) {
        self.0.come();
        eventually("redis answers", || async { self.ask().await.is_ok() }).await;
    }

    async fn ask(&self) -> redis::RedisResult<redis::aio::MultiplexedConnection> {
        redis::Client::open(self.url())?.get_multiplexed_async_connection().await
    }

    fn url(&self) -> String {
        format!("redis://:{PASSWORD}@127.0.0.1:{}", self.0.port())
    }

    /// A process that has found it, and waits for it as long as a busy machine may need: what is asked of it is certain.
    async fn process(&self) -> Fixture {
        let fixture = process(&self.url(), Duration::from_secs(20)).await;
        fixture.shares().await;
        fixture
    }
}

/// A process that may not have found it.
async fn process(url: &str, patience: Duration) -> Fixture {
    let burst = BURST.to_string();
    let rates = [("RATE_LIMIT_PER_SECOND", "1"), ("RATE_LIMIT_BURST", burst.as_str())];
    let others = [("RATE_LIMIT_WRITE_BURST", burst.as_str()), ("RATE_LIMIT_SEARCH_BURST", burst.as_str())];
    Fixture::start_waiting(&[&rates[..], &others[..], &[("REDIS_URL", url)]].concat(), patience).await
}

impl Fixture {
    /// Waits until it counts with others.
    async fn shares(&self) {
        let shared = self.shared_limits.as_ref().unwrap();
        eventually("redis is found", || async { shared.check().await.is_ok() }).await;
    }

    /// Makes so many calls at once, and says how many of them were let in. The others were refused for being too many.
    async fn let_in(&self, id: &str, (path, calls): (&'static str, usize)) -> u64 {
        let authorization = format!("Bearer {}", self.token_of(id, Role::Customer));
        let channel = self.channel().await;
        let calls = (0..calls).map(|_| {
            let (channel, authorization) = (channel.clone(), authorization.clone());
            tokio::spawn(async move { call(channel, path, &[("authorization", &authorization)]).await })
        });
        let answers = join_all(calls).await.into_iter().map(Result::unwrap);
        answers.map(|answer| u64::from(answer.map_err(is_too_many).is_ok())).sum()
    }
}

fn is_too_many(status: Status) {
    let reason = status.get_details_error_info().map(|info| info.reason);
    assert_eq!((status.code(), reason.as_deref()), (Code::ResourceExhausted, Some("RATE_LIMITED")), "{status:?}");
}

/// Somebody new.
fn somebody() -> String {
    format!("{}@example.com", RandomIds.seed().nth(0))
}

/// Whether so many are what a caller has, with what came back since then.
fn is_one_allowance(let_in: u64, since: Instant) -> bool {
    (BURST..=BURST + since.elapsed().as_secs()).contains(&let_in)
}

/// These processes give somebody one allowance together.
async fn share_one_allowance((one, other): (&Fixture, &Fixture), path: &'static str) {
    let (began, ada) = (Instant::now(), somebody());
    let calls = [one, other, one, other].map(|process| process.let_in(&ada, (path, 15)));
    let let_in: u64 = join_all(calls).await.into_iter().sum();
    assert!(is_one_allowance(let_in, began), "{let_in} calls were let in within {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_give_one_allowance_and_no_more() {
    let shared = Shared::start().await;
    let (one, other) = tokio::join!(shared.process(), shared.process());
    for path in [ECHO, WRITE, SEARCH] {
        share_one_allowance((&one, &other), path).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn classes_and_callers_are_counted_apart_there_too() {
    let shared = Shared::start().await;
    let process = shared.process().await;
    let (ada, bob) = (somebody(), somebody());
    process.let_in(&ada, (WRITE, 30)).await;
    assert_eq!(process.let_in(&ada, (ECHO, 10)).await, 10);
    assert_eq!(process.let_in(&ada, (SEARCH, 10)).await, 10);
    assert_eq!(process.let_in(&bob, (WRITE, 10)).await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_names_nobody_and_is_forgotten_by_itself() {
    let shared = Shared::start().await;
    let process = shared.process().await;
    let ada = somebody();
    process.let_in(&ada, (WRITE, 5)).await;
    let mut asked = shared.ask().await.unwrap();
    let kept: Vec<String> = asked.keys("*").await.unwrap();
    assert_eq!(kept.len(), 1, "{kept:?}");
    for key in &kept {
        assert!(key.starts_with("order-server:rate:") && !key.contains("example"), "{key}");
        let lives: i64 = asked.pttl(key).await.unwrap();
        assert!(lives != -1 && lives <= 60_000, "{key} lives for {lives} ms");
    }
    eventually("all is forgotten", || async {
        let kept: Vec<String> = asked.clone().keys("*").await.unwrap();
        kept.is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_each_process_counts_for_itself_and_afterwards_they_share_again() {
    let mut shared = Shared::start().await;
    let (one, other) = tokio::join!(shared.process(), shared.process());
    share_one_allowance((&one, &other), ECHO).await;
    shared.0.go();
    for _ in 0..3 {
        let (began, ada) = (Instant::now(), somebody());
        for process in [&one, &other] {
            let let_in = process.let_in(&ada, (ECHO, 40)).await;
            assert!(is_one_allowance(let_in, began), "{let_in}");
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
    shared.come_back().await;
    tokio::join!(one.shares(), other.shares());
    share_one_allowance((&one, &other), ECHO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_used_up_their_share_does_not_get_another_one_when_redis_goes() {
    let mut shared = Shared::start().await;
    let process = shared.process().await;
    let (began, ada) = (Instant::now(), somebody());
    let before = process.let_in(&ada, (ECHO, 40)).await;
    shared.0.go();
    let after = process.let_in(&ada, (ECHO, 40)).await;
    assert!(is_one_allowance(before + after, began), "{before} and {after}");
}

/// So many calls, one after the other, take less than they would if each of them waited for Redis.
async fn is_not_slowed(process: &Fixture) {
    const CALLS: u32 = 200;
    let authorization = format!("Bearer {}", process.token_of(&somebody(), Role::Customer));
    let (channel, began) = (process.channel().await, Instant::now());
    for _ in 0..CALLS {
        let answer = call(channel.clone(), ECHO, &[("authorization", &authorization)]).await;
        drop(answer.map_err(is_too_many));
    }
    assert!(began.elapsed() < REDIS_PATIENCE * CALLS / 2, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_accepts_and_says_nothing_slows_nobody() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    let accepting = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = silent.accept().await {
            open.push(stream);
        }
    });
    is_not_slowed(&process(&url, REDIS_PATIENCE).await).await;
    accepting.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_falls_silent_slows_a_few_calls_and_is_found_again() {
    let shared = Shared::start().await;
    let process = process(&shared.url(), REDIS_PATIENCE).await;
    process.shares().await;
    shared.0.signal("STOP");
    is_not_slowed(&process).await;
    shared.0.signal("CONT");
    process.shares().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_leave_do_no_harm() {
    let shared = Shared::start().await;
    let process = shared.process().await;
    for _ in 0..5 {
        let (channel, ada) = (process.channel().await, somebody());
        let authorization = format!("Bearer {}", process.token_of(&ada, Role::Customer));
        let calls: Vec<_> = (0..20)
            .map(|_| {
                let (channel, authorization) = (channel.clone(), authorization.clone());
                tokio::spawn(async move { call(channel, ECHO, &[("authorization", &authorization)]).await })
            })
            .collect();
        tokio::task::yield_now().await;
        calls.iter().for_each(tokio::task::JoinHandle::abort);
    }
    process.shares().await;
    share_one_allowance((&process, &process), ECHO).await;
}

/// What AdminService.GetConnectivity says about Redis.
async fn shown(world: &World) -> v1::Dependency {
    let shown = world.admin().admin.get_connectivity(v1::GetConnectivityRequest {}).await.unwrap().into_inner();
    shown.dependencies.into_iter().find(|one| one.kind() == v1::DependencyKind::RateLimits).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_no_outage_and_is_shown() {
    let (shared, database) = (Shared::start().await, TestDatabase::sqlite().await);
    let wrong = format!("redis://:wrong@127.0.0.1:{}", shared.0.port());
    let limits = [("RATE_LIMIT_PER_SECOND", "100")];
    let world = World::start(&database, &[&limits[..], &[("REDIS_URL", &wrong)]].concat()).await;
    world.customer("ada").carts.get_cart(v1::GetCartRequest::default()).await.unwrap();
    let redis = shown(&world).await;
    assert_eq!((redis.name.as_str(), redis.status()), ("redis", DependencyStatus::Failed));
    assert!(!format!("{redis:?}").contains("wrong") && !format!("{redis:?}").contains("127.0.0.1"), "{redis:?}");
    world.stop().await;

    let world = World::start(&database, &[&limits[..], &[("REDIS_URL", &shared.url())]].concat()).await;
    eventually("it is connected", || async { shown(&world).await.status() == DependencyStatus::Connected }).await;
    world.customer("ada").carts.get_cart(v1::GetCartRequest::default()).await.unwrap();
    world.stop().await;
}
