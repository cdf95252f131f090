//! News for a notification service, from real processes: the workers tell them.

use std::collections::{BTreeMap, BTreeSet};

use neighbour_sim::{Fault, Neighbours, Service};
use order_api::integrations::v1::{NotificationKind as Kind, NotifyRequest};
use order_store::testing::{TestDatabase, on_both_engines};

use super::{TIMEOUT_MS, events, neighbours};
use crate::door_races::{kit::eventually, process::Process};

async fn process(database: &TestDatabase, around: &Neighbours, timeout_ms: &str) -> Process {
    let url = around.url();
    events::process(database, &[("NOTIFICATION_URL", &url), ("NEIGHBOUR_TIMEOUT_MS", timeout_ms)]).await
}

/// So many orders, paid and called off.
async fn lives(process: &Process, count: usize) -> BTreeSet<String> {
    events::lives(process, count).await.into_iter().collect()
}

/// What the customers of these orders have heard, each news once, in the order in which they first came.
fn heard(around: &Neighbours, orders: &BTreeSet<String>) -> BTreeMap<String, Vec<Kind>> {
    let mut keys = BTreeSet::new();
    let mut heard: BTreeMap<String, Vec<Kind>> = BTreeMap::new();
    let of = |news: &NotifyRequest| orders.contains(&news.order_id);
    for news in around.news().into_iter().filter(of).filter(|news| keys.insert(news.idempotency_key.clone())) {
        heard.entry(news.order_id.clone()).or_default().push(news.kind());
    }
    heard
}

async fn all_are_heard(around: &Neighbours, orders: &BTreeSet<String>) {
    let all = [Kind::OrderConfirmation, Kind::PaymentConfirmation, Kind::OrderCancellation, Kind::RefundConfirmation];
    eventually("everything is told", || async {
        heard(around, orders).values().filter(|kinds| kinds.len() >= all.len()).count() == orders.len()
    })
    .await;
    for (order, kinds) in heard(around, orders) {
        assert_eq!(kinds, all, "{order}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_hear_what_happened_in_its_order_and_nothing_from_before() {
    on_both_engines(|database| async move {
        let around = neighbours().await;
        let before = events::process(&database, &[]).await;
        let old = lives(&before, 1).await;
        drop(before);
        let process = process(&database, &around, "9000").await;
        events::working(&database, "notification").await;
        let orders = lives(&process, 5).await;
        all_are_heard(&around, &orders).await;
        assert_eq!(heard(&around, &old), BTreeMap::new(), "who begins to listen does not hear all that ever happened");
        let news = around.news();
        assert!(news.iter().all(|news| news.customer_id == "ada" && news.event_time.is_some()));
        assert_eq!(news.len(), 5 * 4, "on a good day nothing comes twice");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_days_and_deaths_lose_no_news_and_change_no_order() {
    on_both_engines(|database| async move {
        let around = neighbours().await;
        let mut one = process(&database, &around, TIMEOUT_MS).await;
        events::working(&database, "notification").await;
        let mut orders = BTreeSet::new();
        for fault in [Fault::Down, Fault::Error, Fault::Slow(std::time::Duration::from_millis(900)), Fault::Lost] {
            around.befall(Service::Notification, fault);
            orders.extend(lives(&one, 3).await);
            around.heal(Service::Notification);
            all_are_heard(&around, &orders).await;
        }
        around.befall(Service::Notification, Fault::Lost);
        orders.extend(lives(&one, 3).await);
        one.kill();
        around.heal(Service::Notification);
        // Its lease need not run out for the test.
        let free = "UPDATE feed_consumer SET holder = NULL, lease_until = NULL";
        database.execute(free).await.unwrap();
        let other = process(&database, &around, TIMEOUT_MS).await;
        orders.extend(lives(&other, 3).await);
        all_are_heard(&around, &orders).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn news_that_are_refused_for_good_hold_nothing_up() {
    let database = TestDatabase::sqlite().await;
    let around = neighbours().await;
    let process = process(&database, &around, TIMEOUT_MS).await;
    events::working(&database, "notification").await;
    around.befall(Service::Notification, Fault::Refused);
    let refused = lives(&process, 1).await;
    eventually("all four are refused", || async { around.calls(Service::Notification) >= 4 }).await;
    around.heal(Service::Notification);
    let orders = lives(&process, 1).await;
    all_are_heard(&around, &orders).await;
    assert_eq!(heard(&around, &refused), BTreeMap::new(), "and are not sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_gives_its_work_away() {
    let database = TestDatabase::sqlite().await;
    let around = neighbours().await;
    let mut process = process(&database, &around, TIMEOUT_MS).await;
    let held = async || database.texts("SELECT name FROM feed_consumer WHERE holder IS NOT NULL").await.len();
    eventually("somebody works for it", || async { held().await == 1 }).await;
    assert!(process.terminate().await.success());
    assert_eq!(held().await, 0);
}
