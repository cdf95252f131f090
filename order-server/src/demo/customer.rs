//! What the customer does.

use std::time::{Duration, Instant};

use order_api::v1;

use super::{
    narrator::Failed,
    show,
    story::{COSTUME, Day, FOG_MACHINE, LANTERN, address, card},
};

/// How long the refund of a cancelled order may take.
const REFUND_PATIENCE: Duration = Duration::from_secs(15);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Cart, quote, checkout.
pub(super) async fn buys(day: &mut Day) -> Result<v1::Order, Failed> {
    quotes(day).await?;
    let cart = fills_the_cart(day).await?;
    checks_out(day, &cart).await
}

async fn quotes(day: &mut Day) -> Result<(), Failed> {
    day.narrator.step("She asks what the costume alone would cost, and why");
    let lines = vec![line(COSTUME, 1)];
    let request = v1::QuoteOrderRequest { lines, shipping_address: Some(address()), ..Default::default() };
    let quote = day.narrator.call("OrderService.QuoteOrder", day.customer.orders().quote_order(request)).await?;
    day.narrator.table(&show::explanation(&quote));
    let total = quote.total.as_ref().and_then(show::read).map(|total| total.minor());
    let expected = day.worked_example.or(total);
    day.narrator.check("the total in cents", &total, &expected)
}

async fn fills_the_cart(day: &mut Day) -> Result<v1::Cart, Failed> {
    day.narrator.step("She puts the costume and three lanterns into her cart");
    add(day, COSTUME, 1).await?;
    let cart = add(day, LANTERN, 3).await?;
    day.narrator.table(&show::cart(&cart));

    day.narrator.step("Two lanterns will do");
    let lantern = cart.items.iter().find(|item| item.product_id == LANTERN).map(|item| item.item_id.clone());
    let item_id = day.narrator.given("the lantern in the cart", lantern)?;
    let request = v1::UpdateCartItemRequest { item_id, quantity: 2, etag: cart.etag, ..Default::default() };
    let cart = day.narrator.call("CartService.UpdateCartItem", day.customer.carts().update_cart_item(request)).await?;
    day.narrator.table(&show::cart(&cart));
    let units: Vec<_> = cart.items.iter().map(|item| item.quantity).collect();
    day.narrator.check("the units in the cart", &units, &vec![1, 2])?;
    day.narrator.check("the problems of the cart", &cart.problems.len(), &0)?;
    Ok(cart)
}

async fn add(day: &Day, product_id: &str, quantity: i32) -> Result<v1::Cart, Failed> {
    let request = v1::AddCartItemRequest {
        product_id: product_id.to_owned(),
        quantity,
        request_id: day.request_id(),
        ..Default::default()
    };
    day.narrator.call("CartService.AddCartItem", day.customer.carts().add_cart_item(request)).await
}

async fn checks_out(day: &mut Day, cart: &v1::Cart) -> Result<v1::Order, Failed> {
    day.narrator.step("She checks out and pays with her card, for the total that she saw");
    let request = v1::CheckoutRequest {
        contact: Some(day.contact()),
        shipping_address: Some(address()),
        payment: Some(card("tok_approve")),
        expected_total: cart.total.clone(),
        request_id: day.request_id(),
        ..Default::default()
    };
    let order = day.narrator.call("CartService.Checkout", day.customer.carts().checkout(request.clone())).await?;
    day.narrator.table(&show::order_lines(&order));
    day.narrator.note(&show::order(&order));
    day.narrator.space();
    day.narrator.check("the status", &order.status(), &v1::OrderStatus::Paid)?;
    day.narrator.check("the total of the order", &order.total, &cart.total)?;

    day.narrator.step("Her connection stutters and the same request is sent again: same order, charged once");
    let again = day.narrator.call("CartService.Checkout", day.customer.carts().checkout(request)).await?;
    day.narrator.note(&show::order(&again));
    day.narrator.space();
    day.narrator.check("the order", &again.order_id, &order.order_id)?;
    let captured = again.payment.and_then(|payment| payment.captured);
    day.narrator.check("what was taken", &captured, &order.total)?;
    Ok(order)
}

