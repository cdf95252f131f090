//! Events for a broker: a real NATS server with JetStream.

use std::{collections::BTreeMap, time::Duration};

use async_nats::jetstream::{self, consumer::DeliverPolicy};
use futures_util::StreamExt as _;
use order_api::v1::{self, DependencyStatus};
use order_store::testing::{TestDatabase, on_both_engines};
use serde_json::Value;

use super::events::{histories, lives, process, working};
use crate::{
    daemon::Daemon,
    door_races::{kit::eventually, process::Process},
};

/// A broker that keeps what it has when it is killed and started again.
struct Broker(Daemon);

impl Broker {
    async fn start() -> Self {
        let mut broker = Self(Daemon::new("nats-server", |port, directory| {
            let port = port.to_string();
            let place = ["--addr", "127.0.0.1", "--port", &port, "--jetstream", "--store_dir"];
            let place = place.into_iter().chain([directory.to_str().unwrap()]);
            place.map(str::to_owned).collect()
        }));
        broker.come_back().await;
        broker
    }

    async fn come_back(&mut self) {
        self.0.come();
        eventually("the broker listens", || async { async_nats::connect(self.url()).await.is_ok() }).await;
    }

    fn go_away(&mut self) {
        self.0.go();
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.0.port())
    }

    /// All that is in the stream: the subject, the name, and the event.
    async fn messages(&self) -> Vec<(String, String, Value)> {
        let context = jetstream::new(async_nats::connect(self.url()).await.unwrap());
        let stream = context.get_stream("ORDERS").await.unwrap();
        let count = stream.cached_info().state.messages;
        if count == 0 {
            return Vec::new();
        }
        let ordered =
            jetstream::consumer::pull::OrderedConfig { deliver_policy: DeliverPolicy::All, ..Default::default() };
        let all = stream.create_consumer(ordered).await.unwrap().messages().await.unwrap();
        let all = all.take(usize::try_from(count).unwrap()).map(|message| {
            let message = message.unwrap();
            let name = message.headers.as_ref().unwrap().get("Nats-Msg-Id").unwrap().to_string();
            (message.subject.to_string(), name, serde_json::from_slice(&message.payload).unwrap())
        });
        tokio::time::timeout(Duration::from_secs(30), all.collect()).await.expect("they are there")
    }

    /// The same events by order, as revisions in the order in which they came.
    async fn by_order(&self) -> BTreeMap<String, Vec<i64>> {
        let mut orders: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (_, name, _) in self.messages().await {
            let (order, revision) = name.split_once(':').unwrap();
            orders.entry(order.to_owned()).or_default().push(revision.parse().unwrap());
        }
        orders
    }
}

async fn publishing(database: &TestDatabase, broker: &Broker) -> Process {
    let process = process(database, &[("NATS_URL", &broker.url())]).await;
    working(database, "nats").await;
    process
}

async fn has_everything(broker: &Broker, process: &Process, orders: &[String]) {
    let wanted = histories(process, orders).await;
    let all: usize = wanted.values().map(Vec::len).sum();
    eventually("there is a stream", || async {
        let context = jetstream::new(async_nats::connect(broker.url()).await.unwrap());
        let stream = context.get_stream("ORDERS").await;
        stream.is_ok_and(|stream| stream.cached_info().state.messages >= all as u64)
    })
    .await;
    assert_eq!(broker.by_order().await, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_gets_everything_once_and_in_the_order_of_each_order() {
    on_both_engines(|database| async move {
        let broker = Broker::start().await;
        let process = publishing(&database, &broker).await;
        let orders = lives(&process, 5).await;
        has_everything(&broker, &process, &orders).await;
        for (subject, name, event) in broker.messages().await {
            let kind = subject.strip_prefix("orders.v1.events.").unwrap();
            assert_eq!(event["type"], format!("orders.v1.order.{kind}"));
            assert_eq!((event["id"].as_str(), event["specversion"].as_str()), (Some(name.as_str()), Some("1.0")));
            assert_eq!(event["data"]["event"]["order_id"], event["subject"]);
        }
        let asked = process.admin().admin.get_connectivity(v1::GetConnectivityRequest {}).await.unwrap().into_inner();
        let nats = asked.dependencies.iter().find(|dependency| dependency.name == "nats").unwrap();
        assert_eq!(nats.status(), DependencyStatus::Connected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_was_away_misses_nothing_and_gets_nothing_twice() {
    on_both_engines(|database| async move {
        let mut broker = Broker::start().await;
        let mut one = publishing(&database, &broker).await;
        let mut orders = lives(&one, 2).await;
        has_everything(&broker, &one, &orders).await;
        broker.go_away();
        orders.extend(lives(&one, 5).await);
        let asked = one.admin().admin.get_connectivity(v1::GetConnectivityRequest {}).await.unwrap().into_inner();
        let nats = asked.dependencies.iter().find(|dependency| dependency.name == "nats").unwrap();
        assert_eq!(nats.status(), DependencyStatus::Failed);
        // Whoever works for it dies meanwhile, and another one begins while the broker is still away.
        one.kill();
        database.execute("UPDATE feed_consumer SET holder = NULL, lease_until = NULL").await.unwrap();
        let other = publishing(&database, &broker).await;
        orders.extend(lives(&other, 5).await);
        broker.come_back().await;
        has_everything(&broker, &other, &orders).await;
    })
    .await;
}
