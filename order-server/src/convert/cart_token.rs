//! Cart tokens: what a guest shows instead of a name.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use order_core::{
    cart::GuestKey,
    violation::{Violations, reason},
};
use sha2::{Digest, Sha256};

use crate::error::ApiError;

/// Bytes of randomness: nobody guesses 256 bits.
const TOKEN_BYTES: usize = 32;

/// A token that was just minted. Its text is shown once; only its digest is kept.
pub struct CartToken {
    text: String,
    key: GuestKey,
}

impl CartToken {
    /// Draws a token.
    ///
    /// # Errors
    /// `INTERNAL` if the operating system has no randomness to give.
    pub fn mint() -> Result<Self, ApiError> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| ApiError::internal(&error))?;
        Ok(Self { text: BASE64_URL_SAFE_NO_PAD.encode(bytes), key: digest(&bytes) })
    }

    /// The text, to be shown to the guest and nobody else.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }

    /// The digest, under which the cart is stored.
    #[must_use]
    pub const fn key(&self) -> GuestKey {
        self.key
    }
}

/// Reads a token that may be left out.
pub fn optional(text: &str, violations: &mut Violations) -> Option<Option<GuestKey>> {
    if text.is_empty() {
        return Some(None);
    }
    let key = parse(text);
    if key.is_none() {
        violations.push("cart_token", reason::MALFORMED, "must be a cart_token as this service gave it");
    }
    key.map(Some)
}

/// Reads a token that must be given.
pub fn required(text: &str, violations: &mut Violations) -> Option<GuestKey> {
    if text.is_empty() {
        violations.push("cart_token", reason::REQUIRED, "must not be empty");
        return None;
    }
    optional(text, violations).flatten()
}

fn parse(text: &str) -> Option<GuestKey> {
    // A bound before the decoder: base64 of 32 bytes has 43 characters.
    let fits = text.len() == TOKEN_BYTES.div_ceil(3) * 4 - 1;
    let bytes = fits.then(|| BASE64_URL_SAFE_NO_PAD.decode(text).ok()).flatten()?;
    (bytes.len() == TOKEN_BYTES).then(|| digest(&bytes))
}

fn digest(bytes: &[u8]) -> GuestKey {
    GuestKey(Sha256::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_to_its_key_and_no_two_are_the_same() {
        let [one, other] = [(); 2].map(|()| CartToken::mint().unwrap());
        assert_ne!(one.key(), other.key());
        let key = one.key();
        assert_eq!(optional(&one.into_text(), &mut Violations::new()), Some(Some(key)));
    }

    #[test]
    fn garbage_is_no_token() {
        let token = CartToken::mint().unwrap().into_text();
        for garbage in ["x", &token[1..], &format!("{token}A"), &token.replace(&token[..1], "%"), &"A".repeat(10_000)] {
            let mut violations = Violations::new();
            assert_eq!(optional(garbage, &mut violations), None, "{garbage}");
            assert_eq!(violations.iter().next().unwrap().field, "cart_token");
        }
        assert_eq!(optional("", &mut Violations::new()), Some(None));
        assert_eq!(required("", &mut Violations::new()), None);
    }
}
