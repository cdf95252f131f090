//! How the process ends: what is told when, and what is waited for.

use std::{future::Future, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The life of one server, handed to everything that runs in it. Clones are the same life.
///
/// Two moments are told apart. *Draining*: no new connections, streams end, calls in progress finish. *Closing*: the
/// calls are over, and background work ends; it may not end earlier, because calls wait for it.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    draining: CancellationToken,
    closing: CancellationToken,
    tasks: TaskTracker,
}

impl Lifecycle {
    /// A life that has just begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Fires when no new work is taken. Own streams end with UNAVAILABLE then.
    #[must_use]
    pub const fn draining(&self) -> &CancellationToken {
        &self.draining
    }

    /// Fires when all calls are over. Workers finish what they have in hand and return.
    #[must_use]
    pub const fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Runs something whose end the process waits for: a worker, or a write that must not be cut off when its caller
    /// leaves. Workers must watch [`closing`](Self::closing).
    pub fn spawn<F>(&self, work: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.tasks.spawn(work)
    }

    /// The tracker behind [`spawn`](Self::spawn), for those who take one.
    #[must_use]
    pub const fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Ends background work and waits for it, at most this long.
    ///
    /// # Errors
    /// The number of tasks that were still running.
    pub async fn close(&self, patience: Duration) -> Result<(), usize> {
        self.draining.cancel();
        self.closing.cancel();
        self.tasks.close();
        let waited = tokio::time::timeout(patience, self.tasks.wait()).await;
        waited.map_err(|_elapsed| self.tasks.len())
    }
}

/// Waits for SIGTERM (orchestrators) or SIGINT (Ctrl-C).
///
/// # Errors
/// The signals cannot be listened for.
pub async fn signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    tracing::info!(signal = name, "shutting down");
    Ok(())
}
