//! What the simulated gateway tells without being asked.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use async_trait::async_trait;
use order_core::payment::Outcome;
use order_store::{GatewayRecord, PaymentEvent};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How many letters may be on their way. More are dropped: the reconciler asks by key anyway.
const UNDER_WAY: usize = 256;

/// How many payments may have an event that waits for the next one.
const HELD_BACK: usize = 256;

/// Who is told of payment events.
#[async_trait]
pub trait Listener: Send + Sync {
    /// Takes an event, once by its id.
    async fn hear(self: Arc<Self>, event: PaymentEvent);
}

/// The way of events to the service. Each letter is a task that the end of the process waits for; letters that were not sent
/// by then are dropped.
pub struct Mail {
    listener: Weak<dyn Listener>,
    tasks: TaskTracker,
    closing: CancellationToken,
    room: Arc<Semaphore>,
    held: Mutex<HashMap<String, PaymentEvent>>,
}

impl Mail {
    /// Mail to a listener, for as long as there is one and until `closing`.
    #[must_use]
    pub fn new(listener: Weak<dyn Listener>, tasks: TaskTracker, closing: CancellationToken) -> Self {
        let (room, held) = (Arc::new(Semaphore::new(UNDER_WAY)), Mutex::default());
        Self { listener, tasks, closing, room, held }
    }

    /// Tells of events, one after the other.
    pub(super) fn send(&self, events: Vec<PaymentEvent>) {
        self.send_after(Duration::ZERO, events);
    }

    /// Tells of events, one after the other, after a while.
    pub(super) fn send_after(&self, after: Duration, events: Vec<PaymentEvent>) {
        let Some(listener) = self.listener.upgrade() else { return };
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            tracing::warn!("the simulated gateway has too many events under way; some are dropped");
            return;
        };
        let closing = self.closing.clone();
        self.tasks.spawn(async move {
            let _place = place;
            if closing.run_until_cancelled(tokio::time::sleep(after)).await.is_some() {
                for event in events {
                    Arc::clone(&listener).hear(event).await;
                }
            }
        });
    }

    /// Holds an event back until the next one of its payment, which is told first.
    pub(super) fn send_reversed(&self, payment: String, event: PaymentEvent) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match held.remove(&payment) {
            // The same request once more is no second operation.
            Some(earlier) if earlier.event_id != event.event_id => {
                drop(held);
                self.send(vec![event, earlier]);
            }
            Some(_) => drop(held.insert(payment, event)),
            None if held.len() < HELD_BACK => drop(held.insert(payment, event)),
            None => tracing::warn!("the simulated gateway holds too many events back; one is dropped"),
        }
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("room", &self.room.available_permits()).finish_non_exhaustive()
    }
}

/// What is told of an operation. Each has one event, however often it is told.
pub(super) fn event(done: &GatewayRecord) -> PaymentEvent {
    let outcome = match &done.outcome {
        Outcome::Succeeded { reference, moved } => {
            Outcome::Succeeded { reference: reference.clone(), moved: Some(moved.unwrap_or(done.amount)) }
        }
        Outcome::Failed { code } => Outcome::Failed { code: code.clone() },
    };
    PaymentEvent {
        event_id: format!("sim_event_{}", done.key),
        operation_id: done.key,
        outcome,
        event_time: done.time,
        create_time: done.time,
    }
}
