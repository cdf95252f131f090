//! Verifying what is stored: a walk over all orders, page by page, then over requests, then the checks that are one statement.

mod checks;
mod gateway;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use order_core::{
    audit::{self, Finding, Invariant, Stored, SubjectKind},
    ids::OrderId,
    order::{Event, Order},
};
use tokio_util::sync::CancellationToken;

use super::Engine;
use crate::{
    backend::{Backend, SurveyWork},
    error::StoreError,
    fields::Id,
    request::RequestOutcome,
    rows::{EventRow, OrderRows, RequestRow},
    statements::{Done, Survey},
    store::{AuditProgress, AuditReports, AuditStore, AuditSummary},
};

/// Orders, or requests, that are held in memory at a time. With it goes the number of round trips: five million orders are
/// ten thousand pages.
const PAGE: u32 = 500;

#[async_trait]
impl<B: Backend> AuditStore for Engine<B> {
    async fn audit(&self, reports: AuditReports) -> Result<AuditSummary, StoreError> {
        let stop = CancellationToken::new();
        // Cancelled when this future is dropped: the walk runs elsewhere.
        let _stopped = stop.clone().drop_guard();
        self.backend.survey(Audit { reports, stop: stop.clone() }, stop).await
    }
}

/// One verification.
struct Audit {
    reports: AuditReports,
    stop: CancellationToken,
}

impl SurveyWork for Audit {
    type Output = AuditSummary;

    async fn run<T: Survey>(&self, tx: &mut T) -> Done<AuditSummary> {
        let mut walk = Walk { audit: self, summary: AuditSummary::default(), total: 0 };
        walk.orders(tx).await?;
        walk.requests(tx).await?;
        walk.checks(tx).await?;
        walk.summary.skus = number(tx.rows_of("stock").await?);
        walk.summary.coupons = number(tx.rows_of("coupon").await?);
        Ok(walk.summary)
    }
}

/// How far a verification has come.
struct Walk<'a> {
    audit: &'a Audit,
    summary: AuditSummary,
    /// All orders.
    total: u64,
}

impl Walk<'_> {
    /// Ends the walk when nobody wants to know any more.
    fn go_on(&self) -> Done {
        if self.audit.stop.is_cancelled() {
            return Err(StoreError::Unavailable("the verification was stopped".to_owned()).into());
        }
        Ok(())
    }

    fn progress(&self) {
        self.audit.reports.progress(AuditProgress { checked: self.summary.orders, total: self.total });
    }

    /// Tells a finding, or only counts it where there were too many.
    fn found(&mut self, finding: Finding) {
        if self.summary.findings < self.audit.reports.most() {
            self.audit.reports.tell(finding);
        }
        self.summary.findings += 1;
    }

    /// How many findings could still be told, and at least one: the number of them is of interest too.
    const fn left(&self) -> u64 {
        let left = self.audit.reports.most().saturating_sub(self.summary.findings);
        if left == 0 { 1 } else { left }
    }

    async fn orders<T: Survey>(&mut self, tx: &mut T) -> Done {
        self.total = number(tx.rows_of("orders").await?);
        let mut after = None;
        loop {
            self.go_on()?;
            self.progress();
            let page = tx.orders_behind(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(OrderId::new(last.order.order_id.0));
            self.page(tx, page).await?;
        }
    }

    async fn page<T: Survey>(&mut self, tx: &mut T, page: Vec<OrderRows>) -> Done {
        let ids: Vec<_> = page.iter().map(|rows| OrderId::new(rows.order.order_id.0)).collect();
        let mut histories: BTreeMap<Id, Vec<EventRow>> = BTreeMap::new();
        for row in tx.histories(&ids).await? {
            histories.entry(row.order_id).or_default().push(row);
        }
        let documents = tx.documents(&ids).await?;
        let documents: BTreeMap<_, _> = documents.into_iter().map(|row| (row.order_id, row.document)).collect();
        let log = tx.gateway_log(&gateway::keys(&page)).await?;
        let log: BTreeMap<_, _> = log.into_iter().map(|row| (row.key, row)).collect();
        for rows in page {
            let id = rows.order.order_id;
            let history = histories.remove(&id).unwrap_or_default();
            self.summary.orders += 1;
            self.summary.events += number(history.len());
            self.summary.payments += number(rows.payments.len());
            let findings = one(rows, history, (documents.get(&id).map(String::as_str), &log));
            findings.into_iter().for_each(|finding| self.found(finding));
        }
        Ok(())
    }

    async fn requests<T: Survey>(&mut self, tx: &mut T) -> Done {
        let mut after: Option<RequestRow> = None;
        loop {
            self.go_on()?;
            let page = tx.requests_behind(after.as_ref(), PAGE).await?;
            let made: Vec<_> = page.iter().filter_map(made_order).collect();
            let there: BTreeSet<_> = tx.existing(&made).await?.into_iter().collect();
            let wrong = page.iter().filter_map(|row| wrong(row, &there)).collect::<Vec<_>>();
            wrong.into_iter().for_each(|finding| self.found(finding));
            let Some(last) = page.into_iter().next_back() else { return Ok(()) };
            after = Some(last);
        }
    }

    async fn checks<T: Survey>(&mut self, tx: &mut T) -> Done {
        for check in checks::ALL {
            self.go_on()?;
            self.progress();
            let odd = tx.odd(check.sql, check.named, self.left()).await?;
            let told = number(odd.len());
            let all = odd.first().map_or(0, |row| number(row.found));
            odd.into_iter().for_each(|row| self.found(check.finding(row)));
            self.summary.findings += all.saturating_sub(told);
        }
        Ok(())
    }
}

