//! Who is let in: `bad_token_never_reads_an_order` and its neighbours, at the public door.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use order_server::auth::Role;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::fixture::{ADMIN, ECHO, Fixture, GUEST, KEY, UNRULED};

/// Claims that would be good under the right key.
fn claims() -> Value {
    let exp = get_current_timestamp() + 60;
    json!({"sub": "42", "role": "admin", "exp": exp, "iss": "order-server", "aud": "orders"})
}

fn signed(claims: &Value, algorithm: Algorithm, key: &str) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(key.as_bytes())).unwrap()
}

/// A token whose header claims an algorithm, with a signature of our choice.
fn forged(algorithm: &str, signature: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": algorithm, "typ": "JWT"}).to_string());
    format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims().to_string()))
}

fn reason(status: &Status) -> String {
    let info = status.get_details_error_info().expect("every error carries its reason");
    assert_eq!(info.domain, "orders.v1");
    info.reason
}

async fn refused(fixture: &Fixture, authorization: &str) -> (Code, String) {
    let status = fixture.call_with(ECHO, &[("authorization", authorization)]).await.unwrap_err();
    (status.code(), reason(&status))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_token_reaches_the_method_as_its_principal() {
    let fixture = Fixture::start(&[]).await;
    for (role, path, principal) in
        [(Role::Customer, ECHO, "customer:42"), (Role::Service, ECHO, "service:42"), (Role::Admin, ADMIN, "admin:42")]
    {
        let answer = fixture.call_as(role, path).await.unwrap();
        assert_eq!(answer.metadata().get("x-principal").unwrap(), principal);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_token_never_reads_an_order() {
    let fixture = Fixture::start(&[("GUEST_CHECKOUT", "on")]).await;
    let mut stale = claims();
    stale["exp"] = json!(get_current_timestamp() - 3600);
    let good = signed(&claims(), Algorithm::HS256, KEY);
    let tokens = [
        (String::new(), "TOKEN_INVALID"),
        ("garbage".into(), "TOKEN_INVALID"),
        ("a.b.c".into(), "TOKEN_INVALID"),
        ("x".repeat(9000), "TOKEN_INVALID"),
        (signed(&stale, Algorithm::HS256, KEY), "TOKEN_EXPIRED"),
        (signed(&claims(), Algorithm::HS256, "another key of thirty-two bytes and more"), "TOKEN_INVALID"),
        (signed(&claims(), Algorithm::HS512, KEY), "TOKEN_INVALID"),
        (forged("none", ""), "TOKEN_INVALID"),
        (forged("None", ""), "TOKEN_INVALID"),
        (forged("RS256", "AAAA"), "TOKEN_INVALID"),
        (forged("ES256", "AAAA"), "TOKEN_INVALID"),
        (forged("EdDSA", "AAAA"), "TOKEN_INVALID"),
        (forged("HS256", ""), "TOKEN_INVALID"),
        (good[..good.len() - 2].to_owned(), "TOKEN_INVALID"),
    ];
    for (token, expected) in tokens {
        let refusal = refused(&fixture, &format!("Bearer {token}")).await;
        assert_eq!(refusal, (Code::Unauthenticated, expected.to_owned()), "{token}");
    }
    for header in ["", "Bearer", "Basic dXNlcjpwYXNz", good.as_str()] {
        assert_eq!(refused(&fixture, header).await, (Code::Unauthenticated, "TOKEN_INVALID".into()), "{header}");
    }
    assert_eq!(fixture.reached(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_authorization_headers_are_refused() {
    let fixture = Fixture::start(&[]).await;
    let header = format!("Bearer {}", fixture.token(Role::Customer));
    let twice = [("authorization", header.as_str()), ("authorization", header.as_str())];
    let status = fixture.call_with(ECHO, &twice).await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::Unauthenticated, "TOKEN_INVALID".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scheme_is_read_in_any_case() {
    let fixture = Fixture::start(&[]).await;
    let header = format!("bearer {}", fixture.token(Role::Customer));
    fixture.call_with(ECHO, &[("authorization", &header)]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_only_guest_methods_answer_and_only_where_configured() {
    let closed = Fixture::start(&[]).await;
    let open = Fixture::start(&[("GUEST_CHECKOUT", "on")]).await;
    for (fixture, path) in [(&closed, ECHO), (&closed, GUEST), (&closed, ADMIN), (&open, ECHO), (&open, ADMIN)] {
        let status = fixture.call_with(path, &[]).await.unwrap_err();
        assert_eq!((status.code(), reason(&status)), (Code::Unauthenticated, "TOKEN_INVALID".into()), "{path}");
    }
    let answer = open.call_with(GUEST, &[]).await.unwrap();
    assert_eq!(answer.metadata().get("x-principal").unwrap(), "guest");
    assert_eq!(closed.reached(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn admin_methods_need_the_role_admin() {
    let fixture = Fixture::start(&[]).await;
    for role in [Role::Customer, Role::Service] {
        let status = fixture.call_as(role, ADMIN).await.unwrap_err();
        assert_eq!((status.code(), reason(&status)), (Code::PermissionDenied, "ROLE_REQUIRED".into()));
        assert_eq!(status.get_details_error_info().unwrap().metadata["required_role"], "admin");
    }
    assert_eq!(fixture.reached(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_without_a_rule_is_denied_even_to_administrators() {
    let fixture = Fixture::start(&[("GUEST_CHECKOUT", "on")]).await;
    for path in [UNRULED, "/orders.v1.OrderService/GetOrder/", "/orders.v1.orderservice/getorder", "/"] {
        let status = fixture.call_as(Role::Admin, path).await.unwrap_err();
        assert_eq!((status.code(), reason(&status)), (Code::Unimplemented, "METHOD_UNKNOWN".into()), "{path}");
    }
    assert_eq!(fixture.reached(), 0);
}
