//! `AdminService.VerifyInvariants`: whether what is stored agrees with itself, told as it is found out.
//!
//! The verification belongs to the stream: when the caller goes, or the process does, the stream is dropped and with it the walk.

use std::{pin::Pin, sync::Arc, time::Duration};

use futures_util::{Stream, stream};
use order_api::v1::{VerifyInvariantsRequest, VerifyInvariantsResponse};
use order_core::time::Timestamp;
use order_store::{AuditSummary, AuditWatch, StoreError, audit_reports};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{
    app::App,
    convert::{self, invariant},
    error::{ApiError, Reason},
};

/// After how many orders progress is told ...
const PROGRESS_ORDERS: u64 = 1_000;
/// ... or after how long, if they take longer.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// Findings and progress as they come, one summary at the end.
pub(super) type Told = Pin<Box<dyn Stream<Item = Result<VerifyInvariantsResponse, Status>> + Send>>;

/// Begins a verification.
///
/// # Errors
/// `INVALID_FIELD`. What fails later ends the stream: the store's errors, `OVERLOADED` where another verification is under way,
/// `SHUTTING_DOWN`.
pub(super) fn verify_invariants(app: &Arc<App>, message: VerifyInvariantsRequest) -> Result<Told, ApiError> {
    let most = convert::checked(|violations| invariant::most(&message, violations))?;
    let (reports, watch) = audit_reports(most);
    let store = Arc::clone(&app.store);
    let mut every = interval(PROGRESS_INTERVAL);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let verification = Verification {
        walk: Box::pin(async move { store.audit(reports).await }),
        ended: None,
        watch,
        told: 0,
        every,
        snapshot: app.clock.now(),
        draining: app.draining.clone(),
    };
    let told = stream::unfold(Some(verification), async |verification| {
        let mut verification = verification?;
        match verification.next().await {
            Next::Told(message) => Some((Ok(message), Some(verification))),
            Next::Last(message) => Some((message.map_err(Status::from), None)),
        }
    });
    Ok(Box::pin(told))
}

/// A verification under way.
struct Verification {
    walk: Pin<Box<dyn Future<Output = Result<AuditSummary, StoreError>> + Send>>,
    /// How the walk ended, while there are findings left to be told.
    ended: Option<Result<AuditSummary, StoreError>>,
    watch: AuditWatch,
    /// Orders of the progress that was told last.
    told: u64,
    every: Interval,
    snapshot: Timestamp,
    draining: CancellationToken,
}

/// The next message, or the last one.
enum Next {
    Told(VerifyInvariantsResponse),
    Last(Result<VerifyInvariantsResponse, ApiError>),
}

impl Verification {
    /// Waits for something to tell. Findings first: the walk has ended when there are no more, and not before.
    async fn next(&mut self) -> Next {
        loop {
            tokio::select! {
                biased;
                () = self.draining.cancelled() => return Next::Last(Err(shutting_down())),
                finding = self.watch.findings.recv() => match finding {
                    Some(finding) => return Next::Told(invariant::finding(finding)),
                    None => return self.last().await,
                },
                ended = &mut self.walk, if self.ended.is_none() => self.ended = Some(ended),
                _ = self.every.tick() => return self.progress(),
                Ok(()) = self.watch.progress.changed() => {
                    if self.watch.progress.borrow().checked >= self.told + PROGRESS_ORDERS {
                        return self.progress();
                    }
                }
            }
        }
    }

    fn progress(&mut self) -> Next {
        let progress = *self.watch.progress.borrow_and_update();
        self.told = progress.checked;
        self.every.reset();
        Next::Told(invariant::progress(progress))
    }

    async fn last(&mut self) -> Next {
        let ended = match self.ended.take() {
            Some(ended) => ended,
            None => (&mut self.walk).await,
        };
        Next::Last(ended.map(|summary| invariant::summary(summary, self.snapshot)).map_err(ApiError::from))
    }
}

fn shutting_down() -> ApiError {
    ApiError::new(Reason::ShuttingDown, "this process is going away; verify at another one")
}
