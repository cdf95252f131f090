//! Health: `grpc.health.v1`, by service names.
//!
//! `""` and each service of ours are SERVING while the process is ready: its database answers and it is not going away.
//! `liveness` is SERVING as long as the process runs, so that a database that is down does not get it restarted.
//! tonic-health ends Watch on an unknown name with NOT_FOUND, where the protocol demands SERVICE_UNKNOWN and an open
//! stream; so its messages are used here and its service is not.

use std::{collections::BTreeSet, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::{Stream, stream};
use order_core::limits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tonic::{Request, Response, Status};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_server};

use crate::{
    auth::access::METHODS,
    error::{ApiError, Reason},
    shutdown::Lifecycle,
};

/// The name under which the process alone answers.
pub const LIVENESS: &str = "liveness";

/// Between two looks at the database.
const INTERVAL: Duration = Duration::from_secs(1);
/// What one look may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Says whether the process can do its work.
#[async_trait]
pub trait ReadinessProbe: Send + Sync + 'static {
    /// Looks, within about a second.
    ///
    /// # Errors
    /// What is missing, for operators; it is shown on the ops port and logged, and must hold no secret.
    async fn check(&self) -> Result<(), String>;
}

/// Whether the process can do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// It can.
    Ready,
    /// It cannot, and why.
    NotReady(String),
    /// It is going away. Final.
    ShuttingDown,
}

/// The state behind all health answers. Clones share it.
#[derive(Debug, Clone)]
pub struct Health {
    state: Arc<watch::Sender<Readiness>>,
    lifecycle: Lifecycle,
    watches: Arc<Semaphore>,
}

impl Health {
    /// Looks once, so that the first answer is a true one, and then again and again until the process drains.
    pub async fn start(probe: Arc<dyn ReadinessProbe>, lifecycle: Lifecycle) -> Self {
        let state = Arc::new(watch::Sender::new(Readiness::NotReady("starting".to_owned())));
        let health =
            Self { state, lifecycle: lifecycle.clone(), watches: Arc::new(Semaphore::new(limits::HEALTH_WATCHES)) };
        health.look(&*probe).await;
        let background = health.clone();
        lifecycle.spawn(async move {
            let draining = background.lifecycle.draining();
            while draining.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_some() {
                draining.run_until_cancelled(background.look(&*probe)).await;
            }
        });
        health
    }

    /// The state of the moment.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.state.borrow().clone()
    }

    /// Says NOT_SERVING from now on, whatever the database says.
    pub fn retire(&self) {
        self.state.send_replace(Readiness::ShuttingDown);
    }

    async fn look(&self, probe: &dyn ReadinessProbe) {
        let seen = match tokio::time::timeout(PATIENCE, probe.check()).await {
            Ok(Ok(())) => Readiness::Ready,
            Ok(Err(missing)) => Readiness::NotReady(missing),
            Err(_elapsed) => Readiness::NotReady("the readiness check took too long".to_owned()),
        };
        self.state.send_if_modified(|state| {
            if *state == Readiness::ShuttingDown || *state == seen {
                return false;
            }
            tracing::info!(from = ?*state, to = ?seen, "readiness changed");
            *state = seen;
            true
        });
    }
}

/// What a name of the protocol stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Process,
    Readiness,
    Unknown,
}

impl Subject {
    fn of(name: &str) -> Self {
        match name {
            LIVENESS => Self::Process,
            "" => Self::Readiness,
            name if services().contains(name) => Self::Readiness,
            _ => Self::Unknown,
        }
    }

    const fn status(self, readiness: &Readiness) -> ServingStatus {
        match (self, readiness) {
            (Self::Process, _) | (Self::Readiness, Readiness::Ready) => ServingStatus::Serving,
            (Self::Readiness, Readiness::NotReady(_) | Readiness::ShuttingDown) => ServingStatus::NotServing,
            (Self::Unknown, _) => ServingStatus::ServiceUnknown,
        }
    }
}

/// The services whose readiness can be asked for by name.
fn services() -> BTreeSet<&'static str> {
    let names = METHODS.iter().map(crate::auth::access::Method::service);
    names.filter(|name| name.starts_with("orders.")).collect()
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[async_trait]
impl health_server::Health for Health {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        let name = request.into_inner().service;
        match Subject::of(&name) {
            Subject::Unknown => {
                Err(ApiError::new(Reason::ServiceUnknown, "health knows no service of that name").into())
            }
            known @ (Subject::Process | Subject::Readiness) => {
                Ok(Response::new(response(known.status(&self.state.borrow()))))
            }
        }
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let Ok(place) = Arc::clone(&self.watches).try_acquire_owned() else {
            let full = ApiError::new(Reason::Overloaded, "too many streams watch this process; ask with Check");
            return Err(full.with_retry_after(INTERVAL).into());
        };
        let watcher = Watcher {
            subject: Subject::of(&request.into_inner().service),
            state: self.state.subscribe(),
            lifecycle: self.lifecycle.clone(),
            told: None,
            over: false,
            _place: place,
        };
        Ok(Response::new(Box::pin(stream::unfold(watcher, Watcher::next))))
    }
}

/// One open Watch.
struct Watcher {
    subject: Subject,
    state: watch::Receiver<Readiness>,
    lifecycle: Lifecycle,
    /// What was said last; the protocol wants changes only.
    told: Option<ServingStatus>,
    over: bool,
    _place: OwnedSemaphorePermit,
}

impl Watcher {
    /// The next change, or the end: an open Watch would keep the process from ending for ever.
    async fn next(mut self) -> Option<(Result<HealthCheckResponse, Status>, Self)> {
        while !self.over {
            let status = self.subject.status(&self.state.borrow_and_update());
            if self.told != Some(status) {
                self.told = Some(status);
                return Some((Ok(response(status)), self));
            }
            let draining = self.lifecycle.draining();
            self.over = !matches!(draining.run_until_cancelled(self.state.changed()).await, Some(Ok(())));
            if self.over {
                let end = ApiError::new(Reason::ShuttingDown, "this process is going away; watch another one");
                return Some((Err(end.into_status()), self));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_is_asked_for_by_the_names_of_services() {
        let expected = ["orders.v1.AdminService", "orders.v1.CartService", "orders.v1.OrderService"];
        assert_eq!(services(), BTreeSet::from(expected));
        assert_eq!(Subject::of("orders.v1.OrderService"), Subject::Readiness);
        assert_eq!(Subject::of("orders.v1.Nothing"), Subject::Unknown);
    }

    #[test]
    fn liveness_does_not_depend_on_the_database() {
        let down = Readiness::NotReady("the database does not answer".into());
        assert_eq!(Subject::of(LIVENESS).status(&down), ServingStatus::Serving);
        assert_eq!(Subject::of("").status(&down), ServingStatus::NotServing);
    }
}
