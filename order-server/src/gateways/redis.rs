//! Redis, where all processes of the service count calls together.
//!
//! No call depends on it. Only one task connects, looks whether Redis answers fast enough, and tries again where it does
//! not; callers use the connection that there is, for a moment at most. Whoever finds it wanting takes it away from all
//! others, who decide for themselves from then on, until that task has found a good one.

use std::{
    fmt::Display,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use metrics::gauge;
use order_core::ports::{Health, Lack, Neighbour, Unavailable};
use redis::{AsyncConnectionConfig, Client, RedisResult, Script, aio::MultiplexedConnection};
use tokio::{
    sync::{Notify, Semaphore},
    time::{Instant, sleep, timeout},
};

use crate::{
    config::{Rate, RedisUrl},
    shutdown::Lifecycle,
    telemetry::metrics::RATE_LIMIT_SHARED,
};

const NAME: &str = "redis";
/// How long a caller should wait for it. It answers in less than a millisecond where it is near; what takes so much longer
/// would cost more than it is worth.
pub const REDIS_PATIENCE: Duration = Duration::from_millis(50);
/// How long a connection may take to come about, with what is said at its beginning.
const CONNECT: Duration = Duration::from_secs(1);
/// Questions under way at once: as many as calls may be in progress by default. Who finds no place decides for itself.
const QUESTIONS_MAX: usize = 1024;
/// For how long it is left alone at first; twice as long after each try that failed, up to the longest.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// What the task that connects tries its luck with: nobody's allowance, and one that is never used up.
const PROBE_NAME: &str = "order-server:rate:probe";
const PROBE: Rate = Rate { per_second: PROBE_RATE, burst: PROBE_RATE };
const PROBE_RATE: NonZeroU32 = NonZeroU32::new(1_000).expect("a thousand is not zero");

/// See the module.
pub struct Redis {
    script: Script,
    patience: Duration,
    link: Mutex<Link>,
    /// Told when the connection was taken away.
    lost: Notify,
    questions: Semaphore,
}

/// The connection that there is.
#[derive(Default)]
struct Link {
    connection: Option<MultiplexedConnection>,
    /// Which one it is, so that what went wrong with one is not held against the next.
    number: u64,
    /// What was wrong with the last one.
    trouble: String,
}

/// What became of a call that asked to be taken out of an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// It was.
    Now,
    /// There is nothing left; after this time there may be.
    After(Duration),
}

impl Redis {
    /// The Redis at this address, which callers wait for so long, and the task that stays connected to it until the process
    /// ends. Must be called inside the runtime.
    ///
    /// # Panics
    /// Never: the address was judged when it was read.
    #[must_use]
    pub fn start(url: &RedisUrl, patience: Duration, lifecycle: &Lifecycle) -> Arc<Self> {
        let client = Client::open(url.expose()).expect("a RedisUrl is what the client understands");
        let redis = Arc::new(Self {
            script: Script::new(include_str!("redis/take.lua")),
            patience,
            link: Mutex::new(Link { trouble: "it was not asked yet".to_owned(), ..Link::default() }),
            lost: Notify::new(),
            questions: Semaphore::new(QUESTIONS_MAX),
        });
        let (keeper, closing) = (Arc::clone(&redis), lifecycle.closing().clone());
        lifecycle.spawn(async move { closing.run_until_cancelled(keeper.keep(&client)).await });
        redis
    }

    /// Takes a call out of the allowance of this name, in one step for all processes; `None` if Redis does not say.
    pub async fn take(&self, key: &str, rate: Rate) -> Option<Allowed> {
        let (number, connection) = self.connected()?;
        let _place = self.questions.try_acquire().ok()?;
        match self.ask(connection, key, rate).await {
            Ok(0) => Some(Allowed::Now),
            Ok(wait) => Some(Allowed::After(Duration::from_micros(wait))),
            Err(trouble) => {
                self.lose(number, trouble);
                None
            }
        }
    }

    async fn ask(&self, mut connection: MultiplexedConnection, key: &str, rate: Rate) -> Result<u64, String> {
        let interval = Duration::from_secs(1) / rate.per_second.get();
        let room = interval * rate.burst.get();
        let mut question = self.script.prepare_invoke();
        question.key(key).arg(interval.as_nanos().to_string()).arg(room.as_nanos().to_string());
        self.in_time(question.invoke_async(&mut connection)).await
    }

    /// Stays connected, for ever.
    async fn keep(&self, client: &Client) {
        let mut pause = PAUSE;
        loop {
            match self.connect(client).await {
                Ok(connection) => {
                    let since = Instant::now();
                    self.find(connection);
                    self.lost.notified().await;
                    // One that is lost again at once is no better than none.
                    pause = if since.elapsed() > LONGEST_PAUSE { PAUSE } else { pause };
                }
                Err(trouble) => self.miss(trouble),
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// A connection over which all that callers will ask is answered in time: one that may not write, or is too slow, is
    /// found out here and not by them.
    async fn connect(&self, client: &Client) -> Result<MultiplexedConnection, String> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(CONNECT.max(self.patience)))
            .set_pipeline_buffer_size(QUESTIONS_MAX);
        let connecting = client.get_multiplexed_async_connection_with_config(&config);
        let connection = match timeout(CONNECT, connecting).await {
            Ok(connected) => connected.map_err(|error| error.to_string())?,
            Err(_elapsed) => return Err("the connection does not come about in time".to_owned()),
        };
        self.ask(connection.clone(), PROBE_NAME, PROBE).await?;
        Ok(connection)
    }

    fn connected(&self) -> Option<(u64, MultiplexedConnection)> {
        let link = self.link();
        Some((link.number, link.connection.clone()?))
    }

    fn find(&self, connection: MultiplexedConnection) {
        let mut link = self.link();
        *link = Link { connection: Some(connection), number: link.number + 1, trouble: String::new() };
        gauge!(RATE_LIMIT_SHARED).set(1.0);
        tracing::info!("redis answers: rate limits are shared by all processes");
    }

    /// The connection was found wanting. Others may have found so before.
    fn lose(&self, number: u64, trouble: String) {
        let mut link = self.link();
        if link.number != number || link.connection.take().is_none() {
            return;
        }
        drop(link);
        self.miss(trouble);
        self.lost.notify_one();
    }

    /// There is no connection. Said once, however often the same is found.
    fn miss(&self, trouble: String) {
        gauge!(RATE_LIMIT_SHARED).set(0.0);
        let mut link = self.link();
        if link.trouble != trouble {
            tracing::warn!(%trouble, "redis does not answer: each process keeps rate limits for itself meanwhile");
            link.trouble = trouble;
        }
    }

    async fn in_time<T>(&self, answer: impl Future<Output = RedisResult<T>>) -> Result<T, String> {
        match timeout(self.patience, answer).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_elapsed) => Err("it did not answer in time".to_owned()),
        }
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").field("is_connected", &self.link().connection.is_some()).finish_non_exhaustive()
    }
}

fn down(trouble: &dyn Display) -> Unavailable {
    Unavailable { neighbour: NAME, lack: Lack::Down, detail: trouble.to_string() }
}

#[async_trait]
impl Neighbour for Redis {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn check(&self) -> Result<Health, Unavailable> {
        let Some((number, mut connection)) = self.connected() else { return Err(down(&self.link().trouble)) };
        let pinged: Result<(), String> = self.in_time(redis::cmd("PING").query_async(&mut connection)).await;
        pinged.map(|()| Health::Connected).map_err(|trouble| {
            let told = down(&trouble);
            self.lose(number, trouble);
            told
        })
    }
}
