//! Values that must never be seen.

use std::fmt;

/// A text that shows itself to nobody: neither `Debug` nor `Display` reveal it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself. Whoever calls this must not print, log or return it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// A database's address. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(Secret);

impl DatabaseUrl {
    /// Takes an address whose scheme the store knows.
    ///
    /// # Errors
    /// A text that names what is wrong and does not repeat the address, which may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let known = ["sqlite://", "postgres://", "postgresql://"];
        match known.iter().find_map(|scheme| text.strip_prefix(scheme)) {
            Some("") => Err("names no database after its scheme".to_owned()),
            Some(_) => Ok(Self(Secret::new(text.to_owned()))),
            None => Err("must start with sqlite:// or postgres://".to_owned()),
        }
    }

    /// The address with its password. Whoever calls this must not print, log or return it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// The address as it may be shown: user, host and database; neither password nor parameters.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.expose().split_once("://").expect("parse demanded a scheme");
        let place = rest.split(['?', '#']).next().unwrap_or_default();
        // The last '@' ends the credentials: a password may hold an unescaped one.
        match place.rsplit_once('@') {
            Some((credentials, host)) => {
                let user = credentials.split(':').next().unwrap_or_default();
                write!(f, "{scheme}://{user}:(hidden)@{host}")
            }
            None => write!(f, "{scheme}://{place}"),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::{DatabaseUrl, Secret};

    #[test]
    fn secrets_do_not_show() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".into())), "(hidden)");
    }

    #[test]
    fn an_address_shows_no_password() {
        for text in [
            "postgres://app:hunter2@db:5432/orders",
            "postgres://app:hu@nter2@db:5432/orders?password=hunter2",
            "postgres://app@db:5432/orders?password=hunter2",
        ] {
            let url = DatabaseUrl::parse(text).unwrap();
            for shown in [format!("{url}"), format!("{url:?}")] {
                assert_eq!(shown, "postgres://app:(hidden)@db:5432/orders");
            }
            assert_eq!(url.expose(), text);
        }
    }

    #[test]
    fn other_schemes_are_refused_without_repeating_them() {
        let error = DatabaseUrl::parse("mysql://app:hunter2@db").unwrap_err();
        assert!(!error.contains("hunter2"));
        assert!(DatabaseUrl::parse("sqlite://").is_err());
    }
}
