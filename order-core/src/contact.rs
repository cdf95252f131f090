//! Whom to write to about an order.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    limits, text,
    violation::{Violations, reason},
};

/// A contact as a caller wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ContactDraft {
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Telephone number; may be empty.
    pub phone: String,
}

/// A complete contact. Outside this crate it comes from [`ContactDraft::parse`] or from where it was stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Contact {
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: Email,
    /// Telephone number, if given.
    pub phone: Option<Phone>,
}

impl Contact {
    /// Puts together what was checked part by part, or stored.
    #[must_use]
    pub const fn from_parts(name: String, email: Email, phone: Option<Phone>) -> Self {
        Self { name, email, phone }
    }
}

impl ContactDraft {
    /// Checks a contact; `None` after a violation, all of which are pushed below `path`.
    pub fn parse(self, path: &str, violations: &mut Violations) -> Option<Contact> {
        let name = text::NAME.check(&self.name, &format!("{path}.name"), violations);
        let email = Email::check(&self.email, &format!("{path}.email"), violations);
        let phone = match self.phone.trim() {
            "" => Some(None),
            text => Phone::parse(text)
                .map(Some)
                .map_err(|error| violations.push(format!("{path}.phone"), reason::MALFORMED, error.to_string()))
                .ok(),
        };
        Some(Contact { name: name?, email: email?, phone: phone? })
    }
}

/// An e-mail address whose domain is in lower case. What stands before the @ is kept: only its host knows what it means.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

/// The text is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address such as ada@example.com, of at most {} characters", limits::EMAIL_CHARS)]
pub struct EmailError;

impl Email {
    /// Takes an address that a mail server would, without the rarities of the standard (quotes, comments, hosts without a
    /// dot): whoever types one of those has most likely mistyped. Blanks around it are dropped.
    ///
    /// # Errors
    /// [`EmailError`].
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let (local, domain) = text.trim().split_once('@').ok_or(EmailError)?;
        let domain = domain.to_lowercase();
        // The standard counts octets, not characters.
        let fits = local.len() <= limits::EMAIL_LOCAL_CHARS && local.len() + 1 + domain.len() <= limits::EMAIL_CHARS;
        if fits && is_local_part(local) && is_domain(&domain) {
            Ok(Self(format!("{local}@{domain}")))
        } else {
            Err(EmailError)
        }
    }

    /// Like [`parse`](Self::parse), for a required field of a request.
    pub fn check(text: &str, field: &str, violations: &mut Violations) -> Option<Self> {
        if text.trim().is_empty() {
            violations.push(field, reason::REQUIRED, "must not be empty");
            return None;
        }
        Self::parse(text).map_err(|error| violations.push(field, reason::MALFORMED, error.to_string())).ok()
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_local_part(local: &str) -> bool {
    let dots_fit = local.split('.').all(|part| !part.is_empty());
    let clean = |c: char| !c.is_control() && !c.is_whitespace() && !r#"@<>()[],;:\""#.contains(c);
    dots_fit && local.chars().all(clean)
}

fn is_domain(domain: &str) -> bool {
    let labels: Vec<&str> = domain.split('.').collect();
    let is_label = |label: &&str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let names_a_host = labels.last().is_some_and(|top| top.len() > 1 && !top.bytes().all(|byte| byte.is_ascii_digit()));
    labels.len() > 1 && names_a_host && labels.iter().all(is_label)
}

/// A telephone number as a person wrote it, with enough digits and not too many (E.164: at most 15).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Phone(String);

/// The text is no telephone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a telephone number such as +1 555 010 4477, with 5 to 15 digits")]
pub struct PhoneError;

impl Phone {
    /// Takes 5 to 15 digits, perhaps after a plus, with blanks, dashes, dots, slashes and brackets anywhere between.
    ///
    /// # Errors
    /// [`PhoneError`].
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        let text = text.trim();
        let after_plus = text.strip_prefix('+').unwrap_or(text);
        let clean = after_plus.chars().all(|c| c.is_ascii_digit() || " -./()".contains(c));
        let digits = after_plus.bytes().filter(u8::is_ascii_digit).count();
        let fits = (5..=15).contains(&digits) && text.len() <= limits::PHONE_CHARS;
        if clean && fits { Ok(Self(text.to_owned())) } else { Err(PhoneError) }
    }

    /// The number.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_people_have_are_taken() {
        let longest_local = format!("{}@example.com", "x".repeat(64));
        let good = [
            "ada@example.com",
            "a.b+c@mail.example.co.uk",
            "o'neil@example.com",
            "x@y.io",
            "jörg@bücher.example",
            &longest_local,
        ];
        for text in good {
            assert_eq!(Email::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(Email::parse(" Ada@EXAMPLE.Com ").unwrap().as_str(), "Ada@example.com");
    }

    #[test]
    fn what_is_mistyped_is_refused() {
        let long_local = format!("{}@example.com", "x".repeat(65));
        let long = format!("a@{}.com", ["x".repeat(60).as_str(); 5].join("."));
        let wrong = [
            "",
            "@",
            "ada",
            "ada@",
            "@example.com",
            "ada@@example.com",
            "ada@b@example.com",
            "ada@example",
            "ada@.com",
            "ada@example.",
            "ada@example..com",
            ".ada@example.com",
            "ada.@example.com",
            "a..b@example.com",
            "a b@example.com",
            "ada@exa mple.com",
            "Ada <ada@example.com>",
            "ada@-example.com",
            "ada@127.0.0.1",
            "ada@example.c",
            "a\0b@example.com",
            "ada@example.com\nbcc: all@example.com",
            "a,b@example.com",
            &long_local,
            &long,
        ];
        for text in wrong {
            assert_eq!(Email::parse(text), Err(EmailError), "{text:?}");
        }
    }

    #[test]
    fn telephone_numbers_are_taken_as_people_write_them() {
        for good in ["+1 555 010 4477", "(030) 12345-67", "112 34", "+49/30/1234567"] {
            assert_eq!(Phone::parse(good).unwrap().as_str(), good);
        }
        for wrong in ["", "1234", "+1 555 CALL NOW", "1234567890123456", "1+23456", "+++++", &" 1".repeat(17)] {
            assert_eq!(Phone::parse(wrong), Err(PhoneError), "{wrong}");
        }
    }

    #[test]
    fn every_violation_of_a_contact_is_named() {
        let mut violations = Violations::new();
        let draft = ContactDraft { name: String::new(), email: "nobody".into(), phone: "call me".into() };
        assert_eq!(draft.parse("contact", &mut violations), None);
        let named: Vec<_> = violations.iter().map(|v| (v.field.as_str(), v.reason)).collect();
        let expected = [
            ("contact.name", reason::REQUIRED),
            ("contact.email", reason::MALFORMED),
            ("contact.phone", reason::MALFORMED),
        ];
        assert_eq!(named, expected);
    }

    #[test]
    fn the_telephone_number_is_optional() {
        let draft = ContactDraft { name: "Ada".into(), email: "ada@example.com".into(), phone: " ".into() };
        assert_eq!(draft.parse("contact", &mut Violations::new()).unwrap().phone, None);
    }
}
