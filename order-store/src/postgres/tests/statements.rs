//! The statements themselves, on one open transaction.

use diesel_async::SimpleAsyncConnection as _;
use order_core::{
    cart::{CartOwner, GuestKey},
    ids::{CartId, CustomerId, OperationId, ProductId, Sku},
    time::Timestamp,
};
use uuid::Uuid;

use super::{
    lease,
    rows::{at, cart_row, id, item_row, order_id, order_rows, product_row, shipment_row, text},
    target,
};
use crate::{
    error::StoreError,
    fields::Id,
    postgres::{
        pool,
        search_lines::{Held, MOST_LINES},
        sql::{Insert, Skip},
        together::{COMMIT_IF_WRITTEN, Place, Writes},
        tx::{Access, PgTx},
    },
    query::{
        Direction, FeedCursor, OrderCursor, OrderFilter, OrderKey, OrderQuery, OrderSort, ProductQuery, Scope,
        StatsQuery,
    },
    rows::{
        CartRow, EventRow, GatewayRow, MovementRow, OrderRows, ProductRow, RequestRow, ReservationRow, Rollups,
        SearchRow, StockRow,
    },
    statements::{Locked, NumberRange, Read as _, Write as _},
    testing::TestDatabase,
};

async fn transaction(database: &TestDatabase) -> PgTx {
    PgTx::new(lease(database).await, Access::Write, None).unwrap()
}

fn page(filter: OrderFilter, sort: OrderSort, direction: Direction) -> OrderQuery {
    OrderQuery { filter, sort, direction, size: 2, after: None }
}

