//! Orders of another system.

use order_core::{
    ids::OrderId,
    order::{
        Command, ImportDraft, ImportLine, ImportSource, PaymentStatus, ReceivedLine, ReturnLine, ReturnRefund,
        ReturnStep, State, Status,
    },
    quantity::Quantity,
};
use order_store::{ChangeOrder, Effect, ImportOrder, Imported, Mode, Numbering, testing::on_both_engines};

use crate::shop::{NOW, Shop, change, context, currency, customer, fresh, later, numbering, product_id, sku, usd};

pub(crate) fn import(external_id: &str) -> ImportOrder {
    let line = |id: &str, units: i64| ImportLine {
        product_id: product_id(id),
        sku: sku(id),
        name: id.to_owned(),
        quantity: Quantity::new(units).unwrap(),
        unit_price: usd(1250),
    };
    ImportOrder {
        id: OrderId::new(fresh()),
        draft: ImportDraft {
            customer_id: customer("ada"),
            state: State::Processing,
            delivered: true,
            paid: true,
            currency: currency("USD"),
            lines: vec![line("P-1", 2), line("P-2", 1)],
            create_time: later(-86_400 * 400),
            source: ImportSource {
                source: "eci".to_owned(),
                external_id: external_id.to_owned(),
                original_status: "Delivered".to_owned(),
                original_payment_status: "SUCCESS".to_owned(),
                original_total: Some(usd(3749)),
                corrections: vec!["total".to_owned()],
            },
        },
        context: context(NOW),
    }
}

fn orders(imported: &[Imported]) -> Vec<(bool, OrderId)> {
    let each = imported.iter().map(|one| match one {
        Imported::New(order) => (true, order.id),
        Imported::Known(order) => (false, order.id),
    });
    each.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_taken_over_as_it_stood() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let imported = shop.store.import(vec![import("1001")], numbering()).await.unwrap();
        let [Imported::New(order)] = imported.as_slice() else { panic!("{imported:?}") };
        assert_eq!(order.number.as_ref().unwrap().as_str(), "SPK-2025-001001", "numbered in the year it was placed");
        assert_eq!((order.status, order.payment_status), (Status::Delivered, PaymentStatus::Paid));
        assert_eq!(order.contact, None);
        assert_eq!(shop.order(order.id).await, **order);
        let history = shop.store.events(order.id, 0, 10).await.unwrap().items;
        assert_eq!((history.len(), history[0].time), (1, NOW));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_taken_over_once() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let first = shop.store.import(vec![import("1"), import("2")], numbering()).await.unwrap();
        let again = shop.store.import(vec![import("2"), import("3"), import("1")], numbering()).await.unwrap();
        let (first, again) = (orders(&first), orders(&again));
        assert_eq!((again[0], again[2]), ((false, first[1].1), (false, first[0].1)));
        assert!(again[1].0);
        let numbers = database.texts("SELECT order_number FROM orders ORDER BY order_number").await;
        assert_eq!(numbers, ["SPK-2025-001001", "SPK-2025-001002", "SPK-2025-001003"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_order_twice_in_one_batch_is_one_order() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let twice = shop.store.import(vec![import("1"), import("1"), import("2")], numbering()).await.unwrap();
        let twice = orders(&twice);
        assert_eq!((twice[0].0, twice[1]), (true, (false, twice[0].1)));
        let known = shop.store.import(vec![import("1"), import("1"), import("2")], numbering()).await.unwrap();
        assert_eq!(orders(&known), [(false, twice[0].1), (false, twice[0].1), (false, twice[2].1)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_imports_of_the_same_orders_at_once_take_each_over_once() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let tasks = (0..4).map(|_| {
            let store = shop.store.clone();
            tokio::spawn(
                async move { store.import((0..5).map(|n| import(&n.to_string())).collect(), numbering()).await },
            )
        });
        for task in tasks.collect::<Vec<_>>() {
            assert_eq!(task.await.unwrap().unwrap().len(), 5);
        }
        assert_eq!(database.texts("SELECT order_number FROM orders").await.len(), 5);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_orders_can_be_numbered_apart() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let old = Numbering { prefix: "OLD".to_owned(), first: 1 };
        shop.store.import(vec![import("1")], old).await.unwrap();
        let mug = shop.sell("mug", 1250, 1).await;
        let Effect { order, .. } = shop.place(crate::shop::Wish::of(&[(&mug, 1)])).await.unwrap();
        assert_eq!(order.number.unwrap().as_str(), "SPK-2026-001001");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_gets_a_shelf_but_not_for_a_preview() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let imported = shop.store.import(vec![import("1001")], numbering()).await.unwrap();
        let (_, id) = orders(&imported)[0];
        let wanted = vec![ReturnLine { line_id: 1, requested: 1, restocked: 0, written_off: 0, reason: String::new() }];
        let back = shop.change(id, Command::RequestReturn(wanted)).await.unwrap().order.returns[0].id;
        shop.change(id, Command::Return(back, ReturnStep::Approve)).await.unwrap();
        let lines = vec![ReceivedLine { line_id: 1, restocked: 1, written_off: 0 }];
        let received = Command::Return(back, ReturnStep::Receive { lines, refund: ReturnRefund::Skip });
        let preview = ChangeOrder { mode: Mode::Preview, ..change(id, received.clone()) };
        let shown = shop.store.change(preview).await.unwrap();
        assert_eq!((shown.events.is_empty(), shop.level_at("P-1", NOW).await), (false, None));
        shop.change(id, received).await.unwrap();
        assert_eq!(shop.level_at("P-1", NOW).await.unwrap().on_hand, 1);
    })
    .await;
}
