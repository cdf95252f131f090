//! The report of an import: one record for each row of the files, in CSV, or in JSON lines if the file's name says so.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

use serde::Serialize;

use super::{
    decision::{Decision, Taken},
    files::{Export, Orphan, Row},
};

/// Why a line was left: the order that it names is not in the file of orders.
pub(super) const ORPHAN_LINE: &str = "ORPHAN_LINE";

/// A record. The columns are the same in both formats.
#[derive(Debug, Serialize)]
struct Record<'a> {
    /// `order`, or `item` for a line without an order.
    kind: &'static str,
    /// Line of the file that it stands in.
    line: u64,
    external_id: &'a str,
    outcome: &'static str,
    /// Why it was refused.
    reason: &'static str,
    /// Names, with blanks between them.
    corrections: String,
    order_number: String,
    order_id: String,
    status: &'static str,
    total: String,
    original_total: String,
    currency: &'static str,
    message: String,
}

/// Writes a report over whatever is there under its name.
pub(super) fn write(path: &Path, export: &Export, decisions: &[Decision]) -> io::Result<()> {
    let file = BufWriter::new(File::create(path)?);
    let orders = export.rows.iter().zip(decisions).map(|(row, decision)| order(row, decision));
    let records = orders.chain(export.orphans.iter().map(orphan));
    let json = path.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("jsonl"));
    if json { as_json(file, records) } else { as_csv(file, records) }
}

fn as_csv<'a>(file: impl Write, records: impl Iterator<Item = Record<'a>>) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(file);
    for record in records {
        writer.serialize(record)?;
    }
    writer.flush()
}

fn as_json<'a>(mut file: impl Write, records: impl Iterator<Item = Record<'a>>) -> io::Result<()> {
    for record in records {
        serde_json::to_writer(&mut file, &record)?;
        file.write_all(b"\n")?;
    }
    file.flush()
}

fn order<'a>(row: &Row, decision: &'a Decision) -> Record<'a> {
    let taken = decision.taken.as_ref();
    let name = taken.and_then(|taken| taken.name.as_ref());
    let original = taken.and_then(|taken| taken.original_total);
    Record {
        kind: "order",
        line: row.line,
        external_id: &decision.external_id,
        outcome: decision.outcome.as_str(),
        reason: decision.reason.map_or("", |reason| reason.as_str()),
        corrections: decision.corrections.join(" "),
        order_number: name.map(|(_, number)| number.to_string()).unwrap_or_default(),
        order_id: name.map(|(id, _)| id.to_string()).unwrap_or_default(),
        status: taken.map_or("", |taken| taken.status.as_str()),
        total: taken.map(amount).unwrap_or_default(),
        original_total: original.map(|total| total.to_decimal().to_string()).unwrap_or_default(),
        currency: taken.map_or("", |taken| taken.total.currency().code()),
        message: decision.message.clone(),
    }
}

fn amount(taken: &Taken) -> String {
    taken.total.to_decimal().to_string()
}

fn orphan(orphan: &Orphan) -> Record<'_> {
    Record {
        kind: "item",
        line: orphan.line,
        external_id: &orphan.item_id,
        outcome: super::Outcome::Refused.as_str(),
        reason: ORPHAN_LINE,
        corrections: String::new(),
        order_number: String::new(),
        order_id: String::new(),
        status: "",
        total: String::new(),
        original_total: String::new(),
        currency: "",
        message: format!("order {:?} is not in the file of orders", orphan.order_id),
    }
}
