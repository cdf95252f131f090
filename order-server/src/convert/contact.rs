//! Contacts.

use order_api::v1;
use order_core::{
    contact::{Contact, ContactDraft, Phone},
    violation::{Violations, reason},
};

/// A contact on the wire.
#[must_use]
pub fn to_proto(contact: &Contact) -> v1::Contact {
    v1::Contact {
        name: contact.name.clone(),
        email: contact.email.to_string(),
        phone: contact.phone.as_ref().map(Phone::to_string).unwrap_or_default(),
    }
}

/// Reads a contact that must be given.
pub fn required(contact: Option<&v1::Contact>, field: &str, violations: &mut Violations) -> Option<Contact> {
    let Some(v1::Contact { name, email, phone }) = contact.cloned() else {
        violations.push(field, reason::REQUIRED, "must be set");
        return None;
    };
    ContactDraft { name, email, phone }.parse(field, violations)
}
