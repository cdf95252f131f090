//! What the tests of races share: calls at the same moment, and short ways to the door.

use std::{sync::Arc, time::Duration};

use order_api::v1;
use order_server::workers;
use order_store::{audit_reports, testing::TestDatabase};
use tokio::{
    sync::{Barrier, Semaphore},
    task::JoinSet,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::audit::{audit_settled, count};
use crate::world::{Caller, World, address, contact, product};

/// Runs a test on both engines, each time with a new database. Whatever it did, no two transactions waited for each other.
pub(crate) async fn on_both_engines<F: Future<Output = ()>>(test: impl Fn(Arc<TestDatabase>) -> F) {
    order_store::testing::on_both_engines(|database| {
        let run = test(Arc::clone(&database));
        async move {
            run.await;
            no_deadlocks(&database).await;
        }
    })
    .await;
}

/// No transaction was ever chosen as the victim of a deadlock, not even one that then succeeded at its next try. Ends every
/// connection to the database: it is for the end of a test.
pub(crate) async fn no_deadlocks(database: &TestDatabase) {
    assert_eq!(deadlocks(database).await, 0, "deadlocks");
}

/// How many deadlocks there were. SQLite has one writer, which cannot wait for itself.
async fn deadlocks(database: &TestDatabase) -> i64 {
    if database.url().engine() == "sqlite" {
        return 0;
    }
    // A backend tells what it has counted when it idles for a while, and when it ends: these end now.
    let others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let pids = database.texts(&format!("SELECT CAST(pid AS text) {others}")).await.join(",");
    database.execute(&format!("SELECT pg_terminate_backend(pid) {others}")).await.unwrap();
    let left = format!("SELECT count(*) AS n {others} AND CAST(pid AS text) = ANY (string_to_array('{pids}', ','))");
    eventually("the backends end", || async { count(database, &left).await == 0 }).await;
    count(database, "SELECT deadlocks AS n FROM pg_stat_database WHERE datname = current_database()").await
}

/// A check that never complains proves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_noticed() {
    let database = TestDatabase::postgres().await;
    let knot = |mine: u8, other: u8| {
        format!(
            "DO $$ BEGIN
               PERFORM pg_advisory_xact_lock({mine});
               WHILE NOT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                                 WHERE d.datname = current_database() AND l.locktype = 'advisory'
                                 AND l.objid = {other} AND l.granted)
               LOOP PERFORM pg_sleep(0.001); END LOOP;
               PERFORM pg_advisory_xact_lock({other});
             END $$"
        )
    };
    let (one, other) = (knot(1, 2), knot(2, 1));
    let (one, other) = tokio::join!(database.execute(&one), database.execute(&other));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    assert_eq!(deadlocks(&database).await, 1);
}

/// Everything that can be held against something else agrees: by our rules, by those of VerifyInvariants, and the ledger with
/// the gateway's log, operation by operation; and nothing is left open.
pub(crate) async fn all_agrees(database: &TestDatabase) {
    audit_settled(database).await;
    let decided = "SELECT count(*) AS n FROM payment_operation x JOIN payment p ON p.payment_id = x.payment_id
                   WHERE p.method NOT IN ('CASH_ON_DELIVERY', 'EXTERNAL') AND COALESCE(x.decline_code, '') <> 'never_sent'";
    let done = "SELECT count(*) AS n FROM gateway_operation";
    assert_eq!(count(database, decided).await, count(database, done).await, "the ledger and the gateway's log");

    let store = database.connect().await;
    let (reports, mut watch) = audit_reports(100);
    let summary = store.audit(reports).await.unwrap();
    let findings: Vec<_> = std::iter::from_fn(|| watch.findings.try_recv().ok()).collect();
    assert_eq!((summary.findings, findings), (0, Vec::new()));
    store.close().await;
}

/// How many payment requests have no outcome.
pub(crate) async fn open_operations(database: &TestDatabase) -> i64 {
    count(database, "SELECT count(*) AS n FROM payment_operation WHERE state IN ('INITIAL', 'SENT', 'UNKNOWN')").await
}

/// As if so much time had passed that every payment request is due. For processes, whose clock nobody can move; only while
/// nobody is sending any.
pub(crate) async fn all_are_due(database: &TestDatabase) {
    let due = "UPDATE payment_operation SET next_attempt_at = create_time WHERE next_attempt_at IS NOT NULL";
    database.execute(due).await.unwrap();
}

/// Lets the workers of processes settle every payment request there is, however often it has to be sent.
pub(crate) async fn settled_by_workers(database: &TestDatabase) {
    let settling = async {
        while open_operations(database).await > 0 {
            all_are_due(database).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(90), settling).await.expect("every payment request is settled in time");
}

/// Makes calls at the same moment; their answers in the order of the calls.
pub(crate) async fn at_once<T, F>(count: usize, call: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(count));
    gather((0..count).map(|n| {
        let (start, call) = (Arc::clone(&start), call(n));
        async move {
            start.wait().await;
            call.await
        }
    }))
    .await
}

/// Makes many calls, `width` of them at a time; their answers in the order of the calls.
pub(crate) async fn spread<T, F>((count, width): (usize, usize), call: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(width));
    gather((0..count).map(|n| {
        let (room, call) = (Arc::clone(&room), call(n));
        async move {
            let _place = room.acquire_owned().await.unwrap();
            call.await
        }
    }))
    .await
}

async fn gather<T, F>(calls: impl Iterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut running = JoinSet::new();
    for (n, call) in calls.enumerate() {
        running.spawn(async move { (n, call.await) });
    }
    let mut answers = running.join_all().await;
    answers.sort_by_key(|(n, _)| *n);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Waits until something holds, and fails if it does not within half a minute.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting)
        .await
        .unwrap_or_else(|_| panic!("it never came true: {what}"));
}

