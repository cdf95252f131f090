//! Streams that are told by a task of their own.
//!
//! The task hands on one message at a time and goes no further ahead than a few, so that a slow reader costs no memory. It ends with the
//! stream, with the process, and where nothing is taken for too long.

use std::{pin::Pin, time::Duration};

use futures_util::{Stream, stream};
use order_core::limits;
use tokio::sync::{mpsc, oneshot};
use tonic::Status;

use crate::{
    app::App,
    error::{ApiError, Reason},
};

/// Messages that are ready before they are asked for.
const AHEAD: usize = 16;
/// For how long a message may not be taken.
const STALL: Duration = Duration::from_secs(limits::WATCH_STALL_SECONDS as u64);

/// What is told.
pub(crate) type Told<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Whom it is told.
pub(crate) struct Listener<T> {
    messages: mpsc::Sender<T>,
    /// For how long a message may not be taken.
    stall: Duration,
}

impl<T> Listener<T> {
    /// Who takes messages here, each within a time.
    #[cfg(test)]
    pub(crate) const fn new(messages: mpsc::Sender<T>, stall: Duration) -> Self {
        Self { messages, stall }
    }

    /// Hands a message on, as soon as there is room.
    ///
    /// # Errors
    /// `WATCH_TOO_SLOW`. Where nobody is left to hear it, it never returns: the task ends then.
    pub(crate) async fn tell(&self, message: T) -> Result<(), ApiError> {
        match self.messages.send_timeout(message, self.stall).await {
            Ok(()) => Ok(()),
            Err(mpsc::error::SendTimeoutError::Closed(_)) => std::future::pending().await,
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
                let text = "nothing was taken for too long; go on behind the last cursor, or begin again";
                Err(ApiError::new(Reason::WatchTooSlow, text))
            }
        }
    }
}

/// A stream of what `telling` tells, until that ends, well or not.
pub(crate) fn told<T: Send + 'static, F>(app: &App, telling: impl FnOnce(Listener<T>) -> F) -> Told<T>
where
    F: Future<Output = Result<(), ApiError>> + Send + 'static,
{
    let (sender, messages) = mpsc::channel(AHEAD);
    let (end, why) = oneshot::channel();
    let gone = sender.clone();
    let telling = telling(Listener { messages: sender, stall: STALL });
    let draining = app.draining.clone();
    app.tasks.spawn(async move {
        let ended = tokio::select! {
            biased;
            () = draining.cancelled() => Err(ApiError::new(Reason::ShuttingDown, "this process is going away; go on at another one")),
            () = gone.closed() => Ok(()),
            ended = telling => ended,
        };
        // The stream may be gone by now.
        drop(end.send(ended));
    });
    let told = stream::unfold(Some((messages, why)), async |told| {
        let (mut messages, why) = told?;
        if let Some(message) = messages.recv().await {
            return Some((Ok(message), Some((messages, why))));
        }
        // Beside the messages, since there may have been no room for one more.
        match why.await.unwrap_or_else(|_died| Err(ApiError::internal(&"whoever told a stream broke"))) {
            Ok(()) => None,
            Err(error) => Some((Err(error.into()), None)),
        }
    });
    Box::pin(told)
}
