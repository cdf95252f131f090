//! `verify`: looks whether what is stored agrees with itself, over the configured database directly. It only reads, and a service
//! on the same database may go on meanwhile.

use clap::Args;
use order_core::{audit::Finding, limits};
use order_store::{AuditProgress, AuditSummary, AuditWatch, Store, StoreError, audit_reports};
use serde_json::json;

use super::Failure;
use crate::{
    clock::{Clock as _, SystemClock},
    compose,
    config::{Config, Purpose, Raw},
    import::progress::Progress,
    telemetry,
    terminal::Table,
};

/// Arguments of `verify`.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct VerifyArgs {
    /// Findings to show; further ones are only counted.
    #[arg(long, value_name = "N", default_value_t = limits::FINDINGS_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::FINDINGS_MAX)))]
    max_findings: u32,
    /// Print one JSON document instead of a table.
    #[arg(long)]
    json: bool,
}

/// Verifies, and prints what was found.
///
/// # Errors
/// The configuration, the database, and findings: a script may rely on the exit code.
pub(super) fn run(settings: &Raw, args: VerifyArgs) -> Result<(), Failure> {
    let config = Config::resolve(settings, Purpose::Database)?;
    telemetry::logging::init(&config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let snapshot = SystemClock.now();
    let (findings, summary, engine) = runtime.block_on(async {
        // Not `connect`, which may migrate.
        let store = compose::open(&config.database).await?;
        store.ping().await?;
        let (findings, summary) = verify(&*store, args.max_findings).await?;
        let engine = store.engine();
        store.close().await;
        Ok::<_, Failure>((findings, summary, engine))
    })?;
    super::say(&if args.json {
        let AuditSummary { orders, events, skus, payments, coupons, findings: found } = summary;
        let report = json!({
            "engine": engine, "snapshot_time": snapshot.to_string(), "orders": orders, "events": events, "skus": skus,
            "payments": payments, "coupons": coupons, "found": found, "findings": findings,
        });
        format!("{report:#}\n")
    } else {
        table(&findings, &summary, engine)
    })?;
    match summary.findings {
        0 => Ok(()),
        1 => Err("1 finding".into()),
        found => Err(format!("{found} findings").into()),
    }
}

async fn verify(store: &dyn Store, most: u32) -> Result<(Vec<Finding>, AuditSummary), StoreError> {
    let (reports, mut watch) = audit_reports(most);
    let mut walk = std::pin::pin!(store.audit(reports));
    let mut bar = None;
    let summary = loop {
        tokio::select! {
            summary = &mut walk => break summary,
            Ok(()) = watch.progress.changed() => show(&mut bar, *watch.progress.borrow_and_update()),
        }
    };
    if let Some(bar) = bar {
        bar.end();
    }
    Ok((heard(&mut watch), summary?))
}

/// The bar appears once it is known how many orders there are.
fn show(bar: &mut Option<Progress>, progress: AuditProgress) {
    let size = |orders| usize::try_from(orders).unwrap_or(usize::MAX);
    bar.get_or_insert_with(|| Progress::new(size(progress.total))).at(size(progress.checked));
}

fn heard(watch: &mut AuditWatch) -> Vec<Finding> {
    std::iter::from_fn(|| watch.findings.try_recv().ok()).collect()
}

fn table(findings: &[Finding], summary: &AuditSummary, engine: &str) -> String {
    let mut table = Table::new(["Invariant", "Subject", "Finding", "Expected", "Actual"]);
    for finding in findings {
        let Finding { invariant, subject_kind, subject, message, expected, actual } = finding;
        let subject = format!("{subject_kind} {subject}");
        table.row([invariant.to_string(), subject, message.clone(), expected.clone(), actual.clone()]);
    }
    let AuditSummary { orders, events, skus, payments, coupons, findings: found } = summary;
    let rows = if table.is_empty() { String::new() } else { format!("{}\n", table.render()) };
    format!(
        "{rows}Verified {orders} orders with {events} events and {payments} payments, {skus} SKUs and {coupons} coupons, {engine}: {found} findings\n"
    )
}
