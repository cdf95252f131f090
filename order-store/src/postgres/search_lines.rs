//! The table of lines: what search documents say of goods, each line once.
//!
//! A catalogue's names, products and SKUs stand in many documents, and to cut each of them into threes of letters for every order would be
//! half of what an order costs the search index. They are cut once, here; a word is looked for in this table, and the documents are then
//! looked up by the whole lines that hold it.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Mutex, PoisonError},
};

use diesel::sql_types::{BigInt, Text};
use order_core::order::Order;

use super::{
    sql::{Bound, statement},
    tx::{PgTx, run},
};
use crate::{
    fragments::{INDEXED_CHARS, like_pattern},
    query::OrderFilter,
    rows::SearchRow,
    statements::Done,
};

/// Of how many lines the orders are looked up. A word that more lines hold is in so many orders that a page of them is soon found by
/// reading one order after the other; to look up each of these lines would take longer.
pub(super) const MOST_LINES: usize = 2000;
/// How many lines a process remembers, some MB; with more, it begins anew. What is not remembered is looked up when it is written.
const MOST_KNOWN: usize = 100_000;

statement! {
    /// Lines that hold a word. All of them are planned for, however few are asked for: the server would else hope to come across
    /// enough of them by reading the table.
    LinesWith -> Text:
    "WITH found AS MATERIALIZED (SELECT line FROM search_line WHERE line LIKE ?) SELECT line FROM found LIMIT ?"
}

/// Lines that this process has seen committed. They are never taken out of the table again.
#[derive(Debug, Default)]
pub(super) struct KnownLines(Mutex<HashSet<String>>);

impl KnownLines {
    /// The lines of these documents that may not be in the table.
    pub(super) fn unknown(&self, documents: &[SearchRow]) -> BTreeSet<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = documents.iter().filter_map(|row| row.document.split_once(Order::GOODS_BEHIND));
        let lines = lines.flat_map(|(_own, goods)| goods.split('\n'));
        lines.filter(|line| !line.is_empty() && !known.contains(*line)).map(str::to_owned).collect()
    }

    /// These are committed.
    pub(super) fn learn(&self, lines: BTreeSet<String>) {
        if lines.is_empty() {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + lines.len() > MOST_KNOWN {
            known.clear();
        }
        known.extend(lines.into_iter().take(MOST_KNOWN));
    }

    /// Another server may stand behind the database's name now, one that lacks what was committed last.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// What is known of a word that is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    /// These are all the lines that hold it.
    ByLines(Vec<String>),
    /// Too many lines hold it, or it is too short to be looked up: documents are read.
    ByMany,
}

impl PgTx {
    /// What is known of each word of a filter.
    pub(super) async fn held(&mut self, filter: &OrderFilter) -> Done<Vec<Held>> {
        let mut all = Vec::with_capacity(filter.words.len());
        if !filter.words.is_empty() {
            // What is rare and what is common wants other plans. One for any word would take all of them for rare.
            self.plan_each_time();
        }
        for word in &filter.words {
            if word.chars().count() < INDEXED_CHARS {
                all.push(Held::ByMany);
                continue;
            }
            let most = i64::try_from(MOST_LINES + 1).expect("it is small");
            let query = Bound::<LinesWith>::new().bind::<Text>(like_pattern(word)).bind::<BigInt>(most);
            let lines: Vec<String> = run!(self, load(query))?;
            all.push(if lines.len() > MOST_LINES { Held::ByMany } else { Held::ByLines(lines) });
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::Id;

    fn documents(texts: &[&str]) -> Vec<SearchRow> {
        let row = |text: &&str| SearchRow { order_id: Id(uuid::Uuid::nil()), document: (*text).to_owned() };
        texts.iter().map(row).collect()
    }

    fn set(lines: &[&str]) -> BTreeSet<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    fn numbers(count: usize) -> BTreeSet<String> {
        (0..count).map(|n| n.to_string()).collect()
    }

    #[test]
    fn lines_of_goods_are_unknown_until_they_are_committed() {
        let known = KnownLines::default();
        let rows = documents(&["spk-1\nme@example.com\n\nlamp\np1\ns1", "spk-2\n\nlamp\np2", "spk-3\n\n", "without"]);
        assert_eq!(known.unknown(&rows), set(&["lamp", "p1", "p2", "s1"]));
        known.learn(set(&["lamp", "p2"]));
        assert_eq!(known.unknown(&rows), set(&["p1", "s1"]));
        assert_eq!(known.unknown(&[]), set(&[]));
        known.forget();
        assert_eq!(known.unknown(&rows), set(&["lamp", "p1", "p2", "s1"]));
    }

    #[test]
    fn a_process_forgets_rather_than_to_grow_without_bound() {
        let known = KnownLines::default();
        known.learn(numbers(MOST_KNOWN));
        assert_eq!(known.unknown(&documents(&["x\n\n0"])), set(&[]));
        known.learn(set(&["one more"]));
        assert_eq!(known.unknown(&documents(&["x\n\n0\none more"])), set(&["0"]));
        known.learn(numbers(MOST_KNOWN + 1));
        assert_eq!(known.0.lock().unwrap().len(), MOST_KNOWN);
    }
}
