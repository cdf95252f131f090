//! What the administrator does.

use order_api::v1;
use order_core::money::Money;

use super::{
    narrator::Failed,
    products::PRODUCTS,
    show,
    story::{COSTUME, Day},
};
use crate::terminal;

/// Costumes that arrive in the morning, so that the day can be played again and again.
const DELIVERY: i64 = 5;

/// Looks around, receives goods, and notes the numbers of the morning.
pub(super) async fn opens(day: &mut Day) -> Result<v1::OrderStats, Failed> {
    day.narrator.step("Is everything there?");
    let mut admin = day.admin.admin();
    let call = admin.get_connectivity(v1::GetConnectivityRequest {});
    let connectivity = day.narrator.call("AdminService.GetConnectivity", call).await?;
    day.narrator.table(&show::connectivity(&connectivity));
    day.narrator.check("the number of dependencies that failed", &connectivity.summary.map(|s| s.failed), &Some(0))?;

    day.narrator.step("What is on sale");
    let request = v1::ListProductsRequest { page_size: 500, active: Some(true), ..Default::default() };
    let page = day.narrator.call("AdminService.ListProducts", day.admin.admin().list_products(request)).await?;
    day.narrator.table(&show::products(&page.products));
    day.narrator.check("the number of products", &page.products.len(), &PRODUCTS.len())?;

    day.narrator.step("A delivery arrives");
    let sku = PRODUCTS.iter().find(|product| product.id == COSTUME).map(|product| product.sku.to_owned());
    let request = v1::AdjustStockRequest {
        sku: day.narrator.given("the costume in the demo catalogue", sku)?,
        delta: DELIVERY,
        reason: "delivery of the morning".to_owned(),
        request_id: day.request_id(),
        ..Default::default()
    };
    let stock = day.narrator.call("AdminService.AdjustStock", day.admin.admin().adjust_stock(request)).await?;
    day.narrator.note(&show::stock(&stock));
    day.narrator.space();

    day.narrator.step("How the books stand in the morning");
    let stats = statistics(day).await?;
    day.narrator.note(&format!("{} orders so far", stats.total_orders));
    day.narrator.space();
    Ok(stats)
}

async fn statistics(day: &Day) -> Result<v1::OrderStats, Failed> {
    let request = v1::GetOrderStatsRequest::default();
    day.narrator.call("AdminService.GetOrderStats", day.admin.admin().get_order_stats(request)).await
}

/// Confirms, processes, ships, delivers and completes an order; the customer follows her parcel.
pub(super) async fn fulfils(day: &mut Day, order: v1::Order) -> Result<v1::Order, Failed> {
    day.narrator.step("The order is confirmed and picked");
    advance(day, &order, v1::OrderStatus::Confirmed).await?;
    advance(day, &order, v1::OrderStatus::Processing).await?;
    day.narrator.space();

    day.narrator.step("It is shipped, with a tracking number");
    advance(day, &order, v1::OrderStatus::Shipped).await?;
    day.narrator.space();
    follows(day, &order, &[v1::ShipmentStatus::Shipped]).await?;

    day.narrator.step("It arrives, and the order is complete");
    advance(day, &order, v1::OrderStatus::Delivered).await?;
    let order = advance(day, &order, v1::OrderStatus::Completed).await?;
    day.narrator.space();
    follows(day, &order, &[v1::ShipmentStatus::Delivered]).await?;

    day.narrator.step("A completed order cannot go back");
    let request = set_status(day, &order, v1::OrderStatus::Processing);
    let mut admin = day.admin.admin();
    let call = admin.update_order_status(request);
    day.narrator.refused(("AdminService.UpdateOrderStatus", "ILLEGAL_TRANSITION"), call).await?;
    day.narrator.space();

    history(day, &order).await?;
    Ok(order)
}

pub(super) async fn advance(day: &Day, order: &v1::Order, status: v1::OrderStatus) -> Result<v1::Order, Failed> {
    let request = set_status(day, order, status);
    let mut admin = day.admin.admin();
    let order = day.narrator.call("AdminService.UpdateOrderStatus", admin.update_order_status(request)).await?;
    day.narrator.note(&show::order(&order));
    day.narrator.check("the status", &order.status(), &status)?;
    Ok(order)
}

