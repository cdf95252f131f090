//! Taking orders over from another system: from two CSV files ([`command`]), or from a stream of messages ([`receive`]).
//!
//! Both doors feed an [`Importer`]: the judge of order-core decides every order, and what it accepts goes to the store in
//! batches, each of them one transaction. An order is known by source and external id and is taken once, so that an import
//! that broke off is simply repeated.

pub mod command;
mod decision;
mod files;
mod importer;
mod print;
pub(crate) mod progress;
mod report;
mod stream;
mod summary;

pub use self::{
    decision::{Decision, Outcome, Taken},
    files::{Export, FileError, Orphan, Row},
    importer::{Desk, Importer},
    stream::receive,
    summary::{Summary, Tally},
};

#[cfg(test)]
mod tests;
