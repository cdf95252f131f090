//! The same change sent twice at the same moment by callers who know nothing of each other, 500 times: exactly 500 effects.

use order_api::v1;
use order_store::testing::TestDatabase;
use tonic::{Code, Status};

use super::{
    audit::{audit_settled, events, moved},
    kit::{on_both_engines, quiet, reason, shelve, spread},
};
use crate::world::{World, card, cash, order_of};

/// How many orders are changed twice.
const ORDERS: usize = 500;

/// How many are under way at a time: enough for contention, few enough for two cores.
const WIDTH: usize = 24;

/// The outcome of two calls at once.
type Both = [Result<v1::Order, Status>; 2];

async fn start(database: &TestDatabase) -> World {
    let world = World::with_products(database, &[]).await;
    shelve(&world, "ware", 1000).await;
    world
}

/// Places the orders, makes them ready, and changes each of them twice at once.
async fn twice<R, C>(
    world: &World,
    payment: Option<v1::PaymentInstrument>,
    (ready, change): (impl Fn(String) -> R + Clone + Send + 'static, impl Fn(String) -> C + Clone + Send + 'static),
) -> Vec<Both>
where
    R: Future<Output = ()> + Send + 'static,
    C: Future<Output = Result<v1::Order, Status>> + Send + 'static,
{
    let both = spread((ORDERS, WIDTH), |_| {
        let (buyer, request) = (world.customer("42"), order_of(&[("ware", 1)], payment.clone()));
        let (ready, change) = (ready.clone(), change.clone());
        async move {
            let order_id = buyer.create(request).await.unwrap().order_id;
            ready(order_id.clone()).await;
            let calls = [tokio::spawn(change(order_id.clone())), tokio::spawn(change(order_id))];
            let [one, two] = calls;
            [one.await.unwrap(), two.await.unwrap()]
        }
    })
    .await;
    quiet(world).await;
    both
}

/// One of each pair was carried out; the other one was told why not, with one of these reasons.
fn once_each(pairs: Vec<Both>, reasons: &[&str]) {
    for pair in pairs {
        let (done, refused): (Vec<_>, Vec<_>) = pair.into_iter().partition(Result::is_ok);
        assert_eq!((done.len(), refused.len()), (1, 1), "{done:?} {refused:?}");
        let status = refused.into_iter().next().unwrap().unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
        assert!(reasons.contains(&reason(&status).as_str()), "{status:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn double_cancel() {
    on_both_engines(async |database| {
        let world = start(&database).await;
        let buyer = world.customer("42");
        let cancel = move |id: String| {
            let buyer = buyer.clone();
            async move { buyer.cancel(&id).await }
        };
        let pairs = twice(&world, Some(card("tok_approve")), (|_| std::future::ready(()), cancel)).await;
        once_each(pairs, &["ILLEGAL_TRANSITION"]);
        for kind in ["CANCELLED", "REFUND_STARTED", "REFUND_SUCCEEDED"] {
            assert_eq!(events(&database, kind).await, 500, "{kind}");
        }
        assert_eq!((moved(&database, "SALE").await, moved(&database, "REFUND").await), (500, 500));
        assert_eq!(world.shelf("WARE").await, (1000, 0));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn double_confirm() {
    on_both_engines(async |database| {
        let world = start(&database).await;
        let office = world.admin();
        let confirm = move |id: String| {
            let office = office.clone();
            async move { office.walk(&id, v1::OrderStatus::Confirmed).await }
        };
        let pairs = twice(&world, Some(cash()), (|_| std::future::ready(()), confirm)).await;
        once_each(pairs, &["ILLEGAL_TRANSITION"]);
        assert_eq!(events(&database, "CONFIRMED").await, 500);
        assert_eq!(world.shelf("WARE").await, (1000, 500));
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn double_refund() {
    on_both_engines(async |database| {
        let world = start(&database).await;
        let (office, clerk) = (world.admin(), world.admin());
        let ship = move |id: String| {
            let office = office.clone();
            async move { drop(office.walk(&id, v1::OrderStatus::Shipped).await.unwrap()) }
        };
        let refund = move |id: String| {
            let clerk = clerk.clone();
            async move { clerk.walk(&id, v1::OrderStatus::Refunded).await }
        };
        let pairs = twice(&world, Some(card("tok_approve")), (ship, refund)).await;
        once_each(pairs, &["ILLEGAL_TRANSITION"]);
        for kind in ["SHIPPED", "REFUND_STARTED", "REFUND_SUCCEEDED"] {
            assert_eq!(events(&database, kind).await, 500, "{kind}");
        }
        assert_eq!(moved(&database, "REFUND").await, 500);
        assert_eq!(world.shelf("WARE").await, (500, 0), "goods that were sent do not come back with the money");
        audit_settled(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn double_pay() {
    on_both_engines(async |database| {
        let world = start(&database).await;
        let buyer = world.customer("42");
        let pay = move |id: String| {
            let buyer = buyer.clone();
            async move { buyer.pay(&id, card("tok_approve")).await }
        };
        let pairs = twice(&world, None, (|_| std::future::ready(()), pay)).await;
        once_each(pairs, &["ILLEGAL_TRANSITION", "PAYMENT_IN_PROGRESS"]);
        for kind in ["PAYMENT_STARTED", "PAYMENT_SUCCEEDED"] {
            assert_eq!(events(&database, kind).await, 500, "{kind}");
        }
        assert_eq!(moved(&database, "SALE").await, 500);
        audit_settled(&database).await;
    })
    .await;
}
