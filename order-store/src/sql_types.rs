//! SQL types that mean the same on both engines and are stored in the way that suits each.

/// An identity: `uuid` on PostgreSQL, a 16-byte BLOB on SQLite. Both sort by time for UUIDv7.
#[derive(Debug, Clone, Copy, diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951))]
#[diesel(sqlite_type(name = "Binary"))]
pub struct Uuid;

/// An instant: `timestamptz` on PostgreSQL, an INTEGER of microseconds since the Unix epoch on SQLite.
#[derive(Debug, Clone, Copy, diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
#[diesel(sqlite_type(name = "Long"))]
pub struct Instant;
