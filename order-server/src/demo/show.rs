//! Messages of the API as text for people.

use order_api::v1;
use order_core::{currency::Currency, money::Money};

use crate::terminal::{self, Table};

/// An amount; a dash if there is none.
pub(super) fn money(amount: Option<&order_api::Money>) -> String {
    amount.and_then(read).map_or_else(|| "-".to_owned(), terminal::money)
}

/// An amount of the API as one of the domain.
pub(super) fn read(amount: &order_api::Money) -> Option<Money> {
    let currency = Currency::parse(&amount.currency_code).ok()?;
    Money::from_units_nanos(amount.units, amount.nanos, currency).ok()
}

/// Minor units of one currency among several sums; none is nothing.
pub(super) fn minor(sums: &[order_api::Money], currency: Currency) -> i64 {
    let sum = sums.iter().filter_map(read).find(|sum| sum.currency() == currency);
    sum.map_or(0, Money::minor)
}

/// The word of an enum value without its prefix: `PAID` for `ORDER_STATUS_PAID`.
pub(super) fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_owned()
}

pub(super) fn status(order: &v1::Order) -> String {
    word(order.status().as_str_name(), "ORDER_STATUS_")
}

/// What an order is and where it stands, in one line.
pub(super) fn order(order: &v1::Order) -> String {
    let payment = word(order.payment_status().as_str_name(), "PAYMENT_STATUS_");
    let goods = word(order.fulfillment_status().as_str_name(), "FULFILLMENT_STATUS_");
    let number = console::style(&order.order_number).bold();
    let status = console::style(status(order)).green();
    format!("{number}  {status}  total {}  (payment {payment}, goods {goods})", money(order.total.as_ref()))
}

/// What is to come back of an order, and what has, in one line.
pub(super) fn order_return(back: &v1::OrderReturn) -> String {
    let number = console::style(&back.return_number).bold();
    let status = console::style(word(back.status().as_str_name(), "RETURN_STATUS_")).green();
    let received: i64 = back.lines.iter().map(|line| i64::from(line.received)).sum();
    let refunded = money(back.refunded.as_ref());
    format!("{number}  {status}  {received} units received, {refunded} paid back")
}

pub(super) fn cart(cart: &v1::Cart) -> Table {
    let mut table = Table::new(["In the cart", ">Units", ">Price", ">Amount"]);
    for item in &cart.items {
        let (price, total) = (money(item.unit_price.as_ref()), money(item.line_total.as_ref()));
        table.row([item.name.clone(), item.quantity.to_string(), price, total]);
    }
    let sums = [("subtotal", &cart.subtotal), ("tax", &cart.tax), ("shipping", &cart.shipping), ("total", &cart.total)];
    sums_below(&mut table, &sums);
    table
}

pub(super) fn order_lines(order: &v1::Order) -> Table {
    let mut table = Table::new(["Ordered", ">Units", ">Price", ">Amount"]);
    for line in &order.lines {
        let (price, subtotal) = (money(line.unit_price.as_ref()), money(line.subtotal.as_ref()));
        table.row([line.name.clone(), line.quantity.to_string(), price, subtotal]);
    }
    let sums =
        [("subtotal", &order.subtotal), ("tax", &order.tax), ("shipping", &order.shipping), ("total", &order.total)];
    sums_below(&mut table, &sums);
    table
}

fn sums_below(table: &mut Table, sums: &[(&str, &Option<order_api::Money>)]) {
    for (name, sum) in sums {
        table.row([String::new(), String::new(), (*name).to_owned(), money(sum.as_ref())]);
    }
}

/// How a quote came about, step by step.
pub(super) fn explanation(quote: &v1::Quote) -> Table {
    let mut table = Table::new(["Rule", "Of", ">Exact", ">Rounded"]);
    for step in quote.explanation.iter().flat_map(|explanation| &explanation.steps) {
        let rounded = money(step.rounded.as_ref());
        table.row([step.rule.clone(), step.subject.clone(), step.exact_value.clone(), rounded]);
    }
    table
}

pub(super) fn history(events: &[v1::OrderEvent]) -> Table {
    let mut table = Table::new([">Revision", "Event", "By", "Status after", "Reason"]);
    for event in events {
        let actor = event.actor.as_ref().map(|actor| {
            let kind = word(actor.r#type().as_str_name(), "ACTOR_TYPE_").to_lowercase();
            format!("{kind} {}", actor.id)
        });
        table.row([
            event.revision.to_string(),
            word(event.r#type().as_str_name(), "ORDER_EVENT_TYPE_"),
            actor.unwrap_or_default(),
            word(event.status_after().as_str_name(), "ORDER_STATUS_"),
            event.reason.clone(),
        ]);
    }
    table
}

pub(super) fn shipments(tracking: &v1::OrderTracking) -> Table {
    let mut table = Table::new(["Parcel", "Carrier", "Tracking number", "Status", ">Units"]);
    for parcel in &tracking.shipments {
        let units: i64 = parcel.lines.iter().map(|line| i64::from(line.quantity)).sum();
        table.row([
            parcel.shipment_number.clone(),
            parcel.carrier.clone(),
            parcel.tracking_number.clone(),
            word(parcel.status().as_str_name(), "SHIPMENT_STATUS_"),
            units.to_string(),
        ]);
    }
    table
}

pub(super) fn products(products: &[v1::Product]) -> Table {
    let mut table = Table::new(["Product", "SKU", ">Price", "Description"]);
    for product in products {
        let price = money(product.price.as_ref());
        table.row([product.name.clone(), product.sku.clone(), price, product.description.clone()]);
    }
    table
}

pub(super) fn stock(stock: &v1::Stock) -> String {
    let v1::Stock { sku, on_hand, allocated, available, .. } = stock;
    format!("{sku}: {on_hand} on hand, {allocated} promised to orders, {available} available")
}

pub(super) fn connectivity(answer: &v1::GetConnectivityResponse) -> Table {
    let mut table = Table::new(["Dependency", "Status"]);
    for dependency in &answer.dependencies {
        let status = word(dependency.status().as_str_name(), "DEPENDENCY_STATUS_");
        table.row([dependency.name.clone(), status]);
    }
    table
}

/// One number of many.
type Number = fn(&v1::OrderStats) -> i64;

/// Numbers before and after a day.
pub(super) fn day(before: &v1::OrderStats, after: &v1::OrderStats, currency: Currency) -> Table {
    let mut table = Table::new(["", ">Morning", ">Evening"]);
    let numbers: [(&str, Number); 8] = [
        ("orders", |stats| stats.total_orders),
        ("pending", |stats| stats.pending),
        ("paid", |stats| stats.paid),
        ("shipped", |stats| stats.shipped),
        ("delivered", |stats| stats.delivered),
        ("completed", |stats| stats.completed),
        ("cancelled", |stats| stats.cancelled),
        ("refunded", |stats| stats.refunded),
    ];
    for (name, number) in numbers {
        table.row([name.to_owned(), number(before).to_string(), number(after).to_string()]);
    }
    let sum = |sums: &[order_api::Money]| terminal::money(Money::new(minor(sums, currency), currency));
    table.row(["revenue".to_owned(), sum(&before.revenue), sum(&after.revenue)]);
    table.row(["refunds".to_owned(), sum(&before.refunds), sum(&after.refunds)]);
    table
}
