//! Findings of a verification, how far it is, and what it looked at.

use order_api::v1::{self, verify_invariants_response::Message};
use order_core::{
    audit::Finding,
    limits,
    time::Timestamp,
    violation::{Violations, reason},
};
use order_store::{AuditProgress, AuditSummary};

use super::time;

/// Reads how many findings are to be told: 0 means the default, and what is too large is cut.
pub fn most(request: &v1::VerifyInvariantsRequest, violations: &mut Violations) -> Option<u32> {
    match u32::try_from(request.max_findings) {
        Ok(0) => Some(limits::FINDINGS_DEFAULT),
        Ok(most) => Some(most.min(limits::FINDINGS_MAX)),
        Err(_negative) => {
            violations.push("max_findings", reason::OUT_OF_RANGE, "must not be negative");
            None
        }
    }
}

/// A finding on the wire.
#[must_use]
pub fn finding(finding: Finding) -> v1::VerifyInvariantsResponse {
    let Finding { invariant, subject_kind, subject, message, expected, actual } = finding;
    told(Message::Finding(v1::InvariantFinding {
        invariant: invariant.to_string(),
        subject_kind: subject_kind.to_string(),
        subject,
        message,
        expected,
        actual,
    }))
}

/// How far it is, on the wire.
#[must_use]
pub fn progress(progress: AuditProgress) -> v1::VerifyInvariantsResponse {
    let AuditProgress { checked, total } = progress;
    told(Message::Progress(v1::VerificationProgress { orders_checked: count(checked), orders_total: count(total) }))
}

/// What was looked at, on the wire.
#[must_use]
pub fn summary(summary: AuditSummary, snapshot: Timestamp) -> v1::VerifyInvariantsResponse {
    let AuditSummary { orders, events, skus, payments, coupons, findings } = summary;
    told(Message::Summary(v1::VerificationSummary {
        orders: count(orders),
        events: count(events),
        skus: count(skus),
        payments: count(payments),
        coupons: count(coupons),
        findings: count(findings),
        snapshot_time: Some(time::to_proto(snapshot)),
    }))
}

const fn told(message: Message) -> v1::VerifyInvariantsResponse {
    v1::VerifyInvariantsResponse { message: Some(message) }
}

/// No table has as many rows.
fn count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
