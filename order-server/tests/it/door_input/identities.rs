//! Garbage in place of ids, tokens, etags, masks and request ids.

use order_api::v1::{
    AddCartItemRequest, AddNoteRequest, AdjustStockRequest, CancelOrderRequest, ClearCartRequest, CreateOrderRequest,
    GetCartRequest, GetCustomerSummaryRequest, GetOrderRequest, GetOrderStatusRequest, GetOrderTrackingRequest,
    ListOrderEventsRequest, LookupOrderRequest, MergeCartsRequest, Order, OrderStatus, PayOrderRequest,
    RemoveCartItemRequest, UpdateCartItemRequest, UpdateOrderRequest, UpdateOrderStatusRequest, UpsertProductsRequest,
};
use order_store::testing::on_both_engines;
use tonic::Code;

use super::{
    cases::{checkout_like, rejects_both_ways},
    refusal::{Door, assert_invalid, assert_refused},
};
use crate::world::{card, order_of, product};

const NOT_UUIDS: &[&str] = &[
    "",
    "42",
    "nonsense",
    "018f4e9a7b1c7c3e9d2a5b6c7d8e9f01",
    "{018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f01}",
    "018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f0",
    "018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f012",
    "018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9fzz",
    "' OR '1'='1",
    "018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f\0\0",
];

#[tokio::test(flavor = "multi_thread")]
async fn garbage_order_ids_are_refused_by_every_method() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let (mut ada, mut admin) = (door.world.customer("ada"), door.world.admin());
        for id in NOT_UUIDS {
            let order_id = (*id).to_owned();
            let read = GetOrderRequest { order_id: order_id.clone() };
            assert_invalid(ada.orders.get_order(read.clone()).await, &["order_id"]);
            assert_invalid(admin.admin.get_order(read).await, &["order_id"]);
            let read = GetOrderStatusRequest { order_id: order_id.clone() };
            assert_invalid(ada.orders.get_order_status(read).await, &["order_id"]);
            let read = GetOrderTrackingRequest { order_id: order_id.clone() };
            assert_invalid(ada.orders.get_order_tracking(read).await, &["order_id"]);
            let read = ListOrderEventsRequest { order_id: order_id.clone(), ..Default::default() };
            assert_invalid(ada.orders.list_order_events(read).await, &["order_id"]);
            let cancel = CancelOrderRequest { order_id: order_id.clone(), ..Default::default() };
            door.rejects(ada.orders.cancel_order(cancel), &["order_id"]).await;
            let payment = Some(card("tok_approve"));
            let pay = PayOrderRequest { order_id: order_id.clone(), payment, ..Default::default() };
            door.rejects(ada.orders.pay_order(pay), &["order_id"]).await;
            let update = update(&order_id, &["notes"]);
            door.rejects(ada.orders.update_order(update), &["order.order_id"]).await;
            let status = OrderStatus::Shipped.into();
            let walk = UpdateOrderStatusRequest { order_id: order_id.clone(), status, ..Default::default() };
            door.rejects(admin.admin.update_order_status(walk), &["order_id"]).await;
            let note = AddNoteRequest { order_id, note: "a note".into(), ..Default::default() };
            door.rejects(admin.admin.add_note(note), &["order_id"]).await;
        }
    })
    .await;
}

