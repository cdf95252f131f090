//! The real binary on a database of the test: started, spoken to, killed.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::Duration,
};

use order_api::v1;
use order_server::{
    auth::{
        Role,
        verify::{Subject, Tokens},
    },
    config::{Config, Purpose, Raw, Secret},
};
use order_store::testing::TestDatabase;
use tokio::net::TcpStream;
use tonic::{
    Streaming,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::call::Desk;
use crate::world::{Caller, KEY};

/// How long a process may take to say where it listens.
const PATIENCE: Duration = Duration::from_secs(60);

/// One who watches orders, one who watches health, and one who says nothing.
pub(crate) struct HangersOn {
    _orders: Streaming<v1::WatchOrdersResponse>,
    _health: Streaming<HealthCheckResponse>,
    _idle: TcpStream,
}

/// A server process, killed when it is dropped.
pub(crate) struct Process {
    child: Killed,
    address: SocketAddr,
    channel: Channel,
    tokens: Tokens,
}

impl Process {
    /// Starts the binary on this database, with these settings, and reads from its greeting where it is.
    pub(crate) async fn start(database: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        Self::start_logging(database, settings, Stdio::null()).await
    }

    /// The same, with its log going there.
    pub(crate) async fn start_logging(database: &TestDatabase, settings: &[(&str, &str)], log: Stdio) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_order-server"))
            .env_clear()
            .env("DATABASE_URL", database.secret_url())
            .envs([("LISTEN_ADDR", "127.0.0.1:0"), ("OPS_ADDR", "127.0.0.1:0"), ("RATE_LIMIT_PER_SECOND", "0")])
            .envs([("JWT_SECRET", KEY), ("DEMO_CATALOG", "off"), ("LOG_LEVEL", "error")])
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn();
        let mut child = Killed(child.unwrap());
        let stdout = child.0.stdout.take().unwrap();
        let address = tokio::task::spawn_blocking(move || address(stdout));
        let address = tokio::time::timeout(PATIENCE, address).await.expect("it greets in time").unwrap();
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
        Self { child, address: address.parse().unwrap(), channel, tokens: tokens() }
    }

    /// A customer's clients.
    pub(crate) fn customer(&self, id: &str) -> Caller {
        self.caller(id, Role::Customer)
    }

    /// An administrator's clients.
    pub(crate) fn admin(&self) -> Caller {
        self.caller("kim", Role::Admin)
    }

    /// A customer and the shop.
    pub(crate) fn desk(&self, customer: &str) -> Desk {
        Desk { buyer: self.customer(customer), office: self.admin() }
    }

    /// What it says of itself, or of a part of it.
    pub(crate) async fn health(&self, service: &str) -> ServingStatus {
        let request = HealthCheckRequest { service: service.to_owned() };
        HealthClient::new(self.channel.clone()).check(request).await.unwrap().into_inner().status()
    }

    /// Those who would stay for ever.
    pub(crate) async fn hangers_on(&self) -> HangersOn {
        let orders = self.admin().orders.watch_orders(v1::WatchOrdersRequest::default()).await.unwrap().into_inner();
        let health = HealthClient::new(self.channel.clone()).watch(HealthCheckRequest::default()).await.unwrap();
        let idle = TcpStream::connect(self.address).await.unwrap();
        HangersOn { _orders: orders, _health: health.into_inner(), _idle: idle }
    }

    /// SIGKILL: no chance to tidy anything up.
    pub(crate) fn kill(&mut self) {
        self.child.kill();
    }

    /// SIGTERM, and how it ended.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        let sent = Command::new("kill").args(["-TERM", &self.child.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let ended = async {
            loop {
                if let Some(status) = self.child.0.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ended).await.expect("it ends in time")
    }

    fn caller(&self, id: &str, role: Role) -> Caller {
        let ttl = Duration::from_secs(3600);
        let token = self.tokens.issue(&Subject { id: id.to_owned(), role, email: None, name: None, ttl }).unwrap();
        Caller::over(&self.channel, Some(&token))
    }
}

fn tokens() -> Tokens {
    let config = Config::resolve(&Raw::of([("JWT_SECRET", KEY.to_owned())]), Purpose::Key).unwrap();
    Tokens::new(&config.identity, &Secret::new(KEY.to_owned()))
}

/// Where the process listens, from its greeting.
fn address(stdout: ChildStdout) -> String {
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let address = lines.find_map(|line| {
        let rest = line.trim().strip_prefix("gRPC on ")?;
        rest.split([' ', ',']).next().map(str::to_owned)
    });
    address.expect("the process ended without a greeting")
}

/// A child process that does not outlive the test.
struct Killed(Child);

impl Killed {
    fn kill(&mut self) {
        let _gone_already = self.0.kill();
        self.0.wait().unwrap();
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        self.kill();
    }
}
