//! The ops port.

use std::net::SocketAddr;

use order_server::auth::Role;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::fixture::{ECHO, Fixture, UNRULED, eventually};

pub(super) async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: ops\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn liveness_and_readiness_are_told_apart() {
    let fixture = Fixture::start(&[]).await;
    assert!(get(fixture.ops, "/healthz").await.starts_with("HTTP/1.1 200"));
    assert!(get(fixture.ops, "/readyz").await.starts_with("HTTP/1.1 200"));
    *fixture.controls.ready.lock().unwrap() = Err("the database does not answer".into());
    let mut watch = super::health::watch(&fixture, "").await;
    while super::health::next(&mut watch).await == tonic_health::ServingStatus::Serving.into() {}
    let readiness = get(fixture.ops, "/readyz").await;
    assert!(readiness.starts_with("HTTP/1.1 503"), "{readiness}");
    assert!(readiness.contains("the database does not answer"));
    assert!(get(fixture.ops, "/healthz").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_path_is_not_green() {
    let fixture = Fixture::start(&[]).await;
    for path in ["/", "/health", "/readyz/", "/nope"] {
        assert!(get(fixture.ops, path).await.starts_with("HTTP/1.1 404"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_measured_under_fixed_labels() {
    let fixture = Fixture::start(&[]).await;
    fixture.call_as(Role::Customer, ECHO).await.unwrap();
    fixture.call_as(Role::Customer, UNRULED).await.unwrap_err();
    // The record ends with the last trailer, which may reach us a moment before it is counted.
    let wanted = [
        r#"rpc_server_call_duration_seconds_count{rpc_method="orders.v1.OrderService/GetOrder",rpc_response_status_code="OK"}"#,
        r#"rpc_server_call_duration_seconds_count{rpc_method="_OTHER",rpc_response_status_code="UNIMPLEMENTED"}"#,
    ];
    let handle = order_server::telemetry::metrics::init();
    eventually(|| wanted.iter().all(|line| handle.render().contains(line))).await;
    let page = get(fixture.ops, "/metrics").await;
    assert!(wanted.iter().all(|line| page.contains(line)), "{page}");
    assert!(!page.contains("Forgotten"), "a path that a caller chose became a label");
}
