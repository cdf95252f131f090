//! Reads the parts of an order and collects what was put right and what cannot be.

use std::collections::BTreeSet;

use super::{
    RawItem, RawOrder, Rejection, TEXT_CHARS,
    reason::{Correction, RefusalReason},
    standing::{PAYMENT_STATUSES, STATUSES, SourcePayment, SourceStatus},
};
use crate::{currency::Currency, ids::IdError, money::Money, order::ImportLine, time::Timestamp};

/// Characters of a value that a message repeats.
const QUOTED_CHARS: usize = 40;
/// Characters of a message, as the API promises.
const MESSAGE_CHARS: usize = 200;

/// What was found so far. A reading that fails is `None` and has left its reason here.
#[derive(Debug, Default)]
pub(super) struct Findings {
    corrections: BTreeSet<Correction>,
    refusals: Vec<Rejection>,
}

impl Findings {
    pub(super) fn correct(&mut self, correction: Correction) {
        self.corrections.insert(correction);
    }

    pub(super) fn corrections_of(&mut self, correction: Option<Correction>) {
        self.corrections.extend(correction);
    }

    pub(super) fn refuse(&mut self, reason: RefusalReason, message: impl Into<String>) {
        self.refusals.push(Rejection { reason, message: message.into() });
    }

    /// Notes a refusal where a value was to be read.
    pub(super) fn unfit<T>(&mut self, reason: RefusalReason, message: impl Into<String>) -> Option<T> {
        self.refuse(reason, message);
        None
    }

    /// The names of the corrections, sorted.
    pub(super) fn corrections(&self) -> Vec<String> {
        let mut names: Vec<_> = self.corrections.iter().map(|correction| correction.as_str().to_owned()).collect();
        names.sort_unstable();
        names
    }

    /// The first refusal, and how many more there are.
    pub(super) fn rejection(&self) -> Option<Rejection> {
        let first = self.refusals.first()?;
        let more = match self.refusals.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let kept: String = first.message.chars().take(MESSAGE_CHARS - more.len()).collect();
        Some(Rejection { reason: first.reason, message: kept + &more })
    }

    /// Drops blanks around a value.
    pub(super) fn trimmed<'a>(&mut self, text: &'a str) -> &'a str {
        let trimmed = text.trim();
        if trimmed.len() != text.len() {
            self.correct(Correction::BlanksTrimmed);
        }
        trimmed
    }

    /// Refuses an order with a text that is too long before anything of it is read.
    pub(super) fn check_lengths(&mut self, raw: &RawOrder) -> Option<()> {
        let RawOrder { external_id, customer_id, status, payment_status, total, created_at, items } = raw;
        let order = [external_id, customer_id, status, payment_status, total, created_at];
        let lines = items.iter().flat_map(|item| {
            let RawItem { external_id, product_id, sku, quantity, unit_price } = item;
            [external_id, product_id, sku, quantity, unit_price]
        });
        match order.into_iter().chain(lines).find(|text| text.chars().count() > TEXT_CHARS) {
            None => Some(()),
            Some(long) => {
                let what = format!("{} has more than {TEXT_CHARS} characters", quoted(long));
                self.unfit(RefusalReason::TextTooLong, what)
            }
        }
    }

    pub(super) fn external_id(&mut self, text: &str) -> Option<String> {
        let id = self.trimmed(text);
        if id.is_empty() || id.chars().any(char::is_control) {
            return self.unfit(RefusalReason::BadId, format!("order id {} is no id", quoted(id)));
        }
        Some(id.to_owned())
    }

    pub(super) fn key<T>(
        &mut self,
        (name, reason): (&str, RefusalReason),
        text: &str,
        parse: fn(&str) -> Result<T, IdError>,
    ) -> Option<T> {
        let text = self.trimmed(text);
        match parse(text) {
            Ok(key) => Some(key),
            Err(error) => self.unfit(reason, format!("{name} {} {error}", quoted(text))),
        }
    }

    pub(super) fn status(&mut self, text: &str) -> Option<SourceStatus> {
        self.word(text, STATUSES)
            .or_else(|| self.unfit(RefusalReason::UnknownStatus, format!("status {} means nothing here", quoted(text))))
    }

    pub(super) fn payment_status(&mut self, text: &str) -> Option<SourcePayment> {
        self.word(text, PAYMENT_STATUSES).or_else(|| {
            let what = format!("payment status {} means nothing here", quoted(text));
            self.unfit(RefusalReason::UnknownPaymentStatus, what)
        })
    }

    /// Reads a word of a table whose first spelling of each meaning is the usual one.
    fn word<T: Copy + PartialEq>(&mut self, text: &str, table: &[(&str, T)]) -> Option<T> {
        let text = self.trimmed(text);
        let &(_, meaning) = table.iter().find(|(spelling, _)| spelling.eq_ignore_ascii_case(text))?;
        let usual = table.iter().find(|(_, of)| *of == meaning).map(|(spelling, _)| *spelling);
        if usual != Some(text) {
            self.correct(Correction::StatusSpelling);
        }
        Some(meaning)
    }

    /// Reads when an order was placed: between 1970, since zero dates and the epochs of spreadsheets lie before, and `latest`.
    pub(super) fn create_time(&mut self, text: &str, latest: Timestamp) -> Option<Timestamp> {
        let text = self.trimmed(text);
        let read =
            Timestamp::parse_sql_datetime(text).or_else(|_other| Timestamp::parse_rfc3339(text)).or_else(|error| {
                let midnight =
                    Timestamp::parse_sql_datetime(&format!("{text} 00:00:00")).map_err(|_not_a_date| error)?;
                self.correct(Correction::TimeAssumed);
                Ok::<_, crate::time::TimeError>(midnight)
            });
        match read {
            Ok(time) if (Timestamp::UNIX_EPOCH..=latest).contains(&time) => Some(time),
            Ok(_) => {
                let what = format!("date {} lies before 1970 or in the future", quoted(text));
                self.unfit(RefusalReason::BadDate, what)
            }
            Err(_) => self.unfit(RefusalReason::BadDate, format!("date {} cannot be read", quoted(text))),
        }
    }

    /// Reads the source's total and holds it against the sum of the lines. It decides nothing, so it refuses nothing.
    pub(super) fn total(&mut self, text: &str, lines: &[ImportLine], currency: Currency) -> Option<Money> {
        let Ok(total) = Money::from_decimal_str(self.trimmed(text), currency) else {
            self.correct(Correction::TotalUnreadable);
            return None;
        };
        let of_line = |line: &ImportLine| i128::from(line.unit_price.minor()) * i128::from(line.quantity.get());
        if lines.iter().map(of_line).sum::<i128>() != i128::from(total.minor()) {
            self.correct(Correction::TotalRecomputed);
        }
        Some(total)
    }
}

/// A value as a message repeats it: in quotation marks, without control characters, not at length.
pub(super) fn quoted(text: &str) -> String {
    let mut kept: String = text.chars().take(QUOTED_CHARS).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    format!("{kept:?}")
}
