//! The feed: the events of all orders, one after the other.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use order_core::{ids::OrderId, order::Command};
use order_store::{ConsumerLease, FeedCursor, FeedEvent, Store, testing::TestDatabase, testing::on_both_engines};
use tokio::task::JoinSet;

use crate::shop::{Shop, Wish, change, fresh, later, request, ship};

/// Reads on from a place until the feed ends, so many events at a time.
async fn read_on(store: &dyn Store, place: &mut FeedCursor, size: u32) -> Vec<FeedEvent> {
    let mut found = Vec::new();
    loop {
        let page = store.feed(*place, size).await.unwrap().expect("the feed has come so far");
        assert!(page.next >= *place, "it never goes back");
        *place = page.next;
        let is_last = page.events.is_empty();
        found.extend(page.events);
        if is_last {
            return found;
        }
    }
}

/// What was read is the history of every order: each event once, by revision.
async fn assert_is_all(shop: &Shop, read: &[FeedEvent], orders: usize) {
    assert!(read.windows(2).all(|pair| pair[0].cursor < pair[1].cursor), "places ascend");
    let mut histories: BTreeMap<OrderId, Vec<_>> = BTreeMap::new();
    for found in read {
        histories.entry(found.order_id).or_default().push(found.event.clone());
    }
    assert_eq!(histories.len(), orders);
    for (order_id, history) in histories {
        assert_eq!(history, shop.store.events(order_id, 0, 500).await.unwrap().items);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_is_what_happened_to_all_orders() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mut place = FeedCursor::BEGINNING;
        assert_eq!(read_on(&*shop.store, &mut place, 10).await, []);
        let mug = shop.sell("mug", 1250, 100).await;
        let first = shop.place(Wish::of(&[(&mug, 2)])).await.unwrap().order;
        let guest = shop.place(Wish::of(&[(&mug, 1)]).by_guest("eve@example.com")).await.unwrap().order;
        // Where the feed ends depends on the transactions of all tests on this server, until it is whole.
        database.feed_is_whole().await;
        let middle = shop.store.feed_end().await.unwrap();
        for command in [Command::Confirm, Command::StartProcessing, ship()] {
            shop.change(first.id, command).await.unwrap();
        }
        database.feed_is_whole().await;
        for size in [1, 2, 500] {
            let read = read_on(&*shop.store, &mut FeedCursor::BEGINNING.clone(), size).await;
            assert_is_all(&shop, &read, 2).await;
            let of = |id| read.iter().find(|found| found.order_id == id).unwrap();
            assert_eq!(of(first.id).customer_id.as_ref().map(ToString::to_string).as_deref(), Some("ada"));
            assert_eq!(
                (&of(guest.id).customer_id, &of(guest.id).order_number),
                (&None, guest.number.as_ref().unwrap())
            );
            assert_eq!(of(first.id).currency, first.totals.total.currency());
        }
        let later = read_on(&*shop.store, &mut middle.clone(), 500).await;
        assert!(later.iter().all(|found| found.order_id == first.id), "what came before the end that was asked for");
        assert_eq!(later.first().map(|found| found.event.revision), Some(first.revision + 1));
        assert_eq!(
            read_on(&*shop.store, &mut place, 3).await.len(),
            read_on(&*shop.store, &mut FeedCursor::BEGINNING.clone(), 500).await.len()
        );
        assert_eq!(read_on(&*shop.store, &mut place, 3).await, [], "nothing comes twice");
    })
    .await;
}

