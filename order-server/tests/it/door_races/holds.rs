//! Carts that hold their goods, and orders of goods that are on their way.

use std::time::Duration;

use order_api::v1;
use order_server::workers;
use tonic::{Code, Status};

use super::{
    audit::{audit, count},
    kit::{SHORT, at_once, checkout, fact, on_both_engines, refused, shelve},
};
use crate::world::{Caller, World, cash, order_of};

/// Carts hold their goods for a quarter of an hour.
const HOLDS: &[(&str, &str)] = &[("CART_HOLD_MINUTES", "15")];

const QUARTER: Duration = Duration::from_secs(15 * 60);

async fn stock(world: &World, sku: &str) -> v1::Stock {
    let request = v1::GetStockRequest { sku: sku.to_owned() };
    world.admin().admin.get_stock(request).await.unwrap().into_inner()
}

async fn adjust(world: &World, request: v1::AdjustStockRequest) -> Result<v1::Stock, Status> {
    let request = v1::AdjustStockRequest { reason: "counted".to_owned(), ..request };
    world.admin().admin.adjust_stock(request).await.map(tonic::Response::into_inner)
}

async fn show(caller: &Caller) -> v1::Cart {
    caller.carts.clone().get_cart(v1::GetCartRequest::default()).await.unwrap().into_inner()
}

