//! The keys of others that sign tokens: a JSON Web Key Set (RFC 7517), in a file or at an address.
//!
//! The set is read anew now and then, and when a token names a key that is not in it, but not for every such token: whoever sends garbage
//! is not to have us ask. A set that cannot be read, or holds no key for us, changes nothing: the last good one counts.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::Uri;
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use tokio::{sync::Notify, time::sleep};

use crate::outbound::Http;

/// How often the set is read anew.
const REFRESH: Duration = Duration::from_secs(300);
/// Between two readings, at least.
const REFRESH_MIN: Duration = Duration::from_secs(30);
/// Between two tries while there has not been any set.
const RETRY: Duration = Duration::from_secs(1);
/// How long an address may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// A set is no larger.
const BYTES_MAX: usize = 256 * 1024;

/// Where a set is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwksSource {
    /// In a file.
    File(PathBuf),
    /// At an address.
    Url(Uri),
}

/// A key, and the one algorithm that it is good for: what a token says of itself decides nothing.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

/// Keys by their names.
type Keys = HashMap<String, Key>;

/// A key set, kept fresh by [`keep_fresh`](Self::keep_fresh).
pub struct Jwks {
    source: JwksSource,
    keys: RwLock<Arc<Keys>>,
    wanted: Notify,
    /// How often it was read.
    readings: AtomicU64,
}

impl Jwks {
    /// A set without keys, until it is read.
    #[must_use]
    pub fn new(source: JwksSource) -> Self {
        Self { source, keys: RwLock::default(), wanted: Notify::new(), readings: AtomicU64::new(0) }
    }

    /// Reads the set whenever that is due, for as long as it is polled.
    pub async fn keep_fresh(&self) {
        let http = Http::new();
        loop {
            match self.read(&http).await.and_then(|text| keys(&text)) {
                Ok(keys) => {
                    *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                    self.readings.fetch_add(1, Ordering::Release);
                }
                Err(error) => tracing::error!(error, "the key set cannot be read; the last good one counts"),
            }
            if self.current().is_empty() {
                sleep(RETRY).await;
                continue;
            }
            sleep(REFRESH_MIN).await;
            // Also by a token that came meanwhile.
            drop(tokio::time::timeout(REFRESH - REFRESH_MIN, self.wanted.notified()).await);
        }
    }

    /// How often it was read: what was judged before the last reading has to be judged again.
    pub(super) fn readings(&self) -> u64 {
        self.readings.load(Ordering::Acquire)
    }

    async fn read(&self, http: &Http) -> Result<String, String> {
        match &self.source {
            JwksSource::Url(address) => http.text(address, BYTES_MAX, ANSWER).await,
            JwksSource::File(path) => tokio::fs::read_to_string(path).await.map_err(|error| error.to_string()),
        }
    }

    fn current(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The key that a token names; one that names none means the only one there is. Has the set read anew where there is no such key.
    pub(super) fn find(&self, name: Option<&str>) -> Option<Key> {
        let keys = self.current();
        let found = match name {
            Some(name) => keys.get(name),
            None => keys.values().next().filter(|_| keys.len() == 1),
        };
        if found.is_none() {
            self.wanted.notify_one();
        }
        found.cloned()
    }
}

impl std::fmt::Debug for Jwks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jwks").field("source", &self.source).field("keys", &self.current().len()).finish()
    }
}

/// Judges a set without keeping it.
///
/// # Errors
/// What is wrong with it.
pub fn check(text: &str) -> Result<(), String> {
    keys(text).map(drop)
}

/// The keys of a set that are good for us. Others may be in it: they are for somebody else.
fn keys(text: &str) -> Result<Keys, String> {
    let set: JwkSet = serde_json::from_str(text).map_err(|error| format!("is no JSON Web Key Set: {error}"))?;
    let keys: Keys = set.keys.iter().filter_map(key).collect();
    if keys.is_empty() { Err("holds no key for RS256, ES256 or EdDSA".to_owned()) } else { Ok(keys) }
}

