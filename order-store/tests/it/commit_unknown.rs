//! Between the store and the server: how often an order goes there and back, and what becomes of it when the answer to its commit gets
//! lost on its way. Whoever placed it gets it all the same, and there is one.

use std::sync::{
    Arc,
    atomic::{AtomicU8, AtomicU32, Ordering},
};

use order_core::order::{Command, EventBody, Status};
use order_store::{ChangeOrder, ConnectOptions, DatabaseUrl, Effect, StoreError, connect, testing::TestDatabase};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::shop::{Shop, Wish, change, fresh, request};

/// What the proxy does to the next commit; afterwards it passes everything on again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Cut {
    Nothing = 0,
    /// The server never sees it.
    Before = 1,
    /// The server has carried it out, and its answer does not arrive.
    After = 2,
    /// The server has it, and is still at it.
    During = 3,
}

/// A way to the server that can be cut.
struct Proxy {
    url: String,
    next: Arc<AtomicU8>,
    /// How many times a COMMIT was cut that was sent together with the statements before it.
    pipelined: Arc<AtomicU8>,
    /// How many times something was sent after an answer had come.
    trips: Arc<AtomicU32>,
}

/// What a line counts and is told.
type Line = (Arc<AtomicU8>, Arc<AtomicU8>, Arc<AtomicU32>);

impl Proxy {
    async fn before(database: &TestDatabase) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = database.secret_url();
        let (before, after) = url.rsplit_once('@').unwrap();
        let (server, name) = after.split_once('/').unwrap();
        let proxied = format!("{before}@{}/{name}", listener.local_addr().unwrap());
        let next = Arc::new(AtomicU8::new(Cut::Nothing as u8));
        let pipelined = Arc::new(AtomicU8::new(0));
        let trips = Arc::new(AtomicU32::new(0));
        let (server, line) = (server.to_owned(), (Arc::clone(&next), Arc::clone(&pipelined), Arc::clone(&trips)));
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(pass(client, server.clone(), line.clone()));
            }
        });
        Self { url: proxied, next, pipelined, trips }
    }

    fn cut(&self, cut: Cut) {
        self.next.store(cut as u8, Ordering::SeqCst);
    }
}

/// Whether COMMIT is in what is sent, or the answer to it in what comes back.
fn commits(bytes: &[u8]) -> bool {
    bytes.windows(7).any(|bytes| bytes == b"COMMIT\0")
}

