//! Money asked for by two at the same moment, 125 times: exactly the right number of effects, nothing taken or given back twice,
//! and the gateway's own log says the same.

use order_api::v1::{self, PaymentStatus as Paid};
use order_store::testing::TestDatabase;
use tonic::{Code, Status};

use super::{
    audit::{audit_settled, count, events, moved},
    kit::{on_both_engines, quiet, reason, reconcile, shelve, spread},
};
use crate::{
    door_goods::kit::received,
    door_money::kit::{cents, only, refund_of, refund_units, succeeded, usd},
    world::{Caller, World, card, order_of},
};

/// How many orders are fought over.
const ORDERS: usize = 125;

/// How many are under way at a time: enough for contention, few enough for two cores.
const WIDTH: usize = 24;

/// What an order of one ware costs: 10.00, tax 0.80, shipping 5.99.
const PRICE: i64 = 1679;

/// The two at the door.
#[derive(Clone)]
struct Both {
    buyer: Caller,
    office: Caller,
}

/// A world with enough of one ware.
async fn start(database: &TestDatabase, settings: &[(&str, &str)]) -> World {
    let world = World::with_products(database, settings).await;
    shelve(&world, "ware", 2000).await;
    let fangs = v1::AdjustStockRequest {
        sku: "FANGS".to_owned(),
        delta: 900,
        reason: "more of them".to_owned(),
        ..Default::default()
    };
    world.admin().admin.adjust_stock(fangs).await.unwrap();
    world
}

/// Places the orders, makes them ready, and lets two calls loose on each of them; the answers of the one and of the other.
async fn pairs<T, A, B, R, X, Y, P>(
    world: &World,
    request: v1::CreateOrderRequest,
    (ready, one, other): (R, X, Y),
) -> Vec<(Result<A, Status>, Result<B, Status>)>
where
    A: Send + 'static,
    B: Send + 'static,
    T: Clone + Send + 'static,
    P: Future<Output = T> + Send + 'static,
    R: Fn(Both, v1::Order) -> P + Clone + Send + 'static,
    X: AsyncCall<T, A>,
    Y: AsyncCall<T, B>,
{
    let both = spread((ORDERS, WIDTH), |_| {
        let both = Both { buyer: world.customer("42"), office: world.admin() };
        let (request, ready, one, other) = (request.clone(), ready.clone(), one.clone(), other.clone());
        async move {
            let order = both.buyer.create(request).await.unwrap();
            let prepared = ready(both.clone(), order).await;
            let one = tokio::spawn(one.call(both.clone(), prepared.clone()));
            let other = tokio::spawn(other.call(both, prepared));
            (one.await.unwrap(), other.await.unwrap())
        }
    })
    .await;
    quiet(world).await;
    both
}

/// A call that one of the two makes.
trait AsyncCall<T, A>: Clone + Send + 'static {
    fn call(&self, both: Both, prepared: T) -> impl Future<Output = Result<A, Status>> + Send + 'static;
}

impl<T, A, F, G> AsyncCall<T, A> for F
where
    F: Fn(Both, T) -> G + Clone + Send + 'static,
    G: Future<Output = Result<A, Status>> + Send + 'static,
{
    fn call(&self, both: Both, prepared: T) -> impl Future<Output = Result<A, Status>> + Send + 'static {
        self(both, prepared)
    }
}

/// An order of one ware, to be paid with this card.
fn ware(token: &str) -> v1::CreateOrderRequest {
    order_of(&[("ware", 1)], Some(card(token)))
}

/// The order itself is all that the two need.
async fn as_placed(_both: Both, order: v1::Order) -> v1::Order {
    order
}

/// Refused because of what the other did, and for no other reason.
#[track_caller]
fn lost<T: std::fmt::Debug>(answer: &Result<T, Status>, reasons: &[&str]) {
    let status = answer.as_ref().unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    assert!(reasons.contains(&reason(status).as_str()), "{status:?}");
}

