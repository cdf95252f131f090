//! The source's words, and where they leave an order. Two tables; a further word is a further row.

use super::reason::Correction;
use crate::order::State;

/// How far the source had come with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SourceStatus {
    Created,
    Cancelled,
    Delivered,
}

/// Whether the source was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SourcePayment {
    Success,
    Failed,
}

/// Every spelling that is understood, the usual one of each first.
pub(super) const STATUSES: &[(&str, SourceStatus)] = &[
    ("CREATED", SourceStatus::Created),
    ("CANCELLED", SourceStatus::Cancelled),
    ("CANCELED", SourceStatus::Cancelled),
    ("DELIVERED", SourceStatus::Delivered),
];

/// Every spelling that is understood, the usual one of each first.
pub(super) const PAYMENT_STATUSES: &[(&str, SourcePayment)] =
    &[("SUCCESS", SourcePayment::Success), ("FAILED", SourcePayment::Failed)];

/// Where an order stands after it was taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) state: State,
    pub(super) delivered: bool,
    pub(super) paid: bool,
    pub(super) correction: Option<Correction>,
}

/// The table of the module's documentation.
pub(super) const fn standing(status: SourceStatus, payment: SourcePayment) -> Standing {
    let paid = matches!(payment, SourcePayment::Success);
    let (state, delivered) = match status {
        SourceStatus::Created => (State::Pending, false),
        SourceStatus::Cancelled => (State::Cancelled, false),
        SourceStatus::Delivered => (State::Processing, true),
    };
    let correction = match (status, payment) {
        (SourceStatus::Delivered, SourcePayment::Failed) => Some(Correction::DeliveredUnpaid),
        (SourceStatus::Cancelled, SourcePayment::Success) => Some(Correction::CancelledStillPaid),
        (SourceStatus::Created, SourcePayment::Success | SourcePayment::Failed)
        | (SourceStatus::Delivered, SourcePayment::Success)
        | (SourceStatus::Cancelled, SourcePayment::Failed) => None,
    };
    Standing { state, delivered, paid, correction }
}
