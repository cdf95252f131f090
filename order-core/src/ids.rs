//! Identities. Each can only be built valid, and each is its own type, so that none can be passed for another.
//!
//! Identity is a UUIDv7 wherever we mint it: its leading 48 bits are the time, so new rows land side by side in an index
//! (random keys cost many times the write-ahead log right after a checkpoint).

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::limits;

/// Why a text is no identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not the 36 characters of a UUID.
    #[error("must be a UUID such as 018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f01")]
    NotUuid,
    /// Empty, too long, or with characters outside the allowed set.
    #[error("must be 1 to {max} characters out of letters, digits and . _ : @ + -")]
    NotKey {
        /// The longest allowed, in characters.
        max: usize,
    },
    /// Not the code of a coupon.
    #[error(
        "must be {} to {} characters out of letters, digits, - and _",
        limits::COUPON_CODE_CHARS_MIN,
        limits::COUPON_CODE_CHARS
    )]
    NotCouponCode,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps an identity that was minted by an id source or read back from the store.
            #[must_use]
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Parses the hyphenated form; braces, URNs and bare hex are refused so that one identity has one spelling.
            ///
            /// # Errors
            /// [`IdError::NotUuid`].
            pub fn parse(text: &str) -> Result<Self, IdError> {
                parse_uuid(text).map(Self)
            }

            /// The identity itself.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

fn parse_uuid(text: &str) -> Result<Uuid, IdError> {
    if text.len() != uuid::fmt::Hyphenated::LENGTH {
        return Err(IdError::NotUuid);
    }
    Uuid::try_parse(text).map_err(|_malformed| IdError::NotUuid)
}

uuid_id!(
    /// An order.
    OrderId
);
uuid_id!(
    /// A cart.
    CartId
);
uuid_id!(
    /// A line of a cart.
    CartItemId
);
uuid_id!(
    /// One way in which an order is paid.
    PaymentId
);
uuid_id!(
    /// One request to a payment gateway. Its text is the gateway's idempotency key.
    OperationId
);
uuid_id!(
    /// One request to the service that counts the goods. Its text is the idempotency key.
    InventoryOperationId
);
uuid_id!(
    /// A parcel.
    ShipmentId
);
uuid_id!(
    /// Goods that a customer sends back.
    ReturnId
);
uuid_id!(
    /// The caller's name for one attempt at a change; the same name again means a retry.
    RequestId
);

