//! Parcels that a shipping service knows.

use neighbour_sim::{Fault, Service};
use order_api::{integrations::v1::ParcelTracking, v1};
use order_store::testing::TestDatabase;

use super::{BAD_DAYS, neighbours, world};
use crate::world::{World, cash, order_of};

/// An order with a parcel on its way.
async fn sent(world: &World) -> v1::Order {
    let order = world.customer("ada").orders.create_order(order_of(&[("fangs", 1)], Some(cash()))).await.unwrap();
    let request = v1::UpdateOrderStatusRequest {
        order_id: order.into_inner().order_id,
        status: v1::OrderStatus::Shipped.into(),
        tracking: Some(v1::TrackingInput {
            carrier: "UPS".into(),
            tracking_number: "1Z999".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    world.admin().admin.update_order_status(request).await.unwrap().into_inner()
}

async fn tracking(world: &World, order: &v1::Order) -> v1::Shipment {
    let request = v1::GetOrderTrackingRequest { order_id: order.order_id.clone() };
    world.customer("ada").orders.get_order_tracking(request).await.unwrap().into_inner().shipments.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_is_shown_with_what_the_carrier_knows_and_without_it_on_bad_days() {
    let database = TestDatabase::sqlite().await;
    let around = neighbours().await;
    let world = world(&database, &around, &[("SHIPPING_URL", "")]).await;
    let order = sent(&world).await;
    let own = tracking(&world, &order).await;
    assert_eq!((own.tracking_number.as_str(), own.tracking_url.as_str()), ("1Z999", ""), "nobody knows more yet");
    let tracking_url = "https://carrier.example.com/1Z999".to_owned();
    around.put_parcel(&own.shipment_id, ParcelTracking { tracking_url, estimated_delivery_time: order.create_time });
    let known = tracking(&world, &order).await;
    assert_eq!(known.tracking_url, "https://carrier.example.com/1Z999");
    assert_eq!(known.estimated_delivery, order.create_time);
    for fault in BAD_DAYS {
        around.befall(Service::Shipping, fault);
        assert_eq!(tracking(&world, &order).await, own, "{fault:?}: what we know ourselves is shown");
    }
    around.befall(Service::Shipping, Fault::Wrong);
    assert_ne!(tracking(&world, &order).await.tracking_url, "javascript:alert(1)");
}
