//! What browsers can do: gRPC-Web, and CORS.

use std::net::SocketAddr;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use order_api::{prost::Message as _, v1::GetConnectivityResponse};
use order_server::auth::Role;
use order_store::testing::TestDatabase;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::fixture::{ECHO, Fixture, UNRULED};
use crate::world::World;

const SHOP: &str = "https://shop.example.com";

/// An answer: the first line and the headers, in lower case, and the body.
struct Answer {
    head: String,
    body: Vec<u8>,
}

/// Sends a request over HTTP/1.1, as a browser does, and reads all there is.
async fn ask(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: orders\r\nconnection: close\r\ncontent-length: {length}\r\n{lines}\r\n"
    );
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(std::time::Duration::from_secs(30), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(answer[..end].to_vec()).unwrap().to_ascii_lowercase();
    let body = answer[end + 4..].to_vec();
    let body = if head.contains("transfer-encoding: chunked") { unchunked(&body) } else { body };
    Answer { head, body }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap().trim(), 16).unwrap();
        body.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 4 + length..];
    }
    body
}

/// The frames of a gRPC-Web body: whether it holds trailers, and what is in it.
fn frames(mut body: &[u8]) -> Vec<(bool, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [flags, a, b, c, d, rest @ ..] = body {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        frames.push((flags & 0x80 != 0, rest[..length].to_vec()));
        body = &rest[length..];
    }
    frames
}

async fn call(address: SocketAddr, path: &str, kind: &str, token: Option<&str>) -> Answer {
    let bearer = token.map(|token| format!("Bearer {token}")).unwrap_or_default();
    let empty = [0_u8; 5];
    let text = BASE64_STANDARD.encode(empty);
    let body = if kind.starts_with("application/grpc-web-text") { text.as_bytes() } else { &empty[..] };
    let mut headers = vec![("content-type", kind), ("accept", kind), ("origin", SHOP), ("x-grpc-web", "1")];
    if token.is_some() {
        headers.push(("authorization", &bearer));
    }
    ask(address, "POST", path, &headers, body).await
}

/// The text form: each part is base64 of its own, so that there may be padding in the middle.
fn decoded(text: &[u8]) -> Vec<u8> {
    text.chunks(4).flat_map(|four| BASE64_STANDARD.decode(four).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_calls_in_both_forms_of_grpc_web() {
    let database = TestDatabase::sqlite().await;
    let world = World::start(&database, &[("CORS_ORIGINS", SHOP)]).await;
    let token = world.token("kim", Role::Admin);
    for kind in ["application/grpc-web+proto", "application/grpc-web-text+proto"] {
        let answer = call(world.grpc, "/orders.v1.AdminService/GetConnectivity", kind, Some(&token)).await;
        assert!(answer.head.starts_with("http/1.1 200"), "{}", answer.head);
        assert!(answer.head.contains(&format!("content-type: {kind}")), "{}", answer.head);
        assert!(answer.head.contains(&format!("access-control-allow-origin: {SHOP}")), "{}", answer.head);
        assert!(answer.head.contains("grpc-status-details-bin"), "they may read what went wrong: {}", answer.head);
        let frames = frames(&if kind.contains("text") { decoded(&answer.body) } else { answer.body });
        let [(false, message), (true, trailers)] = &frames[..] else { panic!("a message, and trailers: {frames:?}") };
        let connectivity = GetConnectivityResponse::decode(&message[..]).unwrap();
        assert!(!connectivity.dependencies.is_empty());
        assert!(String::from_utf8_lossy(trailers).contains("grpc-status:0"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_refused_to_a_browser_as_well() {
    let fixture = Fixture::start(&[("CORS_ORIGINS", "*")]).await;
    let token = fixture.token(Role::Customer);
    let refused = [
        (call(fixture.grpc, ECHO, "application/grpc-web+proto", None).await, 16),
        (call(fixture.grpc, UNRULED, "application/grpc-web+proto", Some(&token)).await, 12),
    ];
    for (answer, code) in refused {
        assert!(answer.head.contains("access-control-allow-origin: *"), "{}", answer.head);
        let said = format!("{} {}", answer.head, String::from_utf8_lossy(&answer.body)).replace(": ", ":");
        assert!(said.contains(&format!("grpc-status:{code}")), "{said}");
    }
    let plain = call(fixture.grpc, ECHO, "application/grpc", Some(&token)).await;
    assert!(plain.head.starts_with("http/1.1 4"), "gRPC itself needs HTTP/2: {}", plain.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_is_answered_to_those_who_may_and_to_nobody_else() {
    let preflight = [
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,x-grpc-web"),
    ];
    let fixture = Fixture::start(&[("CORS_ORIGINS", SHOP)]).await;
    let asked = async |origin: &str| {
        let headers = [&preflight[..], &[("origin", origin)]].concat();
        ask(fixture.grpc, "OPTIONS", ECHO, &headers, b"").await.head
    };
    let allowed = asked(SHOP).await;
    assert!(allowed.starts_with("http/1.1 200"), "{allowed}");
    for header in
        ["access-control-allow-headers: ", "access-control-max-age: 3600", "access-control-allow-methods: post"]
    {
        assert!(allowed.contains(header), "{header}: {allowed}");
    }
    assert!(!asked("https://evil.example.com").await.contains("access-control-allow-origin"));

    let silent = Fixture::start(&[]).await;
    let token = silent.token(Role::Customer);
    let answer = call(silent.grpc, ECHO, "application/grpc-web+proto", Some(&token)).await;
    assert!(!answer.head.contains("access-control"), "nothing is configured: {}", answer.head);
    let off = Fixture::start(&[("GRPC_WEB", "off")]).await;
    let mut stream = TcpStream::connect(off.grpc).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: orders\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    drop(tokio::time::timeout(std::time::Duration::from_secs(5), reading).await.expect("the connection ends"));
    assert!(!answer.starts_with(b"HTTP/1.1"), "HTTP/1.1 is spoken to nobody");
}
