//! A shop with a past: random orders of several customers, over some weeks, in every status.

use std::time::Duration;

use order_api::v1::{
    AdminServiceListOrdersRequest, CreateOrderRequest, Order, OrderStatus, UpdateOrderStatusRequest,
    UpsertProductsRequest,
};

use crate::{
    dice::Dice,
    world::{Caller, World, card, cash, order_of, product},
};

/// Customers of the shop; the empty one is a guest.
pub(super) const CUSTOMERS: [&str; 4] = ["ada", "bob", "eve", ""];

const ENDS: [OrderStatus; 6] = [
    OrderStatus::Confirmed,
    OrderStatus::Processing,
    OrderStatus::Shipped,
    OrderStatus::Delivered,
    OrderStatus::Completed,
    OrderStatus::Cancelled,
];

/// Places so many orders, with up to two days between one and the next, and takes most of them somewhere.
pub(super) async fn with_a_past(world: &World, dice: &mut Dice, orders: usize) {
    let more = |id| {
        let mut upsert = product(id, ("USD", 30, 0), 1_000);
        upsert.product.as_mut().unwrap().sku = id.to_ascii_uppercase();
        upsert
    };
    let products = vec![more("wig"), more("wand")];
    let mut admin = world.admin();
    admin.admin.upsert_products(UpsertProductsRequest { products, ..Default::default() }).await.unwrap();
    for _ in 0..orders {
        world.clock.advance(Duration::from_secs(u64::try_from(dice.below(2 * 86_400)).unwrap()));
        let placed = place(world, dice).await;
        if dice.below(3) > 0 {
            walk(&mut admin, &placed, ENDS[dice.below(ENDS.len())]).await;
        }
        // Some of what was sold is given back.
        if dice.below(6) == 0 {
            walk(&mut admin, &placed, OrderStatus::Refunded).await;
        }
    }
}

async fn place(world: &World, dice: &mut Dice) -> Order {
    let customer = CUSTOMERS[dice.below(CUSTOMERS.len())];
    let payment = match dice.below(5) {
        0 => None,
        1 => Some(cash()),
        2 => Some(card("tok_decline_expired_card")),
        _ => Some(card("tok_approve")),
    };
    let yen = dice.below(5) == 0;
    let products = if yen { ["kimono"; 4] } else { ["costume", "fangs", "wig", "wand"] };
    let units = |dice: &mut Dice| i64::try_from(dice.below(2)).unwrap() + 1;
    let lines: Vec<_> = (0..=dice.below(2)).map(|_| (products[dice.below(4)], units(dice))).collect();
    let mut request = CreateOrderRequest {
        currency_code: if yen { "JPY".into() } else { String::new() },
        ..order_of(&lines, payment)
    };
    let contact = request.contact.as_mut().unwrap();
    let name = if customer.is_empty() { "Guest" } else { customer };
    (contact.name, contact.email) = (format!("{name} Example"), format!("{name}@example.com"));
    let mut caller = if customer.is_empty() { world.guest() } else { world.customer(customer) };
    caller.orders.create_order(request).await.unwrap().into_inner()
}

/// Takes an order to a word, if it can go there.
async fn walk(admin: &mut Caller, order: &Order, status: OrderStatus) {
    let order_id = order.order_id.clone();
    let request = UpdateOrderStatusRequest { order_id, status: status.into(), ..Default::default() };
    drop(admin.admin.update_order_status(request).await);
}

/// Every order as lists show it, oldest first.
pub(super) async fn all_orders(world: &World) -> Vec<Order> {
    let request =
        AdminServiceListOrdersRequest { page_size: 500, order_by: "create_time".into(), ..Default::default() };
    let page = world.admin().admin.list_orders(request).await.unwrap().into_inner();
    assert_eq!(page.next_page_token, "", "one page holds all of them");
    page.orders
}

/// An amount in minor units.
pub(super) fn minor(money: Option<&order_api::Money>) -> i64 {
    let money = money.unwrap();
    let decimals = if money.currency_code == "JPY" { 1 } else { 100 };
    money.units * decimals + i64::from(money.nanos) * decimals / 1_000_000_000
}
