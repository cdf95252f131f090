//! The same order at both processes at the same moment, 125 times for each pair of calls: exactly the right number of effects.

use order_api::v1::{OrderStatus as Word, PaymentStatus as Paid};
use order_store::testing::TestDatabase;

use super::{Two, one_won};
use crate::{
    door_money::kit::{due_and_held, refund_of, refund_units},
    door_races::{
        audit::{events, moved},
        call::{Call, Desk},
        kit::{all_agrees, no_deadlocks, spread},
    },
    world::{card, order_of},
};

/// How many orders are fought over.
const ORDERS: usize = 125;

/// The same, as numbers of the database.
const ALL: i64 = 125;

/// How many are under way at a time: enough for contention, few enough for two cores.
const WIDTH: usize = 16;

const ILLEGAL: &[&str] = &["ILLEGAL_TRANSITION"];

async fn start(database: &TestDatabase) -> Two {
    let two = Two::start(database, &[]).await;
    two.shelve("ware", 10_000).await;
    two
}

/// Does something with 125 orders, each at both processes.
async fn each<T, F>(two: &Two, life: impl Fn([Desk; 2]) -> F + Copy) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    spread((ORDERS, WIDTH), |n| life(two.desks(("42", n)))).await
}

/// An order whose every step is taken at both processes, except those that prepare the next.
async fn every_step_twice([here, there]: [Desk; 2]) {
    // The same request at both: one order.
    let create = Call::create(None);
    let (one, other) = tokio::join!(create.make(&here), create.make(&there));
    let order = one.unwrap();
    assert_eq!(order, other.unwrap());
    let id = order.order_id.as_str();

    let pay = || card("tok_approve");
    let paid = tokio::join!(here.buyer.pay(id, pay()), there.buyer.pay(id, pay()));
    one_won(paid, &["ILLEGAL_TRANSITION", "PAYMENT_IN_PROGRESS"]);
    let confirmed = tokio::join!(here.office.walk(id, Word::Confirmed), there.office.walk(id, Word::Confirmed));
    one_won(confirmed, ILLEGAL);
    let packed = tokio::join!(here.office.create_shipment(id, &[(1, 2)]), there.office.create_shipment(id, &[(1, 2)]));
    one_won(packed, &["ILLEGAL_TRANSITION", "LINE_QUANTITY_EXCEEDED"]);
    let shipped = tokio::join!(here.office.walk(id, Word::Shipped), there.office.walk(id, Word::Shipped));
    one_won(shipped, ILLEGAL);
    here.office.walk(id, Word::Delivered).await.unwrap();

    let back = tokio::join!(here.buyer.request_return(id, &[(1, 2)]), there.buyer.request_return(id, &[(1, 2)]));
    one_won((back.0.map(drop), back.1.map(drop)), &["ILLEGAL_TRANSITION", "LINE_QUANTITY_EXCEEDED"]);
    let back = here.office.order(id).await.returns.remove(0).return_id;
    here.office.approve(id, &back).await.unwrap();
    money_goes_back_once([here, there], (id, &back)).await;
}

/// Units are received or their money is given back anyway: in both cases, once. Then two want all that is left.
async fn money_goes_back_once([here, there]: [Desk; 2], (id, back): (&str, &str)) {
    let received = here.office.receive((id, back), &[(1, 2, 0)]);
    let refunded = there.office.refund(refund_units(id, &[(1, 2)]));
    let (received, refunded) = tokio::join!(received, refunded);
    received.unwrap();
    if let Err(status) = refunded {
        assert_eq!(crate::door_races::kit::reason(&status), "LINE_QUANTITY_EXCEEDED");
    }
    let (_, left) = due_and_held(&here.office.order(id).await);
    assert_eq!(left, 599, "what shipping cost");
    let both = tokio::join!(here.office.refund(refund_of(id, left)), there.office.refund(refund_of(id, left)));
    one_won((both.0.map(drop), both.1.map(drop)), &["ILLEGAL_TRANSITION", "AMOUNT_EXCEEDED"]);
    assert_eq!(here.office.order(id).await.payment_status(), Paid::Refunded);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_of_an_order_is_taken_once_though_both_processes_are_asked() {
    let database = TestDatabase::empty_postgres().await;
    let two = start(&database).await;
    each(&two, every_step_twice).await;
    for kind in ["PLACED", "PAYMENT_SUCCEEDED", "CONFIRMED", "SHIPMENT_CREATED", "SHIPPED", "RETURN_REQUESTED"] {
        assert_eq!(events(&database, kind).await, ALL, "{kind}");
    }
    assert_eq!((moved(&database, "SALE").await, moved(&database, "REFUND").await), (ALL, 2 * ALL));
    assert_eq!(events(&database, "RETURN_RECEIVED").await, ALL);
    assert_eq!(two.shelf("WARE").await, (10_000, 0));
    agrees(&database, two).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_called_off_once_though_both_processes_are_asked() {
    let database = TestDatabase::empty_postgres().await;
    let two = start(&database).await;
    each(&two, |[here, there]| async move {
        let id = place(&here).await;
        let both = tokio::join!(here.buyer.cancel(&id), there.buyer.cancel(&id));
        one_won(both, ILLEGAL);
    })
    .await;
    for kind in ["CANCELLED", "REFUND_STARTED", "REFUND_SUCCEEDED"] {
        assert_eq!(events(&database, kind).await, ALL, "{kind}");
    }
    assert_eq!((moved(&database, "REFUND").await, two.shelf("WARE").await), (ALL, (10_000, 0)));
    agrees(&database, two).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_leaves_from_one_process_or_is_called_off_at_the_other() {
    let database = TestDatabase::empty_postgres().await;
    let two = start(&database).await;
    let cancelled = each(&two, |[here, there]| async move {
        let id = place(&here).await;
        here.office.walk(&id, Word::Confirmed).await.unwrap();
        let parcel = there.office.parcel(&id, &[]).await;
        let both = tokio::join!(here.buyer.cancel(&id), there.office.ship(&id, &parcel));
        one_won(both, ILLEGAL)
    })
    .await;
    let cancelled = i64::try_from(cancelled.into_iter().filter(|cancelled| *cancelled).count()).unwrap();
    assert_eq!(
        (events(&database, "CANCELLED").await, events(&database, "SHIPPED").await),
        (cancelled, ALL - cancelled)
    );
    assert_eq!(moved(&database, "REFUND").await, cancelled);
    assert_eq!(two.shelf("WARE").await, (10_000 - 2 * (ALL - cancelled), 0));
    agrees(&database, two).await;
}

async fn place(desk: &Desk) -> String {
    desk.buyer.create(order_of(&[("ware", 2)], Some(card("tok_approve")))).await.unwrap().order_id
}

/// The books balance, and nobody had to be cut loose.
async fn agrees(database: &TestDatabase, two: Two) {
    all_agrees(database).await;
    drop(two);
    no_deadlocks(database).await;
}
