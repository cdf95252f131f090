//! A service that dies from one step to the next.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use order_store::testing::TestDatabase;
use tokio::{
    runtime::Handle,
    sync::{oneshot, watch},
};

use super::gateway::{Stage, stopping};
use crate::world::World;

/// What the thread of a doomed service is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// What services do.
    Live,
    /// The same, counting its steps.
    Count,
    /// Die after so many steps more.
    Die(u32),
}

/// A world on a thread and a runtime of its own. Dead, its tasks are gone, wherever they were, and its connections are cut; the
/// database is told nothing.
pub(super) struct Doomed {
    pub(super) world: World,
    pub(super) stage: Arc<Stage>,
    pub(super) runtime: Handle,
    order: watch::Sender<Order>,
    steps: Arc<AtomicU32>,
    thread: thread::JoinHandle<()>,
}

/// Counts steps.
pub(super) struct Counting(Arc<AtomicU32>);

impl Counting {
    pub(super) fn so_far(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Doomed {
    /// Starts a service whose clock is so far ahead.
    pub(super) async fn start(
        database: &Arc<TestDatabase>,
        settings: &'static [(&str, &str)],
        ahead: Duration,
    ) -> Self {
        let (ready, world) = oneshot::channel();
        let (order, orders) = watch::channel(Order::Live);
        let (stage, steps) = (Arc::<Stage>::default(), Arc::<AtomicU32>::default());
        let (database, on_stage, counter) = (Arc::clone(database), Arc::clone(&stage), Arc::clone(&steps));
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let world = World::start_with(&database, settings, |app| stopping(app, Arc::clone(&on_stage))).await;
                world.clock.advance(ahead);
                drop(ready.send((world, Handle::current())));
                live(orders, (&on_stage, &counter)).await;
            });
        });
        let (world, runtime) = world.await.unwrap();
        Self { world, stage, runtime, order, steps, thread }
    }

    /// Lets answered requests go on, and counts the steps from here.
    pub(super) fn count(&self) -> Counting {
        self.order.send_replace(Order::Count);
        Counting(Arc::clone(&self.steps))
    }

    /// Lets answered requests go on, and dies after so many steps.
    pub(super) async fn die(self, steps: u32) {
        self.order.send_replace(Order::Die(steps));
        let thread = self.thread;
        tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
    }
}

/// Does as it is told, and returns when it is to die.
async fn live(mut orders: watch::Receiver<Order>, (stage, steps): (&Stage, &AtomicU32)) {
    loop {
        let order = *orders.borrow_and_update();
        match order {
            Order::Live => drop(orders.changed().await),
            Order::Count => {
                stage.go_on();
                while !orders.has_changed().unwrap_or(true) {
                    steps.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                }
            }
            Order::Die(left) => {
                stage.go_on();
                for _ in 0..left {
                    tokio::task::yield_now().await;
                }
                return;
            }
        }
    }
}
