//! Callers that place one order after the other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use order_api::v1::{self, order_service_client::OrderServiceClient};
use tokio::task::JoinSet;
use tonic::transport::Channel;

use crate::{
    Failed,
    dice::Dice,
    server::{Server, product_id},
};

/// Connections that the callers share.
const CONNECTIONS: usize = 8;
/// Before anything is counted.
const WARM_UP: Duration = Duration::from_millis(1500);

/// What is bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Any two products.
    Uniform,
    /// The same product in every order, and another one.
    Hot,
}

/// What a load came to.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// Orders placed in a second.
    pub(crate) per_second: f64,
    /// How long each call took, sorted.
    pub(crate) latencies: Vec<Duration>,
    /// Calls that were refused.
    pub(crate) refused: u64,
}

impl Outcome {
    /// The latency that this share of all calls, in thousandths, did not exceed.
    pub(crate) fn at(&self, per_mille: usize) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(last * per_mille / 1000).copied().unwrap_or_default()
    }
}

/// A number for every load, so that no two ever use the same request ids.
static LOADS: AtomicU64 = AtomicU64::new(1);

/// Places orders with so many calls in flight, for a while.
pub(crate) async fn create_orders(
    server: &Server,
    load: (usize, Choice, u32),
    time: Duration,
) -> Result<Outcome, Failed> {
    create_orders_after(server, load, (WARM_UP, time)).await
}

/// The same, counted from the first call on.
pub(crate) async fn create_orders_at_once(
    server: &Server,
    load: (usize, Choice, u32),
    time: Duration,
) -> Result<Outcome, Failed> {
    create_orders_after(server, load, (Duration::ZERO, time)).await
}

async fn create_orders_after(
    server: &Server,
    (in_flight, choice, products): (usize, Choice, u32),
    (warm_up, time): (Duration, Duration),
) -> Result<Outcome, Failed> {
    let mut channels = Vec::new();
    for _ in 0..CONNECTIONS.min(in_flight) {
        channels.push(server.connect().await?);
    }
    let (counted_from, load) = (Instant::now() + warm_up, LOADS.fetch_add(1, Ordering::Relaxed));
    let authorization = Arc::new(format!("Bearer {}", server.token));
    let mut callers = JoinSet::new();
    for n in 0..in_flight {
        let caller = Caller {
            client: OrderServiceClient::new(channels[n % channels.len()].clone()),
            dice: Dice::new(load << 32 | u64::try_from(n)?),
            authorization: Arc::clone(&authorization),
            buys: (choice, products),
        };
        callers.spawn(caller.call_until((counted_from, counted_from + time)));
    }
    let (mut latencies, mut refused) = (Vec::new(), 0);
    while let Some(done) = callers.join_next().await {
        let (own, own_refused) = done?;
        latencies.extend(own);
        refused += own_refused;
    }
    latencies.sort_unstable();
    let per_second = crate::figures::ratio(latencies.len(), time.as_secs_f64());
    Ok(Outcome { per_second, latencies, refused })
}

struct Caller {
    client: OrderServiceClient<Channel>,
    dice: Dice,
    authorization: Arc<String>,
    buys: (Choice, u32),
}

impl Caller {
    /// Places orders; those that end in the interval are counted.
    async fn call_until(mut self, (from, until): (Instant, Instant)) -> (Vec<Duration>, u64) {
        let (mut latencies, mut refused) = (Vec::new(), 0);
        loop {
            let mut request = tonic::Request::new(self.order());
            let bearer = self.authorization.parse().expect("a token is visible ASCII");
            request.metadata_mut().insert("authorization", bearer);
            let began = Instant::now();
            let answer = self.client.create_order(request).await;
            let ended = Instant::now();
            if ended >= until {
                return (latencies, refused);
            }
            if ended >= from {
                match answer {
                    Ok(_order) => latencies.push(ended - began),
                    Err(_status) => refused += 1,
                }
            }
        }
    }

    fn order(&mut self) -> v1::CreateOrderRequest {
        let (choice, products) = self.buys;
        let first = match choice {
            Choice::Uniform => self.dice.below(products),
            Choice::Hot => 0,
        };
        let second = (first + 1 + self.dice.below(products - 1)) % products;
        v1::CreateOrderRequest {
            lines: [first, second].map(line).to_vec(),
            contact: Some(v1::Contact {
                name: "Ada Example".to_owned(),
                email: "ada@example.com".to_owned(),
                ..Default::default()
            }),
            shipping_address: Some(v1::Address {
                recipient: "Ada Example".to_owned(),
                line1: "1 Main Street".to_owned(),
                city: "Oakland".to_owned(),
                region: "CA".to_owned(),
                postal_code: "94607".to_owned(),
                country_code: "US".to_owned(),
                ..Default::default()
            }),
            customer_id: format!("customer-{}", self.dice.below(100_000)),
            request_id: self.dice.uuid().to_string(),
            ..Default::default()
        }
    }
}

fn line(n: u32) -> v1::OrderLineInput {
    v1::OrderLineInput { product_id: product_id(n), quantity: 1, ..Default::default() }
}
