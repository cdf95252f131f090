//! Tokens: JWTs signed with HS256, made and judged.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use order_core::ids::CustomerId;
use serde::{Deserialize, Serialize};

use super::{Principal, Role};
use crate::{
    config::{IdentityConfig, Secret},
    error::{ApiError, Reason},
    recent::Recent,
};

/// By how much the clocks of whoever signs and whoever verifies may differ.
const LEEWAY_SECONDS: u64 = 30;

/// Longer tokens are refused unread; the header list allows 16 KiB in all.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// How many tokens are remembered at least, once they were judged good: the same few callers send the same ones again and again.
const REMEMBERED: usize = 1024;

/// The only algorithm. Pinned, because a verifier that believes the token's own header can be talked into `none`, or
/// into taking a public key for an HMAC secret.
const ALGORITHM: Algorithm = Algorithm::HS256;

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    roles: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// What is added to the claims when a token is made; on the way in the library checks them.
#[derive(Serialize)]
struct Issued<'a> {
    #[serde(flatten)]
    claims: &'a Claims,
    iss: &'a str,
    aud: &'a str,
}

/// Whom a token is made for.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The `sub`.
    pub id: String,
    /// The role.
    pub role: Role,
    /// The e-mail address, for customers.
    pub email: Option<String>,
    /// The name, for customers.
    pub name: Option<String>,
    /// How long the token is good for.
    pub ttl: Duration,
}

/// Makes and judges tokens with one key.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    issuer: String,
    audience: String,
    /// Good tokens: whom they name, and until which second.
    good: Mutex<Recent<String, (Principal, u64)>>,
}

impl Tokens {
    /// Tokens of one issuer, for one audience, under one key.
    #[must_use]
    pub fn new(identity: &IdentityConfig, key: &Secret) -> Self {
        let mut validation = Validation::new(ALGORITHM);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[&identity.issuer]);
        validation.set_audience(&[&identity.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Self {
            encoding: EncodingKey::from_secret(key.expose().as_bytes()),
            decoding: DecodingKey::from_secret(key.expose().as_bytes()),
            validation,
            issuer: identity.issuer.clone(),
            audience: identity.audience.clone(),
            good: Mutex::new(Recent::new(REMEMBERED)),
        }
    }

    /// Makes a token.
    #[must_use]
    pub fn issue(&self, subject: &Subject) -> String {
        let now = jsonwebtoken::get_current_timestamp();
        let claims = Claims {
            sub: subject.id.clone(),
            exp: now.saturating_add(subject.ttl.as_secs()),
            iat: Some(now),
            role: Some(subject.role.as_str().to_owned()),
            roles: Vec::new(),
            email: subject.email.clone(),
            name: subject.name.clone(),
        };
        let issued = Issued { claims: &claims, iss: &self.issuer, aud: &self.audience };
        jsonwebtoken::encode(&Header::new(ALGORITHM), &issued, &self.encoding)
            .expect("claims are plain JSON and HMAC takes any key")
    }

    /// Judges a token and says who it names.
    ///
    /// # Errors
    /// `TOKEN_EXPIRED`; `TOKEN_INVALID` for everything else that is wrong with it; `ROLE_REQUIRED` if it carries none of
    /// our roles.
    pub fn verify(&self, token: &str) -> Result<Principal, ApiError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(invalid("the token is too long"));
        }
        let known = self.good().get(token);
        if let Some((principal, expiry)) = known
            && jsonwebtoken::get_current_timestamp() <= expiry
        {
            return Ok(principal);
        }
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation);
        let claims = decoded.map_err(|error| refusal(error.kind()))?.claims;
        let expiry = claims.exp;
        let principal = principal(claims)?;
        self.good().put(token.to_owned(), (principal.clone(), expiry));
        Ok(principal)
    }

    fn good(&self) -> MutexGuard<'_, Recent<String, (Principal, u64)>> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows neither key.
impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("issuer", &self.issuer).field("audience", &self.audience).finish_non_exhaustive()
    }
}

fn principal(claims: Claims) -> Result<Principal, ApiError> {
    let named: Vec<Role> = claims.role.iter().chain(&claims.roles).filter_map(|name| Role::parse(name)).collect();
    let id = CustomerId::parse(&claims.sub)
        .map_err(|_unfit| invalid("the token's sub is empty, too long or holds characters that no id has"))?;
    // With several roles the one that may do most counts.
    match [Role::Admin, Role::Service, Role::Customer].into_iter().find(|role| named.contains(role)) {
        Some(Role::Admin) => Ok(Principal::Admin { id: claims.sub }),
        Some(Role::Service) => Ok(Principal::Service { id: claims.sub }),
        Some(Role::Customer) => Ok(Principal::Customer { id, email: claims.email, name: claims.name }),
        None => {
            Err(ApiError::new(Reason::RoleRequired, "the token carries none of the roles customer, service and admin"))
        }
    }
}

