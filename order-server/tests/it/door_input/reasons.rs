//! Refusals that lie in the state of things, each with the details that let a program act.

use order_api::v1::{
    self, AddCartItemRequest, CancelOrderRequest, ClearCartRequest, CreateOrderRequest, GetCartRequest,
    MergeCartsRequest, OrderStatus, PayOrderRequest, RemoveCartItemRequest, UpdateCartItemRequest, UpdateOrderRequest,
    UpdateOrderStatusRequest, UpsertProductsRequest,
};
use order_server::auth::Role;
use order_store::testing::on_both_engines;
use tonic::Code;

use super::{
    cases::checkout_like,
    refusal::{Door, Refusal, assert_refused},
    wire,
};
use crate::world::{World, card, line, money, order_of, product, request_id};

const PRECONDITION: Code = Code::FailedPrecondition;

#[tokio::test(flavor = "multi_thread")]
async fn a_shortage_names_every_sku_with_what_was_asked_and_what_is_there() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut ada = door.world.customer("ada");
        let request = order_of(&[("fangs", 1), ("costume", 101), ("cape", 2)], None);
        let told = door.refuses(ada.orders.create_order(request), (Code::Aborted, "INSUFFICIENT_STOCK")).await;
        assert_eq!(told.facts(["count", "sku", "requested", "available"]), ["2", "CAPE", "2", "1"]);
        assert_eq!(told.facts(["sku_1", "requested_1", "available_1"]), ["COSTUME", "101", "100"]);
        assert_eq!(told.conditions(), [("STOCK", "CAPE"), ("STOCK", "COSTUME")]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_price_tells_expected_and_actual_of_every_line_and_of_the_total() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut ada = door.world.customer("ada");
        let expecting = |id: &str, price| v1::OrderLineInput { expected_unit_price: Some(money(price)), ..line(id, 1) };
        let request = CreateOrderRequest {
            lines: vec![
                expecting("costume", ("USD", 49, 990_000_000)),
                expecting("fangs", ("USD", 12, 0)),
                expecting("cape", ("EUR", 30, 0)),
            ],
            expected_total: Some(money(("USD", 90, 0))),
            ..order_of(&[], None)
        };
        for validate_only in [false, true] {
            let request = CreateOrderRequest { validate_only, ..request.clone() };
            let told = door.refuses(ada.orders.create_order(request), (PRECONDITION, "PRICE_CHANGED")).await;
            assert_eq!(
                told.facts(["count", "subject", "expected", "actual"]),
                ["3", "fangs", "12.00 USD", "12.50 USD"]
            );
            assert_eq!(told.facts(["subject_1", "expected_1", "actual_1"]), ["cape", "30.00 EUR", "30.00 USD"]);
            // 92.49 and 8 % of each line: 4.00, 1.00 and 2.40; above 50.00 shipping is free.
            assert_eq!(told.facts(["subject_2", "expected_2", "actual_2"]), ["total", "90.00 USD", "99.89 USD"]);
            assert_eq!(told.conditions(), [("PRICE", "fangs"), ("PRICE", "cape"), ("PRICE", "total")]);
        }
        let cheap = Some(money(("USD", 1, 0)));
        let mut checkout = checkout_like(CreateOrderRequest { expected_total: cheap, ..order_of(&[], None) });
        checkout.request_id = request_id();
        let told = door.refuses(ada.carts.checkout(checkout), (PRECONDITION, "PRICE_CHANGED")).await;
        assert_eq!(told.facts(["subject", "expected", "actual"]), ["total", "1.00 USD", "107.98 USD"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_etag_comes_with_the_current_one() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let (mut ada, mut admin) = (door.world.customer("ada"), door.world.admin());
        let placed = ada.orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap().into_inner();
        let (order_id, stale) = (placed.order_id, "77".to_owned());
        let mismatch = (Code::Aborted, "ETAG_MISMATCH");
        let current = |told: &Refusal| told.facts(["etag"])[0].to_owned();
        let cancel = CancelOrderRequest { order_id: order_id.clone(), etag: stale.clone(), ..Default::default() };
        let told = door.refuses(ada.orders.cancel_order(cancel.clone()), mismatch).await;
        assert_eq!(current(&told), placed.etag);
        let payment = Some(card("tok_approve"));
        let pay = PayOrderRequest { order_id: order_id.clone(), payment, etag: stale.clone(), ..Default::default() };
        assert_eq!(current(&door.refuses(ada.orders.pay_order(pay), mismatch).await), placed.etag);
        let update = UpdateOrderRequest {
            order: Some(v1::Order { order_id: order_id.clone(), ..Default::default() }),
            update_mask: Some(prost_types::FieldMask { paths: vec!["notes".into()] }),
            etag: stale.clone(),
            ..Default::default()
        };
        assert_eq!(current(&door.refuses(ada.orders.update_order(update), mismatch).await), placed.etag);
        let status = OrderStatus::Cancelled.into();
        let walk = UpdateOrderStatusRequest { order_id, status, etag: stale.clone(), ..Default::default() };
        assert_eq!(current(&door.refuses(admin.admin.update_order_status(walk), mismatch).await), placed.etag);
        let cart = ada.carts.get_cart(GetCartRequest::default()).await.unwrap().into_inner();
        let clear = ClearCartRequest { etag: stale.clone(), ..Default::default() };
        assert_eq!(current(&door.refuses(ada.carts.clear_cart(clear), mismatch).await), cart.etag);
        let mut checkout = checkout_like(order_of(&[], None));
        checkout.etag.clone_from(&stale);
        assert_eq!(current(&door.refuses(ada.carts.checkout(checkout), mismatch).await), cart.etag);
        let mut changed = product("fangs", ("USD", 13, 0), 1);
        changed.product.as_mut().unwrap().etag.clone_from(&stale);
        let upsert = UpsertProductsRequest { products: vec![changed], ..Default::default() };
        assert_eq!(current(&door.refuses(admin.admin.upsert_products(upsert), mismatch).await), "1");
        // With the etag that was told, it works.
        ada.orders.cancel_order(CancelOrderRequest { etag: placed.etag, ..cancel }).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_illegal_transition_tells_what_is_legal_and_why_the_rest_is_not() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let (mut ada, mut admin) = (door.world.customer("ada"), door.world.admin());
        let placed = ada.orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap().into_inner();
        let order_id = placed.order_id;
        let walk = |status: OrderStatus| UpdateOrderStatusRequest {
            order_id: order_id.clone(),
            status: status.into(),
            ..Default::default()
        };
        let illegal = (PRECONDITION, "ILLEGAL_TRANSITION");
        let told = door.refuses(admin.admin.update_order_status(walk(OrderStatus::Shipped)), illegal).await;
        assert_eq!(
            told.facts(["order_id", "status", "requested_status", "legal"]),
            [order_id.as_str(), "PENDING", "SHIPPED", "CANCELLED"]
        );
        let barred: Vec<_> = told.conditions().into_iter().filter(|(kind, _)| *kind == "STATUS").collect();
        let words = ["PENDING", "PAID", "CONFIRMED", "PROCESSING", "SHIPPED", "DELIVERED", "COMPLETED", "REFUNDED"];
        assert_eq!(barred, words.map(|word| ("STATUS", word)));
        assert!(told.conditions().contains(&("STATE", &order_id)));
        let cancel = CancelOrderRequest { order_id: order_id.clone(), ..Default::default() };
        ada.orders.cancel_order(cancel.clone()).await.unwrap();
        let told = door.refuses(ada.orders.cancel_order(cancel), illegal).await;
        assert_eq!(told.facts(["order_id", "state", "command"]), [&order_id, "CANCELLED", "cancel"]);
        assert!(!told.metadata.contains_key("legal"), "nothing is, and a fact that says nothing is left out");
        let payment = Some(card("tok_approve"));
        let pay = PayOrderRequest { order_id: order_id.clone(), payment, ..Default::default() };
        let told = door.refuses(ada.orders.pay_order(pay), illegal).await;
        assert_eq!(told.facts(["state", "command"]), ["CANCELLED", "pay"]);
        let contact = UpdateOrderRequest {
            order: Some(v1::Order {
                order_id: order_id.clone(),
                contact: Some(crate::world::contact()),
                ..Default::default()
            }),
            update_mask: Some(prost_types::FieldMask { paths: vec!["contact".into()] }),
            ..Default::default()
        };
        door.refuses(ada.orders.update_order(contact), illegal).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_that_are_declined_or_on_their_way_say_so() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut ada = door.world.customer("ada");
        let placed = ada.orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap().into_inner();
        let pay = |token: &str| PayOrderRequest {
            order_id: placed.order_id.clone(),
            payment: Some(card(token)),
            ..Default::default()
        };
        let declined = ada.orders.pay_order(pay("tok_decline_insufficient_funds")).await;
        let told = assert_refused(declined, PRECONDITION, "PAYMENT_DECLINED");
        assert_eq!(told.facts(["order_id", "decline_code"]), [placed.order_id.as_str(), "insufficient_funds"]);
        let pending = ada.orders.pay_order(pay("tok_timeout_charged")).await.unwrap().into_inner();
        assert_eq!(pending.payment_status(), v1::PaymentStatus::Pending);
        let told = door.refuses(ada.orders.pay_order(pay("tok_approve")), (PRECONDITION, "PAYMENT_IN_PROGRESS")).await;
        assert_eq!(told.facts(["order_id"]), [placed.order_id.as_str()]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn carts_that_are_empty_or_full_or_closed_or_lack_the_item_say_so() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let (mut ada, mut bob) = (door.world.customer("ada"), door.world.customer("bob"));
        let checkout = checkout_like(order_of(&[], None));
        door.refuses(bob.carts.checkout(checkout.clone()), (PRECONDITION, "CART_EMPTY")).await;
        let item_id = request_id();
        let gone = (Code::NotFound, "CART_ITEM_NOT_FOUND");
        let update = UpdateCartItemRequest { item_id: item_id.clone(), quantity: 1, ..Default::default() };
        let told = door.refuses(ada.carts.update_cart_item(update), gone).await;
        assert_eq!(told.details.0.resource_info().unwrap().resource_name, item_id);
        let remove = RemoveCartItemRequest { item_id, ..Default::default() };
        door.refuses(ada.carts.remove_cart_item(remove.clone()), gone).await;
        let none = (Code::NotFound, "CART_NOT_FOUND");
        door.refuses(bob.carts.remove_cart_item(remove), none).await;
        door.refuses(bob.carts.clear_cart(ClearCartRequest::default()), none).await;
        let add = |id: &str, quantity| AddCartItemRequest { product_id: id.into(), quantity, ..Default::default() };
        let told = door.refuses(ada.carts.add_cart_item(add("costume", 9_999)), (PRECONDITION, "CART_FULL")).await;
        assert_eq!(told.facts(["max"]), ["10000"]);
        let products = (0..100).map(|n| product(&format!("p{n}"), ("USD", 1, 0), 1)).collect();
        let upsert = UpsertProductsRequest { products, ..Default::default() };
        door.world.admin().admin.upsert_products(upsert).await.unwrap();
        for n in 0..99 {
            ada.carts.add_cart_item(add(&format!("p{n}"), 1)).await.unwrap();
        }
        let told = door.refuses(ada.carts.add_cart_item(add("p99", 1)), (PRECONDITION, "CART_FULL")).await;
        assert_eq!(told.facts(["max"]), ["100"]);
        // A hundred products are what a cart may hold, and an order as well.
        let placed = ada.carts.checkout(checkout).await.unwrap().into_inner();
        assert_eq!(placed.lines.len(), 100);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_that_was_ordered_cannot_be_merged_and_nobody_but_customers_can_merge() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let (mut ada, mut guest) = (door.world.customer("ada"), door.world.guest());
        let add = AddCartItemRequest { product_id: "fangs".into(), quantity: 1, ..Default::default() };
        let cart_token = guest.carts.add_cart_item(add).await.unwrap().into_inner().cart_token;
        let merge = MergeCartsRequest { cart_token: cart_token.clone(), ..Default::default() };
        for mut caller in [door.world.admin(), door.world.service()] {
            let refused = (Code::PermissionDenied, "ROLE_REQUIRED");
            let told = door.refuses(caller.carts.merge_carts(merge.clone()), refused).await;
            assert_eq!(told.facts(["required_role"]), ["customer"]);
        }
        door.refuses(guest.carts.merge_carts(merge.clone()), (Code::Unauthenticated, "TOKEN_INVALID")).await;
        let mut checkout = checkout_like(order_of(&[], None));
        checkout.cart_token = cart_token;
        guest.carts.checkout(checkout).await.unwrap();
        let told = door.refuses(ada.carts.merge_carts(merge), (PRECONDITION, "CART_CLOSED")).await;
        assert_eq!(told.facts(["state"]), ["ORDERED"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sku_that_belongs_to_another_product_is_taken() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut thief = product("thief", ("USD", 1, 0), 1);
        thief.product.as_mut().unwrap().sku = "FANGS".into();
        for validate_only in [false, true] {
            let products = vec![product("hat", ("USD", 1, 0), 1), thief.clone()];
            let request = UpsertProductsRequest { products, validate_only, ..Default::default() };
            let told =
                door.refuses(door.world.admin().admin.upsert_products(request), (PRECONDITION, "SKU_TAKEN")).await;
            assert_eq!(told.facts(["sku", "product_id"]), ["FANGS", "fangs"]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_with_another_body_is_reused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut ada = door.world.customer("ada");
        let request = CreateOrderRequest { request_id: request_id(), ..order_of(&[("fangs", 1)], None) };
        let placed = ada.orders.create_order(request.clone()).await.unwrap().into_inner();
        let other = CreateOrderRequest { notes: "another".into(), ..request.clone() };
        door.refuses(ada.orders.create_order(other), (Code::InvalidArgument, "REQUEST_ID_REUSED")).await;
        assert_eq!(ada.orders.create_order(request.clone()).await.unwrap().into_inner(), placed);
        // The id of somebody else is another id.
        let of_eve = door.world.customer("eve").orders.create_order(request).await.unwrap().into_inner();
        assert_ne!(of_eve.order_id, placed.order_id);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_too_much_is_told_when_to_come_back() {
    on_both_engines(|database| async move {
        let limits = [("RATE_LIMIT_PER_SECOND", "1"), ("RATE_LIMIT_BURST", "3")];
        let world = World::with_products(&database, &limits).await;
        let mut ada = world.customer("ada");
        let mut answers = Vec::new();
        for _ in 0..6 {
            answers.push(ada.carts.get_cart(GetCartRequest::default()).await);
        }
        let refused = answers.pop().unwrap();
        let pushback = refused.as_ref().unwrap_err().metadata().get("grpc-retry-pushback-ms").unwrap().clone();
        let told = assert_refused(refused, Code::ResourceExhausted, "RATE_LIMITED");
        let delay = told.details.0.retry_info().unwrap().retry_delay.unwrap();
        assert!(delay.as_millis() > 0 && delay.as_secs() <= 6, "{delay:?}");
        assert_eq!(pushback.to_str().unwrap(), delay.as_millis().to_string());
        // Her haste is not his.
        world.customer("bob").carts.get_cart(GetCartRequest::default()).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_there_is_not_is_unknown() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let channel = wire::connect(&door.world).await;
        for path in ["/orders.v1.OrderService/DropOrders", "/orders.v2.OrderService/GetOrder", "/"] {
            let call = wire::call((&door.world, &channel), Some(("kim", Role::Admin)), (path, Vec::new().into()));
            assert_refused(call.await, Code::Unimplemented, "METHOD_UNKNOWN");
        }
    })
    .await;
}
