//! Whose order it is. A foreign order is not there, for any method and in every detail of the answer.

use std::fmt::Debug;

use order_api::v1::{
    AddNoteRequest, AdminServiceListOrdersRequest, CancelOrderRequest, CreateOrderRequest, GetConnectivityRequest,
    GetCustomerSummaryRequest, GetOrderRequest, GetOrderStatsRequest, GetOrderStatusRequest, GetOrderTrackingRequest,
    ListOrderEventsRequest, ListOrdersRequest, Order, OrderStatus, PayOrderRequest, QuoteOrderRequest,
    UpdateOrderRequest, UpdateOrderStatusRequest,
};
use order_server::auth::Role;
use order_store::testing::on_both_engines;
use tonic::{Code, Response, Status};

use super::{
    cases::checkout_like,
    refusal::{Door, Refusal, assert_refused},
    wire,
};
use crate::world::{Caller, World, card, order_of, request_id};

/// Every method of the service for customers that names an order, tried by somebody.
async fn every_method(caller: &mut Caller, order_id: &str) -> Vec<Status> {
    fn refused<T: Debug>(answer: Result<Response<T>, Status>) -> Status {
        answer.map(Response::into_inner).expect_err("it has to be refused")
    }
    let order_id = || order_id.to_owned();
    let update = UpdateOrderRequest {
        order: Some(Order { order_id: order_id(), notes: "mine".into(), ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["notes".into()] }),
        ..Default::default()
    };
    let cancel = CancelOrderRequest { order_id: order_id(), ..Default::default() };
    let pay = PayOrderRequest { order_id: order_id(), payment: Some(card("tok_approve")), ..Default::default() };
    let orders = &mut caller.orders;
    vec![
        refused(orders.get_order(GetOrderRequest { order_id: order_id() }).await),
        refused(orders.get_order_status(GetOrderStatusRequest { order_id: order_id() }).await),
        refused(orders.get_order_tracking(GetOrderTrackingRequest { order_id: order_id() }).await),
        refused(orders.list_order_events(ListOrderEventsRequest { order_id: order_id(), ..Default::default() }).await),
        refused(orders.update_order(update.clone()).await),
        refused(orders.update_order(UpdateOrderRequest { etag: "7".into(), request_id: request_id(), ..update }).await),
        refused(orders.cancel_order(cancel.clone()).await),
        refused(orders.cancel_order(CancelOrderRequest { validate_only: true, ..cancel.clone() }).await),
        refused(orders.cancel_order(CancelOrderRequest { etag: "7".into(), request_id: request_id(), ..cancel }).await),
        refused(orders.pay_order(pay.clone()).await),
        refused(orders.pay_order(PayOrderRequest { validate_only: true, ..pay }).await),
    ]
}

/// A status byte by byte, with the order's id blotted out.
fn blotted(status: &Status, order_id: &str) -> (Code, String, Vec<u8>) {
    let blot = "x".repeat(order_id.len());
    let details = status.details().to_vec();
    let (id, of) = (order_id.as_bytes(), details.clone());
    let mut details = details;
    for at in 0..of.len().saturating_sub(id.len() - 1) {
        if of[at..].starts_with(id) {
            details[at..at + id.len()].copy_from_slice(blot.as_bytes());
        }
    }
    (status.code(), status.message().replace(order_id, &blot), details)
}