fn refusal(kind: &ErrorKind) -> ApiError {
    // The library's enum is open; whatever it may add is a token that we cannot accept.
    #[expect(clippy::wildcard_enum_match_arm, reason = "non-exhaustive enum of another crate")]
    match kind {
        ErrorKind::ExpiredSignature => ApiError::new(Reason::TokenExpired, "the token has expired; get a new one"),
        ErrorKind::InvalidSignature => invalid("the token's signature does not fit"),
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName | ErrorKind::UnsupportedAlgorithm => {
            invalid("the token must be signed with HS256")
        }
        ErrorKind::InvalidIssuer => invalid("the token comes from another issuer"),
        ErrorKind::InvalidAudience => invalid("the token is meant for another audience"),
        ErrorKind::ImmatureSignature => invalid("the token is not valid yet"),
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) => {
            invalid("the token must carry well-formed claims exp, iss, aud and sub")
        }
        _ => invalid("the token is not a JWT that can be read"),
    }
}

/// A token that cannot be accepted, and why, for people.
pub fn invalid(why: &'static str) -> ApiError {
    ApiError::new(Reason::TokenInvalid, why)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config::KeySource;

    const KEY: &str = "a key of at least thirty-two bytes, for tests";

    fn tokens(key: &str) -> Tokens {
        let identity = IdentityConfig {
            key: KeySource::Given(Secret::new(key.into())),
            issuer: "us".into(),
            audience: "orders".into(),
        };
        Tokens::new(&identity, &Secret::new(key.into()))
    }

    fn signed(claims: &Value) -> String {
        jsonwebtoken::encode(&Header::new(ALGORITHM), claims, &EncodingKey::from_secret(KEY.as_bytes())).unwrap()
    }

    fn claims() -> Value {
        let exp = jsonwebtoken::get_current_timestamp() + 60;
        json!({"sub": "42", "role": "customer", "exp": exp, "iss": "us", "aud": "orders"})
    }

    fn changed(key: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[key] = value;
        claims
    }

    fn reason(token: &str) -> Reason {
        tokens(KEY).verify(token).unwrap_err().reason()
    }

    #[test]
    fn an_issued_token_names_its_subject() {
        let subject = Subject {
            id: "42".into(),
            role: Role::Customer,
            email: Some("kim@example.com".into()),
            name: Some("Kim".into()),
            ttl: Duration::from_secs(60),
        };
        let principal = tokens(KEY).verify(&tokens(KEY).issue(&subject)).unwrap();
        let expected = Principal::Customer {
            id: CustomerId::parse("42").unwrap(),
            email: Some("kim@example.com".into()),
            name: Some("Kim".into()),
        };
        assert_eq!(principal, expected);
    }

    #[test]
    fn the_strongest_of_several_roles_counts() {
        let token = signed(&changed("roles", json!(["viewer", "service", "admin"])));
        assert_eq!(tokens(KEY).verify(&token).unwrap(), Principal::Admin { id: "42".into() });
    }

    #[test]
    fn expiry_is_told_apart_and_has_a_small_leeway() {
        let now = jsonwebtoken::get_current_timestamp();
        assert_eq!(reason(&signed(&changed("exp", json!(now - 45)))), Reason::TokenExpired);
        assert!(tokens(KEY).verify(&signed(&changed("exp", json!(now - 15)))).is_ok());
    }

    #[test]
    fn a_token_is_remembered_until_it_expires() {
        let (tokens, now) = (tokens(KEY), jsonwebtoken::get_current_timestamp());
        let remembered = Principal::Service { id: "remembered".into() };
        let [good, over] = [now + 60, now - 45].map(|exp| (signed(&changed("exp", json!(exp))), exp));
        for (token, exp) in [&good, &over] {
            tokens.good().put(token.clone(), (remembered.clone(), *exp));
        }
        assert_eq!(tokens.verify(&good.0).unwrap(), remembered, "nobody looks at it again");
        assert_eq!(tokens.verify(&over.0).unwrap_err().reason(), Reason::TokenExpired);
    }

    #[test]
    fn unfit_claims_are_refused() {
        let future = jsonwebtoken::get_current_timestamp() + 600;
        for (claim, value) in [
            ("iss", json!("them")),
            ("aud", json!("payments")),
            ("sub", json!("")),
            ("sub", json!("a b")),
            ("sub", json!("x".repeat(500))),
            ("exp", json!("tomorrow")),
            ("exp", json!(null)),
            ("iss", json!(null)),
            ("aud", json!(null)),
            ("nbf", json!(future)),
        ] {
            assert_eq!(reason(&signed(&changed(claim, value.clone()))), Reason::TokenInvalid, "{claim} {value}");
        }
    }

    #[test]
    fn a_token_without_a_role_of_ours_may_nothing() {
        assert_eq!(reason(&signed(&changed("role", json!("root")))), Reason::RoleRequired);
        assert_eq!(reason(&signed(&changed("role", json!(null)))), Reason::RoleRequired);
    }

    #[test]
    fn garbage_and_foreign_keys_are_refused() {
        for token in ["", ".", "..", "a.b.c", "not a token", &"x".repeat(TOKEN_BYTES_MAX + 1)] {
            assert_eq!(reason(token), Reason::TokenInvalid);
        }
        let foreign = jsonwebtoken::encode(&Header::new(ALGORITHM), &claims(), &EncodingKey::from_secret(b"other"));
        assert_eq!(reason(&foreign.unwrap()), Reason::TokenInvalid);
    }
}
