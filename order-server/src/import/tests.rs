//! The sample export of the suite, taken over on both engines: dry, for real, and again.

use std::sync::Arc;

use order_api::v1::{self, import_orders_request::Message};
use order_core::{
    currency::Currency,
    import_judge::{ImportOptions, RawItem, RawOrder, SourceName},
    limits,
    order::{Actor, Order, Status},
    policy::Policy,
    time::Timestamp,
};
use order_store::{
    Direction, Mode, Numbering, OrderFilter, OrderQuery, OrderSort, Scope, StatsQuery, Store,
    testing::{TestDatabase, on_both_engines},
};

use super::*;
use crate::{
    auth::Principal,
    clock::{ManualClock, RandomIds},
    compose::{self, Sources},
    config::{Config, Purpose, Raw},
    error::{ApiError, Reason},
    shutdown::Lifecycle,
};

const NOW: Timestamp = Timestamp::from_micros(1_772_700_000_000_000);

/// The outcome of every row of the sample, in its order: word of the order or reason of the refusal, and corrections.
const SAMPLE: [(&str, &str, &str); 24] = [
    ("A-1001", "PAID", ""),
    ("A-1002", "PENDING", ""),
    ("A-1003", "DELIVERED", "TOTAL_RECOMPUTED"),
    ("A-1004", "DELIVERED", "DELIVERED_UNPAID"),
    ("A-1005", "CANCELLED", ""),
    ("A-1006", "CANCELLED", "CANCELLED_STILL_PAID"),
    ("A-1007", "NO_LINES", ""),
    ("A-1008", "DELIVERED", "BLANKS_TRIMMED QUANTITY_DECIMAL STATUS_SPELLING TIME_ASSUMED"),
    ("A-1009", "CANCELLED", "STATUS_SPELLING TOTAL_UNREADABLE"),
    ("A-1010", "UNKNOWN_STATUS", ""),
    ("A-1011", "UNKNOWN_PAYMENT_STATUS", ""),
    ("A-1012", "BAD_DATE", ""),
    ("A-1013", "BAD_DATE", ""),
    ("A-1014", "BAD_CUSTOMER", ""),
    ("", "BAD_ID", ""),
    ("A-1016", "BAD_QUANTITY", ""),
    ("A-1017", "BAD_PRICE", ""),
    ("A-1018", "BAD_PRODUCT", ""),
    ("A-1019", "DELIVERED", ""),
    ("A-1020", "PAID", "LINE_REPEATED"),
    ("A-1001", "PAID", ""),
    ("A-1003", "DUPLICATE_ID", ""),
    ("A-1021", "DELIVERED", ""),
    ("A-1022", "PAID", ""),
];

fn sample() -> Export {
    let file = |name: &str, text: &'static str| (name.to_owned(), text.as_bytes());
    let orders = file("orders.csv", include_str!("../../tests/data/orders.csv"));
    let items = file("order_items.csv", include_str!("../../tests/data/order_items.csv"));
    Export::read(orders, items).unwrap()
}

fn importer(store: &Arc<dyn Store>, mode: Mode) -> Importer {
    let desk = Desk {
        store: Arc::clone(store),
        numbering: Numbering { prefix: "SPK".into(), first: 1001 },
        policy: Policy::default(),
        clock: Arc::new(ManualClock::at(NOW)),
        ids: Arc::new(RandomIds),
        actor: Actor::System("import".into()),
    };
    let source = SourceName::parse("sample").unwrap();
    let currency = Currency::parse("USD").unwrap();
    Importer::new(desk, mode, ImportOptions { source, currency, now: NOW })
}

async fn run(store: &Arc<dyn Store>, mode: Mode, rows: &[Row]) -> Vec<Decision> {
    let mut importer = importer(store, mode);
    for row in rows {
        importer.take(&row.order).await.unwrap();
    }
    importer.flush().await.unwrap();
    importer.into_decisions()
}

async fn all_orders(store: &Arc<dyn Store>) -> Vec<Order> {
    let query = OrderQuery {
        filter: OrderFilter::of(Scope::All),
        sort: OrderSort::CreateTime,
        direction: Direction::Ascending,
        size: 500,
        after: None,
    };
    store.orders(query).await.unwrap().items
}

fn told(decisions: &[Decision]) -> Vec<(String, &'static str, String)> {
    let word = |decision: &Decision| match (decision.reason, &decision.taken) {
        (Some(reason), None) => reason.as_str(),
        (None, Some(taken)) => taken.status.as_str(),
        other => panic!("neither refused nor taken: {other:?}"),
    };
    decisions.iter().map(|d| (d.external_id.clone(), word(d), d.corrections.join(" "))).collect()
}