fn problems(cart: &v1::Cart) -> Vec<&str> {
    cart.problems.iter().map(|problem| problem.code.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_a_cart_is_held_until_its_time_is_over() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, HOLDS).await;
        let (ada, eve) = (world.customer("ada"), world.customer("eve"));
        let cart = ada.add("cape", 1).await.unwrap();
        assert_eq!((problems(&cart), cart.items[0].available), (vec![], 1), "nobody competes with their own hold");
        let level = stock(&world, "CAPE").await;
        assert_eq!((level.on_hand, level.reserved, level.available), (1, 1, 0));
        let status = refused(eve.add("cape", 1).await, SHORT);
        assert_eq!(["sku", "requested", "available"].map(|name| fact(&status, name)), ["CAPE", "1", "0"]);
        refused(eve.create(order_of(&[("cape", 1)], None)).await, SHORT);
        let asked = v1::QuoteOrderRequest { lines: order_of(&[("cape", 1)], None).lines, ..Default::default() };
        let quote = eve.orders.clone().quote_order(asked).await.unwrap().into_inner();
        assert_eq!(quote.problems[0].code, "INSUFFICIENT_STOCK");
        audit(&database).await;

        world.clock.advance(QUARTER);
        let level = stock(&world, "CAPE").await;
        assert_eq!((level.reserved, level.available), (0, 1), "nobody has swept, and nobody needs to");
        assert_eq!(problems(&show(&ada).await), Vec::<&str>::new());
        eve.add("cape", 1).await.unwrap();
        assert_eq!(problems(&show(&ada).await), ["INSUFFICIENT_STOCK"]);
        refused(ada.checkout(checkout("")).await, SHORT);
        eve.checkout(checkout("")).await.unwrap();
        assert_eq!(world.shelf("CAPE").await, (1, 1));
        audit(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_carts_exactly_one_holds_the_last_unit_and_orders_it() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, HOLDS).await;
        let answers = at_once(64, |n| {
            let buyer = world.customer(&format!("buyer-{n}"));
            async move { (buyer.add("cape", 1).await, buyer) }
        })
        .await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(answer, _)| answer.is_ok());
        assert_eq!((won.len(), lost.len()), (1, 63));
        for (answer, _) in lost {
            refused(answer, SHORT);
        }
        let orders = at_once(64, |n| {
            let buyer = if n == 0 { won[0].1.clone() } else { world.customer(&format!("late-{n}")) };
            async move {
                if n == 0 {
                    buyer.checkout(checkout("")).await
                } else {
                    buyer.create(order_of(&[("cape", 1)], None)).await
                }
            }
        })
        .await;
        let placed: Vec<_> = orders.iter().map(Result::is_ok).collect();
        assert!(placed[0] && !placed[1..].contains(&true), "whoever held it has it");
        audit(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_one_cart_at_once_hold_what_is_in_it_in_the_end() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, HOLDS).await;
        shelve(&world, "mug", 30).await;
        let ada = world.customer("ada");
        let answers = at_once(40, |_| {
            let ada = ada.clone();
            async move { ada.add("mug", 1).await }
        })
        .await;
        let added = answers.iter().filter(|answer| answer.is_ok()).count();
        for answer in answers.into_iter().filter(Result::is_err) {
            refused(answer, SHORT);
        }
        assert_eq!(added, 30);
        assert_eq!(show(&ada).await.items[0].quantity, 30);
        let level = stock(&world, "MUG").await;
        assert_eq!((level.reserved, level.available), (30, 0));
        audit(&database).await;
        ada.carts.clone().clear_cart(v1::ClearCartRequest::default()).await.unwrap();
        assert_eq!(stock(&world, "MUG").await.available, 30);
        audit(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_signs_in_takes_the_hold_along() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, HOLDS).await;
        let token = world.guest().add("cape", 1).await.unwrap().cart_token;
        let ada = world.customer("ada");
        ada.add("fangs", 2).await.unwrap();
        let merge = v1::MergeCartsRequest { cart_token: token, ..Default::default() };
        let merged = ada.carts.clone().merge_carts(merge).await.unwrap().into_inner();
        assert_eq!(problems(&merged.cart.unwrap()), Vec::<&str>::new());
        refused(world.customer("eve").add("cape", 1).await, SHORT);
        audit(&database).await;
        let order = ada.checkout(checkout("")).await.unwrap();
        assert_eq!((order.lines.len(), world.shelf("CAPE").await), (2, (1, 1)));
        audit(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweeper_tidies_up_what_nobody_claims() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, HOLDS).await;
        for n in 0..5 {
            let buyer = world.customer(&format!("buyer-{n}"));
            buyer.add("fangs", 1).await.unwrap();
            buyer.add("costume", 1).await.unwrap();
        }
        let left = "SELECT count(*) AS n FROM reservation";
        workers::sweep_reservations(&world.app).await.unwrap();
        assert_eq!(count(&database, left).await, 10);
        world.clock.advance(QUARTER);
        workers::sweep_reservations(&world.app).await.unwrap();
        assert_eq!(count(&database, left).await, 0);
        assert_eq!(count(&database, "SELECT sum(reserved) AS n FROM stock").await, 0);
        audit(&database).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_on_their_way_are_ordered_to_the_last_and_shipped_when_they_are_there() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let limit = |backorder_limit, validate_only| v1::AdjustStockRequest {
            sku: "CAPE".to_owned(),
            backorder_limit: Some(backorder_limit),
            validate_only,
            ..Default::default()
        };
        assert_eq!(adjust(&world, limit(9, true)).await.unwrap().available, 10);
        assert_eq!(stock(&world, "CAPE").await.backorder_limit, 0, "that was a question");
        assert_eq!(adjust(&world, limit(9, false)).await.unwrap().available, 10);
        let answers = at_once(16, |n| {
            let buyer = world.customer(&format!("buyer-{n}"));
            async move { buyer.create(order_of(&[("cape", 2)], Some(cash()))).await }
        })
        .await;
        let (placed, short): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!((placed.len(), short.len(), world.shelf("CAPE").await), (5, 11, (1, 10)));
        for validate_only in [true, false] {
            let promised = (Code::FailedPrecondition, "STOCK_PROMISED");
            refused(adjust(&world, limit(8, validate_only)).await, promised);
        }
        let order = placed.into_iter().next().unwrap().unwrap();
        let status = refused(world.admin().walk(&order.order_id, v1::OrderStatus::Shipped).await, SHORT);
        assert_eq!(["requested", "available"].map(|name| fact(&status, name)), ["2", "1"]);
        audit(&database).await;
        let arrived = v1::AdjustStockRequest { sku: "CAPE".to_owned(), delta: 1, ..Default::default() };
        adjust(&world, arrived).await.unwrap();
        world.admin().walk(&order.order_id, v1::OrderStatus::Shipped).await.unwrap();
        assert_eq!(world.shelf("CAPE").await, (0, 8));
        audit(&database).await;
    })
    .await;
}
