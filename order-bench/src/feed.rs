//! How long after its caller a watcher hears of an order.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use order_api::v1::{self, order_service_client::OrderServiceClient};
use tokio::task::JoinSet;
use tonic::Status;

use crate::{Failed, create::Create, load::Call, server::Server};

/// When something was heard of an order.
pub(crate) type Heard = Arc<Mutex<HashMap<String, Instant>>>;

fn note(heard: &Heard, order_id: String, when: Instant) {
    heard.lock().unwrap_or_else(PoisonError::into_inner).insert(order_id, when);
}

/// A caller that notes when it asked and when it was answered.
pub(crate) struct Noting {
    pub(crate) create: Create,
    pub(crate) asked: Heard,
    pub(crate) answered: Heard,
}

impl Call for Noting {
    async fn make(&mut self) -> Result<Instant, Status> {
        let order = self.create.order();
        let (began, order_id) = self.create.place(order).await?;
        note(&self.asked, order_id.clone(), began);
        note(&self.answered, order_id, Instant::now());
        Ok(began)
    }
}

/// Those who watch from now on, until this is dropped.
pub(crate) struct Watchers {
    seen: Vec<Heard>,
    _tasks: JoinSet<Result<(), Status>>,
}

impl Watchers {
    pub(crate) async fn start(server: &Server, count: usize) -> Result<Self, Failed> {
        let (mut seen, mut tasks) = (Vec::new(), JoinSet::new());
        for _ in 0..count {
            let types = vec![v1::OrderEventType::Placed.into()];
            let request = server.service.with(v1::WatchOrdersRequest { types, ..Default::default() });
            let mut stream = OrderServiceClient::new(server.connect().await?).watch_orders(request).await?.into_inner();
            // Where it begins.
            stream.message().await?;
            let heard = Heard::default();
            seen.push(Arc::clone(&heard));
            tasks.spawn(async move {
                while let Some(message) = stream.message().await? {
                    if let Some(event) = message.event {
                        note(&heard, event.order_id, Instant::now());
                    }
                }
                Ok(())
            });
        }
        Ok(Self { seen, _tasks: tasks })
    }

    /// How long after these times each watcher heard of each order, sorted; nothing, where it heard of it before.
    pub(crate) async fn delays(&self, since: &Heard) -> Result<Vec<Duration>, Failed> {
        let since = since.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let until = Instant::now() + Duration::from_secs(10);
        let mut delays = Vec::new();
        for seen in &self.seen {
            while missing(seen, &since) {
                if Instant::now() >= until {
                    return Err("a watcher has not heard of an order that was placed".into());
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            delays.extend(since.iter().filter_map(|(id, at)| Some(seen.get(id)?.saturating_duration_since(*at))));
        }
        delays.sort_unstable();
        Ok(delays)
    }
}

fn missing(seen: &Heard, since: &HashMap<String, Instant>) -> bool {
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    since.keys().any(|id| !seen.contains_key(id))
}
