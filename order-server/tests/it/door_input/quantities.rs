//! Quantities.

use order_api::{
    prost::{Message as _, bytes::Bytes},
    v1::{self, AddCartItemRequest, CreateOrderRequest, QuoteOrderRequest, UpdateCartItemRequest},
};
use order_server::auth::Role;
use order_store::testing::on_both_engines;
use tonic::Code;

use super::{refusal::Door, wire};
use crate::world::{address, contact, order_of};

/// Quantities of lines of one product, and the paths that are violated.
const WRONG: &[(&[i32], &[&str])] = &[
    (&[], &["lines"]),
    (&[0], &["lines[0].quantity"]),
    (&[-1], &["lines[0].quantity"]),
    (&[i32::MIN], &["lines[0].quantity"]),
    (&[10_001], &["lines[0].quantity"]),
    (&[i32::MAX], &["lines[0].quantity"]),
    (&[1, 0, 2, -5, 10_001], &["lines[1].quantity", "lines[3].quantity", "lines[4].quantity"]),
    // Each for itself is allowed, but not together.
    (&[6_000, 4_000, 1], &["lines[2].quantity"]),
];

fn lines(quantities: &[i32]) -> Vec<v1::OrderLineInput> {
    let line =
        |quantity: &i32| v1::OrderLineInput { product_id: "costume".into(), quantity: *quantity, ..Default::default() };
    quantities.iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_zero_negative_huge_fractional_quantities_refused() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut ada = door.world.customer("ada");
        for (quantities, paths) in WRONG {
            let request = CreateOrderRequest { lines: lines(quantities), ..order_of(&[], None) };
            door.rejects(ada.orders.create_order(request.clone()), paths).await;
            let check = CreateOrderRequest { validate_only: true, ..request };
            door.rejects(ada.orders.create_order(check), paths).await;
            let request = QuoteOrderRequest { lines: lines(quantities), ..Default::default() };
            door.rejects(ada.orders.quote_order(request), paths).await;
        }
        for quantity in [0, -1, i32::MIN, 10_001, i32::MAX] {
            let request = AddCartItemRequest { product_id: "costume".into(), quantity, ..Default::default() };
            door.rejects(ada.carts.add_cart_item(request), &["quantity"]).await;
        }
        let item = ada.carts.get_cart(v1::GetCartRequest::default()).await.unwrap().into_inner().items.remove(0);
        for quantity in [-1, i32::MIN, 10_001, i32::MAX] {
            let request = UpdateCartItemRequest { item_id: item.item_id.clone(), quantity, ..Default::default() };
            door.rejects(ada.carts.update_cart_item(request), &["quantity"]).await;
        }
        fractional_quantities_are_refused(&door).await;
    })
    .await;
}

/// The contract knows whole units only: a fraction can be sent as a number of another wire type, and as nothing else.
async fn fractional_quantities_are_refused(door: &Door) {
    let request =
        CreateOrderRequest { contact: Some(contact()), shipping_address: Some(address()), ..Default::default() };
    // Field 1 of the request is a line; in it field 1 the product, and field 2 as a double (wire type 1).
    let mut line = vec![0x0a, 7];
    line.extend(b"costume");
    line.push(0x11);
    line.extend(1.5_f64.to_le_bytes());
    let mut bytes = request.encode_to_vec();
    bytes.extend([0x0a, u8::try_from(line.len()).unwrap()]);
    bytes.extend(line);
    let channel = wire::connect(&door.world).await;
    let call = wire::call(
        (&door.world, &channel),
        Some(("ada", Role::Customer)),
        ("/orders.v1.OrderService/CreateOrder", Bytes::from(bytes)),
    );
    door.refuses(call, (Code::InvalidArgument, "MESSAGE_MALFORMED")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_lines_of_a_product_are_one_demand() {
    on_both_engines(|database| async move {
        let door = Door::open(database).await;
        let mut ada = door.world.customer("ada");
        let request = CreateOrderRequest { lines: lines(&[60, 41]), ..order_of(&[], None) };
        let told = door.refuses(ada.orders.create_order(request), (Code::Aborted, "INSUFFICIENT_STOCK")).await;
        assert_eq!(told.facts(["sku", "requested", "available", "count"]), ["COSTUME", "101", "100", "1"]);
        let request = CreateOrderRequest { lines: lines(&[60, 40]), ..order_of(&[], None) };
        let placed = ada.orders.create_order(request).await.unwrap().into_inner();
        assert_eq!(placed.lines.len(), 2);
        assert_eq!(door.world.shelf("COSTUME").await, (100, 100));
    })
    .await;
}
