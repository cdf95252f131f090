//! The judge of imports: what becomes of an order as another system wrote it. Pure, so that the command line, the streaming
//! RPC and a dry run decide alike, and the same rows get the same verdict whenever they are sent.
//!
//! # What the words of the source become
//!
//! | source | payment | becomes | word in lists |
//! |---|---|---|---|
//! | CREATED | SUCCESS | PENDING, money captured | PAID |
//! | CREATED | FAILED | PENDING, payment failed | PENDING |
//! | DELIVERED | SUCCESS | PROCESSING, all lines delivered, money captured | DELIVERED |
//! | DELIVERED | FAILED | the same without the money: `DELIVERED_UNPAID` | DELIVERED |
//! | CANCELLED | FAILED | CANCELLED | CANCELLED |
//! | CANCELLED | SUCCESS | CANCELLED, money captured: `CANCELLED_STILL_PAID` | CANCELLED |
//!
//! Every order thus keeps the word it had, apart from CREATED, which we tell apart by its payment. A delivered order is not
//! completed for its shop: whether its money is settled and its time for returns is over, the source does not say. Nor is a
//! refund invented for money that a cancelled order still holds: it stays on the ledger until a person decides.
//!
//! Amounts of ours are sums of the lines. The source's own total, in which tax, shipping and discounts may hide that it does
//! not name, is kept beside ours and never mixed with it.
//!
//! That a SKU stands for several products is no fault of a row, and nothing is put right: lines keep both texts, an import
//! moves no stock, and whoever reads files tells how many such SKUs there are.
//!
//! The names of all corrections and refusals, with what each means, are [`Correction`] and [`RefusalReason`]. An order is
//! taken as a whole or not at all: a line that cannot be read refuses its order, since an order without it would be another
//! order.

mod findings;
mod lines;
mod reason;
mod standing;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

pub use reason::{Correction, RefusalReason};

use self::{
    findings::{Findings, quoted},
    standing::standing,
};
use crate::{
    currency::Currency,
    ids::CustomerId,
    order::{ImportDraft, ImportSource},
    time::Timestamp,
};

/// Characters of each text of an order, as the API promises. Longer ones are refused unread.
pub const TEXT_CHARS: usize = 200;
/// Characters of the name of a source.
pub const SOURCE_NAME_CHARS: usize = 64;
/// Clocks differ; beyond this many seconds a date in the future is a mistake. It would draw a number of a year to come.
const FUTURE_SECONDS: i64 = 24 * 3_600;

/// An order as the source wrote it. Texts on purpose: the judge, not the reader of a file, says what is dirt.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct RawOrder {
    /// Id of the order in the source.
    pub external_id: String,
    /// Id of the customer in the source.
    pub customer_id: String,
    /// Status, such as `CREATED`.
    pub status: String,
    /// Payment status, such as `SUCCESS`.
    pub payment_status: String,
    /// Total, a decimal number.
    pub total: String,
    /// When it was placed: `YYYY-MM-DD hh:mm:ss` in UTC, or RFC 3339.
    pub created_at: String,
    /// Lines.
    pub items: Vec<RawItem>,
}

/// A line of an order as the source wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct RawItem {
    /// Id of the line in the source; may be empty.
    pub external_id: String,
    /// Id of the product in the source.
    pub product_id: String,
    /// Stock keeping unit.
    pub sku: String,
    /// Units, a whole number.
    pub quantity: String,
    /// Price of one unit, a decimal number.
    pub unit_price: String,
}

/// The name of the system that orders come from; together with an external id it makes an order known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceName(String);

/// The text is no name of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {SOURCE_NAME_CHARS} lower case letters, digits, - and _")]
pub struct SourceNameError;

impl SourceName {
    /// Takes 1 to 64 lower case letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// [`SourceNameError`].
    pub fn parse(text: &str) -> Result<Self, SourceNameError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        let fits = (1..=SOURCE_NAME_CHARS).contains(&text.len()) && text.chars().all(allowed);
        if fits { Ok(Self(text.to_owned())) } else { Err(SourceNameError) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What holds for a whole import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportOptions {
    /// Where the orders come from.
    pub source: SourceName,
    /// The currency of all amounts; exports like these do not say.
    pub currency: Currency,
    /// The present: orders from the future are refused.
    pub now: Timestamp,
}

/// What becomes of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It can be taken over; `source.corrections` names what had to be put right, sorted.
    Accept(Box<ImportDraft>),
    /// It cannot.
    Refuse(Rejection),
    /// The very same row was judged before in this import; what holds for the first holds for it.
    Repeat {
        /// Position of the first, counted from 0 in the order of judging.
        first: usize,
    },
}

/// Why an order cannot be taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The first reason that was found.
    pub reason: RefusalReason,
    /// For people, with the value that was the cause; at most 200 characters.
    pub message: String,
}