/// What runs in a world for as long as it is there: the look at the database that health answers from.
const RESIDENT_TASKS: usize = 1;

/// Waits until the service does nothing any more that outlives its calls.
pub(crate) async fn quiet(world: &World) {
    eventually("no payment is under way", || async { world.app.tasks.len() <= RESIDENT_TASKS }).await;
}

/// Lets so much time pass that every payment request is due, and looks after them.
pub(crate) async fn reconcile(world: &World) {
    world.clock.advance(Duration::from_secs(3600));
    workers::reconcile_due(&world.app).await.unwrap();
    quiet(world).await;
}

/// Why a call was refused, as programs read it.
pub(crate) fn reason(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.unwrap_or_else(|| panic!("an error without a reason: {status:?}")).reason
}

/// A fact of a refusal.
pub(crate) fn fact(status: &Status, name: &str) -> String {
    status.get_details_error_info().unwrap().metadata[name].clone()
}

/// The call was refused with this reason and code.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<T, Status>, (code, why): (Code, &str)) -> Status {
    let status = answer.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (code, why), "{status:?}");
    status
}

/// The refusal of what the state does not allow.
pub(crate) const ILLEGAL: (Code, &str) = (Code::FailedPrecondition, "ILLEGAL_TRANSITION");

/// The refusal of what is not on the shelf.
pub(crate) const SHORT: (Code, &str) = (Code::Aborted, "INSUFFICIENT_STOCK");

/// The refusal of a request id that was used for something else.
pub(crate) const REUSED: (Code, &str) = (Code::InvalidArgument, "REQUEST_ID_REUSED");

/// Puts a product on the shelf, at 10.00 USD.
pub(crate) async fn shelve(world: &World, id: &str, stock: i64) {
    let request =
        v1::UpsertProductsRequest { products: vec![product(id, ("USD", 10, 0), stock)], ..Default::default() };
    world.admin().admin.upsert_products(request).await.unwrap();
}

/// A way to the door that hands over the message itself.
impl Caller {
    pub(crate) async fn create(&self, request: v1::CreateOrderRequest) -> Result<v1::Order, Status> {
        self.orders.clone().create_order(request).await.map(tonic::Response::into_inner)
    }

    pub(crate) async fn cancel(&self, order_id: &str) -> Result<v1::Order, Status> {
        let request = v1::CancelOrderRequest { order_id: order_id.to_owned(), ..Default::default() };
        self.orders.clone().cancel_order(request).await.map(tonic::Response::into_inner)
    }

    pub(crate) async fn pay(&self, order_id: &str, payment: v1::PaymentInstrument) -> Result<v1::Order, Status> {
        let (order_id, payment) = (order_id.to_owned(), Some(payment));
        let request = v1::PayOrderRequest { order_id, payment, ..Default::default() };
        self.orders.clone().pay_order(request).await.map(tonic::Response::into_inner)
    }

    pub(crate) async fn walk(&self, order_id: &str, status: v1::OrderStatus) -> Result<v1::Order, Status> {
        let (order_id, status) = (order_id.to_owned(), status.into());
        let request = v1::UpdateOrderStatusRequest { order_id, status, ..Default::default() };
        self.admin.clone().update_order_status(request).await.map(tonic::Response::into_inner)
    }

    pub(crate) async fn order(&self, order_id: &str) -> v1::Order {
        let request = v1::GetOrderRequest { order_id: order_id.to_owned() };
        self.orders.clone().get_order(request).await.unwrap().into_inner()
    }

    pub(crate) async fn add(&self, product_id: &str, quantity: i32) -> Result<v1::Cart, Status> {
        let request = v1::AddCartItemRequest { product_id: product_id.to_owned(), quantity, ..Default::default() };
        self.carts.clone().add_cart_item(request).await.map(tonic::Response::into_inner)
    }

    pub(crate) async fn checkout(&self, request: v1::CheckoutRequest) -> Result<v1::Order, Status> {
        self.carts.clone().checkout(request).await.map(tonic::Response::into_inner)
    }

    /// The whole history of an order, as the shop sees it.
    pub(crate) async fn history(&self, order_id: &str) -> Vec<v1::OrderEvent> {
        let mut events = Vec::new();
        let mut page_token = String::new();
        loop {
            let order_id = order_id.to_owned();
            let request = v1::ListOrderEventsRequest { order_id, page_size: 500, page_token };
            let page = self.orders.clone().list_order_events(request).await.unwrap().into_inner();
            events.extend(page.events);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return events;
            }
        }
    }

    /// Every order there is, as an administrator sees them.
    pub(crate) async fn all_orders(&self) -> Vec<v1::Order> {
        let mut orders = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = v1::AdminServiceListOrdersRequest { page_size: 500, page_token, ..Default::default() };
            let page = self.admin.clone().list_orders(request).await.unwrap().into_inner();
            orders.extend(page.orders);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return orders;
            }
        }
    }
}

/// A checkout that leaves payment for later, under a request id or none.
pub(crate) fn checkout(request_id: &str) -> v1::CheckoutRequest {
    v1::CheckoutRequest {
        contact: Some(contact()),
        shipping_address: Some(address()),
        request_id: request_id.to_owned(),
        ..Default::default()
    }
}

/// How often an event is in a history.
pub(crate) fn times(history: &[v1::OrderEvent], kind: v1::OrderEventType) -> usize {
    history.iter().filter(|event| event.r#type() == kind).count()
}

/// The two words of an order that most tests ask for.
pub(crate) fn words(order: &v1::Order) -> (v1::OrderStatus, v1::PaymentStatus) {
    (order.status(), order.payment_status())
}
