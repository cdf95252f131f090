//! The order service's persistence.
//!
//! [`store`] is the port. Its one implementation turns every method into a transaction of [`transactions`], written over the
//! [`statements`] that the two adapters, [`postgres`] and [`sqlite`], implement.

mod assemble;
mod backend;
pub mod deadline;
mod error;
mod fields;
mod fragments;
mod lanes;
mod migrate;
mod postgres;
mod query;
mod request;
mod rows;
mod schema;
mod sql_types;
mod sqlite;
mod statements;
mod store;
pub mod testing;
mod transactions;
mod url;
mod watch;

pub use error::StoreError;
pub use migrate::migrate;
pub use query::*;
pub use request::{Request, RequestKey, RequestOutcome};
pub use store::*;
pub use url::{ConnectOptions, DatabaseUrl, connect};
pub use watch::{Done, watch_methods};
