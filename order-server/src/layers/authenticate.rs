//! Finds out who calls, from `authorization: Bearer TOKEN`.
//!
//! No token means a guest, and authorization decides what that is worth. A token that is sent must be good: a caller whose
//! token has expired shall hear so instead of becoming a guest.

use std::sync::Arc;

use http::header::AUTHORIZATION;

use super::{Request, gate::Gate, observe::Call};
use crate::{
    auth::{
        Principal,
        access::Access,
        verify::{Tokens, invalid},
    },
    error::ApiError,
};

/// See the module.
#[derive(Debug)]
pub struct Authenticate {
    tokens: Arc<Tokens>,
}

impl Authenticate {
    /// Believes these tokens.
    #[must_use]
    pub const fn new(tokens: Arc<Tokens>) -> Self {
        Self { tokens }
    }

    fn principal(&self, request: &Request) -> Result<Principal, ApiError> {
        let mut headers = request.headers().get_all(AUTHORIZATION).iter();
        match (headers.next(), headers.next()) {
            (None, _) => Ok(Principal::Guest),
            (Some(header), None) => self.tokens.verify(bearer(header)?),
            (Some(_), Some(_)) => Err(invalid("authorization was sent more than once")),
        }
    }
}

impl Gate for Authenticate {
    fn check(&self, request: &mut Request) -> Result<(), ApiError> {
        let public = super::method(request).is_some_and(|method| method.access == Access::Public);
        let principal = if public { Principal::Guest } else { self.principal(request)? };
        if let Some(call) = request.extensions().get::<Arc<Call>>() {
            call.identify(&principal);
        }
        request.extensions_mut().insert(principal);
        Ok(())
    }
}

fn bearer(header: &http::HeaderValue) -> Result<&str, ApiError> {
    let text = header.to_str().unwrap_or_default();
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(invalid("authorization must be `Bearer TOKEN`")),
    }
}