macro_rules! key_id {
    ($(#[$doc:meta])* $name:ident, $max:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes 1 to the limit's number of letters, digits and `. _ : @ + -`.
            ///
            /// # Errors
            /// [`IdError::NotKey`].
            pub fn parse(text: &str) -> Result<Self, IdError> {
                parse_key(text, $max).map(Self)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn parse_key(text: &str, max: usize) -> Result<String, IdError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._:@+-".contains(c);
    if text.is_empty() || text.len() > max || !text.chars().all(allowed) {
        return Err(IdError::NotKey { max });
    }
    Ok(text.to_owned())
}

key_id!(
    /// A customer, as the identity provider names them (the token's `sub`).
    CustomerId,
    limits::CUSTOMER_ID_CHARS
);
key_id!(
    /// A product of the catalogue.
    ProductId,
    limits::PRODUCT_ID_CHARS
);
key_id!(
    /// A stock keeping unit: what is counted on the shelf.
    Sku,
    limits::SKU_CHARS
);

/// The number people use: `SPK-2026-001001`. Unique, and gapless per prefix and year.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderNumber(String);

impl OrderNumber {
    /// The number of the `counter`-th order of a year.
    #[must_use]
    pub fn new(prefix: &str, year: i16, counter: i64) -> Self {
        Self(format!("{prefix}-{year:04}-{counter:06}"))
    }

    /// Takes what a person typed: trimmed, upper-cased, of an order number's alphabet and length.
    #[must_use]
    pub fn typed(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_uppercase();
        let fits = (1..=limits::ORDER_NUMBER_CHARS).contains(&text.len());
        let clean = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        (fits && clean).then_some(Self(text))
    }

    /// Takes what a person typed, if it looks like a whole number: a prefix, a year, and a counter of at least as many digits as
    /// [`new`](Self::new) writes.
    #[must_use]
    pub fn whole(text: &str) -> Option<Self> {
        let number = Self::typed(text)?;
        let mut parts = number.0.split('-');
        let digits =
            |part: Option<&str>| part.filter(|part| part.bytes().all(|b| b.is_ascii_digit())).map_or(0, str::len);
        let is_whole = parts.next().is_some_and(|prefix| (1..=8).contains(&prefix.len()))
            && digits(parts.next()) == 4
            && digits(parts.next()) >= 6
            && parts.next().is_none();
        is_whole.then_some(number)
    }

    /// Takes back what the store holds.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The code of a coupon, as people pass it on: `SUMMER-10`. Upper and lower case are the same code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CouponCode(String);

impl CouponCode {
    /// Takes what a person typed: trimmed, upper-cased, then 3 to 32 of A-Z, 0-9, `-` and `_`.
    ///
    /// # Errors
    /// [`IdError::NotCouponCode`].
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let text = text.trim().to_ascii_uppercase();
        let fits = (limits::COUPON_CODE_CHARS_MIN..=limits::COUPON_CODE_CHARS).contains(&text.len());
        let clean = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if fits && clean { Ok(Self(text)) } else { Err(IdError::NotCouponCode) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CouponCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One fresh UUIDv7 from which a command mints every identity it needs.
///
/// Commands are decided inside transactions that may be retried; were ids drawn there, each try would leave other ids
/// behind. Successors differ in the last bits only, so they stay side by side in an index as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdSeed(Uuid);

impl IdSeed {
    /// Starts from an identity that is used for nothing else.
    #[must_use]
    pub const fn new(fresh: Uuid) -> Self {
        Self(fresh)
    }

    /// The `n`-th identity of this seed.
    #[must_use]
    pub const fn nth(self, n: u16) -> Uuid {
        // Only the lowest 16 bits change, all of them random in a UUIDv7: version and variant stay in place.
        Uuid::from_u128(self.0.as_u128() ^ (n as u128))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_identity_has_one_spelling() {
        let text = "018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f01";
        assert_eq!(OrderId::parse(text).unwrap().to_string(), text);
        for other in ["", "018f4e9a7b1c7c3e9d2a5b6c7d8e9f01", "{018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f01}", "nonsense"] {
            assert_eq!(OrderId::parse(other), Err(IdError::NotUuid), "{other}");
        }
    }

    #[test]
    fn keys_are_bounded_and_hold_no_blanks() {
        assert!(ProductId::parse("prod_1:a.b-c@d+e").is_ok());
        assert!(ProductId::parse("").is_err());
        assert!(ProductId::parse("a b").is_err());
        assert!(ProductId::parse(&"x".repeat(limits::PRODUCT_ID_CHARS + 1)).is_err());
    }

    #[test]
    fn a_seed_mints_distinct_version_7_identities() {
        let seed = IdSeed::new(Uuid::from_u128(0x018f_4e9a_7b1c_7c3e_9d2a_5b6c_7d8e_9f01));
        let minted: std::collections::BTreeSet<_> = (0..300).map(|n| seed.nth(n)).collect();
        assert_eq!(minted.len(), 300);
        assert!(minted.iter().all(|id| id.get_version_num() == 7));
    }

    #[test]
    fn numbers_are_padded_and_forgive_typing() {
        assert_eq!(OrderNumber::new("SPK", 2026, 1001).as_str(), "SPK-2026-001001");
        assert_eq!(OrderNumber::typed(" spk-2026-001001 ").unwrap().as_str(), "SPK-2026-001001");
        assert_eq!(OrderNumber::typed("a'b"), None);
        assert_eq!(OrderNumber::whole("spk-2026-001001").unwrap().as_str(), "SPK-2026-001001");
        assert!(OrderNumber::whole("SPK-2026-1001001").is_some());
        for part in
            ["SPK-2026-00100", "2026-001001", "SPK-26-001001", "-2026-001001", "SPK-2026-001001-1", "SPK-2026-00100a"]
        {
            assert_eq!(OrderNumber::whole(part), None, "{part}");
        }
    }

    #[test]
    fn a_coupon_code_forgives_case_and_blanks_around_it() {
        assert_eq!(CouponCode::parse(" summer_10-x\n").unwrap().as_str(), "SUMMER_10-X");
        let too_long = "X".repeat(limits::COUPON_CODE_CHARS + 1);
        for wrong in ["", "AB", "A B", "10%OFF", "ÄÖÜ", &too_long] {
            assert_eq!(CouponCode::parse(wrong), Err(IdError::NotCouponCode), "{wrong}");
        }
    }
}
