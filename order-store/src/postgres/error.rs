//! What a failure of PostgreSQL means for a transaction.
//!
//! diesel-async passes on the SQLSTATE of a few classes only; the others are told apart by the server's message, which is
//! why a connection is refused whose server speaks another language than English (see [`connect`](super::connect)). Each
//! class has a test that provokes it on a real server.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};

use crate::{error::StoreError, statements::Fault};

/// A failure: what it means for the transaction, and for the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) fault: Fault,
    pub(super) connection: Connection,
}

/// Whether a connection can be used again, once its transaction is rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connection {
    /// It can.
    Sound,
    /// It is gone, or no longer of use.
    Lost,
}

/// Unique keys that two transactions may race for. The next try finds the winner's row before it gets as far.
const RACES: [&str; 14] = [
    "cart_active_customer_key",
    "cart_active_guest_key",
    "product_pkey",
    "product_sku_key",
    "coupon_pkey",
    "orders_import_key",
    // An order whose own earlier attempt is committed at this very moment: its answer got lost. What belongs to an order is written
    // with it, and the server chooses what it writes first.
    "orders_pkey",
    "order_line_pkey",
    "order_event_pkey",
    "order_search_pkey",
    "payment_pkey",
    "payment_operation_pkey",
    "stock_movement_pkey",
    "coupon_redemption_pkey",
];

/// How the messages begin that say that the transaction may be tried again.
const RETRY: [&str; 3] = [
    // 40P01
    "deadlock detected",
    // 55P03
    "canceling statement due to lock timeout",
    "could not obtain lock on row",
];

/// How the messages begin after which the connection is of no more use. 57P01, 57P02, 57P03, 25P03, 57P05 and, behind
/// PgBouncer, 08P01.
const LOST: [&str; 10] = [
    "terminating connection",
    "terminating background worker",
    "the database system is",
    "query_wait_timeout",
    "query_timeout",
    "idle_transaction_timeout",
    "server conn crashed",
    "server closed the connection",
    "server_login_retry",
    "pgbouncer",
];

/// Parts of the messages of a server that has run out of something. 53100, 53200, 53300, 58030.
const EXHAUSTED: [&str; 5] = [
    "No space left on device",
    "out of memory",
    "out of shared memory",
    "too many clients already",
    "remaining connection slots",
];

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if let Error::DatabaseError(kind, info) = error {
            return database(&kind, info.as_ref());
        }
        if let Error::DeserializationError(cause) = error {
            return sound(StoreError::corrupt(cause));
        }
        // All others are about how diesel was used.
        sound(StoreError::Internal(error.to_string()))
    }
}

fn sound(error: StoreError) -> Failure {
    Failure { fault: Fault::Fatal(error), connection: Connection::Sound }
}

fn retry(why: &str) -> Failure {
    Failure { fault: Fault::Retry(why.to_owned()), connection: Connection::Sound }
}

fn lost(why: &str) -> Failure {
    let error = StoreError::Unavailable(why.to_owned());
    Failure { fault: Fault::Fatal(error), connection: Connection::Lost }
}

fn database(kind: &DatabaseErrorKind, info: &(dyn DatabaseErrorInformation + Send + Sync)) -> Failure {
    let constraint = info.constraint_name().unwrap_or("without a name");
    match kind {
        DatabaseErrorKind::SerializationFailure => retry("could not serialize access"),
        DatabaseErrorKind::UniqueViolation if RACES.contains(&constraint) => retry(constraint),
        DatabaseErrorKind::UniqueViolation
        | DatabaseErrorKind::ForeignKeyViolation
        | DatabaseErrorKind::CheckViolation
        | DatabaseErrorKind::RestrictViolation
        | DatabaseErrorKind::ExclusionViolation => {
            sound(StoreError::Internal(format!("the constraint {constraint} is violated")))
        }
        DatabaseErrorKind::NotNullViolation => {
            let column = info.column_name().unwrap_or("without a name");
            sound(StoreError::Internal(format!("the column {column} is missing")))
        }
        DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection => {
            lost("the connection is closed")
        }
        // A standby, since a failover: another connection may find the new primary.
        DatabaseErrorKind::ReadOnlyTransaction => lost("the server is read-only"),
        // `Unknown`, and what diesel may tell apart one day.
        _ => by_message(info.message()),
    }
}

fn by_message(message: &str) -> Failure {
    let begins = |known: &&&str| message.starts_with(**known);
    if let Some(known) = RETRY.iter().find(begins) {
        return retry(known);
    }
    if let Some(known) = LOST.iter().find(begins) {
        return lost(known);
    }
    if let Some(known) = EXHAUSTED.iter().find(|known| message.contains(**known)) {
        return sound(StoreError::Unavailable(format!("the server reports: {known}")));
    }
    match message {
        // 57014, by our own statement_timeout.
        "canceling statement due to statement timeout" => sound(StoreError::DeadlineExceeded),
        // 57014, by an administrator.
        "canceling statement due to user request" => {
            sound(StoreError::Unavailable("the statement was cancelled".into()))
        }
        // 22012: what counts whether the rows were there that it changed divides by that. This transaction had locked them.
        "division by zero" => sound(StoreError::corrupt("a row that was locked is gone")),
        // 0A000, after a migration: a statement prepared before it. A new connection prepares anew.
        "cached plan must not change result type" => {
            Failure { fault: Fault::Retry("the schema has changed".into()), connection: Connection::Lost }
        }
        // 42P01, 42703
        absent if is_schema(absent) => {
            sound(StoreError::Unavailable("the schema is not this program's: migrate".into()))
        }
        unknown => sound(StoreError::Internal(format!("PostgreSQL: {unknown}"))),
    }
}

/// Says whether a table or a column is missing.
fn is_schema(message: &str) -> bool {
    (message.starts_with("relation ") || message.starts_with("column ")) && message.ends_with(" does not exist")
}
