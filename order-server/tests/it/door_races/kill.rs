//! A real process on a real file, killed in the middle of its work: what was acknowledged is there, and what was not can be
//! asked for again.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use order_api::v1;
use tokio::task::JoinSet;
use tonic::transport::Endpoint;

use crate::world::{Caller, card, order_of, product, request_id};

/// How often the process is killed.
const KILLS: usize = 3;

/// How many buyers are at it.
const BUYERS: usize = 16;

/// After how many orders of a round the process is killed.
const ORDERS: usize = 60;

/// A server process, killed when it is dropped.
struct Process {
    child: Child,
    customer: Caller,
    admin: Caller,
}

impl Process {
    /// Starts the binary on this directory and reads from its greeting where it is and how to be let in.
    async fn start(directory: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_order-server"))
            .env_clear()
            .env("DATA_DIR", directory)
            .envs([("LISTEN_ADDR", "127.0.0.1:0"), ("OPS_ADDR", "127.0.0.1:0"), ("RATE_LIMIT_PER_SECOND", "0")])
            .env("DEMO_CATALOG", "off")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let greeting = tokio::task::spawn_blocking(move || greeting(stdout)).await.unwrap();
        let channel = Endpoint::from_shared(format!("http://{}", greeting["gRPC on "])).unwrap();
        let channel = channel.connect().await.unwrap();
        let caller = |name| Caller::over(&channel, Some(&greeting[name]));
        Self { child, customer: caller("export CUSTOMER="), admin: caller("export ADMIN=") }
    }

    fn kill(&mut self) {
        let _gone_already = self.child.kill();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What follows each of three words, up to the next space or comma.
fn greeting(stdout: std::process::ChildStdout) -> BTreeMap<&'static str, String> {
    let mut found = BTreeMap::new();
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        for name in ["gRPC on ", "export CUSTOMER=", "export ADMIN="] {
            if let Some(rest) = line.trim().strip_prefix(name) {
                found.insert(name, rest.split([' ', ',']).next().unwrap().to_owned());
            }
        }
        if found.len() == 3 {
            return found;
        }
    }
    panic!("the greeting is not complete: {found:?}");
}

/// What the buyers know: each request, and the order that was acknowledged to it.
type Journal = Arc<Mutex<BTreeMap<String, Option<String>>>>;

fn order(request_id: &str) -> v1::CreateOrderRequest {
    // Every other one is paid at once, so that the process dies between the phases of a payment, too.
    let payment = request_id.ends_with(|last: char| last.is_ascii_digit()).then(|| card("tok_approve"));
    v1::CreateOrderRequest { request_id: request_id.to_owned(), ..order_of(&[("ware", 1)], payment) }
}

/// Buys until the process is gone. What is sent is written down first, what is acknowledged afterwards.
async fn buy(caller: Caller, journal: Journal, acknowledged: Arc<AtomicUsize>) {
    loop {
        let key = request_id();
        journal.lock().unwrap().insert(key.clone(), None);
        let Ok(placed) = caller.create(order(&key)).await else { return };
        journal.lock().unwrap().insert(key, Some(placed.order_number));
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
}

/// Buyers at work, and SIGKILL in the middle of it.
async fn load_and_kill(process: &mut Process, journal: &Journal) {
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let mut buyers = JoinSet::new();
    for _ in 0..BUYERS {
        buyers.spawn(buy(process.customer.clone(), Arc::clone(journal), Arc::clone(&acknowledged)));
    }
    super::kit::eventually("orders are placed", || async { acknowledged.load(Ordering::SeqCst) >= ORDERS }).await;
    process.kill();
    buyers.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_after_kill() {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::default();
    let mut process = Process::start(directory.path()).await;
    let products = vec![product("ware", ("USD", 10, 0), 1_000_000)];
    let request = v1::UpsertProductsRequest { products, ..Default::default() };
    process.admin.admin.upsert_products(request).await.unwrap();
    for _ in 0..KILLS {
        load_and_kill(&mut process, &journal).await;
        process = Process::start(directory.path()).await;
        let known = journal.lock().unwrap().clone();
        for (key, acknowledged) in known {
            let again = process.customer.create(order(&key)).await.unwrap();
            if let Some(number) = acknowledged {
                assert_eq!(again.order_number, number, "what was acknowledged is what there is");
            }
            journal.lock().unwrap().insert(key, Some(again.order_number));
        }
    }
    let known = journal.lock().unwrap().clone();
    assert!(known.len() >= KILLS * ORDERS);
    let mut asked: Vec<_> = known.into_values().map(Option::unwrap).collect();
    let mut there: Vec<_> = process.admin.all_orders().await.into_iter().map(|order| order.order_number).collect();
    asked.sort();
    there.sort();
    assert_eq!(asked, there, "one order for each request, and no other");
    let request = v1::GetStockRequest { sku: "WARE".to_owned() };
    let stock = process.admin.admin.clone().get_stock(request).await.unwrap().into_inner();
    assert_eq!(stock.allocated, i64::try_from(there.len()).unwrap());
}