/// How many of the calls were carried out, each of the others having been refused for one of these reasons.
fn won<'a, T: std::fmt::Debug + 'a>(answers: impl Iterator<Item = &'a Result<T, Status>>, reasons: &[&str]) -> i64 {
    let mut won = 0;
    for answer in answers {
        match answer {
            Ok(_) => won += 1,
            Err(_) => lost(answer, reasons),
        }
    }
    won
}

/// The books balance, they agree with the gateway's log, and the database never had to cut a knot.
async fn settled(database: &TestDatabase, world: &World) {
    audit_settled(database).await;
    if world.store.engine() == "postgresql" {
        let deadlocks = "SELECT deadlocks AS n FROM pg_stat_database WHERE datname = current_database()";
        assert_eq!(count(database, deadlocks).await, 0, "deadlocks");
    }
}

/// Everything that gateways gave back, in cents.
async fn given_back(database: &TestDatabase) -> i64 {
    let query =
        "SELECT COALESCE(sum(amount), 0) AS n FROM gateway_operation WHERE kind = 'REFUND' AND reference IS NOT NULL";
    count(database, query).await
}

const TOO_MUCH: &[&str] = &["AMOUNT_EXCEEDED", "ILLEGAL_TRANSITION"];
const ILLEGAL: &[&str] = &["ILLEGAL_TRANSITION"];

/// Two calls at the same moment, of which one is carried out.
async fn one_of<A, F>(calls: [F; 2], reasons: &[&str])
where
    A: std::fmt::Debug + Send + 'static,
    F: Future<Output = Result<A, Status>> + Send + 'static,
{
    let [one, other] = calls.map(tokio::spawn);
    assert_eq!(won([one.await.unwrap(), other.await.unwrap()].iter(), reasons), 1);
}

/// First two pay at once; then two give 60 % back at once.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_payments_one_is_taken_and_of_two_refunds_of_sixty_percent_one_is_made() {
    on_both_engines(async |database| {
        let world = start(&database, &[]).await;
        let paid = |both: Both, order: v1::Order| async move {
            let pay = |token| {
                let (buyer, id) = (both.buyer.clone(), order.order_id.clone());
                async move { buyer.pay(&id, card(token)).await }
            };
            one_of([pay("tok_approve"), pay("tok_slow_5")], &["PAYMENT_IN_PROGRESS", "ILLEGAL_TRANSITION"]).await;
            order
        };
        let refund = |both: Both, order: v1::Order| async move {
            both.office.refund(refund_of(&order.order_id, PRICE * 6 / 10)).await
        };
        for (one, other) in pairs(&world, order_of(&[("ware", 1)], None), (paid, refund, refund)).await {
            assert_eq!(won([one, other].iter(), TOO_MUCH), 1);
        }
        assert_eq!((moved(&database, "SALE").await, events(&database, "PAYMENT_STARTED").await), (125, 125));
        assert_eq!((moved(&database, "REFUND").await, given_back(&database).await), (125, 125 * (PRICE * 6 / 10)));
        settled(&database, &world).await;
    })
    .await;
}

/// First two pay 60 % at once, and somebody the rest; then two refunds that both fit share what the two payments brought.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_parts_of_sixty_percent_one_is_taken_and_two_refunds_that_fit_are_both_made() {
    on_both_engines(async |database| {
        let world = start(&database, &[]).await;
        let paid = |both: Both, order: v1::Order| async move {
            let pay = || {
                let (buyer, id) = (both.buyer.clone(), order.order_id.clone());
                async move { buyer.pay_part(&id, (card("tok_approve"), PRICE * 6 / 10)).await }
            };
            one_of([pay(), pay()], &["PAYMENT_IN_PROGRESS", "AMOUNT_EXCEEDED"]).await;
            both.buyer.pay(&order.order_id, card("tok_approve")).await.unwrap()
        };
        let refund = |cents| move |both: Both, order: v1::Order| async move {
            both.office.refund(refund_of(&order.order_id, cents)).await
        };
        let unpaid = order_of(&[("ware", 1)], None);
        for (one, other) in pairs(&world, unpaid, (paid, refund(700), refund(PRICE - 700))).await {
            assert_eq!(won([one, other].iter(), &[]), 2);
        }
        assert_eq!((moved(&database, "SALE").await, given_back(&database).await), (250, 125 * PRICE));
        settled(&database, &world).await;
    })
    .await;
}