#[tokio::test(flavor = "multi_thread")]
async fn not_found_stays_not_found() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mine = order_of(&[("fangs", 1)], None);
        let foreign = door.world.customer("ada").orders.create_order(mine.clone()).await.unwrap().into_inner().order_id;
        let of_a_guest = door.world.guest().orders.create_order(mine).await.unwrap().into_inner().order_id;
        let unknown = request_id();
        let before = door.footprint().await;
        let mut eve = door.world.customer("eve");
        let expected = every_method(&mut eve, &unknown).await;
        for status in &expected {
            let told = Refusal::from(status.clone());
            assert_eq!((told.code, told.reason.as_str()), (Code::NotFound, "ORDER_NOT_FOUND"), "{told:?}");
            let resource = told.details.0.resource_info().unwrap();
            assert_eq!((resource.resource_type.as_str(), &resource.resource_name), ("orders.v1.Order", &unknown));
        }
        for other in [foreign, of_a_guest] {
            let told = every_method(&mut eve, &other).await;
            for (told, expected) in told.iter().zip(&expected) {
                assert_eq!(blotted(told, &other), blotted(expected, &unknown));
            }
        }
        assert_eq!(door.footprint().await, before);
        let listed = eve.orders.list_orders(ListOrdersRequest { include_total_size: true, ..Default::default() }).await;
        let listed = listed.unwrap().into_inner();
        assert_eq!((listed.orders.len(), listed.total_size), (0, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_cannot_list_sum_up_or_order_for_another() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut ada = door.world.customer("ada");
        ada.orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap();
        let mut eve = door.world.customer("eve");
        let list = ListOrdersRequest { customer_id: "ada".into(), include_total_size: true, ..Default::default() };
        assert_refused(eve.orders.list_orders(list.clone()).await, Code::PermissionDenied, "ROLE_REQUIRED");
        assert_eq!(ada.orders.list_orders(list).await.unwrap().into_inner().total_size, 1);
        let forbidden = (Code::PermissionDenied, "ROLE_REQUIRED");
        for customer_id in ["ada", "nobody"] {
            let summary = GetCustomerSummaryRequest { customer_id: customer_id.into() };
            assert_refused(eve.orders.get_customer_summary(summary).await, forbidden.0, forbidden.1);
            let order = CreateOrderRequest { customer_id: customer_id.into(), ..order_of(&[("fangs", 1)], None) };
            door.refuses(eve.orders.create_order(order.clone()), forbidden).await;
            door.refuses(door.world.guest().orders.create_order(order.clone()), forbidden).await;
            let quote = QuoteOrderRequest { customer_id: customer_id.into(), lines: order.lines, ..Default::default() };
            assert_refused(eve.orders.quote_order(quote).await, forbidden.0, forbidden.1);
        }
        let own = CreateOrderRequest { customer_id: "eve".into(), ..order_of(&[("fangs", 1)], None) };
        assert_eq!(eve.orders.create_order(own).await.unwrap().into_inner().customer_id, "eve");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_and_an_administrator_may_order_for_a_customer_or_for_a_guest() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        for mut caller in [door.world.service(), door.world.admin()] {
            let order = CreateOrderRequest { customer_id: "ada".into(), ..order_of(&[("fangs", 1)], None) };
            let placed = caller.orders.create_order(order).await.unwrap().into_inner();
            assert_eq!((placed.customer_id.as_str(), placed.guest), ("ada", false));
            let read = GetOrderRequest { order_id: placed.order_id.clone() };
            assert_eq!(door.world.customer("ada").orders.get_order(read).await.unwrap().into_inner(), placed);
            let nobodys = caller.orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap().into_inner();
            assert_eq!((nobodys.customer_id.as_str(), nobodys.guest), ("", true));
            let summary = GetCustomerSummaryRequest { customer_id: "ada".into() };
            caller.orders.get_customer_summary(summary).await.unwrap();
            let cancel = CancelOrderRequest { order_id: placed.order_id, ..Default::default() };
            let cancelled = caller.orders.cancel_order(cancel).await.unwrap().into_inner();
            assert_eq!(cancelled.status(), OrderStatus::Cancelled);
        }
        let mut service = door.world.service();
        let all = ListOrdersRequest { include_total_size: true, ..Default::default() };
        assert_eq!(service.orders.list_orders(all).await.unwrap().into_inner().total_size, 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_administrators_call_the_administrators_service() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let order_id = door.world.customer("ada").orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap();
        let order_id = order_id.into_inner().order_id;
        for (mut caller, (code, reason)) in [
            (door.world.customer("ada"), (Code::PermissionDenied, "ROLE_REQUIRED")),
            (door.world.service(), (Code::PermissionDenied, "ROLE_REQUIRED")),
            (door.world.guest(), (Code::Unauthenticated, "TOKEN_INVALID")),
        ] {
            let admin = &mut caller.admin;
            let read = GetOrderRequest { order_id: order_id.clone() };
            let told = assert_refused(admin.get_order(read).await, code, reason);
            if code == Code::PermissionDenied {
                assert_eq!(told.facts(["required_role"]), ["admin"]);
            }
            assert_refused(admin.list_orders(AdminServiceListOrdersRequest::default()).await, code, reason);
            assert_refused(admin.get_order_stats(GetOrderStatsRequest::default()).await, code, reason);
            assert_refused(admin.get_connectivity(GetConnectivityRequest::default()).await, code, reason);
            let note = AddNoteRequest { order_id: order_id.clone(), note: "hello".into(), ..Default::default() };
            door.refuses(admin.add_note(note), (code, reason)).await;
            let status = OrderStatus::Cancelled.into();
            let walk = UpdateOrderStatusRequest { order_id: order_id.clone(), status, ..Default::default() };
            door.refuses(admin.update_order_status(walk), (code, reason)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_guest_checkout_a_guest_can_do_nothing() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[("GUEST_CHECKOUT", "off")]).await;
        let door = Door { world, database };
        let channel = wire::connect(&door.world).await;
        let before = door.footprint().await;
        for method in order_server::auth::access::METHODS.iter().filter(|method| method.path.contains("orders.v1")) {
            let call = wire::call((&door.world, &channel), None, (method.path, Vec::new().into()));
            assert_refused(call.await, Code::Unauthenticated, "TOKEN_INVALID");
        }
        let mut guest = door.world.guest();
        let refused = (Code::Unauthenticated, "TOKEN_INVALID");
        door.refuses(guest.orders.create_order(order_of(&[("fangs", 1)], None)), refused).await;
        door.refuses(guest.carts.checkout(checkout_like(order_of(&[], None))), refused).await;
        assert_eq!(door.footprint().await, before);
        door.world.customer("ada").orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_guest_checkout_a_guest_can_do_no_more_than_that() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let channel = wire::connect(&door.world).await;
        let allowed = ["CreateOrder", "QuoteOrder", "LookupOrder", "GetCart", "AddCartItem", "UpdateCartItem"];
        let allowed = [&allowed[..], &["RemoveCartItem", "ClearCart", "Checkout", "PayOrder"]].concat();
        for method in order_server::auth::access::METHODS.iter().filter(|method| method.path.contains("orders.v1")) {
            let name = method.path.rsplit('/').next().unwrap();
            let answer = wire::call((&door.world, &channel), None, (method.path, Vec::new().into())).await;
            let let_in = answer.map_or_else(|status| status.code() != Code::Unauthenticated, |_| true);
            assert_eq!(let_in, allowed.contains(&name), "{name}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_token_never_reads_an_order() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut ada = door.world.customer("ada");
        let order_id = ada.orders.create_order(order_of(&[("fangs", 1)], None)).await.unwrap().into_inner().order_id;
        let good = door.world.token("ada", Role::Customer);
        let parts: Vec<&str> = good.split('.').collect();
        let claims = |role: &str| {
            use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
            let claims =
                format!(r#"{{"sub":"ada","role":"{role}","iss":"order-server","aud":"orders","exp":9999999999}}"#);
            BASE64_URL_SAFE_NO_PAD.encode(claims)
        };
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
        let bad = [
            String::new(),
            "Bearer".into(),
            "Bearer ".into(),
            format!("Basic {good}"),
            good.clone(),
            "Bearer garbage".into(),
            format!("Bearer {}", &good[..good.len() - 2]),
            format!("Bearer {good}x"),
            format!("Bearer {}.{}.", parts[0], parts[1]),
            format!("Bearer {}.{}", parts[0], parts[1]),
            // No signature at all, or one that belongs to other claims.
            format!("Bearer {none}.{}.", claims("admin")),
            format!("Bearer {}.{}.{}", parts[0], claims("admin"), parts[2]),
            format!("Bearer {}.{}.{}", parts[0], claims("customer"), parts[2]),
            format!("Bearer {}", "x".repeat(10_000)),
        ];
        let channel = wire::connect(&door.world).await;
        for header in bad {
            let mut client = order_api::v1::order_service_client::OrderServiceClient::new(channel.clone());
            let mut request = tonic::Request::new(GetOrderRequest { order_id: order_id.clone() });
            request.metadata_mut().insert("authorization", header.parse().unwrap());
            let told = assert_refused(client.get_order(request).await, Code::Unauthenticated, "TOKEN_INVALID");
            assert!(!format!("{told:?}").contains(&order_id), "{header}: {told:?}");
        }
        every_method(&mut door.world.customer("eve"), &order_id).await;
    })
    .await;
}
