//! Statistics and summaries equal a recount of all orders, wherever days begin.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil, tz::TimeZone};
use order_api::v1::{self, GetCustomerSummaryRequest, GetOrderStatsRequest, Order, OrderStatus};
use order_store::testing::on_both_engines;

use super::shop::{CUSTOMERS, all_orders, minor, with_a_past};
use crate::{dice::Dice, world::World};

/// Sums in minor units by currency; nothing is left out rather than zero.
type Sums = BTreeMap<String, i64>;

fn placed(order: &Order) -> Timestamp {
    let time = order.create_time.unwrap();
    Timestamp::new(time.seconds, time.nanos).unwrap()
}

fn refunded(order: &Order) -> i64 {
    order.payment.as_ref().map_or(0, |payment| minor(payment.refunded.as_ref()))
}

/// Whether an order counts as revenue, as the contract has it.
fn is_sold(order: &Order) -> bool {
    matches!(
        order.status(),
        OrderStatus::Confirmed
            | OrderStatus::Processing
            | OrderStatus::Shipped
            | OrderStatus::Delivered
            | OrderStatus::Completed
    )
}

fn sum<'a>(orders: impl Iterator<Item = &'a Order>, amount: impl Fn(&Order) -> i64) -> Sums {
    let mut sums = Sums::new();
    for order in orders {
        *sums.entry(order.currency_code.clone()).or_default() += amount(order);
    }
    sums.retain(|_, minor| *minor != 0);
    sums
}

fn revenue<'a>(orders: impl Iterator<Item = &'a Order>) -> Sums {
    sum(orders.filter(|order| is_sold(order)), |order| minor(order.total.as_ref()) - refunded(order))
}

/// What was taken for an order and not given back.
fn kept(order: &Order) -> i64 {
    order.payment.as_ref().map_or(0, |payment| minor(payment.captured.as_ref()) - minor(payment.refunded.as_ref()))
}

fn shown(amounts: &[order_api::Money]) -> Sums {
    assert!(amounts.is_sorted_by_key(|money| &money.currency_code));
    amounts.iter().map(|money| (money.currency_code.clone(), minor(Some(money)))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_equal_a_recount_wherever_days_begin() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        // From the first of March on: the clocks of New York and Berlin change on the way.
        with_a_past(&world, &mut Dice::seeded(), 45).await;
        let orders = all_orders(&world).await;
        let now = Timestamp::from_microsecond(world.app.clock.now().micros()).unwrap();
        for zone in ["", "Asia/Kolkata", "America/New_York", "Europe/Berlin", "Pacific/Kiritimati", "Pacific/Pago_Pago"]
        {
            let request = GetOrderStatsRequest { time_zone: zone.into(), ..Default::default() };
            let stats = world.admin().admin.get_order_stats(request).await.unwrap().into_inner();
            let tz = TimeZone::get(if zone.is_empty() { "UTC" } else { zone }).unwrap();
            assert_counts(&stats, &orders);
            let today = tz.to_datetime(now).date();
            let day = |order: &Order| tz.to_datetime(placed(order)).date();
            let of_today = orders.iter().filter(|order| day(order) == today).count();
            let of_month = orders.iter().filter(|order| day(order).first_of_month() == today.first_of_month()).count();
            assert_eq!((stats.orders_today, stats.orders_this_month), (of_today as i64, of_month as i64), "{zone}");
            assert_days(&stats, (&orders, &tz), (today.saturating_sub(jiff::Span::new().days(29)), today));
        }
        let date = |date: civil::Date| {
            Some(order_api::Date { year: date.year().into(), month: date.month().into(), day: date.day().into() })
        };
        let (first, last) = (civil::date(2026, 2, 27), civil::date(2026, 6, 3));
        let request = GetOrderStatsRequest {
            time_zone: "America/New_York".into(),
            start_date: date(first),
            end_date: date(last),
        };
        let stats = world.admin().admin.get_order_stats(request).await.unwrap().into_inner();
        assert_days(&stats, (&orders, &TimeZone::get("America/New_York").unwrap()), (first, last));
        assert_eq!(stats.daily.iter().map(|day| day.orders).sum::<i64>(), 45, "the series holds all of them");
    })
    .await;
}

fn assert_counts(stats: &v1::OrderStats, orders: &[Order]) {
    let count = |status| orders.iter().filter(|order| order.status() == status).count() as i64;
    let counted = [
        (stats.pending, OrderStatus::Pending),
        (stats.paid, OrderStatus::Paid),
        (stats.confirmed, OrderStatus::Confirmed),
        (stats.processing, OrderStatus::Processing),
        (stats.shipped, OrderStatus::Shipped),
        (stats.delivered, OrderStatus::Delivered),
        (stats.completed, OrderStatus::Completed),
        (stats.cancelled, OrderStatus::Cancelled),
        (stats.refunded, OrderStatus::Refunded),
    ];
    for (shown, status) in counted {
        assert_eq!(shown, count(status), "{status:?}");
    }
    assert_eq!(stats.total_orders, orders.len() as i64);
    assert_eq!(shown(&stats.revenue), revenue(orders.iter()));
    assert_eq!(shown(&stats.refunds), sum(orders.iter(), refunded));
}

fn assert_days(
    stats: &v1::OrderStats,
    (orders, zone): (&[Order], &TimeZone),
    (first, last): (civil::Date, civil::Date),
) {
    let mut date = first;
    for day in &stats.daily {
        let shown_date = day.date.unwrap();
        assert_eq!(
            (shown_date.year, shown_date.month, shown_date.day),
            (date.year().into(), date.month().into(), date.day().into())
        );
        let of_day = || orders.iter().filter(|order| zone.to_datetime(placed(order)).date() == date);
        assert_eq!(day.orders, of_day().count() as i64, "{date}");
        assert_eq!(shown(&day.revenue), revenue(of_day()), "{date}");
        date = date.tomorrow().unwrap();
    }
    assert_eq!(date, last.tomorrow().unwrap(), "days without orders are part of the series");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_summary_equals_a_recount() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        with_a_past(&world, &mut Dice::seeded(), 45).await;
        let orders = all_orders(&world).await;
        let now = world.app.clock.now();
        for customer in CUSTOMERS.into_iter().filter(|id| !id.is_empty()).chain(["nobody"]) {
            let request = GetCustomerSummaryRequest { customer_id: customer.into() };
            let summary =
                world.customer(customer).orders.get_customer_summary(request.clone()).await.unwrap().into_inner();
            let own: Vec<_> = orders.iter().filter(|order| order.customer_id == customer).cloned().collect();
            let since = now.plus_seconds(-30 * 86_400).micros();
            let recent = own.iter().filter(|order| placed(order).as_microsecond() >= since).count();
            assert_eq!((summary.total_orders, summary.orders_last_30_days), (own.len() as i64, recent as i64));
            assert_eq!(shown(&summary.total_spent), sum(own.iter(), kept), "{customer}");
            let last = own.last().cloned().unwrap_or_default();
            assert_eq!(
                (summary.last_order_id.as_str(), summary.last_order_number.as_str()),
                (last.order_id.as_str(), last.order_number.as_str())
            );
            assert_eq!(summary.last_order_time, last.create_time);
            let asked = world.admin().orders.get_customer_summary(request).await.unwrap().into_inner();
            assert_eq!(asked, summary);
        }
    })
    .await;
}
