//! The reconcilers of both processes, callers who ask for a reconciliation, and events, all at once over the same payment
//! requests: each is settled once.

use order_store::testing::TestDatabase;

use super::Two;
use crate::{
    door_money::kit::{succeeded, usd},
    door_races::{
        audit::{count, events, moved},
        call::Desk,
        kit::{all_agrees, all_are_due, no_deadlocks, open_operations, settled_by_workers, spread},
    },
    world::{card, order_of},
};

/// Orders whose payment was taken and not answered. A third of them is called off before anybody knows.
const TAKEN: usize = 120;

/// Orders whose payment got lost and that are called off: nothing is ever taken for them.
const LOST: usize = 24;

/// What an order of two costs, in cents: 20.00, tax 1.60, shipping 5.99.
const PRICE: i64 = 2759;

/// Places such an order; which it is.
async fn place([here, there]: [Desk; 2], n: usize) -> String {
    let token = if n < TAKEN { "tok_timeout_charged" } else { "tok_timeout_lost" };
    let order_id = here.buyer.create(order_of(&[("ware", 2)], Some(card(token)))).await.unwrap().order_id;
    if n >= TAKEN || n.is_multiple_of(3) {
        there.buyer.cancel(&order_id).await.unwrap();
    }
    order_id
}

/// Asks both processes at once to find out, and tells them, too.
async fn press(two: &Two, orders: &[String]) {
    spread((orders.len(), 16), |n| {
        let ([here, there], id) = (two.desks(("42", n)), orders[n].clone());
        async move {
            let paying = here.office.ledgers(&id).await.remove(0).operations.remove(0);
            let event = succeeded(&format!("event-{n}"), &paying.operation_id, usd(PRICE));
            let tell = async |desk: &Desk| {
                if n < TAKEN && n % 2 == 0 { desk.office.tell(event.clone()).await.map(|_outcome| ()) } else { Ok(()) }
            };
            let (one, other, told, again) =
                tokio::join!(here.office.ask_gateway(&id), there.office.ask_gateway(&id), tell(&there), tell(&here));
            one.and(other).map(drop).and(told).and(again).unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_reconcilers_settle_each_request_once() {
    let database = TestDatabase::empty_postgres().await;
    let two = Two::start(&database, &[]).await;
    two.shelve("ware", 10_000).await;
    let orders = spread((TAKEN + LOST, 16), |n| place(two.desks(("42", n)), n)).await;
    assert!(open_operations(&database).await > 0, "there is something to be found out");
    all_are_due(&database).await;
    press(&two, &orders).await;
    settled_by_workers(&database).await;

    let called_off = i64::try_from(TAKEN.div_ceil(3)).unwrap();
    let asked = i64::try_from(TAKEN).unwrap();
    // A request that was held up on a busy machine until its order had been called off is never sent.
    let taken = moved(&database, "SALE").await;
    let given_back = called_off - (asked - taken);
    assert!((1..=asked).contains(&taken) && given_back > 0, "{taken} were taken");
    assert_eq!(events(&database, "PAYMENT_SUCCEEDED").await, taken);
    assert_eq!(moved(&database, "REFUND").await, given_back);
    for kind in ["REFUND_STARTED", "REFUND_SUCCEEDED"] {
        assert_eq!(events(&database, kind).await, given_back, "{kind}");
    }
    let never = "SELECT count(*) AS n FROM payment_operation WHERE decline_code = 'never_sent'";
    assert_eq!(count(&database, never).await, i64::try_from(LOST).unwrap() + asked - taken);
    assert_eq!(two.shelf("WARE").await, (10_000, 2 * (asked - called_off)));
    all_agrees(&database).await;
    drop(two);
    no_deadlocks(&database).await;
}