fn update(order_id: &str, paths: &[&str]) -> UpdateOrderRequest {
    UpdateOrderRequest {
        order: Some(Order { order_id: order_id.into(), ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() }),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_item_and_customer_ids_and_order_numbers_are_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let (mut ada, mut service, mut guest) = (door.world.customer("ada"), door.world.service(), door.world.guest());
        for id in NOT_UUIDS {
            let item_id = (*id).to_owned();
            let update = UpdateCartItemRequest { item_id: item_id.clone(), quantity: 1, ..Default::default() };
            door.rejects(ada.carts.update_cart_item(update), &["item_id"]).await;
            let remove = RemoveCartItemRequest { item_id, ..Default::default() };
            door.rejects(ada.carts.remove_cart_item(remove), &["item_id"]).await;
        }
        for id in ["a b", "naïve", "a\0b", &"x".repeat(256)] {
            let customer_id = id.to_owned();
            let create = CreateOrderRequest { customer_id: customer_id.clone(), ..order_of(&[("costume", 1)], None) };
            door.rejects(service.orders.create_order(create), &["customer_id"]).await;
            let summary = GetCustomerSummaryRequest { customer_id };
            assert_invalid(service.orders.get_customer_summary(summary).await, &["customer_id"]);
        }
        let nobody = GetCustomerSummaryRequest::default();
        assert_invalid(ada.orders.get_customer_summary(nobody).await, &["customer_id"]);
        for number in ["", "  ", "SPK 2026", "SPK-2026-001001'", "ß", "\0", &"9".repeat(33)] {
            let order_number = number.to_owned();
            let lookup = LookupOrderRequest { order_number: order_number.clone(), email: "ada@example.com".into() };
            assert_invalid(guest.orders.lookup_order(lookup).await, &["order_number"]);
            let lookup = LookupOrderRequest { order_number, email: "nobody".into() };
            assert_invalid(guest.orders.lookup_order(lookup).await, &["order_number", "email"]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_cart_tokens_are_refused_and_unknown_ones_lead_nowhere() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let (mut ada, mut guest) = (door.world.customer("ada"), door.world.guest());
        let unknown = "A".repeat(43);
        let garbage = ["42", "garbage", &"A".repeat(42), &"A".repeat(44), &"%".repeat(43), &"x".repeat(100_000)];
        for token in garbage {
            let cart_token = token.to_owned();
            let read = GetCartRequest { cart_token: cart_token.clone() };
            assert_invalid(guest.carts.get_cart(read).await, &["cart_token"]);
            let add = AddCartItemRequest {
                cart_token: cart_token.clone(),
                product_id: "fangs".into(),
                quantity: 1,
                ..Default::default()
            };
            door.rejects(guest.carts.add_cart_item(add), &["cart_token"]).await;
            let clear = ClearCartRequest { cart_token: cart_token.clone(), ..Default::default() };
            door.rejects(guest.carts.clear_cart(clear), &["cart_token"]).await;
            let mut checkout = checkout_like(order_of(&[], None));
            checkout.cart_token.clone_from(&cart_token);
            door.rejects(guest.carts.checkout(checkout), &["cart_token"]).await;
            let merge = MergeCartsRequest { cart_token, ..Default::default() };
            door.rejects(ada.carts.merge_carts(merge), &["cart_token"]).await;
        }
        // A customer has a cart already: the guest's is for MergeCarts.
        let read = GetCartRequest { cart_token: unknown.clone() };
        assert_invalid(ada.carts.get_cart(read.clone()).await, &["cart_token"]);
        door.rejects(ada.carts.merge_carts(MergeCartsRequest::default()), &["cart_token"]).await;
        let nowhere = (Code::NotFound, "CART_NOT_FOUND");
        let told = assert_refused(guest.carts.get_cart(read).await, nowhere.0, nowhere.1);
        assert!(!format!("{told:?}").contains(&unknown), "the token is a secret: {told:?}");
        let clear = ClearCartRequest { cart_token: unknown.clone(), ..Default::default() };
        door.refuses(guest.carts.clear_cart(clear), nowhere).await;
        let mut checkout = checkout_like(order_of(&[], None));
        checkout.cart_token.clone_from(&unknown);
        door.refuses(guest.carts.checkout(checkout), nowhere).await;
        let merge = MergeCartsRequest { cart_token: unknown, ..Default::default() };
        door.refuses(ada.carts.merge_carts(merge), nowhere).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_etags_are_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let (mut ada, mut admin) = (door.world.customer("ada"), door.world.admin());
        let placed = ada.orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap().into_inner();
        let order_id = placed.order_id;
        let long = "1".repeat(65);
        for etag in ["0", "-1", "+1", "01", " 1", "1.0", "abc", "W/\"1\"", "9223372036854775808", "1\0", &long] {
            let etag = etag.to_owned();
            let cancel = CancelOrderRequest { order_id: order_id.clone(), etag: etag.clone(), ..Default::default() };
            door.rejects(ada.orders.cancel_order(cancel), &["etag"]).await;
            let payment = Some(card("tok_approve"));
            let pay = PayOrderRequest { order_id: order_id.clone(), payment, etag: etag.clone(), ..Default::default() };
            door.rejects(ada.orders.pay_order(pay), &["etag"]).await;
            let change = UpdateOrderRequest { etag: etag.clone(), ..update(&order_id, &["notes"]) };
            door.rejects(ada.orders.update_order(change), &["etag"]).await;
            let status = OrderStatus::Cancelled.into();
            let walk = UpdateOrderStatusRequest {
                order_id: order_id.clone(),
                status,
                etag: etag.clone(),
                ..Default::default()
            };
            door.rejects(admin.admin.update_order_status(walk), &["etag"]).await;
            let clear = ClearCartRequest { etag: etag.clone(), ..Default::default() };
            door.rejects(ada.carts.clear_cart(clear), &["etag"]).await;
            let mut checkout = checkout_like(order_of(&[], None));
            checkout.etag = etag;
            door.rejects(ada.carts.checkout(checkout), &["etag"]).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_request_ids_are_refused_by_every_change() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let (mut ada, mut admin) = (door.world.customer("ada"), door.world.admin());
        let placed = ada.orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap().into_inner();
        let order_id = placed.order_id;
        for id in NOT_UUIDS.iter().filter(|id| !id.is_empty()) {
            let request_id = (*id).to_owned();
            rejects_both_ways(&door, |request| request.request_id.clone_from(&request_id), &["request_id"]).await;
            let cancel =
                CancelOrderRequest { order_id: order_id.clone(), request_id: request_id.clone(), ..Default::default() };
            door.rejects(ada.orders.cancel_order(cancel), &["request_id"]).await;
            let change = UpdateOrderRequest { request_id: request_id.clone(), ..update(&order_id, &["notes"]) };
            door.rejects(ada.orders.update_order(change), &["request_id"]).await;
            let clear = ClearCartRequest { request_id: request_id.clone(), ..Default::default() };
            door.rejects(ada.carts.clear_cart(clear), &["request_id"]).await;
            let products = vec![product("hat", ("USD", 1, 0), 1)];
            let upsert = UpsertProductsRequest { products, request_id: request_id.clone(), ..Default::default() };
            door.rejects(admin.admin.upsert_products(upsert), &["request_id"]).await;
            let (sku, reason) = ("FANGS".to_owned(), "found".to_owned());
            let adjust =
                AdjustStockRequest { sku, delta: 1, reason, request_id: request_id.clone(), ..Default::default() };
            door.rejects(admin.admin.adjust_stock(adjust), &["request_id"]).await;
            let note = AddNoteRequest { order_id: order_id.clone(), note: "a note".into(), request_id };
            door.rejects(admin.admin.add_note(note), &["request_id"]).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_masks_are_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut ada = door.world.customer("ada");
        let placed = ada.orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap().into_inner();
        let masks: &[&[&str]] = &[
            &[],
            &[""],
            &["*"],
            &["total"],
            &["status"],
            &["order_id"],
            &["order.notes"],
            &["contact.email"],
            &["notes", "lines"],
            &["shippingAddress"],
            &["notes,metadata"],
            &["notes\0"],
        ];
        for paths in masks {
            door.rejects(ada.orders.update_order(update(&placed.order_id, paths)), &["update_mask"]).await;
        }
        let without = UpdateOrderRequest { update_mask: None, ..update(&placed.order_id, &[]) };
        door.rejects(ada.orders.update_order(without), &["update_mask"]).await;
        let nothing = UpdateOrderRequest { order: None, ..update("", &["notes"]) };
        door.rejects(ada.orders.update_order(nothing), &["order"]).await;
        let required = update(&placed.order_id, &["contact", "shipping_address"]);
        door.rejects(ada.orders.update_order(required), &["order.contact", "order.shipping_address"]).await;
    })
    .await;
}
