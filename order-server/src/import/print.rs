//! The result of an import, for people.

use order_core::import_judge::Correction;

use super::{
    decision::{Decision, Outcome},
    files::Export,
    report::ORPHAN_LINE,
    summary::{Summary, Tally},
};
use crate::terminal::{Table, amount};

/// The summary: a table for each question that somebody who recounts the files would ask.
pub(super) fn summary(headline: &str, export: &Export, decisions: &[Decision]) -> String {
    let summary = Summary::of(decisions);
    let mut text = format!("{}\n\n", console::style(headline).bold());
    for table in [outcomes(&summary), corrections(&summary), refusals(&summary, export), statuses(&summary)] {
        if !table.is_empty() {
            text.push_str(&table.render());
            text.push('\n');
        }
    }
    if export.shared_skus > 0 {
        let (shared, all) = (export.shared_skus, export.skus);
        text.push_str(&format!(
            "  {shared} of {all} SKUs stand for several products; lines keep both texts as they were.\n"
        ));
    }
    text
}

fn outcomes(summary: &Summary) -> Table {
    let mut table = Table::new(["Orders", ">Count"]);
    for outcome in Outcome::ALL {
        table.row([outcome.as_str().to_owned(), summary.orders(outcome).to_string()]);
    }
    table.row(["RECEIVED".to_owned(), summary.received.to_string()]);
    table
}

fn corrections(summary: &Summary) -> Table {
    let mut table = Table::new(["Corrections of imported orders", ">Count", "Meaning"]);
    for (name, orders) in &summary.corrections {
        let meaning = Correction::from_word(name).map_or("", Correction::explanation);
        table.row([name.clone(), orders.to_string(), meaning.to_owned()]);
    }
    table
}

fn refusals(summary: &Summary, export: &Export) -> Table {
    let mut table = Table::new(["Reasons of refusal", ">Count", "Meaning"]);
    for (reason, orders) in &summary.refusals {
        table.row([reason.to_string(), orders.to_string(), reason.explanation().to_owned()]);
    }
    if !export.orphans.is_empty() {
        let meaning = "lines whose order is not in the file of orders";
        table.row([ORPHAN_LINE.to_owned(), export.orphans.len().to_string(), meaning.to_owned()]);
    }
    table
}

fn statuses(summary: &Summary) -> Table {
    let mut table = Table::new(["Imported orders by status", ">Count", ">Total"]);
    for (status, Tally { orders, totals }) in &summary.statuses {
        let totals: Vec<_> = totals.iter().map(|(currency, minor)| amount(*minor, *currency)).collect();
        table.row([status.to_string(), orders.to_string(), totals.join(", ")]);
    }
    table
}
