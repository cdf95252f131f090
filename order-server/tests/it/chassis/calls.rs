//! What every call gets: a name, a deadline, a place or a refusal, and an honest answer when something breaks.

use std::time::{Duration, Instant};

use order_server::auth::Role;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

use super::fixture::{ECHO, Fixture, GUEST, PANIC, SLOW, call, patient_call};

fn request_id(answer: &Result<Response<()>, Status>) -> String {
    let metadata = match answer {
        Ok(response) => response.metadata(),
        Err(status) => status.metadata(),
    };
    metadata.get("x-request-id").unwrap().to_str().unwrap().to_owned()
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

impl Fixture {
    fn authorization(&self) -> String {
        format!("Bearer {}", self.token(Role::Customer))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_request_id_is_echoed_in_answers_and_refusals() {
    let fixture = Fixture::start(&[]).await;
    let authorization = fixture.authorization();
    let named = [("x-request-id", "my-call.7"), ("authorization", authorization.as_str())];
    assert_eq!(request_id(&fixture.call_with(ECHO, &named).await), "my-call.7");
    assert_eq!(request_id(&fixture.call_with(ECHO, &named[..1]).await), "my-call.7");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_unfit_request_id_is_replaced() {
    let fixture = Fixture::start(&[]).await;
    let first = request_id(&fixture.call_with(ECHO, &[]).await);
    let second = request_id(&fixture.call_with(ECHO, &[("x-request-id", "a b; drop table")]).await);
    for minted in [&first, &second] {
        assert_eq!(uuid::Uuid::parse_str(minted).unwrap().get_version_num(), 7);
    }
    assert_ne!(first, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_deadline_is_kept_and_answered() {
    let fixture = Fixture::start(&[]).await;
    let authorization = fixture.authorization();
    let headers = [("grpc-timeout", "200m"), ("authorization", authorization.as_str())];
    let before = Instant::now();
    let status = patient_call(fixture.grpc, SLOW, &headers).await.unwrap_err();
    assert!(before.elapsed() >= Duration::from_millis(190));
    assert_eq!((status.code(), reason(&status)), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn unary_calls_have_a_cap_whatever_the_caller_asks() {
    let fixture = Fixture::start(&[("REQUEST_TIMEOUT_MS", "150")]).await;
    let authorization = fixture.authorization();
    let headers = [("grpc-timeout", "1H"), ("authorization", authorization.as_str())];
    let status = fixture.call_with(SLOW, &headers).await.unwrap_err();
    assert_eq!(reason(&status), "DEADLINE_EXCEEDED");
}

#[tokio::test(flavor = "multi_thread")]
async fn deadline_expired_not_executed() {
    let fixture = Fixture::start(&[]).await;
    let authorization = fixture.authorization();
    for timeout in ["0m", "1n", "5m"] {
        let headers = [("grpc-timeout", timeout), ("authorization", authorization.as_str())];
        let status = fixture.call_with(ECHO, &headers).await.unwrap_err();
        // The client's own timer may be faster than our answer and says CANCELLED then.
        assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled), "{status:?}");
    }
    assert_eq!(fixture.reached(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn overload_is_refused_with_the_time_to_come_back() {
    let fixture = Fixture::start(&[("MAX_CONCURRENT_REQUESTS", "2")]).await;
    let (channel, authorization) = (fixture.channel().await, fixture.authorization());
    let spawn = || {
        let (channel, authorization) = (channel.clone(), authorization.clone());
        tokio::spawn(async move { call(channel, SLOW, &[("authorization", &authorization)]).await })
    };
    let accepted = [spawn(), spawn()];
    fixture.wait_until_reached(2).await;

    let status = fixture.call_as(Role::Admin, ECHO).await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::ResourceExhausted, "OVERLOADED".into()));
    let delay = status.get_details_retry_info().unwrap().retry_delay.unwrap();
    let pushback: u128 = status.metadata().get("grpc-retry-pushback-ms").unwrap().to_str().unwrap().parse().unwrap();
    assert_eq!(delay.as_millis(), pushback);
    assert!((100..1100).contains(&pushback));
    // Probes get through: a busy process is not a sick one.
    fixture.call_with("/grpc.health.v1.Health/Check", &[]).await.unwrap();

    fixture.controls.gate.add_permits(2);
    for call in accepted {
        call.await.unwrap().unwrap();
    }
    fixture.call_as(Role::Admin, ECHO).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_leave_give_their_place_back() {
    let fixture = Fixture::start(&[("MAX_CONCURRENT_REQUESTS", "1")]).await;
    let (channel, authorization) = (fixture.channel().await, fixture.authorization());
    let left = tokio::spawn(async move { call(channel, SLOW, &[("authorization", &authorization)]).await });
    fixture.wait_until_reached(1).await;
    left.abort();
    let mut answer = fixture.call_as(Role::Customer, ECHO).await;
    for _ in 0..100 {
        if answer.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        answer = fixture.call_as(Role::Customer, ECHO).await;
    }
    answer.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_customer_has_a_share_and_staff_is_not_counted() {
    let settings = [("RATE_LIMIT_PER_SECOND", "1"), ("RATE_LIMIT_BURST", "3"), ("GUEST_CHECKOUT", "on")];
    let fixture = Fixture::start(&settings).await;
    let authorization = fixture.authorization();
    let headers = [("authorization", authorization.as_str())];
    let channel = fixture.channel().await;
    let mut refusal = None;
    for _ in 0..4 {
        refusal = call(channel.clone(), ECHO, &headers).await.err().or(refusal);
    }
    let status = refusal.expect("the fourth call comes too soon");
    assert_eq!((status.code(), reason(&status)), (Code::ResourceExhausted, "RATE_LIMITED".into()));
    let delay = status.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert!(delay <= Duration::from_millis(1100), "{delay:?}");
    for _ in 0..10 {
        fixture.call_as(Role::Service, ECHO).await.unwrap();
    }
    // Guests are counted apart from customers, by address.
    fixture.call_with(GUEST, &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_an_internal_error_and_the_connection_lives_on() {
    let fixture = Fixture::start(&[]).await;
    let (channel, authorization) = (fixture.channel().await, fixture.authorization());
    let headers = [("authorization", authorization.as_str())];
    let status = call(channel.clone(), PANIC, &headers).await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::Internal, "INTERNAL".into()));
    assert!(!status.message().contains("as the test wants"));
    call(channel, ECHO, &headers).await.unwrap();
}
