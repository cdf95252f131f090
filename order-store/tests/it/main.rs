//! The contract of the store: what every method promises, on SQLite and on PostgreSQL alike. One binary, so that it links once.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

mod audit;
mod backorders;
mod cart_changes;
mod catalog;
mod change_races;
mod commit_unknown;
mod corruption;
mod coupons;
mod deadlines;
mod feed;
mod holds;
mod idempotency;
mod imports;
mod inventory;
mod ledger;
mod lists;
mod new_database;
mod order_changes;
mod placement;
mod races;
mod search;
mod shop;
mod statistics;
mod structure;