/// Passes bytes on in both directions until one side ends or the line is cut.
async fn pass(mut client: TcpStream, server: String, (cut, pipelined, trips): Line) {
    let mut server = TcpStream::connect(server).await.unwrap();
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut was_answered = true;
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(length @ 1..) = read else { return };
                trips.fetch_add(u32::from(was_answered), Ordering::SeqCst);
                was_answered = false;
                let armed = if commits(&up[..length]) { cut.swap(Cut::Nothing as u8, Ordering::SeqCst) } else { Cut::Nothing as u8 };
                // Such a COMMIT asks whether all was written before it.
                let asks = up[..length].windows(15).any(|bytes| bytes == b"current_setting");
                pipelined.fetch_add(u8::from(armed != Cut::Nothing as u8 && asks), Ordering::SeqCst);
                if armed == Cut::Before as u8 {
                    return;
                }
                server.write_all(&up[..length]).await.unwrap();
                if armed == Cut::During as u8 {
                    return;
                }
                if armed == Cut::After as u8 {
                    // It is carried out once it is answered. What was sent with it is answered before.
                    let mut answered = Vec::new();
                    while !commits(&answered) {
                        let length = server.read(&mut down).await.unwrap();
                        assert!(length > 0);
                        answered.extend_from_slice(&down[..length]);
                    }
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(length @ 1..) = read else { return };
                was_answered = true;
                if client.write_all(&down[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Makes the commit of an order take longer than the first look for what became of it.
const SLOW_COMMITS: &str = "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$; \
     CREATE CONSTRAINT TRIGGER dawdles AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION dawdle()";

/// What the connections have sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connections {
    /// Nothing: every statement is sent by itself.
    New,
    /// All of it: COMMIT is sent together with the statements before it.
    Used,
}

/// Places orders of two callers, one of whom named his request, while the line is cut.
async fn place_across(cut: Cut, connections: Connections) {
    let database = TestDatabase::postgres().await;
    if cut == Cut::During {
        database.execute(SLOW_COMMITS).await.unwrap();
    }
    let proxy = Proxy::before(&database).await;
    let url = DatabaseUrl::parse(&proxy.url).unwrap();
    let shop = Shop { store: connect(&url, &ConnectOptions::default()).await.unwrap() };
    let mug = shop.sell("mug", 1250, 20).await;
    let before: u8 = match connections {
        Connections::New => 0,
        Connections::Used => 12,
    };
    for n in (0..before).step_by(2) {
        // Two at a time: where commits are slow, the second one has the other lane begin.
        let used = |n: u8| shop.place(Wish { request: Some(request(fresh(), 10 + n)), ..Wish::of(&[(&mug, 1)]) });
        let (one, other) = tokio::join!(used(n), used(n + 1));
        assert!(one.is_ok() && other.is_ok());
    }
    proxy.cut(cut);
    let named = Wish { request: Some(request(fresh(), 1)), ..Wish::of(&[(&mug, 1)]) };
    let named = shop.place(named).await.unwrap();
    proxy.cut(cut);
    let nameless = shop.place(Wish::of(&[(&mug, 2)])).await.unwrap();
    for Effect { order, events } in [&named, &nameless] {
        assert_eq!(shop.order(order.id).await, *order);
        assert!(!events.is_empty(), "it is told as it was done, so that its payment is carried out now");
    }
    let pipelined = proxy.pipelined.load(Ordering::SeqCst);
    // The second order may meet the lane whose connection is new, because the first one lost it.
    assert_eq!(pipelined > 0, connections == Connections::Used);
    let numbers = database.texts("SELECT order_number FROM orders ORDER BY order_number").await;
    let [first, second] = [&named, &nameless].map(|effect| effect.order.number.as_ref().unwrap().as_str());
    assert_eq!(numbers[usize::from(before)..], [first, second], "each is there once");
    let counted = database.texts("SELECT CAST(value AS text) FROM order_counter").await;
    assert!(second.ends_with(&counted[0]), "no number was lost");
    assert_eq!(shop.level("MUG").await.allocated, 3 + i64::from(before));
    shop.store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_unknown_of_what_was_committed() {
    place_across(Cut::After, Connections::New).await;
    place_across(Cut::After, Connections::Used).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_unknown_of_what_is_committed_while_it_is_looked_for() {
    place_across(Cut::During, Connections::New).await;
    place_across(Cut::During, Connections::Used).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_unknown_of_what_was_not() {
    place_across(Cut::Before, Connections::New).await;
    place_across(Cut::Before, Connections::Used).await;
}

/// Changes orders while the line is cut: one under a request id, one without.
async fn change_across(cut: Cut, connections: Connections) {
    let database = TestDatabase::postgres().await;
    let proxy = Proxy::before(&database).await;
    let url = DatabaseUrl::parse(&proxy.url).unwrap();
    let shop = Shop { store: connect(&url, &ConnectOptions::default()).await.unwrap() };
    let mug = shop.sell("mug", 1250, 100).await;
    let order = async || shop.place(Wish::of(&[(&mug, 1)])).await.unwrap().order.id;
    for n in 0..(if connections == Connections::Used { 12 } else { 0 }) {
        let used = ChangeOrder { request: Some(request(fresh(), n)), ..change(order().await, Command::Confirm) };
        shop.store.change(used).await.unwrap();
        shop.change(order().await, Command::Confirm).await.unwrap();
    }
    let (named, nameless) = (order().await, order().await);
    proxy.cut(cut);
    let told = ChangeOrder { request: Some(request(fresh(), 1)), ..change(named, Command::Confirm) };
    let told = shop.store.change(told).await.unwrap().order;
    assert_eq!((told.status, &told), (Status::Confirmed, &shop.order(named).await));
    proxy.cut(cut);
    let unknown = shop.change(nameless, Command::Confirm).await;
    assert!(matches!(unknown, Err(StoreError::UnknownOutcome(_))), "nobody can tell: {unknown:?}");
    let left = if cut == Cut::After { Status::Confirmed } else { Status::Pending };
    assert_eq!(shop.order(nameless).await.status, left);
    // What was tried again may have taught its connection, also where all were new.
    assert!(proxy.pipelined.load(Ordering::SeqCst) > 0 || connections == Connections::New);
    for id in [named, nameless] {
        let history = shop.store.events(id, 0, 500).await.unwrap().items;
        let confirmations = history.iter().filter(|event| matches!(event.body, EventBody::Confirmed)).count();
        assert_eq!(confirmations, usize::from(shop.order(id).await.status == Status::Confirmed), "never twice");
    }
    shop.store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_unknown_of_a_change() {
    for cut in [Cut::After, Cut::Before] {
        change_across(cut, Connections::New).await;
        change_across(cut, Connections::Used).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_goes_to_the_server_and_back_twice() {
    let database = TestDatabase::postgres().await;
    let proxy = Proxy::before(&database).await;
    let shop =
        Shop { store: connect(&DatabaseUrl::parse(&proxy.url).unwrap(), &ConnectOptions::default()).await.unwrap() };
    let (mug, pot) = (shop.sell("mug", 1250, 1000).await, shop.sell("pot", 4999, 1000).await);
    let mut trips = Vec::new();
    for n in 0..40 {
        let before = proxy.trips.load(Ordering::SeqCst);
        let wish = Wish::of(&[(&mug, 1), (&pot, 2)]).by_card().still_so();
        shop.place(Wish { request: Some(request(fresh(), n)), ..wish }).await.unwrap();
        trips.push(proxy.trips.load(Ordering::SeqCst) - before);
    }
    // The first ones have their statements prepared, and an answer may begin to come while something is still on its way.
    // Behind one of them the search index may be taken care of, on another connection.
    let late = trips.iter().rev().take(10).filter(|trips| **trips <= 4).count();
    let fewest = trips.iter().min().unwrap();
    assert!(*fewest == 2 && late >= 9, "BEGIN goes with what is locked, COMMIT with what is written: {trips:?}");
    shop.store.close().await;
}
