//! That lists are read from their indexes, in their order, and not sorted. Where the tables are empty, sequential scans are forbidden,
//! because nothing else would be worth it; where no index fits, the server still makes one, and the test fails. Where they are full, the
//! server is free to choose.

use diesel::{
    QueryDsl as _, SelectableHelper as _,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::QueryResult,
    sql_types::{Array, BigInt, Text},
};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use order_core::{
    ids::{CustomerId, OrderId, ProductId, Sku},
    order::Status,
};
use uuid::Uuid;

use super::{
    lease,
    rows::{at, line_row, order_id, order_row},
};
use crate::{
    fields::Id,
    postgres::{
        order_lists::listed,
        pool::Lease,
        queries::{
            DueExpiries, DueOperations, DueReservations, ExpiredReservations, Feed, History, Lines, Orders, OwnOrders,
            RolledUp, Sums,
        },
        search_lines::{Held, LinesWith},
        sql::{Bound, Fail, Insert, OfOrders, One},
        write::ExpireCarts,
    },
    query::{Direction, OrderCursor, OrderFilter, OrderQuery, OrderSort, Scope},
    rows::{LineRow, OrderRow},
    schema::orders,
    sql_types::{Instant, Uuid as SqlUuid},
    testing::TestDatabase,
};

/// `EXPLAIN` before a query, arguments and all.
struct Explain<Q>(Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Explain<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("EXPLAIN (COSTS OFF) ");
        self.0.walk_ast(out)
    }
}

impl<Q> QueryId for Explain<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for Explain<Q> {
    type SqlType = Text;
}

async fn plan<Q: QueryFragment<Pg> + Send>(lease: &Lease, query: Q) -> String {
    let lines: Vec<String> = Explain(query).load(&mut lease.connection()).await.unwrap();
    lines.join("\n")
}

async fn without_scans(database: &TestDatabase) -> Lease {
    let lease = lease(database).await;
    lease.connection().batch_execute("SET enable_seqscan = off; SET enable_bitmapscan = off").await.unwrap();
    lease
}

