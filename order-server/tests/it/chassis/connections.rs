//! What strangers may do with connections.

use std::time::{Duration, Instant};

use order_server::auth::Role;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use tonic::transport::Endpoint;

use super::{
    fixture::{ECHO, Fixture, call},
    ops::get,
};
use crate::door_races::kit::eventually;

/// Waits until the server has closed the connection, and says how long that took.
pub(super) async fn closed(stream: &mut TcpStream) -> Duration {
    let before = Instant::now();
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    // A reset is an end as well.
    let _ended = tokio::time::timeout(Duration::from_secs(10), read).await.expect("the server closes the connection");
    before.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_preface_is_closed() {
    let fixture = Fixture::start(&[]).await;
    let mut silent = TcpStream::connect(fixture.grpc).await.unwrap();
    let mut slow = TcpStream::connect(fixture.grpc).await.unwrap();
    slow.write_all(b"PRI * HT").await.unwrap();
    let (silent, slow) = tokio::join!(closed(&mut silent), closed(&mut slow));
    for elapsed in [silent, slow] {
        assert!((Duration::from_secs(4)..Duration::from_secs(8)).contains(&elapsed), "{elapsed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_protocol_is_closed_at_once() {
    let fixture = Fixture::start(&[("GRPC_WEB", "off")]).await;
    let mut stream = TcpStream::connect(fixture.grpc).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: orders\r\n\r\n").await.unwrap();
    assert!(closed(&mut stream).await < Duration::from_secs(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_cap_are_closed_and_the_others_live() {
    let fixture = Fixture::start(&[("MAX_CONNECTIONS", "1"), ("MAX_CONNECTIONS_PER_ADDRESS", "9")]).await;
    let before = refused(&fixture, "full").await;
    let (channel, header) = (fixture.channel().await, format!("Bearer {}", fixture.token(Role::Customer)));
    call(channel.clone(), ECHO, &[("authorization", &header)]).await.unwrap();
    let mut second = TcpStream::connect(fixture.grpc).await.unwrap();
    assert!(closed(&mut second).await < Duration::from_secs(2));
    assert!(refused(&fixture, "full").await > before);
    call(channel, ECHO, &[("authorization", &header)]).await.unwrap();
}

/// What a call over a connection of its own comes to, from this address of the machine's.
async fn call_from(fixture: &Fixture, own: &str) -> Result<(), String> {
    let endpoint = Endpoint::from_shared(format!("http://{}", fixture.grpc)).unwrap();
    let endpoint = endpoint.local_address(Some(own.parse().unwrap()));
    let channel = endpoint.connect().await.map_err(|error| error.to_string())?;
    let header = format!("Bearer {}", fixture.token(Role::Customer));
    call(channel, ECHO, &[("authorization", &header)]).await.map(drop).map_err(|status| status.to_string())
}

/// How many connections were refused so far for a reason, in the whole process.
async fn refused(fixture: &Fixture, reason: &str) -> u64 {
    let page = get(fixture.ops, "/metrics").await;
    let series = format!("server_refused_connections_total{{reason=\"{reason}\"}}");
    page.lines().find_map(|line| line.strip_prefix(&*series)).map_or(0, |count| count.trim().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_does_not_have_all_places() {
    for settings in [&[("MAX_CONNECTIONS", "4")][..], &[("MAX_CONNECTIONS_PER_ADDRESS", "2")]] {
        let fixture = Fixture::start(settings).await;
        let before = refused(&fixture, "address").await;
        let held = TcpStream::connect(fixture.grpc).await.unwrap();
        let _other = TcpStream::connect(fixture.grpc).await.unwrap();
        let mut third = TcpStream::connect(fixture.grpc).await.unwrap();
        assert!(closed(&mut third).await < Duration::from_secs(2));
        assert!(refused(&fixture, "address").await > before);
        call_from(&fixture, "127.0.0.2").await.expect("another address has places of its own");
        drop(held);
        let again = || async { call_from(&fixture, "127.0.0.1").await.is_ok() };
        eventually("there is a place again", again).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_beyond_their_limit_are_refused() {
    let fixture = Fixture::start(&[]).await;
    let long = "x".repeat(20_000);
    fixture.call_with(ECHO, &[("x-baggage", &long)]).await.unwrap_err();
    assert_eq!(fixture.reached(), 0);
}
