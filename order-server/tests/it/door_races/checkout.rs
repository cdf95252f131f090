//! Carts that are changed and ordered by several at once.

use std::collections::BTreeSet;

use order_api::v1;
use tonic::Code;

use super::{
    audit::{audit, audit_settled, moved},
    kit::{at_once, checkout, on_both_engines, quiet, reason, shelve},
};
use crate::world::{World, card, request_id};

#[tokio::test(flavor = "multi_thread")]
async fn parallel_add_item_no_lost_lines() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        for n in 0..16 {
            shelve(&world, &format!("p{n}"), 10).await;
        }
        // The first of them opens the cart: that race has one winner, too.
        let answers = at_once(48, |n| {
            let (buyer, id) = (world.customer("42"), format!("p{}", n % 16));
            async move { buyer.add(&id, 1).await }
        })
        .await;
        let carts: BTreeSet<_> = answers.into_iter().map(|answer| answer.unwrap().cart_id).collect();
        assert_eq!(carts.len(), 1);
        let request = v1::GetCartRequest::default();
        let cart = world.customer("42").carts.get_cart(request).await.unwrap().into_inner();
        let quantities: Vec<_> = cart.items.iter().map(|item| item.quantity).collect();
        assert_eq!(quantities, [3; 16]);
        assert_eq!(cart.etag, "48", "every change counted once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_addition_16_times_at_once_counts_once() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let add = v1::AddCartItemRequest {
            product_id: "fangs".to_owned(),
            quantity: 2,
            request_id: request_id(),
            ..Default::default()
        };
        let answers = at_once(16, |_| {
            let (mut carts, add) = (world.customer("42").carts, add.clone());
            async move { carts.add_cart_item(add).await }
        })
        .await;
        for answer in answers {
            assert_eq!(answer.unwrap().into_inner().items[0].quantity, 2);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checkout_twice_gives_one_order() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let one_id = request_id();
        // One after the other, then 16 at once: without request ids, with the same one, with one each.
        let keys: [(&str, &dyn Fn(usize) -> String); 3] =
            [("none", &|_| String::new()), ("same", &|_| one_id.clone()), ("own", &|_| request_id())];
        for (customer, key) in keys {
            let buyer = world.customer(customer);
            buyer.add("costume", 1).await.unwrap();
            buyer.add("fangs", 2).await.unwrap();
            let answers = at_once(16, |n| {
                let (buyer, key) = (buyer.clone(), key(n));
                let request = v1::CheckoutRequest { payment: Some(card("tok_approve")), ..checkout(&key) };
                async move { buyer.checkout(request).await }
            })
            .await;
            let named: BTreeSet<_> = answers.into_iter().map(|answer| answer.unwrap().order_number).collect();
            assert_eq!(named.len(), 1, "request ids: {customer}: {named:?}");
            let later = buyer.checkout(checkout("")).await.unwrap();
            assert!(named.contains(&later.order_number));
        }
        quiet(&world).await;
        assert_eq!(world.admin().all_orders().await.len(), 3);
        assert_eq!((world.shelf("COSTUME").await, world.shelf("FANGS").await), ((100, 3), (100, 6)));
        assert_eq!(moved(&database, "SALE").await, 3);
        audit_settled(&database).await;
    })
    .await;
}

/// Additions and checkouts of one cart at the same time: every unit that was added is in an order or in the next cart, once.
#[tokio::test(flavor = "multi_thread")]
async fn cart_changed_while_ordering() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let buyer = world.customer("42");
        buyer.add("costume", 1).await.unwrap();
        let added = at_once(48, |n| {
            let buyer = buyer.clone();
            async move {
                if n % 6 != 0 {
                    buyer.add("fangs", 1).await.unwrap();
                    return 1;
                }
                match buyer.checkout(checkout(&request_id())).await {
                    Ok(order) => assert!(!order.order_id.is_empty()),
                    // The cart did not hold still: said honestly, and nothing happened.
                    Err(status) => assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "CONTENDED")),
                }
                0
            }
        })
        .await;
        let fangs = |lines: &[v1::OrderLine]| -> i32 {
            lines.iter().filter(|line| line.sku == "FANGS").map(|line| line.quantity).sum()
        };
        let orders = world.admin().all_orders().await;
        let ordered: i32 = orders.iter().map(|order| fangs(&order.lines)).sum();
        let request = v1::GetCartRequest::default();
        let cart = buyer.carts.clone().get_cart(request).await.unwrap().into_inner();
        let waiting: i32 = cart.items.iter().filter(|item| item.sku == "FANGS").map(|item| item.quantity).sum();
        assert_eq!(ordered + waiting, added.into_iter().sum::<i32>());
        let allocated = world.shelf("FANGS").await.1;
        assert_eq!(allocated, i64::from(ordered));
        audit(&database).await;
    })
    .await;
}

/// A guest signs in, and the merge is sent 16 times at once: the items move once.
#[tokio::test(flavor = "multi_thread")]
async fn a_merge_counts_once_however_often_it_is_sent() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[]).await;
        let cart_token = world.guest().add("fangs", 2).await.unwrap().cart_token;
        let buyer = world.customer("42");
        buyer.add("fangs", 1).await.unwrap();
        let answers = at_once(16, |_| {
            let (mut carts, cart_token) = (buyer.carts.clone(), cart_token.clone());
            async move { carts.merge_carts(v1::MergeCartsRequest { cart_token, ..Default::default() }).await }
        })
        .await;
        answers.into_iter().for_each(|answer| drop(answer.unwrap()));
        let request = v1::GetCartRequest::default();
        let cart = buyer.carts.clone().get_cart(request).await.unwrap().into_inner();
        assert_eq!(cart.items.iter().map(|item| item.quantity).collect::<Vec<_>>(), [3]);
        audit(&database).await;
    })
    .await;
}
