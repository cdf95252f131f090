//! Verifying what is stored, while it is in use.

use async_trait::async_trait;
use order_core::{audit::Finding, limits};
use tokio::sync::{mpsc, watch};

use crate::error::StoreError;

/// How far a verification has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuditProgress {
    /// Orders looked at so far.
    pub checked: u64,
    /// All orders of the snapshot.
    pub total: u64,
}

/// What a verification looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuditSummary {
    /// Orders.
    pub orders: u64,
    /// Events of their histories.
    pub events: u64,
    /// Shelves.
    pub skus: u64,
    /// Payments.
    pub payments: u64,
    /// Coupons.
    pub coupons: u64,
    /// Findings in all, told or not.
    pub findings: u64,
}

/// Where a verification tells what it finds.
#[derive(Debug)]
pub struct AuditReports {
    most: u64,
    findings: mpsc::UnboundedSender<Finding>,
    progress: watch::Sender<AuditProgress>,
}

/// Where it is heard. Findings end when the verification does.
#[derive(Debug)]
pub struct AuditWatch {
    /// What is found, as it is found, and never more than was asked for.
    pub findings: mpsc::UnboundedReceiver<Finding>,
    /// How far it has come, as of now.
    pub progress: watch::Receiver<AuditProgress>,
}

/// A way to tell and to hear of at most `most` findings, and never of more than [`FINDINGS_MAX`](limits::FINDINGS_MAX).
///
/// Telling never waits, because the thread that reads SQLite cannot: findings are kept until they are heard, which their number
/// bounds; of the progress only the newest is.
#[must_use]
pub fn audit_reports(most: u32) -> (AuditReports, AuditWatch) {
    let (findings, found) = mpsc::unbounded_channel();
    let (progress, seen) = watch::channel(AuditProgress::default());
    let reports = AuditReports { most: u64::from(most.min(limits::FINDINGS_MAX)), findings, progress };
    (reports, AuditWatch { findings: found, progress: seen })
}

impl AuditReports {
    /// How many findings are told.
    pub(crate) const fn most(&self) -> u64 {
        self.most
    }

    pub(crate) fn tell(&self, finding: Finding) {
        // Whoever does not listen any more will not be missed: the verification ends with its caller.
        drop(self.findings.send(finding));
    }

    pub(crate) fn progress(&self, progress: AuditProgress) {
        self.progress.send_replace(progress);
    }
}

/// Looks whether what is stored agrees with itself.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Holds everything that is stored and follows from something else against what it follows from: orders against their
    /// lines, ledgers and histories, shelves against movements, holds and promises, payments against the simulated gateway's log,
    /// carts, coupons, requests, numbers and search documents against the orders.
    ///
    /// All of it at one snapshot of a system that goes on; nothing is changed and no writer waits. It holds a page of orders in
    /// memory at a time, on a connection of its own. PostgreSQL cannot remove dead rows and SQLite cannot shorten its log
    /// meanwhile. Dropped, it stops. It is not tried again, because what it has told cannot be taken back.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] while another one of this store is under way.
    async fn audit(&self, reports: AuditReports) -> Result<AuditSummary, StoreError>;
}
