//! Events for an endpoint, signed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac as _};
use order_api::v1::{self, EventPublisher};
use order_store::testing::{TestDatabase, on_both_engines};
use serde_json::Value;
use sha2::Sha256;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::events::{histories, lives, process, working};
use crate::door_races::{kit::eventually, process::Process};

const KEY: &[u8] = b"a key of thirty-two bytes, as it";

/// What an endpoint does with the events of an order; `None` for all others.
type Moods = BTreeMap<Option<String>, StatusCode>;

#[derive(Clone, Default)]
struct Seen {
    moods: Arc<Mutex<Moods>>,
    /// What was taken.
    taken: Arc<Mutex<Vec<(String, Value)>>>,
    /// How often somebody came.
    calls: Arc<Mutex<usize>>,
    /// Where it says that it has moved to.
    points_to: Arc<Mutex<String>>,
}

/// An endpoint of the test's own.
struct Endpoint {
    url: String,
    seen: Seen,
}

impl Endpoint {
    async fn start() -> Self {
        let seen = Seen::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks/orders?from=spark", listener.local_addr().unwrap());
        let router = axum::Router::new().route("/hooks/orders", axum::routing::post(take)).with_state(seen.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, seen }
    }

    /// From now on it answers so to the events of this order, or to all others.
    fn answer(&self, order: Option<&str>, status: StatusCode) {
        self.seen.moods.lock().unwrap().insert(order.map(str::to_owned), status);
    }

    fn calls(&self) -> usize {
        *self.seen.calls.lock().unwrap()
    }

    /// What was taken, by order, each event once, in the order in which they first came.
    fn by_order(&self) -> BTreeMap<String, Vec<i64>> {
        let mut orders: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (id, _) in self.seen.taken.lock().unwrap().iter() {
            let (order, revision) = id.split_once(':').unwrap();
            let (revisions, revision) = (orders.entry(order.to_owned()).or_default(), revision.parse().unwrap());
            if !revisions.contains(&revision) {
                revisions.push(revision);
            }
        }
        orders
    }

    fn settings(&self) -> [(&'static str, String); 2] {
        let secret = format!("whsec_{}", BASE64_STANDARD.encode(KEY));
        [("WEBHOOK_URL", self.url.clone()), ("WEBHOOK_SECRET", secret)]
    }
}

/// Takes what is signed with the key, as somebody would who has read the standard.
async fn take(State(seen): State<Seen>, headers: HeaderMap, body: Bytes) -> (StatusCode, HeaderMap) {
    *seen.calls.lock().unwrap() += 1;
    let header = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
    let (id, time) = (header("webhook-id"), header("webhook-timestamp"));
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
    mac.update(&[id.as_bytes(), b".", time.as_bytes(), b".", &body].concat());
    if header("webhook-signature") != format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())) {
        return (StatusCode::UNAUTHORIZED, HeaderMap::new());
    }
    assert_eq!(header("content-type"), "application/cloudevents+json");
    let event: Value = serde_json::from_slice(&body).unwrap();
    let order = event["subject"].as_str().unwrap().to_owned();
    let moods = seen.moods.lock().unwrap().clone();
    let status = moods.get(&Some(order)).or_else(|| moods.get(&None)).copied().unwrap_or(StatusCode::NO_CONTENT);
    if status.is_success() {
        seen.taken.lock().unwrap().push((id, event));
    }
    let mut headers = HeaderMap::new();
    if status.is_redirection() {
        headers.insert("location", seen.points_to.lock().unwrap().parse().unwrap());
    }
    (status, headers)
}

async fn posting(database: &TestDatabase, endpoint: &Endpoint) -> Process {
    let settings = endpoint.settings();
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let process = process(database, &settings).await;
    working(database, "webhook").await;
    process
}

async fn has_everything(endpoint: &Endpoint, wanted: &BTreeMap<String, Vec<i64>>) {
    let all: usize = wanted.values().map(Vec::len).sum();
    eventually("everything is taken", || async { endpoint.by_order().values().map(Vec::len).sum::<usize>() >= all })
        .await;
    assert_eq!(endpoint.by_order(), *wanted);
}

