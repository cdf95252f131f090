//! All neighbours at once.

use neighbour_sim::Service;
use order_api::v1;
use order_store::testing::on_both_engines;

use super::{neighbours, product};
use crate::world::{World, card, order_of};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_asks_each_neighbour_once_at_most() {
    on_both_engines(|database| async move {
        let around = neighbours().await;
        let url = around.url();
        let names = ["CATALOG_URL", "INVENTORY_URL", "PAYMENT_URL", "SHIPPING_URL", "NOTIFICATION_URL"];
        let world = World::start(&database, &names.map(|name| (name, url.as_str()))).await;
        for id in ["costume", "fangs", "cape"] {
            around.put_product(product(id, 10));
            around.put_stock(&id.to_ascii_uppercase(), 100);
        }
        let wish = order_of(&[("costume", 1), ("fangs", 2), ("cape", 3), ("costume", 1)], Some(card("tok_ok")));
        let order = world.customer("ada").create(wish).await.unwrap();
        assert_eq!(order.payment_status(), v1::PaymentStatus::Paid);
        let asked = [Service::Catalog, Service::Inventory, Service::Payment, Service::Shipping];
        // News are not the order's to wait for: they come out of the feed.
        assert_eq!(asked.map(|service| around.calls(service)), [1, 1, 1, 0]);
    })
    .await;
}