/// An order that is paid later, after a decline, and then cancelled.
pub(super) async fn changes_her_mind(day: &mut Day) -> Result<(), Failed> {
    let before = shelf(day, COSTUME).await?;
    day.narrator.step("She orders two more costumes for friends, to be paid later");
    let request = create(day, COSTUME, 2);
    let order = day.narrator.call("OrderService.CreateOrder", day.customer.orders().create_order(request)).await?;
    day.narrator.note(&show::order(&order));
    day.narrator.space();
    day.narrator.check("the status", &order.status(), &v1::OrderStatus::Pending)?;

    day.narrator.step("The first card has not enough money on it; the order stands");
    let request = pay(day, &order, "tok_decline_insufficient_funds");
    let mut orders = day.customer.orders();
    let call = orders.pay_order(request);
    let refusal = day.narrator.refused(("OrderService.PayOrder", "PAYMENT_DECLINED"), call).await?;
    let code = refusal.metadata.get("decline_code").map(String::as_str);
    day.narrator.check("the decline code", &code, &Some("insufficient_funds"))?;
    day.narrator.space();

    day.narrator.step("The second card works");
    let request = pay(day, &order, "tok_approve");
    let order = day.narrator.call("OrderService.PayOrder", day.customer.orders().pay_order(request)).await?;
    day.narrator.note(&show::order(&order));
    day.narrator.space();
    day.narrator.check("the status", &order.status(), &v1::OrderStatus::Paid)?;

    cancels(day, &order).await?;
    let after = shelf(day, COSTUME).await?;
    day.narrator.check("the stock of costumes", &after, &before)
}

async fn cancels(day: &mut Day, order: &v1::Order) -> Result<(), Failed> {
    day.narrator.step("The friends will not come: she cancels, and her money comes back");
    let request = v1::CancelOrderRequest {
        order_id: order.order_id.clone(),
        reason: "the friends will not come".to_owned(),
        request_id: day.request_id(),
        ..Default::default()
    };
    let mut orders = day.customer.orders();
    let mut order = day.narrator.call("OrderService.CancelOrder", orders.cancel_order(request)).await?;
    let started = Instant::now();
    while order.status() != v1::OrderStatus::Refunded && started.elapsed() < REFUND_PATIENCE {
        tokio::time::sleep(LOOK_AGAIN).await;
        let request = v1::GetOrderRequest { order_id: order.order_id.clone() };
        order = day.narrator.call("OrderService.GetOrder", orders.get_order(request)).await?;
    }
    day.narrator.note(&show::order(&order));
    day.narrator.space();
    day.narrator.check("the status", &order.status(), &v1::OrderStatus::Refunded)?;
    let refunded = order.payment.and_then(|payment| payment.refunded);
    day.narrator.check("what went back", &refunded, &order.total)
}

/// An order that the shelf cannot fill.
pub(super) async fn wants_too_much(day: &mut Day) -> Result<(), Failed> {
    let before = shelf(day, FOG_MACHINE).await?;
    day.narrator.step("She wants one fog machine more than there are");
    let wanted = i32::try_from(before.available + 1).unwrap_or(i32::MAX);
    let request = create(day, FOG_MACHINE, wanted);
    let mut orders = day.customer.orders();
    let call = orders.create_order(request);
    let refusal = day.narrator.refused(("OrderService.CreateOrder", "INSUFFICIENT_STOCK"), call).await?;
    let available = refusal.metadata.get("available").cloned();
    day.narrator.check("the units said to be available", &available, &Some(before.available.to_string()))?;
    let after = shelf(day, FOG_MACHINE).await?;
    day.narrator.note(&show::stock(&after));
    day.narrator.space();
    day.narrator.check("the stock of fog machines", &after, &before)
}

pub(super) fn line(product_id: &str, quantity: i32) -> v1::OrderLineInput {
    v1::OrderLineInput { product_id: product_id.to_owned(), quantity, ..Default::default() }
}

pub(super) fn create(day: &Day, product_id: &str, quantity: i32) -> v1::CreateOrderRequest {
    v1::CreateOrderRequest {
        lines: vec![line(product_id, quantity)],
        contact: Some(day.contact()),
        shipping_address: Some(address()),
        request_id: day.request_id(),
        ..Default::default()
    }
}

fn pay(day: &Day, order: &v1::Order, token: &str) -> v1::PayOrderRequest {
    v1::PayOrderRequest {
        order_id: order.order_id.clone(),
        payment: Some(card(token)),
        request_id: day.request_id(),
        ..Default::default()
    }
}

/// What is on the shelf of a product, asked without telling.
pub(super) async fn shelf(day: &Day, product_id: &str) -> Result<v1::Stock, Failed> {
    let sku = super::PRODUCTS.iter().find(|product| product.id == product_id).map(|product| product.sku.to_owned());
    let sku = day.narrator.given("the product in the demo catalogue", sku)?;
    let stock = day.admin.admin().get_stock(v1::GetStockRequest { sku }).await;
    stock.map(tonic::Response::into_inner).map_err(|status| day.narrator.failed(status.message()))
}
