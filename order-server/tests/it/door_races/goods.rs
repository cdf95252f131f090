//! Two who want different things of the same goods at the same moment, 125 times each: units leave, come back and are called off
//! once, and the shelf knows which.

use order_api::v1::{self, OrderStatus as Word};
use order_store::testing::TestDatabase;
use tonic::{Code, Status};

use super::{
    audit::{audit_settled, count, events, moved},
    kit::{on_both_engines, quiet, reason, shelve, spread},
};
use crate::world::{Caller, World, card, order_of};

/// How many orders are fought over.
const ORDERS: usize = 125;

/// The same, as numbers of the database.
const ALL: i64 = 125;

/// How many are under way at a time: enough for contention, few enough for two cores.
const WIDTH: usize = 24;

/// An order, and the parcel or return in question, if there is one.
type Subject = (String, String);

/// The outcome of two calls at once.
type Both = [Result<(), Status>; 2];

async fn start(database: &TestDatabase) -> World {
    let world = World::with_products(database, &[]).await;
    shelve(&world, "ware", 2000).await;
    world
}

/// Something that somebody does with a subject, again and again.
fn by<F, C>(who: Caller, call: C) -> impl Fn(Subject) -> F + Clone + Send + 'static
where
    F: Future + Send + 'static,
    C: Fn(Caller, Subject) -> F + Clone + Send + 'static,
{
    move |subject| call(who.clone(), subject)
}

/// Places orders of so many units, paid by card; prepares each; and makes two calls about it at once.
async fn pairs<P, A, B>(
    (world, units): (&World, i64),
    prepare: impl Fn(Subject) -> P + Clone + Send + 'static,
    (one, two): (impl Fn(Subject) -> A + Clone + Send + 'static, impl Fn(Subject) -> B + Clone + Send + 'static),
) -> Vec<Both>
where
    P: Future<Output = String> + Send + 'static,
    A: Future<Output = Result<(), Status>> + Send + 'static,
    B: Future<Output = Result<(), Status>> + Send + 'static,
{
    let both = spread((ORDERS, WIDTH), |_| {
        let (buyer, request) = (world.customer("42"), order_of(&[("ware", units)], Some(card("tok_approve"))));
        let (prepare, one, two) = (prepare.clone(), one.clone(), two.clone());
        async move {
            let order_id = buyer.create(request).await.unwrap().order_id;
            let subject = (order_id.clone(), prepare((order_id, String::new())).await);
            let (one, two) = (tokio::spawn(one(subject.clone())), tokio::spawn(two(subject)));
            [one.await.unwrap(), two.await.unwrap()]
        }
    })
    .await;
    quiet(world).await;
    both
}

/// One of each pair was carried out, the other one was told why not with one of these reasons; how often the first one was it.
fn one_of_each(both: &[Both], reasons: &[&str]) -> i64 {
    for pair in both {
        let refused: Vec<_> = pair.iter().filter_map(|answer| answer.as_ref().err()).collect();
        let [status] = refused[..] else { panic!("{pair:?}") };
        assert!(reasons.contains(&reason(status).as_str()), "{status:?}");
        assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    }
    i64::try_from(both.iter().filter(|[first, _]| first.is_ok()).count()).unwrap()
}

/// Confirms an order and plans a parcel of all that is in it.
async fn planned(office: Caller, (id, _): Subject) -> String {
    office.walk(&id, Word::Confirmed).await.unwrap();
    office.parcel(&id, &[]).await
}

async fn confirmed(office: Caller, (id, _): Subject) -> String {
    office.walk(&id, Word::Confirmed).await.unwrap();
    String::new()
}

async fn arrived(office: Caller, (id, _): Subject) -> String {
    office.walk(&id, Word::Delivered).await.unwrap();
    String::new()
}

