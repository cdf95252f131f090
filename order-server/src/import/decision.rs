//! What became of each order of an import.

use order_core::{
    ids::{OrderId, OrderNumber},
    import_judge::{RefusalReason, Rejection, TEXT_CHARS},
    money::Money,
    order::{ImportDraft, Order, Status},
};

/// In one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Taken over, as it was or with corrections; in a dry run it would be.
    Imported,
    /// Taken over by an earlier import.
    AlreadyImported,
    /// Taken over earlier in this import: the same row came again.
    Repeated,
    /// Not taken over.
    Refused,
}

impl Outcome {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 4] = [Self::Imported, Self::AlreadyImported, Self::Repeated, Self::Refused];

    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Imported => "IMPORTED",
            Self::AlreadyImported => "ALREADY_IMPORTED",
            Self::Repeated => "REPEATED",
            Self::Refused => "REFUSED",
        }
    }
}

/// An order of ours that came out of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Identity and number; `None` in a dry run for an order that is new.
    pub name: Option<(OrderId, OrderNumber)>,
    /// Its word, as the import left it or as it is by now.
    pub status: Status,
    /// Its total: the sum of its lines.
    pub total: Money,
    /// The source's own total, if it could be read.
    pub original_total: Option<Money>,
}

impl Taken {
    pub(super) fn of(order: &Order) -> Self {
        Self {
            name: order.number.clone().map(|number| (order.id, number)),
            status: order.status,
            total: order.totals.total,
            original_total: order.import.as_ref().and_then(|import| import.original_total),
        }
    }
}

/// The decision on one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Its id in the source, as written.
    pub external_id: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The order it became; `None` if it was refused, or while its batch is not written yet.
    pub taken: Option<Taken>,
    /// What was put right, by name, sorted.
    pub corrections: Vec<String>,
    /// Why it was refused; `None` if it was not.
    pub reason: Option<RefusalReason>,
    /// The same for people; empty if it was not refused.
    pub message: String,
}

impl Decision {
    /// It is accepted, and becomes an order with its batch.
    pub(super) fn accepted(draft: &ImportDraft) -> Self {
        Self {
            external_id: draft.source.external_id.clone(),
            outcome: Outcome::Imported,
            taken: None,
            corrections: draft.source.corrections.clone(),
            reason: None,
            message: String::new(),
        }
    }

    pub(super) fn refused(external_id: &str, rejection: Rejection) -> Self {
        Self {
            // What is too long to be an id is one of the reasons to be here.
            external_id: external_id.chars().take(TEXT_CHARS).collect(),
            outcome: Outcome::Refused,
            taken: None,
            corrections: Vec::new(),
            reason: Some(rejection.reason),
            message: rejection.message,
        }
    }

    /// What holds when the same row comes again.
    pub(super) fn repeated(&self) -> Self {
        let outcome = match self.outcome {
            Outcome::Imported | Outcome::AlreadyImported | Outcome::Repeated => Outcome::Repeated,
            Outcome::Refused => Outcome::Refused,
        };
        Self { outcome, ..self.clone() }
    }
}
