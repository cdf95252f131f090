//! Callers who go away in the middle of a call, at twenty moments of it.

use std::time::{Duration, Instant};

use order_api::v1;
use order_store::testing::TestDatabase;

use super::{
    audit::{audit_settled, count},
    call::{Call, Desk},
    kit::{checkout, eventually, on_both_engines, quiet, reconcile},
};
use crate::world::{World, card, order_of, request_id};

/// At how many moments a call is given up.
const POINTS: u32 = 20;

/// A customer and the shop.
fn desk(world: &World, customer: &str) -> Desk {
    Desk { buyer: world.customer(customer), office: world.admin() }
}

/// A customer of their own for each call, so that no cart is in the way of another one.
async fn prepare(world: &World, (kind, n): (u32, u32)) -> (String, Call) {
    let customer = format!("{kind}-{n}");
    let caller = world.customer(&customer);
    let request_id = request_id();
    // Half of them meet a gateway that takes its time.
    let payment = Some(card(if n % 2 == 0 { "tok_approve" } else { "tok_slow_15" }));
    let order = order_of(&[("fangs", 1), ("costume", 1)], payment.clone());
    let call = match kind {
        0 => Call::Create(v1::CreateOrderRequest { request_id, ..order }),
        1 => {
            caller.add("fangs", 1).await.unwrap();
            caller.add("costume", 1).await.unwrap();
            Call::Checkout(v1::CheckoutRequest { payment, ..checkout(&request_id) })
        }
        _ => {
            let order_id = caller.create(order).await.unwrap().order_id;
            Call::Cancel(v1::CancelOrderRequest { order_id, request_id, ..Default::default() })
        }
    };
    (customer, call)
}

/// Makes the call and goes away after the n-th part of the time that it takes.
async fn give_up(world: &World, kind: u32) -> Vec<(String, Call)> {
    let (customer, whole) = prepare(world, (kind, POINTS + 1)).await;
    let began = Instant::now();
    whole.make(&desk(world, &customer)).await.unwrap();
    // Somewhat longer than a call takes, so that the last moments lie behind the answer.
    let length = began.elapsed() * 6 / 5;
    let mut given_up = vec![(customer, whole)];
    for n in 0..POINTS {
        let (customer, call) = prepare(world, (kind, n)).await;
        let desk = desk(world, &customer);
        drop(tokio::time::timeout(length * n / POINTS, call.make(&desk)).await);
        given_up.push((customer, call));
    }
    given_up
}

/// Nothing is left open that would be in somebody's way.
async fn nothing_is_left_open(world: &World, database: &TestDatabase) {
    if world.store.engine() == "postgresql" {
        let idle = "SELECT count(*) AS n FROM pg_stat_activity
                    WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
        eventually("no backend idles in a transaction", || async { count(database, idle).await == 0 }).await;
    }
    let request = v1::AdjustStockRequest {
        sku: "FANGS".to_owned(),
        delta: 1,
        reason: "a write like any other".to_owned(),
        ..Default::default()
    };
    let mut admin = world.admin().admin;
    let write = tokio::time::timeout(Duration::from_secs(1), admin.adjust_stock(request)).await;
    write.expect("a write has nothing to wait for").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn client_cancels_mid_rpc() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let mut given_up = Vec::new();
        for kind in 0..3 {
            given_up.extend(give_up(&world, kind).await);
            nothing_is_left_open(&world, &database).await;
        }
        world.stop().await;

        // Whatever nobody was left to finish, the reconciler of the next process does.
        let world = World::start(&database, &[]).await;
        reconcile(&world).await;
        audit_settled(&database).await;
        let mut names = std::collections::BTreeSet::new();
        for (customer, call) in given_up {
            // Each call has been carried out as a whole or not at all; the retry makes it one and never two.
            let made = call.make(&desk(&world, &customer)).await.unwrap();
            let order = world.admin().order(&made.order_id).await;
            assert_eq!(order.lines.len(), 2);
            if matches!(call, Call::Cancel(_)) {
                assert_eq!(order.state(), v1::OrderState::Cancelled);
            }
            names.insert(order.order_number);
        }
        quiet(&world).await;
        assert_eq!(names.len(), 63);
        assert_eq!(world.admin().all_orders().await.len(), 63, "one order for each request, and no other");
        reconcile(&world).await;
        audit_settled(&database).await;
        let allocated = world.shelf("COSTUME").await.1;
        assert_eq!(allocated, 42);
    })
    .await;
}
