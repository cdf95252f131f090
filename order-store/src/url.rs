//! Where the database is, and opening it.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

use crate::{error::StoreError, postgres::Postgres, sqlite::Sqlite, store::Store, transactions::Engine};

/// Where the database is; the scheme chooses the engine.
///
/// Shows itself without credentials.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite://PATH`: a file, relative (`sqlite://data/orders.db`) or absolute (`sqlite:///var/lib/orders.db`).
    Sqlite(PathBuf),
    /// `postgres://...` or `postgresql://...`, as libpq reads it.
    Postgres(PostgresUrl),
}

/// A PostgreSQL URL. It may hold a password, so that only the adapter can read it.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

/// Why a text names no database. Does not repeat the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another scheme, or none.
    #[error("a database URL begins with sqlite:// or postgres://")]
    Scheme,
    /// SQLite without a file. A database in memory would be another one for each connection.
    #[error("sqlite:// is followed by the path of a file, such as sqlite://data/orders.db")]
    Path,
}

impl DatabaseUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            let is_file = !path.is_empty() && !path.ends_with('/') && !path.starts_with(':');
            return if is_file { Ok(Self::Sqlite(PathBuf::from(path))) } else { Err(UrlError::Path) };
        }
        let postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
        if postgres { Ok(Self::Postgres(PostgresUrl(text.to_owned()))) } else { Err(UrlError::Scheme) }
    }

    /// `sqlite` or `postgresql`.
    #[must_use]
    pub const fn engine(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgresql",
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PostgresUrl {
    /// The whole of it.
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }

    /// Host, port and database: what follows the last @ of the authority, up to the parameters, where a password may be too.
    fn shown(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        rest.rsplit_once('@').map_or(rest, |(_, shown)| shown)
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}", self.shown())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What can be tuned. The defaults suit a server of a few cores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectOptions {
    /// PostgreSQL: connections of this process, at most. Many servers share one database; PostgreSQL itself is fastest with a
    /// few connections per core of *its* machine, all servers together.
    pub pool_size: usize,
    /// SQLite: threads that read. Writing is done by one more.
    pub reader_threads: usize,
    /// SQLite: jobs that may wait for the writer, and as many for the readers; beyond them callers are told
    /// [`StoreError::Overloaded`] at once. At some 5000 orders a second the default is a fifth of a second of work.
    pub queue_depth: usize,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self { pool_size: 16, reader_threads: 3, queue_depth: 1024 }
    }
}

/// Opens a database. Does not look at its schema: that is what [`Store::ping`] and [`migrate`](crate::migrate()) are for.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn connect(url: &DatabaseUrl, options: &ConnectOptions) -> Result<Arc<dyn Store>, StoreError> {
    match url {
        DatabaseUrl::Sqlite(path) => {
            let (path, options) = (path.clone(), options.clone());
            let opened = tokio::task::spawn_blocking(move || Sqlite::open(&path, &options)).await;
            let sqlite = opened.map_err(|panic| StoreError::Internal(panic.to_string()))??;
            Ok(Arc::new(Engine::start(sqlite)))
        }
        DatabaseUrl::Postgres(url) => {
            Ok(Arc::new(Engine::start(Postgres::connect(url.secret(), options.pool_size).await?)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_chooses_the_engine() {
        assert_eq!(DatabaseUrl::parse("sqlite://data/a.db"), Ok(DatabaseUrl::Sqlite("data/a.db".into())));
        assert_eq!(DatabaseUrl::parse("sqlite:///var/a.db"), Ok(DatabaseUrl::Sqlite("/var/a.db".into())));
        assert_eq!(DatabaseUrl::parse("postgresql://h/db").unwrap().engine(), "postgresql");
        for wrong in ["", "mysql://h/db", "a.db", "sqlite:a.db"] {
            assert_eq!(DatabaseUrl::parse(wrong), Err(UrlError::Scheme), "{wrong}");
        }
        for wrong in ["sqlite://", "sqlite:///", "sqlite://data/", "sqlite://:memory:"] {
            assert_eq!(DatabaseUrl::parse(wrong), Err(UrlError::Path), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("postgres://me:secret@db.example:5432/shop", "postgres://db.example:5432/shop"),
            ("postgres://me:se@cret@db.example/shop", "postgres://db.example/shop"),
            ("postgresql://db.example/shop?user=me&password=secret", "postgres://db.example/shop"),
            ("postgres://%2Fvar%2Frun/shop", "postgres://%2Fvar%2Frun/shop"),
        ] {
            let url = DatabaseUrl::parse(url).unwrap();
            assert_eq!((url.to_string(), format!("{url:?}")), (shown.to_owned(), shown.to_owned()));
        }
    }
}