fn key(jwk: &Jwk) -> Option<(String, Key)> {
    let signs = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    // Never a shared secret: in a set that others read it would be none.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "curves and kinds of keys that are not for us, whatever may be added"
    )]
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    let is_for_us = signs && jwk.common.key_algorithm.is_none_or(|given| given == named);
    let decoding = DecodingKey::from_jwk(jwk).ok().filter(|_| is_for_us)?;
    Some((jwk.common.key_id.clone().unwrap_or_default(), Key { algorithm, decoding }))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        auth::{Principal, verify::Tokens},
        config::{IdentityConfig, KeySource},
        error::Reason,
    };

    /// What PKCS #8 (RFC 5208) has before the 32 bytes of a private key.
    const ED25519: &str = "302e020100300506032b657004220420";
    const P256: &str = "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420";

    /// Somebody who makes tokens.
    struct Signer {
        algorithm: Algorithm,
        name: &'static str,
        encoding: EncodingKey,
    }

    impl Signer {
        fn new(algorithm: Algorithm, name: &'static str) -> Self {
            let prefix = if algorithm == Algorithm::ES256 { P256 } else { ED25519 };
            let mut der: Vec<u8> =
                (0..prefix.len()).step_by(2).map(|at| u8::from_str_radix(&prefix[at..at + 2], 16).unwrap()).collect();
            let mut secret = [0; 32];
            getrandom::fill(&mut secret).unwrap();
            // Below the order of the curve, whatever was drawn.
            secret[0] = 1;
            der.extend(secret);
            let encoding = if algorithm == Algorithm::ES256 {
                EncodingKey::from_ec_der(&der)
            } else {
                EncodingKey::from_ed_der(&der)
            };
            Self { algorithm, name, encoding }
        }

        fn public(&self) -> Value {
            let mut jwk = Jwk::from_encoding_key(&self.encoding, self.algorithm).unwrap();
            jwk.common.key_id = Some(self.name.to_owned());
            serde_json::to_value(jwk).unwrap()
        }

        fn sign(&self, name: Option<&str>) -> String {
            let header = Header { kid: name.map(str::to_owned), ..Header::new(self.algorithm) };
            jsonwebtoken::encode(&header, &claims(), &self.encoding).unwrap()
        }
    }

    fn claims() -> Value {
        let exp = jsonwebtoken::get_current_timestamp() + 600;
        json!({"sub": "42", "role": "service", "exp": exp, "iss": "us", "aud": "orders"})
    }

    fn set(signers: &[&Signer]) -> String {
        json!({"keys": signers.iter().map(|signer| signer.public()).collect::<Vec<_>>()}).to_string()
    }

    fn tokens(source: JwksSource) -> Tokens {
        let key = KeySource::Set(source);
        Tokens::load(&IdentityConfig { key, issuer: "us".into(), audience: "orders".into() }).unwrap()
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    /// The tokens of a file, kept fresh.
    fn kept(file: &tempfile::NamedTempFile) -> Arc<Tokens> {
        let tokens = Arc::new(tokens(JwksSource::File(file.path().to_owned())));
        let keys = tokens.set().unwrap();
        tokio::spawn(async move { keys.keep_fresh().await });
        tokens
    }

    async fn becomes_good(tokens: &Tokens, token: &str) {
        for _ in 0..200 {
            if tokens.verify(token).is_ok() {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
        panic!("the token is never accepted");
    }

    fn reason(tokens: &Tokens, token: &str) -> Reason {
        tokens.verify(token).unwrap_err().reason()
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_judged_by_the_key_that_it_names_and_by_nothing_else() {
        let (one, other) = (Signer::new(Algorithm::ES256, "one"), Signer::new(Algorithm::EdDSA, "other"));
        let file = file(&set(&[&one, &other]));
        let tokens = kept(&file);
        becomes_good(&tokens, &one.sign(Some("one"))).await;
        assert_eq!(tokens.verify(&other.sign(Some("other"))).unwrap(), Principal::Service { id: "42".into() });
        assert_eq!(
            tokens.issue(&crate::auth::verify::Subject {
                id: "42".into(),
                role: crate::auth::Role::Admin,
                email: None,
                name: None,
                ttl: Duration::from_secs(60),
            }),
            None,
            "others make them"
        );
        // The name of another key; none, where there are several; the public key taken for a secret.
        let public = other.public()["x"].as_str().unwrap().to_owned();
        let secret = EncodingKey::from_secret(public.as_bytes());
        let header = Header { kid: Some("other".into()), ..Header::new(Algorithm::HS256) };
        let forged = jsonwebtoken::encode(&header, &claims(), &secret).unwrap();
        for wrong in [one.sign(Some("other")), other.sign(Some("one")), one.sign(None), one.sign(Some("")), forged] {
            assert_eq!(reason(&tokens, &wrong), Reason::TokenInvalid);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn keys_are_replaced_while_it_runs_and_a_broken_set_changes_nothing() {
        let (old, new) = (Signer::new(Algorithm::ES256, "old"), Signer::new(Algorithm::ES256, "new"));
        let file = file(&set(&[&old]));
        let tokens = kept(&file);
        becomes_good(&tokens, &old.sign(None)).await;
        for broken in ["", "{}", r#"{"keys": []}"#] {
            std::fs::write(file.path(), broken).unwrap();
            sleep(REFRESH * 2).await;
            assert!(tokens.verify(&old.sign(Some("old"))).is_ok(), "{broken}");
        }
        std::fs::write(file.path(), set(&[&new])).unwrap();
        let token = new.sign(Some("new"));
        assert_eq!(reason(&tokens, &token), Reason::TokenInvalid, "not known yet");
        becomes_good(&tokens, &token).await;
        assert_eq!(reason(&tokens, &old.sign(Some("old"))), Reason::TokenInvalid);
    }

    #[tokio::test]
    async fn a_set_is_read_from_an_address() {
        let signer = Signer::new(Algorithm::EdDSA, "remote");
        let text = set(&[&signer]);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/keys", listener.local_addr().unwrap());
        let router = axum::Router::new().route("/keys", axum::routing::get(move || async move { text }));
        let tokens = tokens(JwksSource::Url(address.parse().unwrap()));
        let keys = tokens.set().unwrap();
        tokio::spawn(async move { keys.keep_fresh().await });
        // It is not there at the beginning.
        assert_eq!(reason(&tokens, &signer.sign(None)), Reason::TokenInvalid);
        tokio::spawn(async move { axum::serve(listener, router).await });
        becomes_good(&tokens, &signer.sign(None)).await;
    }

    #[test]
    fn keys_that_are_not_for_us_do_not_count() {
        let signer = Signer::new(Algorithm::ES256, "one");
        let mut for_encryption = signer.public();
        for_encryption["use"] = json!("enc");
        let mut of_another_algorithm = signer.public();
        of_another_algorithm["alg"] = json!("ES384");
        let secret = json!({"kty": "oct", "kid": "one", "k": "AAAA"});
        for other in [for_encryption, of_another_algorithm, secret] {
            let text = json!({"keys": [other]}).to_string();
            assert!(check(&text).unwrap_err().contains("holds no key"), "{other}");
            assert!(keys(&json!({"keys": [other, signer.public()]}).to_string()).unwrap().len() == 1);
        }
        let rsa = json!({"kty": "RSA", "n": "sXch", "e": "AQAB", "kid": "r"});
        assert_eq!(keys(&json!({"keys": [rsa]}).to_string()).unwrap()["r"].algorithm, Algorithm::RS256);
    }
}
