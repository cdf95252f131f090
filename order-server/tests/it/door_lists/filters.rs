//! Filters, each alone and in random company, and both orderings both ways.

use order_api::v1::{
    AdminServiceListOrdersRequest, FulfillmentStatus, ListOrdersRequest, Order, OrderStatus, PaymentStatus,
};
use order_store::testing::on_both_engines;

use super::shop::{CUSTOMERS, all_orders, minor, with_a_past};
use crate::{
    dice::Dice,
    world::{World, money},
};

/// Filters to try for each database.
const TRIES: usize = 80;

#[tokio::test(flavor = "multi_thread")]
async fn filters_alone_and_together_find_what_they_say_in_every_ordering() {
    on_both_engines(|database| async move {
        let world = World::with_products(&database, &[]).await;
        let mut dice = Dice::seeded();
        with_a_past(&world, &mut dice, 40).await;
        let orders = all_orders(&world).await;
        assert_eq!(orders.len(), 40);
        let mut admin = world.admin();
        let mut found_something = 0;
        for n in 0..TRIES {
            // The first tries are one filter each; then some of them together.
            let request =
                request(&mut dice, &orders, |dice, filter| if n < 26 { filter == n / 2 } else { dice.below(4) == 0 });
            let expected = expected(&orders, &request);
            let page = admin.admin.list_orders(request.clone()).await.unwrap().into_inner();
            let found: Vec<_> = page.orders.iter().map(|order| order.order_number.as_str()).collect();
            assert_eq!(found, expected, "{request:?}");
            assert_eq!(usize::try_from(page.total_size), Ok(expected.len()), "{request:?}");
            found_something += usize::from(!found.is_empty());
        }
        assert!(found_something > TRIES / 4, "the filters of this run find next to nothing");
        what_a_customer_lists_is_the_same_less_what_is_not_theirs(&world, &orders).await;
    })
    .await;
}

/// A request with some filters, after the orders that there are.
fn request(
    dice: &mut Dice,
    orders: &[Order],
    chosen: impl Fn(&mut Dice, usize) -> bool,
) -> AdminServiceListOrdersRequest {
    let sample = orders[dice.below(orders.len())].clone();
    let other = &orders[dice.below(orders.len())];
    let mut request = AdminServiceListOrdersRequest { page_size: 500, include_total_size: true, ..Default::default() };
    request.order_by = ["", "create_time", "create_time desc", "total", "total desc"][dice.below(5)].to_owned();
    let mut earlier = [sample.create_time, other.create_time];
    earlier.sort_by_key(|time| time.map(|time| (time.seconds, time.nanos)));
    for filter in (0..13).filter(|filter| chosen(dice, *filter)) {
        match filter {
            0 => request.status = vec![sample.status],
            1 => request.status = vec![sample.status, OrderStatus::Pending.into(), OrderStatus::Paid.into()],
            2 => request.payment_status = vec![sample.payment_status, PaymentStatus::Failed.into()],
            3 => request.fulfillment_status = vec![sample.fulfillment_status, FulfillmentStatus::Shipped.into()],
            4 => request.create_time_from = earlier[0],
            5 => request.create_time_to = earlier[1].filter(|_| earlier[0] != earlier[1]),
            6 => request.min_total.clone_from(&sample.total),
            7 if request.min_total.is_none() => request.max_total.clone_from(&sample.total),
            7 => request.max_total = Some(order_api::Money { units: 1_000_000, ..sample.total.clone().unwrap() }),
            8 => request.customer_id.clone_from(&sample.customer_id),
            9 => request.email = sample.contact.as_ref().unwrap().email.to_uppercase(),
            10 => request.product_id.clone_from(&sample.lines[0].product_id),
            11 => request.sku.clone_from(&sample.lines[0].sku),
            _ => request.query = sample.lines[0].name.to_uppercase(),
        }
    }
    request
}

/// The numbers of the orders that fit, in the order asked for.
fn expected<'a>(orders: &'a [Order], request: &AdminServiceListOrdersRequest) -> Vec<&'a str> {
    let at = |time: &Option<prost_types::Timestamp>| time.map(|time| (time.seconds, time.nanos));
    let of = |wanted: &[i32], is: i32| wanted.is_empty() || wanted.contains(&is);
    let same = |wanted: &str, is: &str| wanted.is_empty() || wanted == is;
    let currency = request.min_total.as_ref().or(request.max_total.as_ref()).map(|total| &total.currency_code);
    let fits = |order: &&Order| {
        let total = minor(order.total.as_ref());
        of(&request.status, order.status)
            && of(&request.payment_status, order.payment_status)
            && of(&request.fulfillment_status, order.fulfillment_status)
            && request.create_time_from.is_none_or(|_| at(&order.create_time) >= at(&request.create_time_from))
            && request.create_time_to.is_none_or(|_| at(&order.create_time) < at(&request.create_time_to))
            && currency.is_none_or(|currency| order.currency_code == *currency)
            && request.min_total.as_ref().is_none_or(|least| total >= minor(Some(least)))
            && request.max_total.as_ref().is_none_or(|most| total <= minor(Some(most)))
            && same(&request.customer_id, &order.customer_id)
            && same(&request.email.to_lowercase(), &order.contact.as_ref().unwrap().email.to_lowercase())
            && (request.product_id.is_empty() || order.lines.iter().any(|line| line.product_id == request.product_id))
            && (request.sku.is_empty() || order.lines.iter().any(|line| line.sku == request.sku))
            && (request.query.is_empty()
                || request
                    .query
                    .to_lowercase()
                    .split(' ')
                    .all(|word| order.lines.iter().any(|line| line.name.to_lowercase().contains(word))))
    };
    let mut found: Vec<_> = orders.iter().filter(fits).collect();
    let total = |order: &&Order| (minor(order.total.as_ref()), order.order_id.clone());
    let time = |order: &&Order| (at(&order.create_time), order.order_id.clone());
    match request.order_by.as_str() {
        "total" => found.sort_by_key(total),
        "total desc" => found.sort_by_key(|order| std::cmp::Reverse(total(order))),
        "create_time" => found.sort_by_key(time),
        _ => found.sort_by_key(|order| std::cmp::Reverse(time(order))),
    }
    found.into_iter().map(|order| order.order_number.as_str()).collect()
}

async fn what_a_customer_lists_is_the_same_less_what_is_not_theirs(world: &World, orders: &[Order]) {
    for customer in CUSTOMERS.into_iter().filter(|id| !id.is_empty()) {
        let request = ListOrdersRequest { page_size: 500, order_by: "create_time".into(), ..Default::default() };
        let listed = world.customer(customer).orders.list_orders(request.clone()).await.unwrap().into_inner().orders;
        let own: Vec<_> = orders.iter().filter(|order| order.customer_id == customer).cloned().collect();
        assert_eq!(listed, own);
        let request = ListOrdersRequest { min_total: Some(money(("USD", 0, 0))), query: "the".into(), ..request };
        let listed = world.customer(customer).orders.list_orders(request).await.unwrap().into_inner().orders;
        let own: Vec<_> = own.into_iter().filter(|order| order.currency_code == "USD").collect();
        assert_eq!(listed, own);
    }
}
