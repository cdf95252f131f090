//! Values that must never be seen.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};

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

/// A key that messages to others are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

impl SigningKey {
    /// Reads `whsec_` and base64 of 24 to 64 bytes, as Standard Webhooks has it.
    ///
    /// # Errors
    /// A text that names what is wrong and does not repeat the key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let encoded = text.strip_prefix("whsec_").ok_or("must begin with whsec_")?;
        let bytes = BASE64_STANDARD.decode(encoded).map_err(|_not_base64| "must be base64 behind whsec_")?;
        if (24..=64).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err("must hold 24 to 64 bytes".to_owned()) }
    }

    /// The key itself. Whoever calls this must not print, log or return it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SigningKey {
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
        f.write_str(&without_password(self.expose()))
    }
}

fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("parse demanded a scheme");
    let place = rest.split(['?', '#']).next().unwrap_or_default();
    // The last '@' ends the credentials: a password may hold an unescaped one.
    match place.rsplit_once('@') {
        Some((credentials, host)) => {
            let user = credentials.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:(hidden)@{host}")
        }
        None => format!("{scheme}://{place}"),
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The address of a Redis. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(Secret);

impl RedisUrl {
    /// Takes an address that the client library understands.
    ///
    /// # Errors
    /// A text that names what is wrong and does not repeat the address, which may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_known = text.starts_with("redis://") || text.starts_with("rediss://");
        // What stands behind `#` would turn the check of certificates off.
        if is_known && !text.contains('#') && redis::Client::open(text).is_ok() {
            return Ok(Self(Secret::new(text.to_owned())));
        }
        Err("must be redis://HOST:PORT or rediss://HOST:PORT, with USER:PASSWORD@ before the host and /NUMBER behind \
             the port where they are needed"
            .to_owned())
    }

    /// The address with its password. Whoever calls this must not print, log or return it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// The address as it may be shown.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(self.expose()))
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::{DatabaseUrl, RedisUrl, Secret, SigningKey};

    #[test]
    fn secrets_do_not_show() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".into())), "(hidden)");
        let key = SigningKey::parse("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz").unwrap();
        assert_eq!((format!("{key:?}").as_str(), key.bytes()), ("(hidden)", &b"012345678901234567890123"[..]));
        for wrong in ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", "whsec_MDEy", "whsec_%"] {
            assert!(!SigningKey::parse(wrong).unwrap_err().contains("MDEy"));
        }
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
    fn the_address_of_a_redis_shows_no_password() {
        for (text, shown) in [
            ("redis://:hunter2@cache:6379/3", "redis://:(hidden)@cache:6379/3"),
            ("rediss://app:hunter2@cache", "rediss://app:(hidden)@cache"),
            ("redis://cache:6379", "redis://cache:6379"),
        ] {
            let url = RedisUrl::parse(text).unwrap();
            assert_eq!((format!("{url}").as_str(), format!("{url:?}").as_str()), (shown, shown));
            assert_eq!(url.expose(), text);
        }
        for wrong in
            ["http://:hunter2@cache", "redis://", "rediss://:hunter2@cache#insecure", "redis://hunter2@h/x", ""]
        {
            let error = RedisUrl::parse(wrong).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn other_schemes_are_refused_without_repeating_them() {
        let error = DatabaseUrl::parse("mysql://app:hunter2@db").unwrap_err();
        assert!(!error.contains("hunter2"));
        assert!(DatabaseUrl::parse("sqlite://").is_err());
    }
}
