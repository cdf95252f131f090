//! The orderly end, inside the process; `commands` ends a real one by signal.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use order_server::auth::Role;
use tokio::net::TcpStream;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;

use super::{
    fixture::{Fixture, SLOW, call},
    health::{next, watch},
};

async fn ended(fixture: Fixture) {
    tokio::time::timeout(Duration::from_secs(10), fixture.running).await.expect("the server ends").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_watch_and_an_idle_connection_do_not_hold_the_end() {
    let fixture = Fixture::start(&[("SHUTDOWN_DRAIN_MS", "500")]).await;
    let mut stream = watch(&fixture, "").await;
    assert_eq!(next(&mut stream).await, ServingStatus::Serving);
    let idle = TcpStream::connect(fixture.grpc).await.unwrap();
    let before = Instant::now();
    fixture.stop();
    assert_eq!(next(&mut stream).await, ServingStatus::NotServing);
    assert_eq!(stream.message().await.unwrap_err().code(), Code::Unavailable);
    ended(fixture).await;
    assert!(before.elapsed() < Duration::from_secs(3), "{:?}", before.elapsed());
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_in_progress_finish() {
    let fixture = Fixture::start(&[]).await;
    let (channel, header) = (fixture.channel().await, format!("Bearer {}", fixture.token(Role::Customer)));
    let late = tokio::spawn(async move { call(channel, SLOW, &[("authorization", &header)]).await });
    fixture.wait_until_reached(1).await;
    fixture.stop();
    fixture.lifecycle.draining().cancelled().await;
    assert!(!fixture.running.is_finished());
    fixture.controls.gate.add_permits(1);
    late.await.unwrap().unwrap();
    ended(fixture).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_never_finish_are_cut() {
    let fixture = Fixture::start(&[("SHUTDOWN_DRAIN_MS", "200")]).await;
    let (channel, header) = (fixture.channel().await, format!("Bearer {}", fixture.token(Role::Customer)));
    let late = tokio::spawn(async move { call(channel, SLOW, &[("authorization", &header)]).await });
    fixture.wait_until_reached(1).await;
    fixture.stop();
    ended(fixture).await;
    late.await.unwrap().unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_connection_is_accepted_while_calls_finish() {
    let fixture = Fixture::start(&[]).await;
    let (channel, header) = (fixture.channel().await, format!("Bearer {}", fixture.token(Role::Customer)));
    let late = tokio::spawn(async move { call(channel, SLOW, &[("authorization", &header)]).await });
    fixture.wait_until_reached(1).await;
    fixture.stop();
    fixture.lifecycle.draining().cancelled().await;
    let refused = async { while TcpStream::connect(fixture.grpc).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(10), refused).await.expect("the port closes while a call is in progress");
    assert!(!late.is_finished());
    fixture.controls.gate.add_permits(1);
    late.await.unwrap().unwrap();
    ended(fixture).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_retired_before_the_door_closes() {
    let fixture = Fixture::start(&[("SHUTDOWN_PROPAGATION_MS", "400")]).await;
    let mut stream = watch(&fixture, "liveness").await;
    assert_eq!(next(&mut stream).await, ServingStatus::Serving);
    let mut ready = watch(&fixture, "").await;
    assert_eq!(next(&mut ready).await, ServingStatus::Serving);
    fixture.stop();
    assert_eq!(next(&mut ready).await, ServingStatus::NotServing);
    // Still accepted: whoever has not heard yet is served.
    fixture.call_as(Role::Customer, super::fixture::ECHO).await.unwrap();
    ended(fixture).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn background_work_finishes_after_the_calls() {
    let fixture = Fixture::start(&[]).await;
    let done = Arc::new(AtomicBool::new(false));
    let (closing, flag) = (fixture.lifecycle.closing().clone(), Arc::clone(&done));
    fixture.lifecycle.spawn(async move {
        closing.cancelled().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        flag.store(true, Ordering::SeqCst);
    });
    fixture.stop();
    ended(fixture).await;
    assert!(done.load(Ordering::SeqCst));
}
