//! The database's bad day: it is a neighbour too, behind a line that can be cut.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use order_api::v1;
use order_store::testing::TestDatabase;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tonic::{Code, Request};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_types::StatusExt as _;

use crate::{
    door_races::{
        kit::{all_agrees, eventually, reason},
        process::Process,
    },
    world::{Caller, cash, order_of, product, request_id},
};

/// What callers wait for at most.
const DEADLINE: Duration = Duration::from_secs(3);

/// What a caller with a deadline gets on top of it to hear of it: this machine is busy.
const GRACE: Duration = Duration::from_secs(2);

/// A line to a server.
struct Line {
    here: SocketAddr,
    there: SocketAddr,
    running: Arc<Mutex<Option<JoinHandle<()>>>>,
    /// Whether nothing gets through, and nobody is told.
    is_silent: watch::Sender<bool>,
}

/// Passes on what comes, for as long as the line is not silent.
async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut is_silent: watch::Receiver<bool>) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if is_silent.wait_for(|is_silent| !is_silent).await.is_err() || to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

impl Line {
    async fn to(there: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = Self {
            here: listener.local_addr().unwrap(),
            there,
            running: Arc::default(),
            is_silent: watch::Sender::new(false),
        };
        line.serve(listener);
        line
    }

    fn serve(&self, listener: TcpListener) {
        let (there, is_silent) = (self.there, self.is_silent.subscribe());
        let running = tokio::spawn(async move {
            let mut calls = JoinSet::new();
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let is_silent = is_silent.clone();
                calls.spawn(async move {
                    let far = TcpStream::connect(there).await.unwrap();
                    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
                    tokio::join!(pass_on(from_near, to_far, is_silent.clone()), pass_on(from_far, to_near, is_silent));
                });
            }
        });
        *self.running.lock().unwrap() = Some(running);
    }

    /// Nobody gets through any more, and whoever was is cut off.
    async fn cut(&self) {
        let running = self.running.lock().unwrap().take().unwrap();
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
    }

    /// At the same place as before.
    fn mend(&self) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.here).unwrap();
        self.serve(socket.listen(64).unwrap());
    }
}

/// The address that a URL names, and the URL with another one in its place.
fn redirected(url: &str, line: impl FnOnce(SocketAddr) -> SocketAddr) -> String {
    let start = url.rfind('@').map_or_else(|| url.find("//").unwrap() + 2, |at| at + 1);
    let end = url[start..].find('/').unwrap() + start;
    let there = url[start..end].parse().expect("the tests' server listens on an address");
    format!("{}{}{}", &url[..start], line(there), &url[end..])
}

fn patient<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(DEADLINE);
    request
}

/// What a call is answered with while the database is away: in time, and when to come again.
async fn is_away<T: std::fmt::Debug>(what: &str, call: impl Future<Output = Result<T, tonic::Status>>) {
    let began = Instant::now();
    let status = call.await.expect_err(what);
    assert!(began.elapsed() < DEADLINE + GRACE, "{what}: {:?}", began.elapsed());
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unavailable, "DATABASE_UNAVAILABLE"),
        "{what}: {status:?}"
    );
    assert!(status.get_error_details().retry_info().is_some(), "{what}: {status:?}");
    assert!(!format!("{status:?}").contains("127.0.0.1"), "{what}: {status:?}");
}

async fn everything_is_away(ada: &Caller, office: &Caller, wish: &v1::CreateOrderRequest, order_id: &str) {
    let (ada, office) = (ada.clone(), office.clone());
    let (mut orders, mut carts, mut admin) = (ada.orders, ada.carts, office.admin);
    let order_id = order_id.to_owned();
    is_away("CreateOrder", orders.create_order(patient(wish.clone()))).await;
    is_away("GetOrder", orders.get_order(patient(v1::GetOrderRequest { order_id: order_id.clone() }))).await;
    is_away("ListOrders", orders.list_orders(patient(v1::ListOrdersRequest::default()))).await;
    is_away("GetCart", carts.get_cart(patient(v1::GetCartRequest::default()))).await;
    let add = v1::AddCartItemRequest { product_id: "ware".into(), quantity: 1, ..Default::default() };
    is_away("AddCartItem", carts.add_cart_item(patient(add))).await;
    let cancel = v1::CancelOrderRequest { order_id: order_id.clone(), ..Default::default() };
    is_away("CancelOrder", orders.cancel_order(patient(cancel))).await;
    is_away("GetOrderStats", admin.get_order_stats(patient(v1::GetOrderStatsRequest::default()))).await;
}

/// A service behind a line to its database.
async fn behind_a_line(database: &TestDatabase, settings: &[(&str, &str)]) -> (Line, Process) {
    let mut there = None;
    redirected(&database.secret_url(), |address| *there.insert(address));
    let line = Line::to(there.unwrap()).await;
    let url = redirected(&database.secret_url(), |_| line.here);
    let settings = [settings, &[("DATABASE_URL", url.as_str())]].concat();
    let process = Process::start(database, &settings).await;
    let products = vec![product("ware", ("USD", 10, 0), 100)];
    let request = v1::UpsertProductsRequest { products, ..Default::default() };
    process.admin().admin.upsert_products(request).await.unwrap();
    (line, process)
}

/// A database that says nothing, not even that it is gone, does not keep a process that is asked to end.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_database_does_not_keep_the_process() {
    let database = TestDatabase::postgres().await;
    let short = [("SHUTDOWN_DRAIN_MS", "1000"), ("SHUTDOWN_TASKS_MS", "1000")];
    let (line, mut process) = behind_a_line(&database, &short).await;
    line.is_silent.send_replace(true);
    let mut asks = JoinSet::new();
    for _ in 0..8 {
        let ada = process.customer("ada");
        let wish = v1::CreateOrderRequest { request_id: request_id(), ..order_of(&[("ware", 1)], Some(cash())) };
        asks.spawn(async move { ada.create(wish).await });
    }
    // All of them are under way, and their answers never come.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let began = Instant::now();
    let status = process.terminate().await;
    assert_eq!(status.code(), Some(0), "{status}");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(asks.join_all().await.iter().all(Result::is_err));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_the_service_says_so_and_goes_on_afterwards_by_itself() {
    let database = TestDatabase::postgres().await;
    let (line, process) = behind_a_line(&database, &[]).await;
    let (ada, office) = (process.customer("ada"), process.admin());
    let wish = || v1::CreateOrderRequest { request_id: request_id(), ..order_of(&[("ware", 1)], Some(cash())) };
    let placed = ada.create(wish()).await.unwrap();
    assert_eq!(process.health("").await, ServingStatus::Serving);
    for round in 1..=2 {
        let asked = wish();
        line.cut().await;
        // The first call after it may find a connection dead that was sound a moment before.
        everything_is_away(&ada, &office, &asked, &placed.order_id).await;
        eventually("it takes itself out", || async { process.health("").await == ServingStatus::NotServing }).await;
        assert_eq!(process.health("liveness").await, ServingStatus::Serving, "there is no reason to restart it");
        line.mend();
        eventually("it is back", || async { process.health("").await == ServingStatus::Serving }).await;
        let first = ada.create(asked.clone()).await.unwrap().order_id;
        assert_eq!(ada.create(asked).await.unwrap().order_id, first, "once, however often it is asked for");
        assert_eq!(office.all_orders().await.len(), 1 + round);
    }
    all_agrees(&database).await;
}
