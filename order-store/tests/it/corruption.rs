//! What somebody with a shell could do to the data: the database refuses it, or the store refuses to read it.

use order_store::{OrderKey, Scope, StoreError, testing::on_both_engines};

use crate::shop::{Shop, Wish};

/// One rule of the domain each.
const BROKEN: &[&str] = &[
    "UPDATE product SET price = -1",
    "UPDATE product SET revision = 0",
    "UPDATE product SET currency = 'US'",
    "UPDATE stock SET on_hand = -1",
    "UPDATE stock SET reserved = -1",
    "UPDATE stock SET allocated = on_hand + 1",
    "UPDATE stock SET reserved = on_hand",
    "UPDATE stock SET backorder_limit = -1",
    "UPDATE stock_movement SET kind = 'STOLEN'",
    "UPDATE cart SET guest_key = NULL, customer_id = NULL",
    "UPDATE cart SET state = 'ORDERED'",
    "UPDATE cart SET state = 'LOST'",
    "UPDATE cart_item SET quantity = 0",
    "UPDATE reservation SET quantity = 0",
    "UPDATE reservation SET sku = 'NONE'",
    "DELETE FROM cart",
    "UPDATE cart_item SET seen_price = -1",
    "UPDATE orders SET state = 'LOST'",
    "UPDATE orders SET payment_status = 'LOST'",
    "UPDATE orders SET fulfillment_status = 'LOST'",
    "UPDATE orders SET status = 'LOST'",
    "UPDATE orders SET currency = 'US'",
    "UPDATE orders SET subtotal = -1",
    "UPDATE orders SET discount = -1",
    "UPDATE orders SET tax = -1",
    "UPDATE orders SET shipping = -1",
    "UPDATE orders SET shipping_tax = -1",
    "UPDATE orders SET total = -1",
    "UPDATE orders SET total = shipping + shipping_tax - 1",
    "UPDATE orders SET refunded = -1",
    "UPDATE orders SET revision = 0",
    "UPDATE orders SET order_number = NULL",
    "UPDATE orders SET contact_name = NULL",
    "UPDATE orders SET import_source = 'x'",
    "UPDATE order_line SET ordered = 0",
    "UPDATE order_line SET cancelled = -1",
    "UPDATE order_line SET cancelled = 1",
    "UPDATE order_line SET allocated = ordered + 1",
    "UPDATE order_line SET shipped = 1",
    "UPDATE order_line SET delivered = 1",
    "UPDATE order_line SET return_requested = 1",
    "UPDATE order_line SET return_received = 1",
    "UPDATE order_line SET restocked = 1",
    "UPDATE order_line SET written_off = 1",
    "UPDATE order_line SET unit_price = -1",
    "UPDATE order_line SET total = -1",
    "UPDATE payment SET amount = -1",
    "UPDATE payment SET captured = 1",
    "UPDATE payment SET capture_pending = 1",
    "UPDATE payment SET refunded = 1",
    "UPDATE payment SET refund_pending = 1",
    "UPDATE payment SET voided = 1",
    "UPDATE payment SET auth_pending = -1",
    "UPDATE payment SET method = 'BARTER'",
    "UPDATE payment SET currency = 'US'",
    "UPDATE payment_operation SET state = 'LOST'",
    "UPDATE payment_operation SET kind = 'GIFT'",
    "UPDATE payment_operation SET amount = -1",
    "UPDATE payment_operation SET attempts = -1",
    "UPDATE order_event SET revision = 0",
    "UPDATE order_event SET status_after = 'LOST'",
    "UPDATE order_event SET actor_kind = 'NOBODY'",
    "DELETE FROM orders",
    "DELETE FROM payment",
    "DELETE FROM stock",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_what_breaks_a_rule() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        shop.hold(&order_core::cart::CartOwner::Customer(crate::shop::customer("ada")), &mug, 1).await.unwrap();
        let placed = shop.place(Wish::of(&[(&mug, 2)]).by_card()).await.unwrap().order;
        for statement in BROKEN {
            assert!(database.execute(statement).await.is_err(), "{statement}");
        }
        assert_eq!(shop.order(placed.id).await, placed);
        database.execute("UPDATE product SET name = 'Another'").await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_of_what_there_is_one_of_is_refused() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (mug, pot) = (shop.sell("mug", 1250, 10).await, shop.sell("pot", 1250, 10).await);
        for product in [&mug, &pot] {
            let ada = order_core::cart::CartOwner::Customer(crate::shop::customer("ada"));
            let cart = shop.add(&ada, product, 1).await.unwrap();
            shop.place(Wish::of(&[(product, 1)]).out_of(&cart)).await.unwrap();
        }
        for statement in [
            "UPDATE orders SET order_number = 'SPK-2026-001001'",
            "UPDATE orders SET cart_id = (SELECT MIN(cart_id::text)::uuid FROM orders)",
            "UPDATE orders SET cart_id = (SELECT MIN(cart_id) FROM orders)",
            "UPDATE orders SET import_source = 'a', import_external_id = 'b', import_detail = '{}'",
            "UPDATE product SET sku = 'MUG'",
            "UPDATE cart SET state = 'ACTIVE', order_id = NULL",
        ] {
            assert!(database.execute(statement).await.is_err(), "{statement}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_check_can_see_is_found_when_it_is_read() {
    for statement in [
        "UPDATE orders SET total = total + 1",
        "UPDATE orders SET currency = 'QQQ'",
        "UPDATE orders SET explanation = 'not json'",
        "UPDATE orders SET shipping_address = '{}'",
        "UPDATE order_line SET sku = 'no blanks'",
        "DELETE FROM order_line",
    ] {
        on_both_engines(|database| async move {
            let shop = Shop::open(&database).await;
            let mug = shop.sell("mug", 1250, 10).await;
            let id = shop.place(Wish::of(&[(&mug, 2)])).await.unwrap().order.id;
            database.execute(statement).await.unwrap();
            let read = shop.store.order(OrderKey::Id(id), Scope::All).await;
            assert!(matches!(read, Err(StoreError::Corrupt(_))), "{statement}: {read:?}");
        })
        .await;
    }
}
