//! Lists of orders: filters, orderings, pages, counts.

use order_core::{
    ids::OrderId,
    money::Money,
    order::{Command, FulfillmentStatus, Order, PaymentStatus, Status},
};
use order_store::{Direction, OrderCursor, OrderFilter, OrderQuery, OrderSort, Scope, testing::on_both_engines};

use crate::shop::{Shop, Wish, currency, customer, later, product_id, ship, sku};

pub(crate) fn newest(filter: OrderFilter) -> OrderQuery {
    OrderQuery { filter, sort: OrderSort::CreateTime, direction: Direction::Descending, size: 100, after: None }
}

fn all() -> OrderFilter {
    OrderFilter::of(Scope::All)
}

pub(crate) async fn ids(shop: &Shop, filter: OrderFilter) -> Vec<OrderId> {
    let page = shop.store.orders(newest(filter.clone())).await.unwrap();
    assert!(!page.more);
    let counted = shop.store.count(filter, 1000).await.unwrap();
    assert_eq!(usize::try_from(counted).unwrap(), page.items.len(), "the count agrees with the list");
    page.items.iter().map(|order| order.id).collect()
}

/// Reads page after page.
async fn walk(shop: &Shop, query: OrderQuery) -> Vec<Order> {
    let mut seen: Vec<Order> = Vec::new();
    let mut after = None;
    loop {
        let page = shop.store.orders(OrderQuery { after, ..query.clone() }).await.unwrap();
        let last = page.items.last().unwrap();
        let value = match query.sort {
            OrderSort::CreateTime => last.create_time.micros(),
            OrderSort::Total => last.totals.total.minor(),
        };
        after = Some(OrderCursor { value, id: last.id });
        seen.extend(page.items);
        if !page.more {
            return seen;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_keeps_what_fits_and_nothing_else() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (mug, pot) = (shop.sell("mug", 1000, 100).await, shop.sell("pot", 6000, 100).await);
        let cap = shop.sell_at("cap", Money::new(1000, currency("EUR")), 100).await;
        let first = shop.place(Wish::of(&[(&mug, 1)]).by("ada").at(later(0))).await.unwrap().order;
        let second =
            shop.place(Wish::of(&[(&pot, 1), (&mug, 1)]).by("bob").by_card().at(later(1))).await.unwrap().order;
        let third = shop.place(Wish::of(&[(&cap, 1)]).by_guest("Cy@Example.com").at(later(2))).await.unwrap().order;
        shop.change(first.id, Command::Confirm).await.unwrap();
        shop.change(first.id, ship()).await.unwrap();
        let total = second.totals.total.minor();
        let bob = || Scope::Customer(customer("bob"));
        let [a, b, c] = [first.id, second.id, third.id];
        for (name, filter, expected) in [
            ("all", all(), vec![c, b, a]),
            ("scope", OrderFilter::of(bob()), vec![b]),
            (
                "scope and customer",
                OrderFilter { customer_id: Some(customer("ada")), ..OrderFilter::of(bob()) },
                vec![],
            ),
            ("customer", OrderFilter { customer_id: Some(customer("ada")), ..all() }, vec![a]),
            ("status", OrderFilter { statuses: vec![Status::Shipped], ..all() }, vec![a]),
            ("statuses", OrderFilter { statuses: vec![Status::Shipped, Status::Pending], ..all() }, vec![c, b, a]),
            ("payment", OrderFilter { payment_statuses: vec![PaymentStatus::Pending], ..all() }, vec![b]),
            ("shipped", OrderFilter { fulfillment_statuses: vec![FulfillmentStatus::Shipped], ..all() }, vec![a]),
            ("from", OrderFilter { created_from: Some(later(1)), ..all() }, vec![c, b]),
            ("before", OrderFilter { created_before: Some(later(1)), ..all() }, vec![a]),
            ("currency", OrderFilter { currency: Some(currency("EUR")), ..all() }, vec![c]),
            ("total from", OrderFilter { total_min: Some(total), ..all() }, vec![b]),
            ("total to", OrderFilter { total_max: Some(total - 1), ..all() }, vec![c, a]),
            ("email", OrderFilter { email: Some("cy@example.com".to_owned()), ..all() }, vec![c]),
            ("product", OrderFilter { product_id: Some(product_id("mug")), ..all() }, vec![b, a]),
            ("sku", OrderFilter { sku: Some(sku("POT")), ..all() }, vec![b]),
            ("both", OrderFilter { sku: Some(sku("MUG")), customer_id: Some(customer("ada")), ..all() }, vec![a]),
        ] {
            assert_eq!(ids(&shop, filter).await, expected, "{name}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_or_a_sku_is_meant_whole() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (pot, m) = (shop.sell("pot-1", 6000, 100).await, shop.sell("m", 1000, 100).await);
        let found = shop.place(Wish::of(&[(&pot, 1)])).await.unwrap().order.id;
        let short = shop.place(Wish::of(&[(&m, 1)])).await.unwrap().order.id;
        let all = || OrderFilter::of(Scope::All);
        for (text, expected) in [
            ("POT-1", vec![found]),
            ("POT", vec![]),
            ("OT-1", vec![]),
            ("pot-1", vec![]),
            ("POT_1", vec![]),
            ("POT-10", vec![]),
            ("M", vec![short]),
        ] {
            assert_eq!(ids(&shop, OrderFilter { sku: Some(sku(text)), ..all() }).await, expected, "{text}");
        }
        for (text, expected) in [("pot-1", vec![found]), ("pot", vec![]), ("m", vec![short]), ("M", vec![])] {
            let filter = OrderFilter { product_id: Some(product_id(text)), ..all() };
            assert_eq!(ids(&shop, filter).await, expected, "{text}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_every_order_once_in_either_order_and_direction() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1000, 100).await;
        let mut orders = Vec::new();
        for n in 0_u32..11 {
            // Three at a time share their moment, and every second one its total.
            let wish = Wish::of(&[(&mug, 1 + n % 2)]).at(later(i64::from(n / 3)));
            orders.push(shop.place(wish).await.unwrap().order);
        }
        for sort in [OrderSort::CreateTime, OrderSort::Total] {
            for direction in [Direction::Ascending, Direction::Descending] {
                let query = OrderQuery { sort, direction, size: 2, ..newest(all()) };
                let seen: Vec<_> = walk(&shop, query).await.iter().map(|order| order.id).collect();
                orders.sort_by_key(|order| match sort {
                    OrderSort::CreateTime => (order.create_time.micros(), order.id),
                    OrderSort::Total => (order.totals.total.minor(), order.id),
                });
                let mut expected: Vec<_> = orders.iter().map(|order| order.id).collect();
                if direction == Direction::Descending {
                    expected.reverse();
                }
                assert_eq!(seen, expected, "{sort:?} {direction:?}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_a_page_are_whole() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let (mug, pot) = (shop.sell("mug", 1000, 100).await, shop.sell("pot", 6000, 100).await);
        let mut placed = Vec::new();
        for second in 0..3 {
            let wish = Wish::of(&[(&pot, 1), (&mug, 2)]).by_card().at(later(second));
            placed.insert(0, shop.place(wish).await.unwrap().order.id);
        }
        for id in &placed {
            shop.settle(*id).await;
            shop.change(*id, Command::Confirm).await.unwrap();
            shop.change(*id, ship()).await.unwrap();
        }
        let page = shop.store.orders(newest(all())).await.unwrap().items;
        for (order, id) in page.iter().zip(&placed) {
            assert_eq!(order, &shop.order(*id).await);
            assert_eq!((order.lines.len(), order.payments.len(), order.shipments.len()), (2, 1, 1));
        }
        assert_eq!(page.len(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_placed_meanwhile_move_nothing_in_later_pages() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1000, 100).await;
        let mut before = Vec::new();
        for second in 0..4 {
            before.push(shop.place(Wish::of(&[(&mug, 1)]).at(later(second))).await.unwrap().order.id);
        }
        let first = shop.store.orders(OrderQuery { size: 2, ..newest(all()) }).await.unwrap();
        let last = first.items.last().unwrap();
        let after = Some(OrderCursor { value: last.create_time.micros(), id: last.id });
        shop.place(Wish::of(&[(&mug, 1)]).at(later(9))).await.unwrap();
        let second = shop.store.orders(OrderQuery { size: 2, after, ..newest(all()) }).await.unwrap();
        let seen: Vec<_> = [first.items, second.items].concat().iter().map(|order| order.id).collect();
        before.reverse();
        assert_eq!(seen, before);
        assert!(!second.more);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counting_stops_where_it_is_told_to() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1000, 100).await;
        for _ in 0..5 {
            shop.place(Wish::of(&[(&mug, 1)])).await.unwrap();
        }
        for (most, counted) in [(3, 3), (5, 5), (9, 5)] {
            assert_eq!(shop.store.count(all(), most).await.unwrap(), counted);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_read_page_by_page() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1000, 100).await;
        let id = shop.place(Wish::of(&[(&mug, 1)])).await.unwrap().order.id;
        for note in ["one", "two", "three"] {
            shop.change(id, Command::AddNote(note.to_owned())).await.unwrap();
        }
        let first = shop.store.events(id, 0, 3).await.unwrap();
        assert_eq!((first.items.len(), first.more), (3, true));
        let rest = shop.store.events(id, first.items[2].revision, 3).await.unwrap();
        assert_eq!((rest.items.len(), rest.more), (2, false));
        assert_eq!(rest.items[0].revision, 4);
        assert_eq!(shop.store.events(OrderId::new(crate::shop::fresh()), 0, 3).await.unwrap().items, []);
    })
    .await;
}
