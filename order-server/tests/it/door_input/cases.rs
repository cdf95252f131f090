//! One mistake, sent in every request that takes the field.

use order_api::v1::{CheckoutRequest, CreateOrderRequest};

use super::refusal::{Door, assert_invalid};
use crate::world::order_of;

/// A good order and a good checkout of Ada's cart, each with the same mistake, are refused with the same paths, whether they
/// are carried out or only checked.
pub(super) async fn rejects_both_ways(door: &Door, spoil: impl Fn(&mut CreateOrderRequest), paths: &[&str]) {
    let before = door.footprint().await;
    let mut ada = door.world.customer("ada");
    let mut create = order_of(&[("costume", 1)], None);
    spoil(&mut create);
    assert_invalid(ada.orders.create_order(create.clone()).await, paths);
    let check = CreateOrderRequest { validate_only: true, ..create.clone() };
    assert_invalid(ada.orders.create_order(check).await, paths);
    assert_invalid(ada.carts.checkout(checkout_like(create)).await, paths);
    assert_eq!(door.footprint().await, before, "a refused request wrote something");
}

/// A checkout with everything that an order has, but for its lines.
pub(super) fn checkout_like(create: CreateOrderRequest) -> CheckoutRequest {
    CheckoutRequest {
        contact: create.contact,
        shipping_address: create.shipping_address,
        billing_address: create.billing_address,
        payment: create.payment,
        expected_total: create.expected_total,
        coupon_code: create.coupon_code,
        notes: create.notes,
        metadata: create.metadata,
        request_id: create.request_id,
        validate_only: create.validate_only,
        ..Default::default()
    }
}
