//! Postal addresses.

use order_api::v1;
use order_core::{
    address::{Address, AddressDraft},
    violation::{Violations, reason},
};

/// An address on the wire.
#[must_use]
pub fn to_proto(address: &Address) -> v1::Address {
    v1::Address {
        recipient: address.recipient.clone(),
        line1: address.line1.clone(),
        line2: address.line2.clone(),
        city: address.city.clone(),
        region: address.region.clone(),
        postal_code: address.postal_code.clone(),
        country_code: address.country_code.to_string(),
    }
}

/// Reads an address that must be given.
pub fn required(address: Option<&v1::Address>, field: &str, violations: &mut Violations) -> Option<Address> {
    let Some(address) = address.cloned() else {
        violations.push(field, reason::REQUIRED, "must be set");
        return None;
    };
    let draft = AddressDraft {
        recipient: address.recipient,
        line1: address.line1,
        line2: address.line2,
        city: address.city,
        region: address.region,
        postal_code: address.postal_code,
        country_code: address.country_code,
    };
    draft.parse(field, violations)
}

/// Reads an address that may be left out.
pub fn optional(address: Option<&v1::Address>, field: &str, violations: &mut Violations) -> Option<Option<Address>> {
    if address.is_none() { Some(None) } else { required(address, field, violations).map(Some) }
}