fn expected() -> Vec<(String, &'static str, String)> {
    SAMPLE.iter().map(|(id, word, corrections)| ((*id).to_owned(), *word, (*corrections).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_the_sample_gets_its_decision_dry_and_for_real() {
    on_both_engines(async |database| {
        let (store, export) = (database.connect().await, sample());
        let dry = run(&store, Mode::Preview, &export.rows).await;
        assert_eq!(told(&dry), expected());
        assert!(dry.iter().all(|decision| decision.taken.as_ref().is_none_or(|taken| taken.name.is_none())));
        assert_eq!(all_orders(&store).await, [], "a dry run writes nothing");

        let real = run(&store, Mode::Apply, &export.rows).await;
        assert_eq!(told(&real), expected());
        let summary = Summary::of(&real);
        let counts = Outcome::ALL.map(|outcome| summary.orders(outcome));
        assert_eq!((summary.received, counts), (24, [12, 0, 1, 11]));
        assert_eq!(Summary::of(&dry), summary);
        assert_eq!(real[0].taken, real[20].taken, "the same row twice is one order");
        assert_eq!((export.orphans.len(), &*export.orphans[0].order_id), (1, "A-9999"));
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_broke_off_is_repeated_without_creating_anything_twice() {
    on_both_engines(async |database| {
        let (store, export) = (database.connect().await, sample());
        run(&store, Mode::Apply, &export.rows[..5]).await;
        let before = all_orders(&store).await;
        let dry = Summary::of(&run(&store, Mode::Preview, &export.rows).await);
        assert_eq!([Outcome::Imported, Outcome::AlreadyImported].map(|outcome| dry.orders(outcome)), [7, 5]);

        let rest = Summary::of(&run(&store, Mode::Apply, &export.rows).await);
        assert_eq!(rest, dry);
        let orders = all_orders(&store).await;
        assert!(before.iter().all(|order| orders.contains(order)), "what was there is as it was");
        let again = Summary::of(&run(&store, Mode::Apply, &export.rows).await);
        assert_eq!([Outcome::Imported, Outcome::AlreadyImported].map(|outcome| again.orders(outcome)), [0, 12]);
        assert_eq!(all_orders(&store).await, orders);
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_drawn_from_the_year_of_each_order_without_gaps() {
    on_both_engines(async |database| {
        let (store, export) = (database.connect().await, sample());
        run(&store, Mode::Apply, &export.rows).await;
        let orders = all_orders(&store).await;
        let mut numbers: Vec<_> = orders.iter().map(|order| order.number.clone().unwrap().to_string()).collect();
        numbers.sort_unstable();
        let of_year = |year: u32, orders: u32| (0..orders).map(move |n| format!("SPK-{year}-{:06}", 1001 + n));
        let expected: Vec<_> = of_year(2023, 1).chain(of_year(2024, 7)).chain(of_year(2025, 4)).collect();
        assert_eq!(numbers, expected);
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_and_summaries_agree_with_a_recount_of_the_sample() {
    on_both_engines(async |database| {
        let (store, export) = (database.connect().await, sample());
        let summary = Summary::of(&run(&store, Mode::Apply, &export.rows).await);
        let query = StatsQuery { today: NOW, month: NOW, days: vec![Timestamp::UNIX_EPOCH, NOW] };
        let stats = store.stats(query).await.unwrap();
        let usd = Currency::parse("USD").unwrap();
        let counted: Vec<_> = stats.by_status.iter().map(|(status, orders)| (*status, *orders)).collect();
        let words = [(Status::Pending, 1), (Status::Paid, 3), (Status::Delivered, 5), (Status::Cancelled, 3)];
        assert_eq!(counted, words);
        let tallied: Vec<_> = summary.statuses.iter().map(|(status, tally)| (*status, tally.orders as u64)).collect();
        assert_eq!(tallied, words);
        // 120.00 + 64.00 + 12.00 + 33.30 + 18.00, delivered with or without payment.
        assert_eq!(stats.revenue[&usd], 24_730);
        assert_eq!(i128::from(stats.revenue[&usd]), summary.statuses[&Status::Delivered].totals[&usd]);
        // Nothing went back, not even for the order that was cancelled with its money taken.
        assert!(stats.refunds.is_empty());
        let customer = order_core::ids::CustomerId::parse("15").unwrap();
        let customer = store.customer_summary(customer, NOW).await.unwrap();
        assert_eq!((customer.orders, customer.recent, customer.spent[&usd]), (2, 0, 2_700));
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_imports_at_once_take_each_order_once() {
    on_both_engines(async |database| {
        let (store, export) = (database.connect().await, sample());
        let runs = [0; 4].map(|_| {
            let (store, rows) = (Arc::clone(&store), export.rows.clone());
            tokio::spawn(async move { Summary::of(&run(&store, Mode::Apply, &rows).await) })
        });
        let mut imported = 0;
        for run in runs {
            imported += run.await.unwrap().orders(Outcome::Imported);
        }
        assert_eq!((imported, all_orders(&store).await.len()), (12, 12));
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_nothing_is_said_to_be_imported() {
    let database = TestDatabase::sqlite().await;
    let (store, export) = (database.connect().await, sample());
    let mut importer = importer(&store, Mode::Apply);
    store.close().await;
    for row in &export.rows[6..11] {
        importer.take(&row.order).await.unwrap();
    }
    assert!(importer.flush().await.is_err());
    // Before the first order that was accepted stands one that was refused; what comes behind has to wait for it.
    let decisions = importer.into_decisions();
    assert_eq!(decisions.iter().map(|decision| decision.outcome).collect::<Vec<_>>(), [Outcome::Refused]);
}

/// The messages of a stream; `None` holds nothing.
type Messages = Vec<Option<Message>>;

async fn receive_all(store: &Arc<dyn Store>, messages: Messages) -> Result<v1::ImportOrdersResponse, ApiError> {
    let config = Config::resolve(&Raw::default(), Purpose::Probe).unwrap();
    let sources = Sources { clock: Arc::new(ManualClock::at(NOW)), ids: Arc::new(RandomIds) };
    let app = compose::app(&config, store, &Lifecycle::new(), sources);
    let requests = messages.into_iter().map(|message| Ok(v1::ImportOrdersRequest { message }));
    receive(&app, &Principal::Admin { id: "office".into() }, tokio_stream::iter(requests)).await
}

fn options(dry_run: bool) -> Option<Message> {
    let options = v1::ImportOptions { source: "sample".into(), currency_code: String::new(), dry_run };
    Some(Message::Options(options))
}

fn message(row: &Row) -> Option<Message> {
    let RawOrder { external_id, customer_id, status, payment_status, total, created_at, items } = row.order.clone();
    let items = items.into_iter().map(|RawItem { external_id, product_id, sku, quantity, unit_price }| {
        v1::ImportOrderItem { external_id, product_id, sku, quantity, unit_price }
    });
    let items = items.collect();
    Some(Message::Order(v1::ImportOrder { external_id, customer_id, status, payment_status, total, created_at, items }))
}

fn stream(dry_run: bool, rows: &[Row]) -> Messages {
    std::iter::once(options(dry_run)).chain(rows.iter().map(message)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_taken_over_like_the_files() {
    on_both_engines(async |database| {
        let (store, export) = (database.connect().await, sample());
        let dry = receive_all(&store, stream(true, &export.rows)).await.unwrap();
        assert!(dry.decisions.iter().all(|decision| decision.order_id.is_empty()));
        assert_eq!(all_orders(&store).await.len(), 0);

        let answer = receive_all(&store, stream(false, &export.rows)).await.unwrap();
        let counts = [answer.received, answer.imported, answer.already_imported, answer.refused];
        assert_eq!(counts, [24, 12, 1, 11]);
        assert_eq!((answer.corrections["STATUS_SPELLING"], answer.refusals["BAD_DATE"]), (2, 2));
        assert_eq!((&answer.corrections, &answer.refusals), (&dry.corrections, &dry.refusals));
        for (decision, (id, word, corrections)) in answer.decisions.iter().zip(SAMPLE) {
            let refused = decision.outcome() == v1::ImportOutcome::Refused;
            assert_eq!((decision.external_id.as_str(), decision.corrections.join(" ").as_str()), (id, corrections));
            assert_eq!(decision.reason, if refused { word } else { "" });
            assert_eq!((decision.order_id.is_empty(), decision.message.is_empty()), (refused, !refused));
        }
        let again = receive_all(&store, stream(false, &export.rows)).await.unwrap();
        assert_eq!([again.imported, again.already_imported, again.refused], [0, 13, 11]);
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_another_shape_is_refused() {
    let database = TestDatabase::sqlite().await;
    let (store, export) = (database.connect().await, sample());
    let order = || message(&export.rows[0]);
    let too_many =
        std::iter::once(options(false)).chain((0..=limits::IMPORT_ORDERS_PER_STREAM).map(|n| {
            Some(Message::Order(v1::ImportOrder { external_id: n.to_string(), ..v1::ImportOrder::default() }))
        }));
    let bad = v1::ImportOptions { source: "Not a name".into(), currency_code: "usd".into(), dry_run: false };
    let cases: [(Messages, &[&str]); 6] = [
        (vec![], &["options"]),
        (vec![order()], &["options"]),
        (vec![Some(Message::Options(bad)), order()], &["options.source", "options.currency_code"]),
        (vec![options(false), options(false)], &["order"]),
        (vec![options(false), None], &["order"]),
        (too_many.collect(), &["order"]),
    ];
    for (messages, fields) in cases {
        let error = receive_all(&store, messages).await.unwrap_err();
        assert_eq!(error.reason(), Reason::InvalidField);
        let named: Vec<_> = error.fields().iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(named, fields);
    }
    assert_eq!(all_orders(&store).await, []);
    store.close().await;
}
