//! Who is counted, and as what.

use std::time::{Duration, Instant};

use order_server::auth::Role;
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::fixture::{self, ADMIN, ECHO, Fixture, GUEST, SEARCH, WRITE, call};

/// One call a second, so that a test knows what there is, and so many at once.
const SLOW: [(&str, &str); 5] = [
    ("GUEST_CHECKOUT", "on"),
    ("RATE_LIMIT_PER_SECOND", "1"),
    ("RATE_LIMIT_BURST", "4"),
    ("RATE_LIMIT_WRITE_BURST", "3"),
    ("RATE_LIMIT_SEARCH_BURST", "2"),
];

/// Calls a method so often, one after the other, and expects that so many are let in, and what is given back meanwhile. The
/// last refusal.
async fn expect(
    fixture: &Fixture,
    path: &'static str,
    headers: &[(&str, &str)],
    (calls, allowed): (u64, u64),
) -> Status {
    let (channel, began) = (fixture.channel().await, Instant::now());
    let (mut let_in, mut refusal) = (0, None);
    for _ in 0..calls {
        match call(channel.clone(), path, headers).await {
            Ok(_) => let_in += 1,
            Err(status) => refusal = Some(status),
        }
    }
    let most = allowed + began.elapsed().as_secs();
    assert!((allowed..=most).contains(&let_in), "{let_in} of {calls} calls of {path}");
    refusal.expect("there were more calls than are let in")
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_writing_and_searching_are_counted_apart_and_a_refusal_says_which_it_was() {
    let fixture = Fixture::start(&SLOW).await;
    let authorization = format!("Bearer {}", fixture.token(Role::Customer));
    let headers = [("authorization", authorization.as_str())];
    for (path, allowed, class) in [(WRITE, 3, "write"), (SEARCH, 2, "search"), (ECHO, 4, "read")] {
        let refusal = expect(&fixture, path, &headers, (12, allowed)).await;
        let told = refusal.get_details_error_info().unwrap();
        assert_eq!((refusal.code(), told.reason.as_str()), (Code::ResourceExhausted, "RATE_LIMITED"));
        assert_eq!(told.metadata["class"], class);
        let delay = refusal.get_details_retry_info().unwrap().retry_delay.unwrap();
        assert_eq!(
            refusal.metadata().get("grpc-retry-pushback-ms").unwrap().to_str().unwrap(),
            delay.as_millis().to_string()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_behind_a_gateway_of_ours_are_told_apart() {
    let settings = [&SLOW[..], &[("TRUSTED_PROXIES", "127.0.0.0/8,10.0.0.0/8")]].concat();
    let fixture = Fixture::start(&settings).await;
    for address in ["203.0.113.7", "6.6.6.6, 203.0.113.8", "203.0.113.9, 10.1.2.3", "2001:db8:0:1::1"] {
        expect(&fixture, GUEST, &[("x-forwarded-for", address)], (12, 4)).await;
    }
    // What a guest writes before the gateway does makes no other guest of them, nor does another address of the same home.
    for same in ["7.7.7.7, 203.0.113.8", "203.0.113.9", "2001:db8:0:1:ffff::2"] {
        expect(&fixture, GUEST, &[("x-forwarded-for", same)], (12, 0)).await;
    }
    expect(&fixture, GUEST, &[("x-forwarded-for", "2001:db8:0:2::1")], (12, 4)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_trusted_cannot_say_where_it_calls_from() {
    let settings = [&SLOW[..], &[("TRUSTED_PROXIES", "10.0.0.0/8")]].concat();
    for settings in [&SLOW[..], &settings] {
        let fixture = Fixture::start(settings).await;
        expect(&fixture, GUEST, &[("x-forwarded-for", "203.0.113.1")], (12, 4)).await;
        for n in 2..5 {
            let other = format!("203.0.113.{n}, 10.0.0.{n}");
            expect(&fixture, GUEST, &[("x-forwarded-for", &other)], (6, 0)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_never_counted() {
    let fixture = Fixture::start(&[&SLOW[..], &[("RATE_LIMIT_BURST", "1")]].concat()).await;
    for _ in 0..10 {
        fixture.call_with("/grpc.health.v1.Health/Check", &[]).await.unwrap();
    }
}

/// A call takes up room until it is answered, also where its message never comes: one caller must not have all of it.
#[tokio::test(flavor = "multi_thread")]
async fn one_caller_cannot_take_up_all_the_room_there_is() {
    let fixture = Fixture::start(&[("MAX_CONCURRENT_REQUESTS", "32"), ("RATE_LIMIT_BURST", "1000")]).await;
    let authorization = format!("Bearer {}", fixture.token(Role::Customer));
    let channel = fixture.channel().await;
    let mut held = JoinSet::new();
    for _ in 0..64 {
        let (channel, authorization) = (channel.clone(), authorization.clone());
        held.spawn(async move { call(channel, fixture::SLOW, &[("authorization", &authorization)]).await.map(drop) });
    }
    for _ in 0..48 {
        let refused = held.join_next().await.unwrap().unwrap().unwrap_err();
        let told = refused.get_details_error_info().unwrap();
        assert_eq!((told.reason.as_str(), told.metadata["class"].as_str()), ("RATE_LIMITED", "read"));
    }
    let admin = format!("Bearer {}", fixture.token(Role::Admin));
    call(channel.clone(), ADMIN, &[("authorization", &admin)]).await.expect("there is room for others");
    let more = call(channel.clone(), ECHO, &[("authorization", &authorization)]).await;
    assert_eq!(more.unwrap_err().code(), Code::ResourceExhausted);
    held.shutdown().await;
    let again = async {
        while call(channel.clone(), ECHO, &[("authorization", &authorization)]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), again).await.expect("what is given up is free");
}