/// Money that is being taken is not given up, and the other way round: what each gets adds up to what was promised.
#[tokio::test(flavor = "multi_thread")]
async fn a_promise_is_taken_or_given_up() {
    on_both_engines(async |database| {
        let world = start(&database, &[("CAPTURE_ON", "manual")]).await;
        let capture = |both: Both, order: v1::Order| async move { both.office.capture(&order, None).await };
        let void = |both: Both, order: v1::Order| async move { both.office.void(&order).await };
        let both = pairs(&world, ware("tok_approve"), (as_placed, capture, void)).await;
        let captured = won(both.iter().map(|(capture, _)| capture), ILLEGAL);
        let voided = won(both.iter().map(|(_, void)| void), ILLEGAL);
        assert_eq!(captured + voided, 125, "exactly one of each pair");
        assert_eq!((moved(&database, "CAPTURE").await, moved(&database, "VOID").await), (captured, voided));
        settled(&database, &world).await;
    })
    .await;
}

/// Whichever comes first: a cancelled order keeps neither money nor promise.
#[tokio::test(flavor = "multi_thread")]
async fn capture_against_cancel_leaves_no_money_with_a_cancelled_order() {
    on_both_engines(async |database| {
        let world = start(&database, &[("CAPTURE_ON", "manual")]).await;
        let capture = |both: Both, order: v1::Order| async move { both.office.capture(&order, None).await };
        let cancel = |both: Both, order: v1::Order| async move { both.buyer.cancel(&order.order_id).await };
        let both = pairs(&world, ware("tok_approve"), (as_placed, capture, cancel)).await;
        assert_eq!(won(both.iter().map(|(_, cancel)| cancel), &[]), 125, "nothing has shipped: it can be cancelled");
        // A capture that was begun and not sent when the order was called off counts as refused.
        won(both.iter().map(|(capture, _)| capture), &["ILLEGAL_TRANSITION", "PAYMENT_DECLINED"]);
        reconcile(&world).await;
        let captured = moved(&database, "CAPTURE").await;
        assert_eq!(moved(&database, "REFUND").await, captured);
        assert_eq!(moved(&database, "VOID").await, 125 - captured);
        assert_eq!((events(&database, "CANCELLED").await, world.shelf("WARE").await), (125, (2000, 0)));
        settled(&database, &world).await;
    })
    .await;
}

/// The gateway tells what became of a lost charge at the moment at which the customer cancels, and the reconciler asks, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_against_a_cancellation_is_booked_once_and_goes_back() {
    on_both_engines(async |database| {
        let world = start(&database, &[]).await;
        let sale = |both: Both, order: v1::Order| async move {
            let asked = both.office.newest_operation(&order.order_id).await;
            (order.order_id, asked.operation_id)
        };
        let tell = |both: Both, (id, asked): (String, String)| async move {
            let event = succeeded(&format!("evt_{asked}"), &asked, usd(PRICE));
            let (told, known) = tokio::join!(both.office.tell(event), both.office.ask_gateway(&id));
            known.and(told)
        };
        let cancel = |both: Both, (id, _): (String, String)| async move { both.buyer.cancel(&id).await };
        let both = pairs(&world, ware("tok_timeout_charged"), (sale, tell, cancel)).await;
        assert_eq!(won(both.iter().map(|(_, cancel)| cancel), &[]), 125);
        assert_eq!(won(both.iter().map(|(told, _)| told), &[]), 125);
        for kind in ["CANCELLED", "PAYMENT_SUCCEEDED", "REFUND_STARTED", "REFUND_SUCCEEDED"] {
            assert_eq!(events(&database, kind).await, 125, "{kind}");
        }
        assert_eq!((moved(&database, "SALE").await, given_back(&database).await), (125, 125 * PRICE));
        settled(&database, &world).await;
    })
    .await;
}

