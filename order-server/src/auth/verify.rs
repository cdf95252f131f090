//! Tokens: JWTs, made and judged with a shared secret (HS256), or judged by the public keys of whoever makes them.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use order_core::ids::CustomerId;
use serde::{Deserialize, Serialize};

use super::{
    Principal, Role,
    jwks::Jwks,
    key::{self, KeyError},
};
use crate::{
    config::{IdentityConfig, KeySource, Secret},
    error::{ApiError, Reason},
    recent::Recent,
};

/// By how much the clocks of whoever signs and whoever verifies may differ.
const LEEWAY_SECONDS: u64 = 30;

/// Longer tokens are refused unread; the header list allows 16 KiB in all.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// How many tokens are remembered at least, once they were judged good: the same few callers send the same ones again and again.
const REMEMBERED: usize = 1024;

/// The only algorithm of a secret. Pinned, as every public key has its own, because a verifier that believes the token's own header can be
/// talked into `none`, or into taking a public key for an HMAC secret.
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

/// What tokens are judged by; never both.
enum Trust {
    /// A secret, by which they can be made as well.
    Secret(EncodingKey, DecodingKey),
    /// The keys of others.
    Set(Arc<Jwks>),
}

/// What is remembered of a good token.
#[derive(Clone)]
struct Good {
    principal: Principal,
    /// Until which second.
    expiry: u64,
    /// By which reading of the key set.
    reading: u64,
}

/// Makes and judges tokens.
pub struct Tokens {
    trust: Trust,
    validation: Validation,
    issuer: String,
    audience: String,
    /// Good tokens.
    good: Mutex<Recent<String, Good>>,
}

impl Tokens {
    /// Tokens of one issuer, for one audience, under the configured key.
    ///
    /// # Errors
    /// A generated key cannot be read or made.
    pub fn load(identity: &IdentityConfig) -> Result<Self, KeyError> {
        match &identity.key {
            KeySource::Set(source) => Ok(Self::of(identity, Trust::Set(Arc::new(Jwks::new(source.clone()))))),
            KeySource::Given(secret) => Ok(Self::new(identity, secret)),
            KeySource::Generated(path) => Ok(Self::new(identity, &key::load(path)?)),
        }
    }

    /// Tokens of one issuer, for one audience, under one secret.
    #[must_use]
    pub fn new(identity: &IdentityConfig, key: &Secret) -> Self {
        let bytes = key.expose().as_bytes();
        Self::of(identity, Trust::Secret(EncodingKey::from_secret(bytes), DecodingKey::from_secret(bytes)))
    }

    fn of(identity: &IdentityConfig, trust: Trust) -> Self {
        let mut validation = Validation::new(ALGORITHM);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[&identity.issuer]);
        validation.set_audience(&[&identity.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Self {
            trust,
            validation,
            issuer: identity.issuer.clone(),
            audience: identity.audience.clone(),
            good: Mutex::new(Recent::new(REMEMBERED)),
        }
    }

    /// The key set that has to be kept fresh, if tokens are judged by one.
    #[must_use]
    pub fn set(&self) -> Option<Arc<Jwks>> {
        match &self.trust {
            Trust::Set(set) => Some(Arc::clone(set)),
            Trust::Secret(..) => None,
        }
    }

    /// Makes a token; `None` where others make them.
    #[must_use]
    pub fn issue(&self, subject: &Subject) -> Option<String> {
        let Trust::Secret(encoding, _) = &self.trust else { return None };
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
        let token = jsonwebtoken::encode(&Header::new(ALGORITHM), &issued, encoding);
        Some(token.expect("claims are plain JSON and HMAC takes any key"))
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
        // Asked for first: should the set be read meanwhile, the token is judged once more.
        let reading = self.reading();
        let known = self.good().get(token);
        if let Some(known) = known
            && jsonwebtoken::get_current_timestamp() <= known.expiry
            && known.reading == reading
        {
            return Ok(known.principal);
        }
        let claims = self.decode(token)?;
        let expiry = claims.exp;
        let principal = principal(claims)?;
        self.good().put(token.to_owned(), Good { principal: principal.clone(), expiry, reading });
        Ok(principal)
    }

    fn decode(&self, token: &str) -> Result<Claims, ApiError> {
        let judged = |key: &DecodingKey, validation: &Validation| {
            let decoded = jsonwebtoken::decode::<Claims>(token, key, validation);
            decoded.map(|decoded| decoded.claims).map_err(|error| refusal(error.kind()))
        };
        match &self.trust {
            Trust::Secret(_, decoding) => judged(decoding, &self.validation),
            Trust::Set(set) => {
                let header = jsonwebtoken::decode_header(token).map_err(|error| refusal(error.kind()))?;
                let key = set.find(header.kid.as_deref());
                let key =
                    key.ok_or_else(|| invalid("the token names no key that is known here; it may be in a moment"))?;
                let mut validation = self.validation.clone();
                validation.algorithms = vec![key.algorithm];
                judged(&key.decoding, &validation)
            }
        }
    }

    fn reading(&self) -> u64 {
        match &self.trust {
            Trust::Secret(..) => 0,
            Trust::Set(set) => set.readings(),
        }
    }

    fn good(&self) -> MutexGuard<'_, Recent<String, Good>> {
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
            invalid("the token must be signed with the algorithm of its key")
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
        let principal = tokens(KEY).verify(&tokens(KEY).issue(&subject).unwrap()).unwrap();
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
            let good = Good { principal: remembered.clone(), expiry: *exp, reading: 0 };
            tokens.good().put(token.clone(), good);
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
