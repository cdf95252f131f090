//! What was written at one process, and is looked at at the other a moment later.

use order_api::v1;
use order_store::testing::TestDatabase;

use super::Two;
use crate::world::{cash, order_of};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_just_written_at_one_process_is_seen_at_the_other() {
    let database = TestDatabase::empty_postgres().await;
    let two = Two::start(&database, &[]).await;
    two.shelve("ware", 1000).await;
    for n in 0..20 {
        let [mut here, mut there] = two.desks(("42", n));
        let request = v1::AddCartItemRequest { product_id: "ware".into(), quantity: 1, ..Default::default() };
        let cart = here.buyer.carts.add_cart_item(request).await.unwrap().into_inner();
        let seen = there.buyer.carts.get_cart(v1::GetCartRequest::default()).await.unwrap().into_inner();
        assert_eq!((seen.items.len(), seen.items[0].quantity), (1, cart.items[0].quantity));

        let order = here.buyer.create(order_of(&[("ware", 1)], Some(cash()))).await.unwrap();
        let request = v1::GetOrderRequest { order_id: order.order_id.clone() };
        assert_eq!(there.buyer.orders.get_order(request).await.unwrap().into_inner(), order);
        let page = there.buyer.orders.list_orders(v1::ListOrdersRequest::default()).await.unwrap().into_inner();
        assert_eq!(page.orders[0].order_id, order.order_id, "the newest is first");

        let request = v1::CancelOrderRequest { order_id: order.order_id.clone(), ..Default::default() };
        there.buyer.orders.cancel_order(request).await.unwrap();
        let request = v1::GetOrderStatusRequest { order_id: order.order_id };
        let status = here.buyer.orders.get_order_status(request).await.unwrap().into_inner();
        assert_eq!(status.status(), v1::OrderStatus::Cancelled);
    }
}
