//! Our ledger against the simulated gateway's own log: never charged or refunded twice, or without our knowing.

use std::collections::BTreeMap;

use order_core::{
    audit::{Finding, Invariant, SubjectKind},
    ids::OperationId,
    money::Money,
    order::Order,
    payment::{Operation, OperationState, Payment},
};

use crate::{
    fields::Id,
    rows::{GatewayRow, OrderRows},
};

/// What the gateway did, by key.
pub(super) type Log = BTreeMap<Id, GatewayRow>;

/// Under which keys the gateway may know the operations of some orders.
pub(super) fn keys(page: &[OrderRows]) -> Vec<OperationId> {
    page.iter().flat_map(|rows| &rows.operations).map(|row| OperationId::new(row.operation_id.0)).collect()
}

/// What of an order's ledger the log contradicts.
pub(super) fn check(order: &Order, log: &Log) -> Vec<Finding> {
    let asked = order.payments.iter().filter(|payment| payment.method.needs_gateway());
    let operations = asked.flat_map(|payment| payment.operations.iter().map(move |operation| (payment, operation)));
    operations.filter_map(|(payment, operation)| contradiction((payment, operation), log)).collect()
}

fn contradiction((payment, operation): (&Payment, &Operation), log: &Log) -> Option<Finding> {
    let record = log.get(&Id(operation.id.uuid()));
    let (expected, actual) = (said(record), booked(payment, operation));
    // While an answer is awaited, the gateway may have done it or not.
    let agree = match operation.state {
        OperationState::Initial | OperationState::Sent | OperationState::Unknown => true,
        OperationState::Succeeded => expected == actual,
        // What was never sent may be given up, too.
        OperationState::Failed => record.is_none_or(|record| record.decline_code.is_some()),
    };
    if agree {
        return None;
    }
    let message = format!("operation {} is not what the gateway's log says", operation.id);
    let subject = (SubjectKind::Payment, payment.id.to_string());
    Some(Finding::new(Invariant::I7, subject, &message).with(expected, actual))
}

/// What the gateway has done, as it says.
fn said(record: Option<&GatewayRow>) -> String {
    match record {
        None => "never seen".to_owned(),
        Some(GatewayRow { decline_code: Some(code), kind, .. }) => format!("{kind} declined: {code}"),
        Some(row) => {
            let (amount, currency) = (row.amount, &row.currency);
            let moved = row.moved_amount.zip(row.moved_currency.as_ref());
            let (moved, of) = moved.map_or((amount, currency), |(moved, of)| (moved, of));
            format!("{} of {amount} {currency} moved {moved} {of}", row.kind)
        }
    }
}

/// What we have booked, in the same words.
fn booked(payment: &Payment, operation: &Operation) -> String {
    let currency = payment.amount.currency();
    let asked = Money::new(operation.amount, currency);
    let kind = operation.kind.as_str();
    match operation.state {
        OperationState::Succeeded => {
            let moved = operation.reported.unwrap_or(asked);
            format!("{kind} of {} {currency} moved {} {}", asked.minor(), moved.minor(), moved.currency())
        }
        OperationState::Failed => {
            format!("{kind} declined: {}", operation.decline_code.as_deref().unwrap_or_default())
        }
        OperationState::Initial | OperationState::Sent | OperationState::Unknown => format!("{kind} open"),
    }
}