/// Writers at work on the same orders, and readers who follow them: one of two processes, as it were, since each has a store of its own.
#[tokio::test(flavor = "multi_thread")]
async fn no_reader_misses_anything_however_many_write() {
    const WRITERS: usize = 8;
    const ORDERS: usize = 6;
    on_both_engines(|database| async move {
        let shop = Arc::new(Shop::open(&database).await);
        let mug = shop.sell("mug", 1250, 100_000).await;
        let done = Arc::new(AtomicBool::new(false));
        let mut readers = JoinSet::new();
        for size in [1, 7, 500] {
            let (store, done) = (database.connect().await, Arc::clone(&done));
            readers.spawn(async move {
                let (mut place, mut read) = (FeedCursor::BEGINNING, Vec::new());
                loop {
                    let is_last = done.load(Ordering::SeqCst);
                    read.extend(read_on(&*store, &mut place, size).await);
                    if is_last {
                        return read;
                    }
                    tokio::task::yield_now().await;
                }
            });
        }
        let mut writers = JoinSet::new();
        for _ in 0..WRITERS {
            let (shop, mug, database) = (Arc::clone(&shop), mug.clone(), Arc::clone(&database));
            writers.spawn(async move {
                let other = database.connect().await;
                for _ in 0..ORDERS {
                    let order = shop.place(Wish::of(&[(&mug, 1)]).under(fresh())).await.unwrap().order;
                    // Both at once, through both stores: they wait for each other at the order.
                    let note = |n: u32| Command::AddNote(format!("note {n}"));
                    let mut notes = JoinSet::new();
                    for n in 0..4 {
                        let store = if n % 2 == 0 { Arc::clone(&shop.store) } else { Arc::clone(&other) };
                        let asked = order_store::ChangeOrder {
                            request: Some(request(fresh(), 1)),
                            ..change(order.id, note(n))
                        };
                        notes.spawn(async move { store.change(asked).await.unwrap() });
                    }
                    notes.join_all().await;
                }
            });
        }
        writers.join_all().await;
        database.feed_is_whole().await;
        done.store(true, Ordering::SeqCst);
        let read = readers.join_all().await;
        for read in &read {
            assert_is_all(&shop, read, WRITERS * ORDERS).await;
        }
        assert!(read.iter().all(|other| *other == read[0]), "all read the same");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_the_feed_has_not_come_to_is_told_apart_from_its_end() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        assert_eq!(shop.store.feed_end().await.unwrap(), FeedCursor::BEGINNING);
        let mug = shop.sell("mug", 1250, 100).await;
        shop.place(Wish::of(&[(&mug, 1)])).await.unwrap();
        database.feed_is_whole().await;
        let end = shop.store.feed_end().await.unwrap();
        let page = shop.store.feed(end, 10).await.unwrap().expect("it has come so far");
        assert_eq!((page.events, page.next, page.is_full), (vec![], end, false));
        let beyond = FeedCursor { revision: end.revision + 1, ..end };
        assert_eq!(shop.store.feed(beyond, 10).await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_at_a_time_works_for_a_consumer_and_others_go_on_where_it_ended() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 100).await;
        shop.place(Wish::of(&[(&mug, 1)])).await.unwrap();
        database.feed_is_whole().await;
        let end = shop.store.feed_end().await.unwrap();
        let [one, other] = [fresh(), fresh()];
        let lease = |holder, after, seconds| ConsumerLease {
            name: "test",
            holder,
            now: later(after),
            lease: Duration::from_secs(seconds),
        };
        let claims = [one, other].map(|holder| shop.store.claim_consumer(lease(holder, 0, 15)));
        let [first, second] = claims;
        let (first, second) = tokio::join!(first, second);
        let mut claimed = [first.unwrap(), second.unwrap()];
        let (one, other) = if claimed[0].is_some() { (one, other) } else { (other, one) };
        claimed.sort();
        assert_eq!(claimed, [None, Some(end)], "one of them, at the end of the feed");
        shop.place(Wish::of(&[(&mug, 1)])).await.unwrap();
        database.feed_is_whole().await;
        let place = shop.store.feed_end().await.unwrap();
        assert!(shop.store.advance_consumer(lease(one, 1, 15), place).await.unwrap());
        assert!(!shop.store.advance_consumer(lease(other, 1, 15), end).await.unwrap());
        assert_eq!(shop.store.claim_consumer(lease(other, 15, 15)).await.unwrap(), None, "it was prolonged");
        assert_eq!(shop.store.claim_consumer(lease(other, 16, 15)).await.unwrap(), Some(place), "it has run out");
        assert!(!shop.store.advance_consumer(lease(one, 16, 15), end).await.unwrap(), "too late");
        assert!(shop.store.advance_consumer(lease(other, 17, 0), place).await.unwrap());
        assert_eq!(shop.store.claim_consumer(lease(one, 17, 15)).await.unwrap(), Some(place), "it was given away");
        let beyond = FeedCursor { revision: place.revision + 1, ..place };
        assert!(shop.store.advance_consumer(lease(one, 18, 15), beyond).await.unwrap());
        let restored = shop.store.claim_consumer(lease(one, 19, 15)).await.unwrap();
        assert_eq!(restored, Some(place), "no further than the feed goes");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_counts_transactions_anew_goes_on_behind_its_history() {
    let database = TestDatabase::postgres().await;
    let shop = Shop::open(&database).await;
    let mug = shop.sell("mug", 1250, 100).await;
    let before = shop.place(Wish::of(&[(&mug, 1)])).await.unwrap().order;
    // As if it had been restored from a dump of a server that has come further.
    database.execute("UPDATE order_event SET feed_position = feed_position + 1000000000").await.unwrap();
    let history = shop.store.events(before.id, 0, 500).await.unwrap().items.len();
    let lost = read_on(&*shop.store, &mut FeedCursor::BEGINNING.clone(), 500).await;
    assert_eq!(lost, [], "this is what it is about");
    assert_eq!(database.migrate().await, Vec::<String>::new());
    let mut place = FeedCursor::BEGINNING;
    database.feed_is_whole().await;
    assert_eq!(read_on(&*shop.store, &mut place, 500).await.len(), history);
    let after = shop.place(Wish::of(&[(&mug, 1)])).await.unwrap().order;
    database.feed_is_whole().await;
    let read = read_on(&*shop.store, &mut place, 500).await;
    assert!(!read.is_empty() && read.iter().all(|found| found.order_id == after.id));
    database.migrate().await;
    let last = shop.place(Wish::of(&[(&mug, 1)])).await.unwrap().order;
    database.feed_is_whole().await;
    let read = read_on(&*shop.store, &mut place, 500).await;
    assert!(!read.is_empty() && read.iter().all(|found| found.order_id == last.id), "it is moved once");
}
