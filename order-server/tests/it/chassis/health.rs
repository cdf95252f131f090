//! `grpc.health.v1` by its protocol.

use std::time::Duration;

use order_server::auth::Role;
use tonic::{Code, Streaming};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::{v1, v1alpha};

use super::fixture::{Fixture, connect};

async fn check(fixture: &Fixture, service: &str) -> Result<ServingStatus, tonic::Status> {
    let mut client = HealthClient::new(fixture.channel().await);
    let answer = client.check(HealthCheckRequest { service: service.to_owned() }).await;
    answer.map(|answer| answer.into_inner().status())
}

pub(super) async fn watch(fixture: &Fixture, service: &str) -> Streaming<HealthCheckResponse> {
    let mut client = HealthClient::new(fixture.channel().await);
    client.watch(HealthCheckRequest { service: service.to_owned() }).await.unwrap().into_inner()
}

pub(super) async fn next(stream: &mut Streaming<HealthCheckResponse>) -> ServingStatus {
    let message = tokio::time::timeout(Duration::from_secs(10), stream.message()).await.unwrap();
    message.unwrap().unwrap().status()
}

const SERVICES: [&str; 4] = ["", "orders.v1.OrderService", "orders.v1.CartService", "orders.v1.AdminService"];

#[tokio::test(flavor = "multi_thread")]
async fn a_ready_server_serves_under_every_name() {
    let fixture = Fixture::start(&[]).await;
    for service in SERVICES.into_iter().chain(["liveness"]) {
        assert_eq!(check(&fixture, service).await.unwrap(), ServingStatus::Serving, "{service}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_name_is_not_found_by_check() {
    let fixture = Fixture::start(&[]).await;
    assert_eq!(check(&fixture, "orders.v1.Nothing").await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_name_stays_open_by_watch() {
    let fixture = Fixture::start(&[]).await;
    let mut stream = watch(&fixture, "orders.v1.Nothing").await;
    assert_eq!(next(&mut stream).await, ServingStatus::ServiceUnknown);
    let more = tokio::time::timeout(Duration::from_millis(300), stream.message()).await;
    assert!(more.is_err(), "the stream ended or spoke: {more:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_hears_of_a_lost_and_found_database_and_liveness_does_not() {
    let fixture = Fixture::start(&[]).await;
    let mut stream = watch(&fixture, "orders.v1.OrderService").await;
    assert_eq!(next(&mut stream).await, ServingStatus::Serving);
    *fixture.controls.ready.lock().unwrap() = Err("the database does not answer".into());
    assert_eq!(next(&mut stream).await, ServingStatus::NotServing);
    assert_eq!(check(&fixture, "liveness").await.unwrap(), ServingStatus::Serving);
    *fixture.controls.ready.lock().unwrap() = Ok(());
    assert_eq!(next(&mut stream).await, ServingStatus::Serving);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_answers_on_the_ops_port_too() {
    let fixture = Fixture::start(&[]).await;
    let mut client = HealthClient::new(connect(fixture.ops).await);
    let answer = client.check(HealthCheckRequest { service: String::new() }).await.unwrap();
    assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_needs_no_token_and_minds_no_bad_one() {
    let fixture = Fixture::start(&[]).await;
    let headers = [("authorization", "Bearer garbage")];
    fixture.call_with("/grpc.health.v1.Health/Check", &headers).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_of_reflection_list_the_services() {
    let fixture = Fixture::start(&[]).await;
    let ask = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(String::new())),
    };
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(fixture.channel().await);
    let mut answers = client.server_reflection_info(tokio_stream::once(ask)).await.unwrap().into_inner();
    let answer = format!("{:?}", answers.message().await.unwrap().unwrap());
    assert!(SERVICES.iter().all(|service| answer.contains(service)), "{answer}");

    let ask = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::ListServices(String::new())),
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(fixture.channel().await);
    let mut answers = client.server_reflection_info(tokio_stream::once(ask)).await.unwrap().into_inner();
    let answer = format!("{:?}", answers.message().await.unwrap().unwrap());
    assert!(SERVICES.iter().all(|service| answer.contains(service)), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_can_be_turned_off() {
    let fixture = Fixture::start(&[("REFLECTION", "off")]).await;
    let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let status = fixture.call_as(Role::Admin, path).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}

/// Nobody has to say who they are for a watch: it must not be a way to fill the memory.
#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_watch_and_whoever_asks_is_answered_all_the_same() {
    let fixture = Fixture::start(&[]).await;
    let mut streams = Vec::new();
    let refused = 'full: {
        for _connection in 0..6 {
            let mut client = HealthClient::new(fixture.channel().await);
            for _stream in 0..200 {
                match client.watch(HealthCheckRequest::default()).await {
                    Ok(stream) => streams.push(stream.into_inner()),
                    Err(status) => break 'full status,
                }
            }
        }
        panic!("{} streams are open", streams.len());
    };
    assert_eq!((streams.len(), refused.code()), (1000, Code::ResourceExhausted));
    assert_eq!(check(&fixture, "").await.unwrap(), ServingStatus::Serving);
    streams.truncate(900);
    let again = async {
        while HealthClient::new(fixture.channel().await).watch(HealthCheckRequest::default()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), again).await.expect("a place is free");
}