fn set_status(day: &Day, order: &v1::Order, status: v1::OrderStatus) -> v1::UpdateOrderStatusRequest {
    let tracking = (status == v1::OrderStatus::Shipped).then(|| v1::TrackingInput {
        carrier: "Night Mail".to_owned(),
        tracking_number: format!("NM-{}", order.order_number),
        tracking_url: String::new(),
        estimated_delivery: None,
    });
    v1::UpdateOrderStatusRequest {
        order_id: order.order_id.clone(),
        status: status.into(),
        tracking,
        request_id: day.request_id(),
        ..Default::default()
    }
}

pub(super) async fn follows(day: &mut Day, order: &v1::Order, parcels: &[v1::ShipmentStatus]) -> Result<(), Failed> {
    day.narrator.step("Mina looks where her goods are");
    let request = v1::GetOrderTrackingRequest { order_id: order.order_id.clone() };
    let mut orders = day.customer.orders();
    let tracking = day.narrator.call("OrderService.GetOrderTracking", orders.get_order_tracking(request)).await?;
    day.narrator.table(&show::shipments(&tracking));
    let seen: Vec<_> = tracking.shipments.iter().map(v1::Shipment::status).collect();
    day.narrator.check("the parcels", &seen.as_slice(), &parcels)
}

async fn history(day: &mut Day, order: &v1::Order) -> Result<(), Failed> {
    day.narrator.step("Everything that happened to the order is in its history");
    let request = v1::ListOrderEventsRequest { order_id: order.order_id.clone(), page_size: 100, ..Default::default() };
    let mut orders = day.customer.orders();
    let events = day.narrator.call("OrderService.ListOrderEvents", orders.list_order_events(request)).await?.events;
    day.narrator.table(&show::history(&events));
    let revisions: Vec<_> = events.iter().map(|event| event.revision).collect();
    let without_gap: Vec<_> = (1..).take(revisions.len()).collect();
    day.narrator.check("the revisions", &revisions, &without_gap)?;
    let last = events.last().map(v1::OrderEvent::status_after);
    day.narrator.check("the status after the last event", &last, &Some(v1::OrderStatus::Completed))
}

/// Finds the first order, adds up the customer, and holds the evening against the morning: `kept` are the orders whose money the
/// shop keeps.
pub(super) async fn closes(day: &mut Day, before: &v1::OrderStats, kept: [&v1::Order; 2]) -> Result<(), Failed> {
    let [order, _] = kept;
    let held = kept.iter().map(|order| day.minor(order.amount_held.as_ref())).sum();
    day.narrator.step("The order is found by its number");
    let request = v1::AdminServiceListOrdersRequest { query: order.order_number.clone(), ..Default::default() };
    let found = day.narrator.call("AdminService.ListOrders", day.admin.admin().list_orders(request)).await?.orders;
    found.iter().for_each(|order| day.narrator.note(&show::order(order)));
    day.narrator.space();
    let ids: Vec<_> = found.into_iter().map(|order| order.order_id).collect();
    day.narrator.check("what was found", &ids, &vec![order.order_id.clone()])?;

    customer_summary(day, held).await?;

    day.narrator.step("The day in numbers");
    let after = statistics(day).await?;
    day.narrator.table(&show::day(before, &after, day.currency));
    let change = |number: fn(&v1::OrderStats) -> i64| number(&after) - number(before);
    day.narrator.check("the number of new orders", &change(|stats| stats.total_orders), &3)?;
    day.narrator.check("the number of completed orders", &change(|stats| stats.completed), &1)?;
    day.narrator.check("the number of delivered orders", &change(|stats| stats.delivered), &1)?;
    day.narrator.check("the number of refunded orders", &change(|stats| stats.refunded), &1)?;
    let revenue = show::minor(&after.revenue, day.currency) - show::minor(&before.revenue, day.currency);
    day.narrator.check("the revenue of the day in cents", &revenue, &held)
}

async fn customer_summary(day: &mut Day, held: i64) -> Result<(), Failed> {
    day.narrator.step("What Mina has bought so far");
    let request = v1::GetCustomerSummaryRequest { customer_id: day.customer_id.clone() };
    let mut orders = day.admin.orders();
    let summary = day.narrator.call("OrderService.GetCustomerSummary", orders.get_customer_summary(request)).await?;
    let spent = show::minor(&summary.total_spent, day.currency);
    let shown = terminal::money(Money::new(spent, day.currency));
    day.narrator
        .note(&format!("{} orders, {shown} spent, last order {}", summary.total_orders, summary.last_order_number));
    day.narrator.space();
    day.narrator.check("the number of her orders", &summary.total_orders, &3)?;
    day.narrator.check("what she spent in cents", &spent, &held)
}