/// What is wrong with one order.
fn one(rows: OrderRows, history: Vec<EventRow>, (document, log): (Option<&str>, &gateway::Log)) -> Vec<Finding> {
    let subject = || (SubjectKind::Order, rows.order.order_id.0.to_string());
    let mut findings: Vec<_> = history
        .iter()
        .filter_map(|row| {
            Event::try_from(row.clone()).ok().filter(|event| event.body.name() != row.kind).map(|event| (row, event))
        })
        .map(|(row, event)| {
            let message = format!("event {} is told by another name than its own", row.revision);
            Finding::new(Invariant::I9, subject(), &message).with(event.body.name(), &row.kind)
        })
        .collect();
    let (refunded, credited, id) = (rows.order.refunded, rows.order.credited, subject());
    let order: Result<Order, _> = rows.into_unproven();
    let events: Result<Vec<_>, StoreError> = history.into_iter().map(Event::try_from).collect();
    match (order, events) {
        (Ok(order), Ok(events)) => {
            findings.extend(audit::check(&Stored { order: &order, events: &events, refunded, credited, document }));
            findings.extend(gateway::check(&order, log));
        }
        (Err(_unreadable), _) => findings.push(Finding::new(Invariant::I1, id, "it cannot be read")),
        (Ok(_), Err(_unreadable)) => findings.push(Finding::new(Invariant::I8, id, "its history cannot be read")),
    }
    findings
}

/// The order that a request made or changed.
fn made_order(row: &RequestRow) -> Option<OrderId> {
    match row.outcome() {
        Ok(RequestOutcome::Order(id)) => Some(id),
        Ok(
            RequestOutcome::Cart(_) | RequestOutcome::Merged(..) | RequestOutcome::Done | RequestOutcome::Refused(_),
        )
        | Err(_) => None,
    }
}

/// What is wrong with the memory of a request, which does not say who sent it.
fn wrong(row: &RequestRow, there: &BTreeSet<OrderId>) -> Option<Finding> {
    let subject = (SubjectKind::Request, format!("{} {}", row.method, row.request_id.0));
    match row.outcome() {
        Ok(RequestOutcome::Order(id)) if !there.contains(&id) => {
            let message = "it was answered with an order that is not there";
            Some(Finding::new(Invariant::I1, subject, message).with(id, ""))
        }
        Ok(
            RequestOutcome::Order(_)
            | RequestOutcome::Cart(_)
            | RequestOutcome::Merged(..)
            | RequestOutcome::Done
            | RequestOutcome::Refused(_),
        ) => None,
        Err(_unreadable) => Some(Finding::new(Invariant::I3, subject, "what it was answered cannot be read")),
    }
}

/// Counts are never negative.
fn number(count: impl TryInto<u64>) -> u64 {
    count.try_into().unwrap_or_default()
}
