//! `WatchOrders` at the public door.

use std::time::Duration;

use order_api::v1::{self, OrderEventType as Kind};
use order_server::auth::Role;
use order_store::testing::{TestDatabase, on_both_engines};
use tonic::{Code, Streaming, transport::Endpoint};
use tonic_types::StatusExt as _;

use crate::world::{Caller, World, card, cash, order_of};

/// What is asked for where nothing else is: all from the beginning, with quick heartbeats.
fn all() -> v1::WatchOrdersRequest {
    v1::WatchOrdersRequest { from_beginning: true, heartbeat_seconds: 1, ..Default::default() }
}

async fn watch(mut caller: Caller, request: v1::WatchOrdersRequest) -> Streaming<v1::WatchOrdersResponse> {
    caller.orders.watch_orders(request).await.unwrap().into_inner()
}

async fn next(stream: &mut Streaming<v1::WatchOrdersResponse>) -> v1::WatchOrdersResponse {
    let message = tokio::time::timeout(Duration::from_secs(30), stream.message());
    message.await.expect("there are heartbeats").unwrap().expect("a stream has no end of its own")
}

/// The next event, whatever heartbeats come before it.
async fn event(stream: &mut Streaming<v1::WatchOrdersResponse>) -> v1::OrderEvent {
    let event = async {
        loop {
            if let Some(event) = next(stream).await.event {
                return event;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), event).await.expect("it is told")
}

/// How it ends, before any other event.
async fn end(stream: &mut Streaming<v1::WatchOrdersResponse>) -> tonic::Status {
    let end = async {
        loop {
            match stream.message().await {
                Ok(message) => assert!(message.expect("it ends with a reason").event.is_none()),
                Err(status) => return status,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), end).await.expect("it ends")
}

/// What comes until there is nothing more to tell, and where to go on.
async fn told(
    database: &TestDatabase,
    stream: &mut Streaming<v1::WatchOrdersResponse>,
) -> (Vec<v1::WatchOrdersResponse>, String) {
    database.feed_is_whole().await;
    let mut events = Vec::new();
    let first = next(stream).await;
    assert_eq!(first.event, None, "the first message says where the stream begins");
    loop {
        let message = next(stream).await;
        if message.event.is_none() {
            return (events, message.cursor);
        }
        events.push(message);
    }
}

fn kinds(messages: &[v1::WatchOrdersResponse]) -> Vec<Kind> {
    messages.iter().map(|message| message.event.as_ref().unwrap().r#type()).collect()
}

async fn place(world: &World, who: &str) -> v1::Order {
    let request = order_of(&[("fangs", 1)], Some(cash()));
    world.customer(who).orders.create_order(request).await.unwrap().into_inner()
}

async fn note(world: &World, order: &v1::Order) {
    let request = v1::AddNoteRequest { order_id: order.order_id.clone(), note: "fragile".into(), ..Default::default() };
    world.admin().admin.add_note(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_watcher_is_told_is_the_history_and_goes_on_where_it_ended() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let order = place(&world, "ada").await;
        note(&world, &order).await;
        let mut stream = watch(world.admin(), all()).await;
        let (first, cursor) = told(&database, &mut stream).await;
        let request = v1::ListOrderEventsRequest { order_id: order.order_id.clone(), ..Default::default() };
        let history = world.admin().orders.list_order_events(request).await.unwrap().into_inner().events;
        let events: Vec<_> = first.iter().map(|message| message.event.clone().unwrap()).collect();
        assert_eq!(events, history);
        assert!(kinds(&first).contains(&Kind::NoteAdded));
        let named = |message: &v1::WatchOrdersResponse| {
            (message.order_number.as_str(), message.customer_id.as_str()) == (order.order_number.as_str(), "ada")
        };
        assert!(first.iter().all(named));

        // Through another process, and as it happens.
        let other = World::start(&database, &[]).await;
        let second = place(&other, "bob").await;
        let live = event(&mut stream).await;
        assert_eq!(live.order_id, second.order_id);
        let resumed = v1::WatchOrdersRequest { cursor, from_beginning: false, ..all() };
        let (later, _) = told(&database, &mut watch(other.service(), resumed).await).await;
        assert!(!later.is_empty() && later.iter().all(|message| message.customer_id == "bob"));
        // From the middle of an order's events.
        let middle = v1::WatchOrdersRequest { cursor: first[0].cursor.clone(), from_beginning: false, ..all() };
        let (rest, _) = told(&database, &mut watch(other.service(), middle).await).await;
        assert_eq!(rest, [&first[1..], &later[..]].concat());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_now_means_from_now() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        place(&world, "ada").await;
        database.feed_is_whole().await;
        let request = v1::WatchOrdersRequest { from_beginning: false, ..all() };
        let mut stream = watch(world.admin(), request).await;
        assert_eq!(next(&mut stream).await.event, None);
        let order = place(&world, "bob").await;
        let first = event(&mut stream).await;
        assert_eq!((first.order_id, first.revision), (order.order_id, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_watch_their_own_orders_and_not_the_notes() {
    let database = TestDatabase::sqlite().await;
    let world = World::with_products(&database, &[]).await;
    let (own, foreign) = (place(&world, "ada").await, place(&world, "bob").await);
    note(&world, &own).await;
    let (events, _) = told(&database, &mut watch(world.customer("ada"), all()).await).await;
    assert!(events.iter().all(|message| message.event.as_ref().unwrap().order_id == own.order_id));
    assert!(kinds(&events).contains(&Kind::Placed) && !kinds(&events).contains(&Kind::NoteAdded));
    let said = v1::WatchOrdersRequest { customer_id: "ada".into(), ..all() };
    assert_eq!(told(&database, &mut watch(world.customer("ada"), said.clone()).await).await.0, events);
    let refused = world.customer("bob").orders.watch_orders(said).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let named = v1::WatchOrdersRequest { order_id: foreign.order_id, ..all() };
    assert_eq!(told(&database, &mut watch(world.customer("ada"), named).await).await.0, [], "as if there were none");
    let guest = world.guest().orders.watch_orders(all()).await.unwrap_err();
    assert_eq!(guest.code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_leave_out_what_is_not_asked_for_and_heartbeats_go_past_it() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let ada = place(&world, "ada").await;
        let request = order_of(&[("costume", 1)], Some(card("tok_ok")));
        world.customer("bob").orders.create_order(request).await.unwrap();
        let of = |change: fn(&mut v1::WatchOrdersRequest, &v1::Order)| {
            let mut request = all();
            change(&mut request, &ada);
            request
        };
        let (of_order, end) = told(
            &database,
            &mut watch(world.admin(), of(|request, ada| request.order_id.clone_from(&ada.order_id))).await,
        )
        .await;
        assert!(!of_order.is_empty() && of_order.iter().all(|message| message.customer_id == "ada"));
        let (of_customer, _) =
            told(&database, &mut watch(world.admin(), of(|request, _| request.customer_id = "ada".into())).await).await;
        assert_eq!(of_customer, of_order);
        let placed = of(|request, _| request.types = vec![Kind::Placed.into()]);
        let (placed, _) = told(&database, &mut watch(world.admin(), placed).await).await;
        assert_eq!(kinds(&placed), [Kind::Placed, Kind::Placed]);
        // Behind bob's events, of which nothing was told.
        let rest = v1::WatchOrdersRequest { cursor: end, from_beginning: false, ..all() };
        assert_eq!(told(&database, &mut watch(world.admin(), rest).await).await.0, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_watched_is_refused_with_all_its_mistakes() {
    let database = TestDatabase::sqlite().await;
    let world = World::with_products(&database, &[]).await;
    let wrong = v1::WatchOrdersRequest {
        cursor: "AQAA".into(),
        from_beginning: true,
        order_id: "7".into(),
        customer_id: "\u{7}".into(),
        types: vec![1, 0, 999],
        heartbeat_seconds: 301,
    };
    let refused = world.admin().orders.watch_orders(wrong).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let violations = refused.get_error_details().bad_request().unwrap().field_violations.clone();
    let fields: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["order_id", "customer_id", "types[1]", "types[2]", "heartbeat_seconds", "from_beginning"]);
    let many = v1::WatchOrdersRequest { types: vec![1; 101], ..all() };
    assert_eq!(world.admin().orders.watch_orders(many).await.unwrap_err().code(), Code::InvalidArgument);
    let garbage = v1::WatchOrdersRequest { cursor: "garbage".into(), ..Default::default() };
    let refused = world.admin().orders.watch_orders(garbage).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = refused.get_error_details();
    assert_eq!(details.bad_request().unwrap().field_violations[0].field, "cursor");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_a_database_that_was_restored_since_is_refused_and_says_where_to_go_on() {
    on_both_engines(|database| async move {
        let later = TestDatabase::sqlite().await;
        let world = World::with_products(&later, &[]).await;
        for _ in 0..3 {
            place(&world, "ada").await;
        }
        later.execute("UPDATE order_event SET feed_position = feed_position + 1000000000000").await.unwrap();
        let (_, cursor) = told(&later, &mut watch(world.admin(), all()).await).await;
        let world = World::with_products(&database, &[]).await;
        place(&world, "ada").await;
        database.feed_is_whole().await;
        let request = v1::WatchOrdersRequest { cursor, from_beginning: false, ..all() };
        let refused = world.admin().orders.watch_orders(request.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::OutOfRange);
        let info = refused.get_error_details().error_info().unwrap().clone();
        assert_eq!(info.reason, "CURSOR_OUT_OF_RANGE");
        let request = v1::WatchOrdersRequest { cursor: info.metadata["latest_cursor"].clone(), ..request };
        assert_eq!(told(&database, &mut watch(world.admin(), request).await).await.0, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_while_a_database_is_restored_is_told() {
    let database = TestDatabase::sqlite().await;
    let world = World::with_products(&database, &[]).await;
    place(&world, "ada").await;
    let mut stream = watch(world.admin(), all()).await;
    told(&database, &mut stream).await;
    database.execute("DELETE FROM order_event WHERE revision > 1").await.unwrap();
    let ended = end(&mut stream).await;
    assert_eq!(ended.code(), Code::OutOfRange);
    assert_eq!(ended.get_error_details().error_info().unwrap().reason, "CURSOR_OUT_OF_RANGE");
    let order = place(&world, "bob").await;
    let (events, _) = told(&database, &mut watch(world.admin(), all()).await).await;
    assert!(events.iter().any(|message| message.order_number == order.order_number), "others watch on");
}

/// More than fits into what a connection takes before somebody reads.
#[tokio::test(flavor = "multi_thread")]
async fn who_reads_late_misses_nothing() {
    const NOTES: usize = 40;
    const WRITERS: usize = 8;
    let database = TestDatabase::sqlite().await;
    let world = World::with_products(&database, &[]).await;
    let order = place(&world, "ada").await;
    let mut slow = watch(world.admin(), all()).await;
    assert_eq!(next(&mut slow).await.event, None);
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..WRITERS {
        let (mut admin, order_id) = (world.admin().admin, order.order_id.clone());
        writers.spawn(async move {
            for _ in 0..NOTES {
                let note = "a".repeat(2000);
                let request = v1::AddNoteRequest { order_id: order_id.clone(), note, ..Default::default() };
                admin.add_note(request).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    let mut revisions = Vec::new();
    loop {
        let message = next(&mut slow).await;
        let Some(event) = message.event else { break };
        revisions.push(event.revision);
    }
    let last = i64::try_from(revisions.len()).unwrap();
    assert!(last > i64::try_from(NOTES * WRITERS).unwrap());
    assert!(revisions.iter().copied().eq(1..=last), "{revisions:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_watch_and_a_place_is_free_once_somebody_goes() {
    let database = TestDatabase::sqlite().await;
    let world = World::with_products(&database, &[]).await;
    // One connection carries no more than 256 calls.
    let endpoint = Endpoint::from_shared(format!("http://{}", world.grpc)).unwrap();
    let doors = [endpoint.connect().await.unwrap(), endpoint.connect().await.unwrap()];
    let callers = |id: &str, role| {
        let token = world.token(id, role);
        doors.each_ref().map(|channel| Caller::over(channel, Some(&token)))
    };
    let mut streams = Vec::new();
    for n in 0..16 {
        let name = format!("customer-{n}");
        let [mut customer, _] = callers(&name, Role::Customer);
        let refused = loop {
            match customer.orders.watch_orders(all()).await {
                Ok(stream) => streams.push(stream.into_inner()),
                Err(status) => break status,
            }
        };
        let seen = (streams.len(), refused.code());
        assert_eq!(seen, (8 * (n + 1), Code::ResourceExhausted), "one customer leaves room for others");
    }
    let [mut late, _] = callers("late", Role::Customer);
    let refused = late.orders.watch_orders(all()).await.unwrap_err();
    assert_eq!((streams.len(), refused.code()), (128, Code::ResourceExhausted), "customers leave room for services");
    let mut doors = callers("kim", Role::Admin);
    let refused = loop {
        match doors[streams.len() % 2].orders.watch_orders(all()).await {
            Ok(stream) => streams.push(stream.into_inner()),
            Err(status) => break status,
        }
    };
    assert_eq!((streams.len(), refused.code()), (256, Code::ResourceExhausted));
    assert!(refused.get_error_details().retry_info().is_some());
    streams.truncate(255);
    let again = async {
        while doors[0].orders.watch_orders(all()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), again).await.expect("a place is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_the_process_and_holds_nothing_up() {
    let database = TestDatabase::sqlite().await;
    let world = World::with_products(&database, &[]).await;
    let mut stream = watch(world.admin(), all()).await;
    told(&database, &mut stream).await;
    let ending = tokio::spawn(world.stop());
    let ended = end(&mut stream).await;
    assert_eq!(ended.code(), Code::Unavailable);
    assert_eq!(ended.get_error_details().error_info().unwrap().reason, "SHUTTING_DOWN");
    tokio::time::timeout(Duration::from_secs(5), ending).await.expect("it ends in time").unwrap();
}