/// All messages of a replay; the last one says how many were passed on and refused.
async fn replay(process: &Process, request: v1::ReplayEventsRequest) -> (i64, i64, String) {
    let request = v1::ReplayEventsRequest { publisher: EventPublisher::Webhook.into(), ..request };
    let mut stream = process.admin().admin.replay_events(request).await.unwrap().into_inner();
    let mut last = None;
    while let Some(message) = stream.message().await.unwrap() {
        last = Some(message);
    }
    let last = last.expect("it says how far it came");
    (last.published_count, last.refused_count, last.cursor)
}

async fn dead_letters(process: &Process, page_size: i32, page_token: String) -> v1::ListDeadLettersResponse {
    let publisher = EventPublisher::Webhook.into();
    let request = v1::ListDeadLettersRequest { publisher, page_size, page_token };
    process.admin().admin.list_dead_letters(request).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_days_of_an_endpoint_lose_nothing_and_put_nothing_aside() {
    on_both_engines(|database| async move {
        let endpoint = Endpoint::start().await;
        let process = posting(&database, &endpoint).await;
        let mut orders = lives(&process, 2).await;
        for status in [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS, StatusCode::BAD_GATEWAY] {
            endpoint.answer(None, status);
            let calls = endpoint.calls();
            orders.extend(lives(&process, 2).await);
            eventually("it is tried", || async { endpoint.calls() > calls + 2 }).await;
            endpoint.answer(None, StatusCode::OK);
        }
        has_everything(&endpoint, &histories(&process, &orders).await).await;
        assert_eq!(dead_letters(&process, 0, String::new()).await.dead_letters, []);
    })
    .await;
}

/// Whoever redirects us may not be the one that was configured: what is signed for an endpoint is not taken anywhere else.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_cannot_send_events_elsewhere() {
    let database = TestDatabase::sqlite().await;
    let (endpoint, elsewhere) = (Endpoint::start().await, Endpoint::start().await);
    *endpoint.seen.points_to.lock().unwrap() = elsewhere.url.clone();
    let process = posting(&database, &endpoint).await;
    for status in [StatusCode::PERMANENT_REDIRECT, StatusCode::TEMPORARY_REDIRECT, StatusCode::FOUND] {
        let calls = endpoint.calls();
        endpoint.answer(None, status);
        let orders = lives(&process, 1).await;
        eventually("it is tried again", || async { endpoint.calls() > calls + 1 }).await;
        endpoint.answer(None, StatusCode::OK);
        let wanted = histories(&process, &orders).await;
        eventually("it is taken", || async {
            let taken = endpoint.by_order();
            wanted.iter().all(|(order, revisions)| taken.get(order) == Some(revisions))
        })
        .await;
    }
    assert_eq!(elsewhere.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_put_aside_holds_nothing_up_and_can_be_passed_on_later() {
    on_both_engines(|database| async move {
        let endpoint = Endpoint::start().await;
        let process = posting(&database, &endpoint).await;
        // Refused from the first event on: nobody knows its name before it is placed.
        endpoint.answer(None, StatusCode::UNPROCESSABLE_ENTITY);
        let bad = lives(&process, 1).await;
        endpoint.answer(Some(&bad[0]), StatusCode::UNPROCESSABLE_ENTITY);
        endpoint.answer(None, StatusCode::OK);
        let good = lives(&process, 3).await;
        has_everything(&endpoint, &histories(&process, &good).await).await;
        let aside = histories(&process, &bad).await.remove(&bad[0]).unwrap();
        let mut found = Vec::new();
        eventually("all is put aside", || async {
            dead_letters(&process, 0, String::new()).await.dead_letters.len() == aside.len()
        })
        .await;
        let mut token = String::new();
        loop {
            let page = dead_letters(&process, 2, token).await;
            found.extend(page.dead_letters);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(found.iter().map(|letter| letter.revision).collect::<Vec<_>>(), aside);
        assert!(found.iter().all(|letter| letter.order_id == bad[0] && letter.reason.contains("422")));

        let again = v1::ReplayEventsRequest { dead_letters: true, ..Default::default() };
        let count = i64::try_from(aside.len()).unwrap();
        let (published, refused, _) = replay(&process, again.clone()).await;
        assert_eq!((published, refused), (0, count), "it still does not want them");
        assert_eq!(dead_letters(&process, 0, String::new()).await.dead_letters.len(), aside.len());
        endpoint.answer(Some(&bad[0]), StatusCode::OK);
        let (published, refused, _) = replay(&process, again).await;
        assert_eq!((published, refused), (count, 0));
        assert_eq!(dead_letters(&process, 0, String::new()).await.dead_letters, []);
        let all = [bad, good].concat();
        assert_eq!(endpoint.by_order(), histories(&process, &all).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_can_be_passed_on_again_and_what_cannot_be_asked_for_is_refused() {
    on_both_engines(|database| async move {
        let endpoint = Endpoint::start().await;
        let process = posting(&database, &endpoint).await;
        // More than a page of events.
        let orders = lives(&process, 15).await;
        let wanted = histories(&process, &orders).await;
        has_everything(&endpoint, &wanted).await;
        database.feed_is_whole().await;
        let all: Vec<_> = endpoint.seen.taken.lock().unwrap().drain(..).map(|(_, event)| event).collect();
        let (published, refused, end) = replay(&process, v1::ReplayEventsRequest::default()).await;
        assert_eq!((usize::try_from(published).unwrap(), refused), (all.len(), 0));
        assert_eq!(endpoint.by_order(), wanted);
        let again: Vec<_> = endpoint.seen.taken.lock().unwrap().drain(..).map(|(_, event)| event).collect();
        assert!(all.iter().all(|event| again.contains(event)), "they are the same, word for word");

        let of_order = v1::ReplayEventsRequest { order_id: orders[1].clone(), ..Default::default() };
        assert_eq!(replay(&process, of_order).await.0, i64::try_from(wanted[&orders[1]].len()).unwrap());
        let cursor = |order: &str, revision: usize| {
            let event = all.iter().find(|event| event["id"] == format!("{order}:{revision}")).unwrap();
            event["data"]["cursor"].as_str().unwrap().to_owned()
        };
        let range = v1::ReplayEventsRequest {
            after_cursor: cursor(&orders[0], 1),
            until_cursor: cursor(&orders[0], 3),
            order_id: orders[0].clone(),
            ..Default::default()
        };
        assert_eq!(replay(&process, range).await.0, 2);
        let rest = v1::ReplayEventsRequest { after_cursor: end.clone(), ..Default::default() };
        assert_eq!(replay(&process, rest).await.0, 0);

        let back = v1::ReplayEventsRequest {
            publisher: EventPublisher::Webhook.into(),
            after_cursor: cursor(&orders[0], 3),
            until_cursor: cursor(&orders[0], 1),
            ..Default::default()
        };
        let refused = async |request| process.admin().admin.replay_events(request).await.unwrap_err();
        let wrong = refused(v1::ReplayEventsRequest {
            publisher: EventPublisher::Nats.into(),
            order_id: "7".into(),
            dead_letters: true,
            ..Default::default()
        });
        let details = wrong.await.get_error_details();
        let fields: Vec<_> = details.bad_request().unwrap().field_violations.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["publisher", "order_id", "dead_letters"]);
        let publisher = EventPublisher::Webhook.into();
        let wrong =
            refused(v1::ReplayEventsRequest { publisher, until_cursor: "x".into(), ..Default::default() }).await;
        assert_eq!(wrong.get_error_details().bad_request().unwrap().field_violations[0].field, "until_cursor");
        let wrong = refused(back).await;
        assert_eq!(wrong.get_error_details().bad_request().unwrap().field_violations[0].field, "until_cursor");
        let shorter = "DELETE FROM order_event WHERE feed_position = (SELECT max(feed_position) FROM order_event)";
        let after_cursor = v1::ReplayEventsRequest { publisher, after_cursor: end, ..Default::default() };
        database.execute(shorter).await.unwrap();
        assert_eq!(refused(after_cursor).await.code(), Code::OutOfRange);
        let customer = process.customer("ada").admin.replay_events(v1::ReplayEventsRequest::default()).await;
        assert_eq!(customer.unwrap_err().code(), Code::PermissionDenied);
    })
    .await;
}