/// Judges the orders of one import. Remembers their ids, so that an order is not judged twice unnoticed.
#[derive(Debug)]
pub struct Judge {
    options: ImportOptions,
    seen: HashMap<String, Seen>,
    judged: usize,
}

/// An order that was judged: enough to recognise it, whatever its size.
#[derive(Debug, Clone, Copy)]
struct Seen {
    position: usize,
    digest: u64,
}

impl Judge {
    /// A judge who has seen nothing yet.
    #[must_use]
    pub fn new(options: ImportOptions) -> Self {
        Self { options, seen: HashMap::new(), judged: 0 }
    }

    /// What holds for the whole import.
    #[must_use]
    pub const fn options(&self) -> &ImportOptions {
        &self.options
    }

    /// Judges an order. Two rows with one id are one order if they are equal; otherwise nobody can say which of them is
    /// right, and the second is refused.
    pub fn judge(&mut self, raw: &RawOrder) -> Verdict {
        let here = Seen { position: self.judged, digest: digest(raw) };
        self.judged += 1;
        let id = raw.external_id.trim();
        match self.seen.get(id) {
            Some(first) if first.digest == here.digest => Verdict::Repeat { first: first.position },
            Some(first) => Verdict::Refuse(duplicate(id, first.position)),
            None => {
                // A name that is refused for itself says nothing about identity, and need not be remembered.
                if !id.is_empty() && id.chars().count() <= TEXT_CHARS {
                    self.seen.insert(id.to_owned(), here);
                }
                judge_alone(raw, &self.options)
            }
        }
    }
}

fn digest(raw: &RawOrder) -> u64 {
    let mut hasher = DefaultHasher::new();
    raw.hash(&mut hasher);
    hasher.finish()
}

fn duplicate(id: &str, first: usize) -> Rejection {
    let message = format!("order {} came before with other content, as number {}", quoted(id), first + 1);
    Rejection { reason: RefusalReason::DuplicateId, message }
}

/// Judges an order by itself.
fn judge_alone(raw: &RawOrder, options: &ImportOptions) -> Verdict {
    let mut findings = Findings::default();
    let draft = read(raw, options, &mut findings);
    match (draft, findings.rejection()) {
        (Some(mut draft), None) => {
            draft.source.corrections = findings.corrections();
            Verdict::Accept(Box::new(draft))
        }
        (_, rejection) => Verdict::Refuse(rejection.expect("what could not be read has left its reason")),
    }
}

/// Reads every part before giving up, so that the message can say how much is wrong.
fn read(raw: &RawOrder, options: &ImportOptions, findings: &mut Findings) -> Option<ImportDraft> {
    findings.check_lengths(raw)?;
    let currency = options.currency;
    let external_id = findings.external_id(&raw.external_id);
    let customer_id = findings.key(("customer id", RefusalReason::BadCustomer), &raw.customer_id, CustomerId::parse);
    let status = findings.status(&raw.status);
    let payment = findings.payment_status(&raw.payment_status);
    let create_time = findings.create_time(&raw.created_at, options.now.plus_seconds(FUTURE_SECONDS));
    let lines = findings.lines(&raw.items, currency)?;
    let original_total = findings.total(&raw.total, &lines, currency);
    let standing = standing(status?, payment?);
    findings.corrections_of(standing.correction);
    Some(ImportDraft {
        customer_id: customer_id?,
        state: standing.state,
        delivered: standing.delivered,
        paid: standing.paid,
        currency,
        lines,
        create_time: create_time?,
        source: ImportSource {
            source: options.source.as_str().to_owned(),
            external_id: external_id?,
            original_status: raw.status.clone(),
            original_payment_status: raw.payment_status.clone(),
            original_total,
            corrections: Vec::new(),
        },
    })
}