fn ids(orders: &[OrderRows]) -> Vec<u128> {
    orders.iter().map(|order| order.order.order_id.0.as_u128()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_read_back_as_they_were_written() {
    let database = TestDatabase::postgres().await;
    let mut tx = transaction(&database).await;
    let orders: Vec<_> = (1..=3).map(order_rows).collect();
    tx.insert_orders(&orders).await.unwrap();
    let mut read = tx.orders_by_id(&[order_id(1), order_id(2), order_id(3)]).await.unwrap();
    read.sort_by_key(|order| order.order.order_id);
    assert_eq!(read, orders);
    let mine = Scope::Customer(CustomerId::parse("me").unwrap());
    let yours = Scope::Customer(CustomerId::parse("you").unwrap());
    assert_eq!(
        tx.lock_orders(&[order_id(1), order_id(3), order_id(4)], Locked::Skip).await.unwrap(),
        [orders[0].clone(), orders[2].clone()]
    );
    assert_eq!(tx.order(&OrderKey::Id(order_id(2)), &mine).await.unwrap().as_ref(), Some(&orders[1]));
    assert_eq!(tx.order(&OrderKey::Id(order_id(2)), &Scope::All).await.unwrap().as_ref(), Some(&orders[1]));
    assert_eq!(tx.order(&OrderKey::Id(order_id(2)), &yours).await.unwrap(), None);
    let guest = OrderKey::NumberAndEmail("SPK-2026-000001".into(), "me@example.com".into());
    assert_eq!(tx.order(&guest, &Scope::All).await.unwrap(), None, "not a guest's");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_updated_by_what_differs() {
    let database = TestDatabase::postgres().await;
    let mut tx = transaction(&database).await;
    let before = order_rows(1);
    tx.insert_orders(std::slice::from_ref(&before)).await.unwrap();
    let mut after = before.clone();
    after.order.state = "CONFIRMED".into();
    after.order.pay_by = None;
    after.lines[1].allocated = 0;
    after.lines[1].shipped = 1;
    after.operations[0].state = "SUCCEEDED".into();
    after.shipments.push(shipment_row(1));
    tx.update_orders(&[(&before, after.clone())]).await.unwrap();
    tx.update_orders(&[(&after, after.clone())]).await.unwrap();
    assert_eq!(tx.orders_by_id(&[order_id(1)]).await.unwrap(), [after]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_orders_are_sorted_filtered_and_go_on_behind_the_cursor() {
    let database = TestDatabase::postgres().await;
    let mut tx = transaction(&database).await;
    let mut orders: Vec<_> = (1..=4).map(order_rows).collect();
    orders[3].order.customer_id = text("you");
    tx.insert_orders(&orders).await.unwrap();
    let document = |n: u128, text: &str| SearchRow { order_id: id(n), document: text.into() };
    tx.put_search(&[document(1, "spk 50%_off \\ sale\n\np\na"), document(2, "spk 50 percent off")]).await.unwrap();
    tx.put_search(&[document(2, "spk 50 percent of\n\np\na"), document(3, "no\n\np\na")]).await.unwrap();

    let all = || OrderFilter::of(Scope::All);
    let newest = page(all(), OrderSort::CreateTime, Direction::Descending);
    assert_eq!(ids(&tx.order_page(&newest).await.unwrap()), [4, 3, 2]);
    let after = OrderCursor { value: orders[2].order.create_time.0.micros(), id: order_id(3) };
    assert_eq!(ids(&tx.order_page(&OrderQuery { after: Some(after), ..newest }).await.unwrap()), [2, 1]);
    let ties = page(all(), OrderSort::Total, Direction::Ascending);
    let after = OrderCursor { value: 5_998, id: order_id(2) };
    assert_eq!(ids(&tx.order_page(&OrderQuery { after: Some(after), ..ties }).await.unwrap()), [3, 4]);

    for (words, found) in [
        (vec!["50%_"], vec![1]),
        (vec!["percent", "spk"], vec![2]),
        (vec!["\\"], vec![1]),
        (vec!["k"], vec![1, 2]),
        (vec!["spk", "nothing"], vec![]),
    ] {
        let filter = OrderFilter { words: words.iter().map(ToString::to_string).collect(), ..all() };
        assert_eq!(tx.order_count(&filter, 10).await.unwrap(), u32::try_from(found.len()).unwrap());
        let query = page(filter, OrderSort::CreateTime, Direction::Ascending);
        assert_eq!(ids(&tx.order_page(&query).await.unwrap()), found, "{words:?}");
    }
    let theirs = OrderFilter::of(Scope::Customer(CustomerId::parse("me").unwrap()));
    let with = |sku| OrderFilter {
        sku: Some(Sku::parse(sku).unwrap()),
        product_id: Some(ProductId::parse("p").unwrap()),
        ..theirs.clone()
    };
    assert_eq!(tx.order_count(&with("A"), 10).await.unwrap(), 3);
    assert_eq!(tx.order_count(&with("A"), 2).await.unwrap(), 2);
    assert_eq!(tx.order_count(&with("P"), 10).await.unwrap(), 0, "documents say where to look, lines what is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_is_held_by_lines_unless_these_are_too_many() {
    let database = TestDatabase::postgres().await;
    let fill = format!("INSERT INTO search_line SELECT 'lamp ' || n FROM generate_series(1, {MOST_LINES}) AS n");
    database.execute(&fill).await.unwrap();
    let mut tx = transaction(&database).await;
    let words = ["lamp", "lamp 7", "nothing", "la"].map(str::to_owned).to_vec();
    let held = tx.held(&OrderFilter { words: words.clone(), ..OrderFilter::of(Scope::All) }).await.unwrap();
    let count = |held: &Held| if let Held::ByLines(lines) = held { Some(lines.len()) } else { None };
    assert_eq!(held.iter().map(count).collect::<Vec<_>>(), [Some(MOST_LINES), Some(111), Some(0), None]);
    let is_planned_each_time = "DO $$ BEGIN ASSERT current_setting('plan_cache_mode') = 'force_custom_plan'; END $$";
    tx.connection().await.unwrap().batch_execute(is_planned_each_time).await.unwrap();
    drop(tx);
    database.execute("INSERT INTO search_line VALUES ('a lamp')").await.unwrap();
    let mut tx = transaction(&database).await;
    let held = tx.held(&OrderFilter { words, ..OrderFilter::of(Scope::All) }).await.unwrap();
    assert_eq!(held.iter().map(count).collect::<Vec<_>>(), [None, Some(111), Some(0), None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_are_of_the_right_orders() {
    let database = TestDatabase::postgres().await;
    let mut tx = transaction(&database).await;
    let mut orders: Vec<_> = (1..=3).map(order_rows).collect();
    orders[0].order.status = "CONFIRMED".into();
    orders[0].order.refunded = 98;
    orders[0].order.credited = 98;
    orders[2].order.create_time = at(86_400);
    tx.insert_orders(&orders).await.unwrap();
    let mut rollups = Rollups::default();
    orders.iter().for_each(|order| rollups.place(order));
    let (sums, customers) = rollups.into_rows();
    tx.add_rollups(&sums, &customers).await.unwrap();
    let days = vec![at(0).0, at(86_400).0, at(2 * 86_400).0];
    let query = StatsQuery { today: at(86_400).0, month: at(0).0, days };
    let stats = tx.stats(&query).await.unwrap();
    // Days that begin twenty seconds earlier are none that any rollup knows, and hold the same orders.
    let earlier = |bound: Timestamp| bound.plus_micros(-20_000_000);
    let odd = StatsQuery {
        today: earlier(query.today),
        month: earlier(query.month),
        days: query.days.iter().copied().map(earlier).collect(),
    };
    assert_eq!(tx.stats(&odd).await.unwrap(), stats);
    assert_eq!((stats.today, stats.month), (1, 3));
    assert_eq!(stats.revenue.values().copied().collect::<Vec<_>>(), [5_900]);
    assert_eq!(stats.days.iter().map(|day| day.orders).collect::<Vec<_>>(), [2, 1]);
    let summary = tx.summary(&CustomerId::parse("me").unwrap(), at(86_400).0).await.unwrap();
    assert_eq!((summary.orders, summary.recent, summary.last), (3, 1, Some((order_id(3), at(86_400).0))));
    assert_eq!(summary.spent.values().copied().collect::<Vec<_>>(), [3 * 5_900]);
    assert_eq!(tx.due_expiries(at(61).0, 2).await.unwrap(), [order_id(1), order_id(2)]);
    let due = tx.due_operations(at(10).0, 1).await.unwrap();
    assert_eq!(due, [(order_id(1), OperationId::new(Uuid::from_u128(3_001)))]);
    assert_eq!(tx.due_operations(at(9).0, 1).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn carts_are_replaced_with_their_items_and_expire() {
    let database = TestDatabase::postgres().await;
    let mut tx = transaction(&database).await;
    let owner = CartOwner::Customer(CustomerId::parse("me").unwrap());
    assert_eq!(tx.lock_cart(&owner).await.unwrap(), None);
    tx.put_cart(&cart_row(1), &[item_row(1, 11, 0), item_row(1, 12, 1)]).await.unwrap();
    let items = vec![item_row(1, 12, 0), item_row(1, 13, 1)];
    tx.put_cart(&CartRow { revision: 2, ..cart_row(1) }, &items).await.unwrap();
    let (row, read) = tx.lock_cart(&owner).await.unwrap().unwrap();
    assert_eq!((row.revision, read), (2, items.clone()));
    assert_eq!(tx.cart_by_id(Uuid::from_u128(1)).await.unwrap().unwrap().1, items);
    assert_eq!(tx.expire_carts(at(99).0, 5).await.unwrap(), Vec::<Uuid>::new());
    assert_eq!(tx.expire_carts(at(100).0, 5).await.unwrap(), [Uuid::from_u128(1)]);
    assert_eq!(tx.cart(&owner).await.unwrap().unwrap().0.state, "EXPIRED");
    let key = GuestKey([7; 32]);
    let guest = CartRow { cart_id: id(2), customer_id: None, guest_key: Some(key.0.to_vec()), ..cart_row(2) };
    tx.put_cart(&guest, &[]).await.unwrap();
    assert_eq!(tx.cart(&CartOwner::Guest(key)).await.unwrap(), Some((guest.clone(), Vec::new())));
    assert_eq!(tx.lock_guest_cart(key).await.unwrap(), Some((guest, Vec::new())));
}

#[tokio::test(flavor = "multi_thread")]
async fn products_are_put_locked_and_found() {
    let database = TestDatabase::postgres().await;
    let mut tx = transaction(&database).await;
    let (first, second) = (product_row("a", "S1", "Crème BRÛLÉE"), product_row("b", "S2", "100% Cotton"));
    tx.put_products(&[second.clone(), first.clone()]).await.unwrap();
    let second = ProductRow { active: false, revision: 2, ..second };
    tx.put_products(std::slice::from_ref(&second)).await.unwrap();
    let (a, s2) = (ProductId::parse("a").unwrap(), Sku::parse("S2").unwrap());
    assert_eq!(tx.lock_products(std::slice::from_ref(&a), &[s2]).await.unwrap(), [first.clone(), second.clone()]);
    assert_eq!(tx.products(std::slice::from_ref(&a)).await.unwrap(), std::slice::from_ref(&first));
    let all = ProductQuery { active: None, words: Vec::new(), size: 5, after: None };
    let words = |word: &str| ProductQuery { words: vec![word.into()], ..all.clone() };
    assert_eq!(tx.product_page(&words("brûlée")).await.unwrap(), std::slice::from_ref(&first));
    assert_eq!(tx.product_page(&words("0%")).await.unwrap(), std::slice::from_ref(&second));
    assert_eq!(tx.product_page(&words("s1")).await.unwrap(), std::slice::from_ref(&first));
    let behind = ProductQuery { active: Some(false), after: Some(a), ..all.clone() };
    assert_eq!(tx.product_page(&behind).await.unwrap(), [second]);
}

#[tokio::test(flavor = "multi_thread")]
async fn shelves_are_added_locked_in_order_and_moved() {
    let database = TestDatabase::postgres().await;
    let mut tx = transaction(&database).await;
    let level = |sku: &str, on_hand| StockRow {
        sku: sku.into(),
        on_hand,
        reserved: 0,
        allocated: 0,
        backorder_limit: 0,
        last_movement_id: None,
    };
    assert_eq!(tx.insert_stock(&[level("a", 1), level("B", 2)]).await.unwrap(), ["a", "B"]);
    assert_eq!(tx.insert_stock(&[level("a", 9), level("c", 3)]).await.unwrap(), ["c"]);
    let skus = ["B", "a"].map(|sku| Sku::parse(sku).unwrap());
    assert_eq!(tx.lock_stock(&skus).await.unwrap(), [level("B", 2), level("a", 1)], "in the order of bytes");
    tx.update_stock(&[level("B", 5), level("a", 6)]).await.unwrap();
    assert_eq!(tx.levels(&skus).await.unwrap().iter().map(|row| row.on_hand).sum::<i64>(), 11);
    let movement = |n, sku: &str, previous: Option<u128>| MovementRow {
        movement_id: id(n),
        sku: sku.into(),
        kind: "RECEIVED".into(),
        on_hand_delta: 3,
        reserved_delta: 0,
        allocated_delta: 0,
        order_id: None,
        cart_id: None,
        reason: None,
        actor_kind: "ADMIN".into(),
        actor_id: "boss".into(),
        create_time: at(0),
        previous_movement_id: previous.map(id),
    };
    let moves = [movement(1, "a", None), movement(2, "B", None), movement(3, "a", Some(1)), movement(4, "a", Some(3))];
    tx.insert_movements(&moves).await.unwrap();
    tx.update_stock(&[StockRow { last_movement_id: Some(id(4)), ..level("a", 6) }]).await.unwrap();
    let all = crate::query::MovementQuery { sku: None, size: 1, after: None };
    assert_eq!(tx.movement_page(&all).await.unwrap(), [moves[3].clone(), moves[2].clone()]);
    let of_a = crate::query::MovementQuery { sku: Some(skus[1].clone()), size: 1, after: None };
    assert_eq!(tx.movement_page(&of_a).await.unwrap(), [moves[3].clone(), moves[2].clone()], "one more than a page");
    let behind = |n| crate::query::MovementQuery { after: Some(Uuid::from_u128(n)), ..of_a.clone() };
    assert_eq!(tx.movement_page(&behind(4)).await.unwrap(), [moves[2].clone(), moves[0].clone()]);
    assert_eq!(tx.movement_page(&behind(1)).await.unwrap(), [], "nothing is behind the first");
    assert_eq!(tx.movement_page(&behind(2)).await.unwrap(), [], "that is of another shelf");
}

#[tokio::test(flavor = "multi_thread")]
async fn reservations_are_put_found_and_taken_out() {
    let database = TestDatabase::postgres().await;
    let mut tx = transaction(&database).await;
    let level = |sku: &str| StockRow {
        sku: sku.into(),
        on_hand: 9,
        reserved: 0,
        allocated: 0,
        backorder_limit: 0,
        last_movement_id: None,
    };
    tx.insert_stock(&[level("A"), level("B")]).await.unwrap();
    let guest = |n: u8| CartRow { customer_id: None, guest_key: Some(vec![n; 32]), ..cart_row(u128::from(n)) };
    tx.put_cart(&guest(1), &[]).await.unwrap();
    tx.put_cart(&guest(2), &[]).await.unwrap();
    let hold =
        |cart, sku: &str, end| ReservationRow { cart_id: id(cart), sku: sku.into(), quantity: 2, expire_time: at(end) };
    tx.put_reservations(&[hold(1, "A", 5), hold(1, "B", 7), hold(2, "A", 6)]).await.unwrap();
    let later = ReservationRow { quantity: 3, ..hold(1, "A", 9) };
    tx.put_reservations(std::slice::from_ref(&later)).await.unwrap();
    let both = ["A", "B"].map(|sku| Sku::parse(sku).unwrap());
    assert_eq!(tx.expired_reservations(&both, at(5).0, 9).await.unwrap(), []);
    assert_eq!(tx.expired_reservations(&both, at(9).0, 2).await.unwrap(), [hold(2, "A", 6), hold(1, "B", 7)]);
    assert_eq!(tx.expired_reservations(&both[1..], at(9).0, 9).await.unwrap(), [hold(1, "B", 7)]);
    assert_eq!(tx.due_reservations(at(7).0, 9).await.unwrap(), ["A", "B"]);
    let first = [CartId::new(Uuid::from_u128(1))];
    assert_eq!(tx.reservations_of(&first).await.unwrap().len(), 2);
    tx.drop_reservations(&[later, hold(2, "A", 6)]).await.unwrap();
    assert_eq!(tx.reservations_of(&first).await.unwrap(), [hold(1, "B", 7)]);
    assert_eq!(tx.due_reservations(at(9).0, 9).await.unwrap(), ["B"]);
}

fn request(n: u128, outcome: &str) -> RequestRow {
    RequestRow {
        principal: "me".into(),
        method: "place".into(),
        request_id: id(n),
        body_hash: vec![7; 32],
        outcome: outcome.into(),
        create_time: at(0),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_claimed_once_and_keep_their_outcome() {
    let database = TestDatabase::postgres().await;
    let mut tx = transaction(&database).await;
    assert_eq!(tx.claim_requests(&[request(1, "a"), request(2, "b")]).await.unwrap(), []);
    tx.set_outcomes(&[request(1, "c")]).await.unwrap();
    assert_eq!(tx.claim_requests(&[request(1, "d"), request(3, "e")]).await.unwrap(), [request(1, "c")]);
    assert_eq!(tx.claim_requests(&[request(3, "f")]).await.unwrap(), [request(3, "e")]);
}

fn event(revision: i64) -> EventRow {
    EventRow {
        order_id: id(1),
        revision,
        kind: "PLACED".into(),
        actor_kind: "GUEST".into(),
        actor_id: String::new(),
        request_id: None,
        reason: None,
        create_time: at(0),
        status_after: "PENDING".into(),
        payload: "{}".into(),
    }
}

/// A transaction may be older than the one that it waits for at an order, and may then not stand before it in the feed.
#[tokio::test(flavor = "multi_thread")]
async fn who_began_first_and_writes_second_stands_second_in_the_feed() {
    let database = TestDatabase::postgres().await;
    let mut tx = transaction(&database).await;
    tx.insert_orders(&[order_rows(1)]).await.unwrap();
    tx.insert_events(&[event(1)]).await.unwrap();
    tx.commit().await.unwrap();
    let mut early = transaction(&database).await;
    early.claim_requests(&[request(1, "a")]).await.unwrap();
    let mut late = transaction(&database).await;
    late.claim_requests(&[request(2, "b")]).await.unwrap();
    late.lock_orders(&[order_id(1)], Locked::Await).await.unwrap();
    late.insert_events(&[event(2), event(3)]).await.unwrap();
    late.commit().await.unwrap();
    let read_now = async || {
        let mut tx = transaction(&database).await;
        let end = tx.feed_end().await.unwrap();
        let found = tx.feed(&FeedCursor::BEGINNING, end, 10).await.unwrap();
        let places: Vec<_> = found.into_iter().map(|row| (row.feed_position, row.event.revision)).collect();
        (end, places)
    };
    // Transactions of other databases of the same server hold the feed up for a moment, too.
    let read_at_least = async |count: usize| {
        let mut read = read_now().await;
        while read.1.len() < count {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            read = read_now().await;
        }
        read
    };
    let (first_end, first) = read_at_least(1).await;
    let revisions = |places: &[(i64, i64)]| places.iter().map(|(_, revision)| *revision).collect::<Vec<_>>();
    assert_eq!(revisions(&first), [1], "what the early one may still write has its place before the others");
    early.lock_orders(&[order_id(1)], Locked::Await).await.unwrap();
    early.insert_events(&[event(4)]).await.unwrap();
    early.insert_events(&[event(5)]).await.unwrap();
    early.commit().await.unwrap();
    let (_, then) = read_at_least(5).await;
    assert_eq!(revisions(&then), [1, 2, 3, 4, 5]);
    assert_eq!(then[0], first[0]);
    assert!(then[1..].iter().all(|(position, _)| *position >= first_end), "nobody has read so far");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_history_and_gateway_begin_and_go_on() {
    let database = TestDatabase::postgres().await;
    let mut tx = transaction(&database).await;
    let range = NumberRange { prefix: "SPK", year: 2026, first: 1_001, count: 2 };
    assert_eq!(tx.take_numbers(range).await.unwrap(), 1_001);
    assert_eq!(tx.take_numbers(NumberRange { count: 5, ..range }).await.unwrap(), 1_003);
    assert_eq!(tx.take_numbers(range).await.unwrap(), 1_008);
    tx.insert_orders(&[order_rows(1)]).await.unwrap();
    tx.insert_events(&[event(1), event(2), event(3)]).await.unwrap();
    assert_eq!(tx.events(order_id(1), 1, 1).await.unwrap(), [event(2), event(3)]);
    let answer = |reference: &str| GatewayRow {
        key: id(9),
        kind: "SALE".into(),
        amount: 1,
        currency: "USD".into(),
        reference: text(reference),
        moved_amount: None,
        moved_currency: None,
        decline_code: None,
        create_time: at(0),
    };
    assert_eq!(tx.gateway(OperationId::new(Uuid::from_u128(9))).await.unwrap(), None);
    assert_eq!(tx.put_gateway(&[answer("first")]).await.unwrap(), [answer("first")]);
    assert_eq!(
        tx.put_gateway(&[GatewayRow { key: id(10), ..answer("third") }, answer("second")]).await.unwrap(),
        [GatewayRow { key: id(10), ..answer("third") }, answer("first")]
    );
    tx.probe().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_prepared_once_however_many_rows_they_take() {
    use diesel_async::RunQueryDsl as _;

    let database = TestDatabase::postgres().await;
    let mut tx = transaction(&database).await;
    let mut prepared = Vec::new();
    for batch in [1_u128..=1, 2..=5, 6..=40] {
        let orders: Vec<_> = batch.clone().map(order_rows).collect();
        tx.insert_orders(&orders).await.unwrap();
        let mut changed = orders[0].clone();
        changed.order.revision = 2;
        tx.update_orders(&[(&orders[0], changed)]).await.unwrap();
        let level = |n: u128| StockRow {
            sku: format!("S{n}"),
            on_hand: 1,
            reserved: 0,
            allocated: 0,
            backorder_limit: 0,
            last_movement_id: None,
        };
        let levels: Vec<_> = batch.clone().map(level).collect();
        tx.insert_stock(&levels).await.unwrap();
        tx.update_stock(&levels).await.unwrap();
        tx.orders_by_id(&batch.map(order_id).collect::<Vec<_>>()).await.unwrap();
        let count = diesel::sql_query("SELECT count(*) AS count FROM pg_prepared_statements");
        let count: Count = count.get_result(&mut tx.connection().await.unwrap()).await.unwrap();
        prepared.push(count.count);
    }
    assert_eq!(prepared[1], prepared[0]);
    assert_eq!(prepared[2], prepared[0]);
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_transaction_never_began_is_not_made() {
    use diesel_async::RunQueryDsl as _;

    let database = TestDatabase::postgres().await;
    let row = request(1, "a");
    let claim = || Insert::<RequestRow, Skip>::new(&[&row]);
    let lease = lease(&database).await;
    let made: Vec<(String, String, Id)> = claim().load(&mut lease.connection()).await.unwrap();
    assert_eq!(made, []);
    drop(lease);
    assert_eq!(database.texts("SELECT principal FROM request").await, Vec::<String>::new());
    let mut tx = transaction(&database).await;
    assert_eq!(tx.claim_requests(std::slice::from_ref(&row)).await.unwrap(), [], "it was free");
}

#[tokio::test(flavor = "multi_thread")]
async fn shelves_of_a_new_and_empty_database_are_found_by_their_key() {
    use diesel_async::RunQueryDsl as _;

    let database = TestDatabase::postgres().await;
    let mut tx = transaction(&database).await;
    // So many that the server would rather read the whole table, as long as it knows nothing of it.
    let plan = diesel::sql_query(
        "EXPLAIN SELECT stock.* FROM unnest(array_fill('A'::text, ARRAY[500])) AS wanted (sku) JOIN stock USING (sku)",
    );
    let plan: Vec<PlanLine> = plan.load(&mut tx.connection().await.unwrap()).await.unwrap();
    let plan: Vec<_> = plan.into_iter().map(|line| line.plan).collect();
    assert!(plan.iter().any(|line| line.contains("stock_pkey")), "{plan:?}");
}

#[derive(diesel::QueryableByName)]
struct PlanLine {
    #[diesel(sql_type = diesel::sql_types::Text, column_name = "QUERY PLAN")]
    plan: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_overtook_the_statements_before_it_does_not_commit() {
    let database = TestDatabase::postgres().await;
    for last in [Some(Place::Last), Some(Place::Between), None] {
        let mut lease = lease(&database).await;
        lease.open();
        let mut connection = lease.connection();
        connection.batch_execute("BEGIN").await.unwrap();
        connection.batch_execute("INSERT INTO order_counter VALUES ('A', 2026, 1)").await.unwrap();
        if let Some(place) = last {
            // One in the middle must not be taken for the last one.
            Writes::default().send(Place::Between, connection).await.unwrap();
            Writes::default().send(place, connection).await.unwrap();
        }
        let is_marked = last == Some(Place::Last);
        assert_eq!(lease.end_later(COMMIT_IF_WRITTEN).await.is_ok(), is_marked);
        drop(lease);
        let there = database.texts("SELECT prefix FROM order_counter").await;
        assert_eq!(there.len(), usize::from(is_marked), "and the mark does not outlive its transaction");
        database.execute("DELETE FROM order_counter").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_kept_until_something_is_read_or_written_again() {
    let database = TestDatabase::postgres().await;
    let level = |on_hand| StockRow {
        sku: "A".into(),
        on_hand,
        reserved: 0,
        allocated: 0,
        backorder_limit: 0,
        last_movement_id: None,
    };
    let skus = [Sku::parse("A").unwrap()];
    let mut tx = transaction(&database).await;
    tx.insert_stock(&[level(1)]).await.unwrap();
    for on_hand in [2, 3, 4] {
        tx.update_stock(&[level(on_hand)]).await.unwrap();
    }
    assert_eq!(tx.lock_stock(&skus).await.unwrap(), [level(4)], "each replaced the one before it");
    tx.update_stock(&[level(5)]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(transaction(&database).await.levels(&skus).await.unwrap(), [level(5)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_gone_fails_the_whole_transaction() {
    let database = TestDatabase::postgres().await;
    let level = |sku: &str| StockRow {
        sku: sku.into(),
        on_hand: 1,
        reserved: 0,
        allocated: 0,
        backorder_limit: 0,
        last_movement_id: None,
    };
    let pool = pool::new(target(&database), 1).unwrap();
    let begin = async || PgTx::new(pool::lease(&pool, None).await.unwrap(), Access::Write, None).unwrap();
    // On a connection that has never sent such a statement, and on one that sends COMMIT along with it.
    for _ in 0..2 {
        let mut tx = begin().await;
        tx.insert_stock(&[level("A")]).await.unwrap();
        tx.update_stock(&[level("A"), level("B")]).await.unwrap();
        let failed = tx.commit().await.err();
        assert_eq!(failed, Some(StoreError::corrupt("a row that was locked is gone").into()));
        assert_eq!(database.texts("SELECT sku FROM stock").await, Vec::<String>::new());
        let mut tx = begin().await;
        tx.insert_stock(&[level("A")]).await.unwrap();
        tx.update_stock(&[level("A")]).await.unwrap();
        drop(tx.commit().await.unwrap());
        database.execute("DELETE FROM stock").await.unwrap();
    }
}