#[track_caller]
fn assert_ordered_by(index: &str, plan: &str) {
    assert!(plan.contains(&format!("using {index} ")), "{index}:\n{plan}");
    assert!(!plan.contains("Sort"), "{index}:\n{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_orders_come_from_an_index_in_their_order() {
    let database = TestDatabase::postgres().await;
    let lease = without_scans(&database).await;
    let all = || OrderFilter::of(Scope::All);
    let own = OrderFilter::of(Scope::Customer(CustomerId::parse("me").unwrap()));
    let of_status = OrderFilter { statuses: vec![Status::Shipped], ..all() };
    for (index, filter, sort) in [
        ("orders_create_time_idx", all(), OrderSort::CreateTime),
        ("orders_total_idx", all(), OrderSort::Total),
        ("orders_customer_idx", own, OrderSort::CreateTime),
        ("orders_status_idx", of_status, OrderSort::CreateTime),
    ] {
        let id = OrderId::new(Uuid::from_u128(7));
        for after in [None, Some(OrderCursor { value: 1_000_000, id })] {
            for direction in [Direction::Ascending, Direction::Descending] {
                let query = OrderQuery { filter: filter.clone(), sort, direction, size: 50, after };
                assert_ordered_by(index, &plan(&lease, listed(&query, &[]).select(orders::order_id)).await);
            }
        }
    }
}

/// What is looked up, and by which index. In an empty index, a word with many threes of letters would cost more than to read all.
fn looked_up(word: &str) -> [(&'static str, OrderFilter, Vec<Held>); 5] {
    let all = || OrderFilter::of(Scope::All);
    let with_word = || OrderFilter { words: vec![word.to_owned()], ..all() };
    let by_lines = |lines: &[&str]| vec![Held::ByLines(lines.iter().map(ToString::to_string).collect())];
    [
        ("order_search_document_idx", OrderFilter { sku: Some(Sku::parse("S77").unwrap()), ..all() }, vec![]),
        (
            "order_search_document_idx",
            OrderFilter { product_id: Some(ProductId::parse("p77").unwrap()), ..all() },
            vec![],
        ),
        ("order_search_document_idx", with_word(), by_lines(&[])),
        ("order_search_document_idx", with_word(), by_lines(&["p77", "s77"])),
        ("orders_contact_email_idx", OrderFilter { email: Some("c77@example.com".into()), ..all() }, vec![]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_words_and_addresses_are_looked_up() {
    let database = TestDatabase::postgres().await;
    let lease = without_scans(&database).await;
    lease.connection().batch_execute("SET enable_bitmapscan = on").await.unwrap();
    for (index, filter, held) in looked_up("word") {
        let query =
            OrderQuery { filter, sort: OrderSort::CreateTime, direction: Direction::Descending, size: 50, after: None };
        let plan = plan(&lease, listed(&query, &held).select(orders::order_id)).await;
        assert!(plan.contains(index), "{index}:\n{plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shelfs_history_is_followed_from_one_movement_to_the_one_before_it() {
    let database = TestDatabase::postgres().await;
    let lease = without_scans(&database).await;
    let history = Bound::<History>::new().bind::<SqlUuid>(Id(Uuid::from_u128(7))).bind::<BigInt>(51_i64);
    let plan = plan(&lease, history).await;
    assert_eq!(plan.matches("using stock_movement_pkey on stock_movement").count(), 2, "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sweepers_read_only_what_is_due() {
    let database = TestDatabase::postgres().await;
    let lease = without_scans(&database).await;
    let due = Bound::<DueOperations>::new().bind::<Instant>(at(0)).bind::<BigInt>(10_i64);
    assert_ordered_by("payment_operation_due_idx", &plan(&lease, due).await);
    let due = Bound::<DueExpiries>::new()
        .bind::<Instant>(at(0))
        .bind::<Array<Text>>(vec!["UNPAID", "FAILED"])
        .bind::<BigInt>(10_i64);
    assert_ordered_by("orders_pay_by_idx", &plan(&lease, due).await);
    let due = Bound::<DueReservations>::new().bind::<Instant>(at(0)).bind::<BigInt>(10_i64);
    assert_ordered_by("reservation_expire_idx", &plan(&lease, due).await);
    let due = Bound::<ExpireCarts>::new().bind::<Instant>(at(0)).bind::<BigInt>(10_i64);
    let plan = plan(&lease, due).await;
    assert!(plan.contains("using cart_expire_idx "), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_read_rollups_of_their_period_only() {
    let database = TestDatabase::postgres().await;
    let lease = without_scans(&database).await;
    lease.connection().batch_execute("SET enable_bitmapscan = on").await.unwrap();
    let all = plan(&lease, Bound::<Sums>::new()).await;
    assert!(all.contains("order_rollup_pkey") && all.contains("Index Cond: (grain = 'ALL'"), "{all}");
    let series = Bound::<RolledUp>::new()
        .bind::<Instant>(at(0))
        .bind::<BigInt>(1_i64)
        .bind::<Text>("DAY")
        .bind::<Instant>(at(0));
    let series = plan(&lease, series).await;
    assert!(series.contains("order_rollup_pkey") && series.contains("start_time >="), "{series}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_claims_a_shelf_reads_only_what_has_expired_on_it() {
    let database = TestDatabase::postgres().await;
    let lease = without_scans(&database).await;
    let expired = Bound::<ExpiredReservations>::new()
        .bind::<Array<Text>>(vec!["A", "B"])
        .bind::<Instant>(at(0))
        .bind::<BigInt>(10_i64);
    let plan = plan(&lease, expired).await;
    assert!(plan.contains("reservation_sku_idx") && plan.contains("expire_time <="), "{plan}");
}

/// Orders of a full database.
const MANY: i64 = 30_000;

/// A database with many orders, of which the server knows how many there are of what.
async fn full() -> (TestDatabase, Lease) {
    let database = TestDatabase::postgres().await;
    let lease = lease(&database).await;
    Insert::<OrderRow, Fail>::new(&[&order_row(1)]).execute(&mut lease.connection()).await.unwrap();
    Insert::<LineRow, Fail>::new(&[&line_row(1)]).execute(&mut lease.connection()).await.unwrap();
    let copies = format!(
        "INSERT INTO orders SELECT copy.* FROM orders AS o CROSS JOIN generate_series(1, {MANY}) AS n
         CROSS JOIN LATERAL jsonb_populate_record(o, jsonb_build_object(
             'order_id', '00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'), 'order_number', 'SPK-2027-' || lpad(n::text, 6, '0'),
             'customer_id', 'c' || n % 5000, 'cart_id', NULL, 'state', 'COMPLETED', 'pay_by', NULL,
             'status', CASE WHEN n % 50 = 0 THEN 'SHIPPED' ELSE 'COMPLETED' END, 'contact_email', 'c' || n % 5000 || '@example.com',
             'create_time', o.create_time + n * interval '1 minute', 'total', o.total + n
         )) AS copy;
         INSERT INTO order_line SELECT copy.* FROM order_line AS l CROSS JOIN orders AS o
         CROSS JOIN LATERAL jsonb_populate_record(l, jsonb_build_object(
             'order_id', o.order_id, 'sku', 'S' || o.total % 2000, 'product_id', 'p' || o.total % 2000
         )) AS copy WHERE o.order_id <> l.order_id;
         INSERT INTO order_event SELECT order_id, 1, 'PLACED', 'GUEST', '', NULL, NULL, create_time, 'PENDING', '{{}}', total FROM orders;
         INSERT INTO order_search SELECT order_id, concat_ws(E'\\n', lower(order_number), contact_email, '',
             'p' || total % 2000, 's' || total % 2000) FROM orders;
         INSERT INTO search_line SELECT 'line ' || n FROM generate_series(1, {MANY}) AS n;
         SELECT take_in_search_documents();
         ANALYZE"
    );
    lease.connection().batch_execute(&copies).await.unwrap();
    (database, lease)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_full_database_pages_come_from_indexes_however_deep_they_are() {
    let (_database, lease) = full().await;
    let all = || OrderFilter::of(Scope::All);
    let own = OrderFilter::of(Scope::Customer(CustomerId::parse("c7").unwrap()));
    let of_status = OrderFilter { statuses: vec![Status::Shipped], ..all() };
    let deep = OrderCursor { value: at(0).0.micros() + MANY / 2 * 60_000_000, id: order_id(7) };
    let dear = OrderCursor { value: 5_998 + MANY / 2, id: order_id(7) };
    for (index, filter, (sort, deep)) in [
        ("orders_create_time_idx", all(), (OrderSort::CreateTime, deep)),
        ("orders_total_idx", all(), (OrderSort::Total, dear)),
        ("orders_customer_idx", own, (OrderSort::CreateTime, deep)),
        ("orders_status_idx", of_status, (OrderSort::CreateTime, deep)),
    ] {
        for after in [None, Some(deep)] {
            let query = OrderQuery { filter: filter.clone(), sort, direction: Direction::Descending, size: 50, after };
            let plan = plan(&lease, listed(&query, &[]).select(OrderRow::as_select())).await;
            assert!(
                plan.contains(&format!("using {index} ")) || plan.contains(&format!("on {index}")),
                "{index}:\n{plan}"
            );
            assert!(!plan.contains("Seq Scan"), "{index}:\n{plan}");
            let is_small = index == "orders_customer_idx";
            assert!(is_small || !plan.contains("Sort"), "{index}:\n{plan}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_is_read_along_its_index_wherever_one_begins() {
    let (_database, full) = full().await;
    let database = TestDatabase::postgres().await;
    let empty = without_scans(&database).await;
    for lease in [full, empty] {
        for position in [0, 5_998 + MANY / 2] {
            let query = Bound::<Feed>::new()
                .bind::<BigInt>(position)
                .bind::<SqlUuid>(Id(Uuid::from_u128(7)))
                .bind::<BigInt>(1_i64)
                .bind::<BigInt>(i64::MAX)
                .bind::<BigInt>(256_i64);
            let plan = plan(&lease, query).await;
            // The page is sorted, once it is found and joined; to find it nothing is.
            let (found, _joined) =
                plan.split_once("CTE event").map(|(_, page)| page.split_once("Index Cond").unwrap()).unwrap();
            assert_ordered_by("order_event_feed_idx", found);
            assert!(plan.contains("ROW(feed_position, order_id, revision) > ROW("), "{plan}");
            assert!(!plan.contains("Seq Scan"), "{plan}");
        }
    }
}

/// As single orders are read.
fn of_one<S: OfOrders>(id: &Id) -> Bound<'_, One<S>> {
    Bound::new().bind::<SqlUuid>(id)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_full_database_single_orders_words_and_sums_are_looked_up() {
    let (_database, lease) = full().await;
    let all = || OrderFilter::of(Scope::All);
    let newest = (OrderSort::CreateTime, Direction::Descending);
    for (index, filter, held) in looked_up("2027-012345") {
        let query = OrderQuery { filter, sort: newest.0, direction: newest.1, size: 50, after: None };
        let plan = plan(&lease, listed(&query, &held).select(OrderRow::as_select())).await;
        assert!(plan.contains(index) && !plan.contains("Seq Scan"), "{index}:\n{plan}");
    }
    // What most orders have is not gathered first.
    let common = OrderFilter { words: vec!["example".into()], ..all() };
    let query = OrderQuery { filter: common, sort: newest.0, direction: newest.1, size: 50, after: None };
    let plan_of_common = plan(&lease, listed(&query, &[Held::ByMany]).select(OrderRow::as_select())).await;
    assert_ordered_by("orders_create_time_idx", &plan_of_common);
    let lines = Bound::<LinesWith>::new().bind::<Text>("%1234%").bind::<BigInt>(2001_i64);
    let plan_of_lines = plan(&lease, lines).await;
    assert!(plan_of_lines.contains("search_line_idx"), "{plan_of_lines}");
    let id = Id(Uuid::from_u128(1));
    for (index, plan) in [
        ("orders_pkey", plan(&lease, of_one::<Orders>(&id)).await),
        ("orders_pkey", plan(&lease, of_one::<OwnOrders>(&id).bind::<Text>("me")).await),
        ("order_line_pkey", plan(&lease, of_one::<Lines>(&id)).await),
    ] {
        assert!(plan.contains(&format!("using {index} ")), "{plan}");
    }
    let sums = plan(&lease, Bound::<Sums>::new()).await;
    assert!(sums.contains("order_rollup") && !sums.contains("orders"), "{sums}");
}
