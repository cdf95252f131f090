//! Many at both doors for few goods, few coupons and one request.

use std::collections::BTreeSet;

use order_api::v1;
use order_store::testing::TestDatabase;

use super::Two;
use crate::{
    door_races::{
        audit::{count, moved},
        kit::{SHORT, all_agrees, at_once, checkout, no_deadlocks, refused},
    },
    world::{card, money, order_of, request_id},
};

/// How many come at once.
const CROWD: usize = 64;

/// Uses of the coupon.
const USES: i32 = 20;

fn buyer(n: usize) -> String {
    format!("buyer-{n}")
}

async fn the_last_unit_is_sold_once(two: &Two) {
    two.shelve("last", 1).await;
    let answers = at_once(CROWD, |n| {
        let [desk, _] = two.desks((&buyer(n), n));
        async move { desk.buyer.create(order_of(&[("last", 1)], None)).await }
    })
    .await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    lost.into_iter().for_each(|answer| drop(refused(answer, SHORT)));
    assert_eq!(two.shelf("LAST").await, (1, 1));
}

/// One, two or three units each; whoever asks for one unit gets one as long as there is one.
async fn a_shelf_is_sold_out_and_not_oversold(two: &Two) {
    two.shelve("hot", 60).await;
    two.shelve("warm", 1000).await;
    let answers = at_once(CROWD, |n| {
        let [desk, _] = two.desks((&buyer(n), n));
        let quantity = i64::try_from(n % 3).unwrap() + 1;
        // In one order or in the other: shelves are taken in the same order whatever the lines'.
        let mut lines = [("hot", quantity), ("warm", 1)];
        lines.rotate_left(n / 2 % 2);
        async move { desk.buyer.create(order_of(&lines, Some(card("tok_approve")))).await.map(|_| quantity) }
    })
    .await;
    let sold: i64 = answers.iter().flatten().sum();
    assert_eq!(two.shelf("HOT").await, (60, sold));
    assert!(sold >= 58, "whoever was refused wanted more than there was: {sold}");
    answers.into_iter().filter(Result::is_err).for_each(|answer| drop(refused(answer, SHORT)));
}

async fn a_coupon_is_used_as_often_as_it_may_be(two: &Two) {
    let kind = Some(v1::coupon::Kind::Fixed(money(("USD", 1, 0))));
    let coupon = v1::Coupon {
        coupon_code: "TWENTY".to_owned(),
        kind,
        active: true,
        total_limit: USES,
        per_customer_limit: 1,
        ..Default::default()
    };
    let request = v1::UpsertCouponRequest { coupon: Some(coupon), ..Default::default() };
    two.0[0].admin().admin.upsert_coupon(request).await.unwrap();
    let answers = at_once(CROWD, |n| {
        // Every customer comes twice, once to each door.
        let [desk, _] = two.desks((&buyer(n / 2), n));
        let request = v1::CreateOrderRequest { coupon_code: "TWENTY".to_owned(), ..order_of(&[("warm", 1)], None) };
        async move { (n / 2, desk.buyer.create(request).await) }
    })
    .await;
    let won: Vec<_> = answers.iter().filter(|(_, answer)| answer.is_ok()).map(|(customer, _)| *customer).collect();
    assert_eq!(won.len(), usize::try_from(USES).unwrap());
    assert_eq!(won.iter().collect::<BTreeSet<_>>().len(), won.len(), "each of them once");
    for process in &two.0 {
        let request = v1::GetCouponRequest { coupon_code: "TWENTY".to_owned() };
        let coupon = process.admin().admin.get_coupon(request).await.unwrap().into_inner();
        assert_eq!(coupon.redeemed, USES);
    }
}

async fn a_request_is_carried_out_once(two: &Two, database: &TestDatabase) {
    let before = moved(database, "SALE").await;
    let request = v1::CreateOrderRequest {
        request_id: request_id(),
        ..order_of(&[("warm", 2)], Some(card("tok_charge_slow_20")))
    };
    let answers = at_once(CROWD, |n| {
        let ([desk, _], request) = (two.desks(("42", n)), request.clone());
        async move { desk.buyer.create(request).await.unwrap().order_number }
    })
    .await;
    assert_eq!(answers.into_iter().collect::<BTreeSet<_>>().len(), 1);
    assert_eq!(moved(database, "SALE").await, before + 1);
}

async fn a_held_unit_is_ordered_by_who_holds_it(two: &Two) {
    two.shelve("held", 10).await;
    let answers = at_once(CROWD, |n| {
        let [here, there] = two.desks((&buyer(n), n));
        async move { here.buyer.add("held", 1).await.map(|_| there) }
    })
    .await;
    let holders: Vec<_> = answers.into_iter().flatten().collect();
    assert_eq!(holders.len(), 10);
    // They order at the other door, while others come without a cart.
    let answers = at_once(CROWD, |n| {
        let holder = holders.get(n).cloned();
        let [desk, _] = two.desks((&format!("late-{n}"), n));
        async move {
            match holder {
                Some(holder) => holder.buyer.checkout(checkout(&request_id())).await,
                None => desk.buyer.create(order_of(&[("held", 1)], None)).await,
            }
        }
    })
    .await;
    let placed: Vec<_> = answers.iter().map(Result::is_ok).collect();
    assert!(placed[..10].iter().all(|placed| *placed) && !placed[10..].contains(&true), "{placed:?}");
    assert_eq!(two.shelf("HELD").await, (10, 10));
}

/// One cart, changed at both doors.
async fn a_cart_loses_nothing(two: &Two) {
    let answers = at_once(CROWD, |n| {
        let [desk, _] = two.desks(("cart", n));
        async move { desk.buyer.add("warm", 1).await }
    })
    .await;
    answers.into_iter().for_each(|answer| drop(answer.unwrap()));
    let [desk, _] = two.desks(("cart", 0));
    let cart = desk.buyer.carts.clone().get_cart(v1::GetCartRequest::default()).await.unwrap().into_inner();
    assert_eq!(usize::try_from(cart.items[0].quantity).unwrap(), CROWD);
    let orders = at_once(16, |n| {
        let [desk, _] = two.desks(("cart", n));
        async move { desk.buyer.checkout(checkout(&request_id())).await.unwrap().order_id }
    })
    .await;
    assert_eq!(orders.into_iter().collect::<BTreeSet<_>>().len(), 1, "checked out once");
}

#[tokio::test(flavor = "multi_thread")]
async fn crowds_at_both_processes_get_what_there_is_and_no_more() {
    let database = TestDatabase::empty_postgres().await;
    let two = Two::start(&database, &[("CART_HOLD_MINUTES", "15")]).await;
    the_last_unit_is_sold_once(&two).await;
    a_shelf_is_sold_out_and_not_oversold(&two).await;
    a_coupon_is_used_as_often_as_it_may_be(&two).await;
    a_request_is_carried_out_once(&two, &database).await;
    a_held_unit_is_ordered_by_who_holds_it(&two).await;
    a_cart_loses_nothing(&two).await;
    assert_eq!(count(&database, "SELECT count(*) AS n FROM reservation").await, 0);
    all_agrees(&database).await;
    drop(two);
    no_deadlocks(&database).await;
}