/// First two refund a unit of the first line at once; then a unit of the second line comes back while somebody refunds it by
/// hand. The money of each goes back once.
#[tokio::test(flavor = "multi_thread")]
async fn a_unit_is_refunded_once_though_two_ask_for_it_or_it_comes_back() {
    on_both_engines(async |database| {
        let world = start(&database, &[]).await;
        let returned = |both: Both, order: v1::Order| async move {
            let order_id = both.office.walk(&order.order_id, v1::OrderStatus::Delivered).await.unwrap().order_id;
            let refund = || {
                let (office, id) = (both.office.clone(), order_id.clone());
                async move { office.refund(refund_units(&id, &[(1, 1)])).await }
            };
            one_of([refund(), refund()], &["LINE_QUANTITY_EXCEEDED"]).await;
            let return_id = both.office.approved_return(&both.buyer, (&order_id, &[(2, 1)])).await;
            (order_id, return_id)
        };
        let receive = |both: Both, (order_id, return_id): (String, String)| async move {
            let request = received((&order_id, &return_id), &[(2, 1, 0)]);
            both.office.admin.clone().receive_return(request).await.map(tonic::Response::into_inner)
        };
        let refund = |both: Both, (order_id, _): (String, String)| async move {
            both.office.refund(refund_units(&order_id, &[(2, 1)])).await
        };
        let two_lines = order_of(&[("ware", 1), ("fangs", 1)], Some(card("tok_approve")));
        let both = pairs(&world, two_lines, (returned, receive, refund)).await;
        assert_eq!(won(both.iter().map(|(received, _)| received), &[]), 125, "goods are received in any case");
        won(both.iter().map(|(_, refunded)| refunded), &["LINE_QUANTITY_EXCEEDED"]);
        assert_eq!((moved(&database, "REFUND").await, given_back(&database).await), (250, 125 * (1080 + 1350)));
        assert_eq!(world.shelf("FANGS").await, (1000, 0), "all of them are back");
        settled(&database, &world).await;
    })
    .await;
}

/// Everything at once, on the same orders: captures, refunds, voids, a cancellation, and a gateway that loses answers.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_for_at_once_the_books_balance() {
    on_both_engines(async |database| {
        let world = start(&database, &[("CAPTURE_ON", "manual")]).await;
        let tokens = ["tok_approve", "tok_capture_timeout_charged", "tok_refund_timeout_charged", "tok_void_late_5"];
        let orders = spread((100, 8), |n| {
            let (buyer, office) = (world.customer("42"), world.admin());
            async move {
                let order = buyer.create(ware(tokens[n % tokens.len()])).await.unwrap();
                let mut calls = tokio::task::JoinSet::new();
                for call in 0..6 {
                    let (buyer, office, order) = (buyer.clone(), office.clone(), order.clone());
                    calls.spawn(async move {
                        match call {
                            0 | 1 => office.capture(&order, Some(PRICE / 2)).await.err(),
                            2 | 3 => office.refund(refund_of(&order.order_id, PRICE / 3)).await.err(),
                            4 => office.void(&order).await.err(),
                            _ => buyer.cancel(&order.order_id).await.err(),
                        }
                    });
                }
                for refusal in calls.join_all().await.into_iter().flatten() {
                    assert_eq!(refusal.code(), Code::FailedPrecondition, "{refusal:?}");
                }
                order.order_id
            }
        })
        .await;
        quiet(&world).await;
        reconcile(&world).await;
        reconcile(&world).await;
        for id in orders {
            let order = world.admin().order(&id).await;
            assert_eq!(cents(order.amount_held.as_ref()), 0, "{order:?}");
            assert_ne!(order.payment_status(), Paid::Pending);
            only(&order);
        }
        settled(&database, &world).await;
    })
    .await;
}