/// Has an order arrive and approves the return of one unit.
async fn coming_back(office: Caller, (id, _): Subject) -> String {
    office.walk(&id, Word::Delivered).await.unwrap();
    office.approved_return(&office, (&id, &[(1, 1)])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_leaves_or_its_order_is_called_off() {
    on_both_engines(async |database| {
        let world = start(&database).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let cancel = by(buyer, |who, (id, _)| async move { who.cancel(&id).await.map(drop) });
        let ship = by(office.clone(), |who, (id, parcel)| async move { who.ship(&id, &parcel).await.map(drop) });
        let both = pairs((&world, 1), by(office.clone(), planned), (cancel, ship)).await;
        let cancelled = one_of_each(&both, &["ILLEGAL_TRANSITION"]);
        assert_eq!(events(&database, "CANCELLED").await, cancelled);
        assert_eq!(events(&database, "SHIPPED").await, ALL - cancelled);
        assert_eq!(moved(&database, "REFUND").await, cancelled);
        assert_eq!(world.shelf("WARE").await, (2000 - ALL + cancelled, 0));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_is_shipped_twice_leaves_once() {
    on_both_engines(async |database| {
        let world = start(&database).await;
        let office = world.admin();
        let ship = by(office.clone(), |who, (id, parcel)| async move { who.ship(&id, &parcel).await.map(drop) });
        let both = pairs((&world, 1), by(office.clone(), planned), (ship.clone(), ship)).await;
        assert!(both.iter().flatten().all(Result::is_ok), "what was done before is no mistake: {both:?}");
        assert_eq!(events(&database, "SHIPPED").await, ALL);
        assert_eq!(world.shelf("WARE").await, (2000 - ALL, 0));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_unit_goes_into_two_parcels() {
    on_both_engines(async |database| {
        let world = start(&database).await;
        let office = world.admin();
        let create = |lines: &'static [(i32, i32)]| {
            by(office.clone(), move |who, (id, _)| async move { who.create_shipment(&id, lines).await.map(drop) })
        };
        let both = pairs((&world, 2), by(office.clone(), confirmed), (create(&[(1, 2)]), create(&[(1, 1)]))).await;
        let larger = one_of_each(&both, &["ILLEGAL_TRANSITION", "LINE_QUANTITY_EXCEEDED"]);
        assert_eq!(events(&database, "SHIPMENT_CREATED").await, ALL);
        let orders = office.all_orders().await;
        let parcels = orders.iter().flat_map(|order| &order.shipments).flat_map(|parcel| &parcel.lines);
        assert_eq!(parcels.map(|line| i64::from(line.quantity)).sum::<i64>(), 2 * larger + (ALL - larger));
        assert_eq!(world.shelf("WARE").await, (2000, 2 * ALL));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_is_called_off_or_goes_into_a_parcel() {
    on_both_engines(async |database| {
        let world = start(&database).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let cancel = by(buyer, |who, (id, _)| async move { who.cancel_units(&id, &[(1, 1)]).await.map(drop) });
        let create =
            by(office.clone(), |who, (id, _)| async move { who.create_shipment(&id, &[(1, 2)]).await.map(drop) });
        let both = pairs((&world, 2), by(office.clone(), confirmed), (cancel, create)).await;
        let cancelled = one_of_each(&both, &["ILLEGAL_TRANSITION", "LINE_QUANTITY_EXCEEDED"]);
        assert_eq!(events(&database, "LINES_CANCELLED").await, cancelled);
        assert_eq!(events(&database, "SHIPMENT_CREATED").await, ALL - cancelled);
        assert_eq!(moved(&database, "REFUND").await, cancelled);
        assert_eq!(world.shelf("WARE").await, (2000, 2 * ALL - cancelled));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_edit_takes_out_does_not_leave() {
    on_both_engines(async |database| {
        let world = start(&database).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let edit = by(buyer, |who, (order_id, _)| async move {
            let changes = vec![v1::LineChange { line_id: 1, quantity: 1 }];
            who.edit(v1::EditOrderRequest { order_id, changes, ..Default::default() }).await.map(drop)
        });
        let ship = by(office.clone(), |who, (id, _)| async move { who.walk(&id, Word::Shipped).await.map(drop) });
        let both = pairs((&world, 2), by(office.clone(), confirmed), (edit, ship)).await;
        assert!(both.iter().all(|[_, shipped]| shipped.is_ok()), "what is left is shipped either way");
        let edited = both.iter().filter(|[edited, _]| edited.is_ok()).count();
        let edited = i64::try_from(edited).unwrap();
        let late = both.iter().filter_map(|[edited, _]| edited.as_ref().err());
        late.for_each(|status| assert_eq!(reason(status), "ILLEGAL_TRANSITION"));
        assert_eq!((events(&database, "EDITED").await, moved(&database, "REFUND").await), (edited, edited));
        let left = "SELECT COALESCE(sum(shipped), 0) AS n FROM order_line";
        assert_eq!(count(&database, left).await, 2 * ALL - edited);
        assert_eq!(world.shelf("WARE").await, (2000 - 2 * ALL + edited, 0));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_is_received_once() {
    on_both_engines(async |database| {
        let world = start(&database).await;
        let office = world.admin();
        let receive = |lines: &'static [(i32, i32, i32)]| {
            by(office.clone(), move |who, (id, back)| async move { who.receive((&id, &back), lines).await.map(drop) })
        };
        let calls = (receive(&[(1, 1, 0)]), receive(&[(1, 0, 1)]));
        let both = pairs((&world, 2), by(office.clone(), coming_back), calls).await;
        let restocked = one_of_each(&both, &["LINE_QUANTITY_EXCEEDED"]);
        assert_eq!(events(&database, "RETURN_RECEIVED").await, ALL);
        assert_eq!(moved(&database, "REFUND").await, ALL);
        assert_eq!(world.shelf("WARE").await, (2000 - 2 * ALL + restocked, 0));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_unit_is_asked_back_once() {
    on_both_engines(async |database| {
        let world = start(&database).await;
        let (buyer, office) = (world.customer("42"), world.admin());
        let ask = by(buyer, |who, (id, _)| async move { who.request_return(&id, &[(1, 1)]).await.map(drop) });
        let both = pairs((&world, 1), by(office.clone(), arrived), (ask.clone(), ask)).await;
        one_of_each(&both, &["ILLEGAL_TRANSITION"]);
        assert_eq!(events(&database, "RETURN_REQUESTED").await, ALL);
        let asked = "SELECT COALESCE(sum(return_requested), 0) AS n FROM order_line";
        assert_eq!(count(&database, asked).await, ALL);
        audit_settled(&database).await;
    })
    .await;
}

/// The money of a unit goes back because it came back, or because somebody gives it back: once.
#[tokio::test(flavor = "multi_thread")]
async fn a_unit_is_paid_back_once() {
    on_both_engines(async |database| {
        let world = start(&database).await;
        let office = world.admin();
        let receive =
            by(
                office.clone(),
                |who, (id, back)| async move { who.receive((&id, &back), &[(1, 1, 0)]).await.map(drop) },
            );
        let refund = by(office.clone(), |who, (order_id, _)| async move {
            let lines = vec![v1::LineQuantity { line_id: 1, quantity: 1 }];
            let request = v1::RefundOrderRequest { order_id, lines, ..Default::default() };
            who.admin.clone().refund_order(request).await.map(drop)
        });
        let both = pairs((&world, 1), by(office.clone(), coming_back), (receive, refund)).await;
        assert!(both.iter().all(|[received, _]| received.is_ok()), "goods that come back are always received");
        let late = both.iter().filter_map(|[_, refunded]| refunded.as_ref().err());
        late.for_each(|status| assert_eq!(reason(status), "LINE_QUANTITY_EXCEEDED"));
        assert_eq!((events(&database, "LINES_REFUNDED").await, moved(&database, "REFUND").await), (ALL, ALL));
        assert_eq!(world.shelf("WARE").await, (2000, 0));
        audit_settled(&database).await;
    })
    .await;
}
