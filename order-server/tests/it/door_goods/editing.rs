//! An order is edited: what is not shipped becomes less, lines are added at the prices of today, and the difference is known
//! before it is made.

use std::sync::Arc;

use order_api::v1::{self, EditOrderRequest, FulfillmentStatus as Goods, OrderStatus as Word, PaymentStatus as Paid};
use order_store::testing::on_both_engines;
use tonic::Code;

use super::kit::{axes, cents, confirmed, counters, money_of, world};
use crate::{
    door_input::refusal::{Door, assert_invalid},
    door_races::kit::{ILLEGAL, at_once, fact, refused, shelve},
    world::{World, card, cash, line, money, order_of, product, request_id},
};

/// An edit: lines with the units that they are to have, and products with the units to add.
fn edit(order_id: &str, changes: &[(i32, i32)], add: &[(&str, i64)]) -> EditOrderRequest {
    let change = |(line_id, quantity): &(i32, i32)| v1::LineChange { line_id: *line_id, quantity: *quantity };
    EditOrderRequest {
        order_id: order_id.to_owned(),
        changes: changes.iter().map(change).collect(),
        add: add.iter().map(|(id, quantity)| line(id, *quantity)).collect(),
        ..Default::default()
    }
}

/// Difference, refund and due of an edit, in cents.
fn sums(answer: &v1::EditOrderResponse) -> [i64; 3] {
    [&answer.difference, &answer.refund, &answer.due].map(|amount| cents(amount.as_ref()))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_check_says_is_what_the_edit_does() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let ada = world.customer("ada");
        let order = confirmed(&world, &[("costume", 2), ("fangs", 1)]).await;
        let id = order.order_id.as_str();
        let before = ada.order(id).await;
        let wanted = edit(id, &[(1, 1)], &[("gem", 3)]);
        let check = EditOrderRequest { validate_only: true, ..wanted.clone() };
        let shown = ada.edit(check).await.unwrap();
        assert_eq!(sums(&shown), [1079 - 5399, 4320, 0]);
        assert_eq!((ada.order(id).await, world.shelf("GEM").await), (before.clone(), (100, 0)), "nothing was done yet");

        let done =
            ada.edit(EditOrderRequest { expected_difference: shown.difference.clone(), ..wanted }).await.unwrap();
        assert_eq!(sums(&done), sums(&shown));
        let order = done.order.unwrap();
        assert_eq!((axes(&order).1, money_of(&order)), (Paid::PartiallyRefunded, (12148, 4320)));
        assert_eq!(cents(order.total.as_ref()), 12148 + 1079, "the total is the sum of all lines that ever were");
        assert_eq!((counters(&order, 1), counters(&order, 3)), ([1, 1, 0, 0], [0, 3, 0, 0]));
        assert_eq!((world.shelf("COSTUME").await, world.shelf("GEM").await), ((100, 1), (100, 3)));
        let subjects = order.explanation.unwrap().steps.into_iter().map(|step| step.subject).collect::<Vec<_>>();
        assert!(
            subjects.len() > before.explanation.unwrap().steps.len(),
            "how the new line is priced is told: {subjects:?}"
        );
        let sent = world.admin().walk(id, Word::Delivered).await.unwrap();
        assert_eq!(axes(&sent), (Word::Delivered, Paid::PartiallyRefunded, Goods::Delivered));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_edit_adds_is_due_and_paid_before_it_leaves() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let (ada, office) = (world.customer("ada"), world.admin());
        let order = confirmed(&world, &[("costume", 1)]).await;
        let id = order.order_id.as_str();
        let more = office.edit(edit(id, &[], &[("fangs", 2), ("costume", 1)])).await.unwrap();
        assert_eq!(sums(&more), [8099, 0, 8099], "shipping was agreed with the order");
        let order = more.order.unwrap();
        assert_eq!(
            (axes(&order), money_of(&order)),
            ((Word::Confirmed, Paid::PartiallyPaid, Goods::Unfulfilled), (5998, 0))
        );
        refused(office.create_shipment(id, &[(1, 1)]).await, ILLEGAL);
        refused(office.walk(id, Word::Shipped).await, ILLEGAL);
        let paid = ada.pay(id, card("tok_approve")).await.unwrap();
        assert_eq!((axes(&paid).1, money_of(&paid), paid.payments.len()), (Paid::Paid, (14097, 0), 2));
        assert_eq!(
            axes(&office.walk(id, Word::Delivered).await.unwrap()),
            (Word::Delivered, Paid::Paid, Goods::Delivered)
        );
        // Cash covers it without another payment: what is paid at the door is what it costs then.
        let order = ada.create(order_of(&[("fangs", 2)], Some(cash()))).await.unwrap();
        let id = order.order_id.as_str();
        assert_eq!(sums(&ada.edit(edit(id, &[(1, 1)], &[("gem", 1)])).await.unwrap()), [360 - 1350, 0, 3299 - 990]);
        let done = office.walk(id, Word::Delivered).await.unwrap();
        assert_eq!((axes(&done).1, money_of(&done)), (Paid::Paid, (3299 - 990, 0)));
        // Before it is paid at all, an edit changes what is due.
        let order = ada.create(order_of(&[("fangs", 2)], None)).await.unwrap();
        let id = order.order_id.as_str();
        assert_eq!(sums(&ada.edit(edit(id, &[(1, 1)], &[])).await.unwrap()), [-1350, 0, 1949]);
        assert_eq!(money_of(&ada.pay(id, card("tok_approve")).await.unwrap()), (1949, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_the_shelf_cannot_fill_is_refused_as_a_whole() {
    on_both_engines(|database| async move {
        let door = Door { world: world(&database, &[]).await, database: Arc::clone(&database) };
        let ada = door.world.customer("ada");
        let order = confirmed(&door.world, &[("costume", 2)]).await;
        let id = order.order_id.as_str();
        let short = (Code::Aborted, "INSUFFICIENT_STOCK");
        let wanted = edit(id, &[(1, 1)], &[("gem", 1), ("fangs", 101)]);
        for validate_only in [true, false] {
            let request = EditOrderRequest { validate_only, ..wanted.clone() };
            let told = door.refuses(ada.orders.clone().edit_order(request), short).await;
            assert_eq!(told.facts(["sku", "requested", "available"]), ["FANGS", "101", "100"]);
        }
        // Two lines of one product are summed before they are looked for.
        let twice = edit(id, &[], &[("fangs", 60), ("fangs", 60)]);
        let told = door.refuses(ada.orders.clone().edit_order(twice), short).await;
        assert_eq!(told.facts(["sku"]), ["FANGS"]);
        // A unit may go from one line into another although it is the last.
        let order = confirmed(&door.world, &[("cape", 1)]).await;
        let moved = ada.edit(edit(&order.order_id, &[(1, 0)], &[("cape", 1)])).await.unwrap();
        assert_eq!(sums(&moved), [0; 3]);
        assert_eq!(door.world.shelf("CAPE").await, (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_would_cost_otherwise_than_expected_is_refused() {
    on_both_engines(|database| async move {
        let door = Door { world: world(&database, &[]).await, database: Arc::clone(&database) };
        let ada = door.world.customer("ada");
        let order = confirmed(&door.world, &[("gem", 3)]).await;
        let wanted = edit(&order.order_id, &[(1, 1)], &[]);
        let changed = (Code::FailedPrecondition, "PRICE_CHANGED");
        let expecting = |units, nanos| EditOrderRequest {
            expected_difference: Some(money(("USD", units, nanos))),
            ..wanted.clone()
        };
        let told = door.refuses(ada.orders.clone().edit_order(expecting(-7, -180_000_000)), changed).await;
        assert_eq!(told.facts(["expected", "actual"]), ["-7.18 USD", "-7.19 USD"]);
        // A price that was raised meanwhile is told, too.
        shelve(&door.world, "gem", 100).await;
        let dearer = EditOrderRequest {
            expected_difference: Some(money(("USD", 3, 600_000_000))),
            ..edit(&order.order_id, &[], &[("gem", 1)])
        };
        let told = door.refuses(ada.orders.clone().edit_order(dearer), changed).await;
        assert_eq!(told.facts(["expected", "actual"]), ["3.60 USD", "10.80 USD"]);
        let mut priced = edit(&order.order_id, &[], &[("gem", 1)]);
        priced.add[0].expected_unit_price = Some(money(("USD", 3, 330_000_000)));
        door.refuses(ada.orders.clone().edit_order(priced), changed).await;
        assert_eq!(sums(&ada.edit(expecting(-7, -190_000_000)).await.unwrap()), [-719, 719, 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_edited_is_refused_and_says_why() {
    on_both_engines(|database| async move {
        let door = Door { world: world(&database, &[]).await, database: Arc::clone(&database) };
        let (ada, office) = (door.world.customer("ada"), door.world.admin());
        let order = confirmed(&door.world, &[("costume", 3), ("fangs", 1)]).await;
        let id = order.order_id.as_str();
        let parcel = office.parcel(id, &[(1, 1)]).await;
        office.ship(id, &parcel).await.unwrap();
        office.create_shipment(id, &[(1, 1)]).await.unwrap();
        let refusing = async |request: EditOrderRequest, reason| {
            door.refuses(ada.orders.clone().edit_order(request), reason).await
        };
        let exceeded = (Code::FailedPrecondition, "LINE_QUANTITY_EXCEEDED");
        let told = refusing(edit(id, &[(1, 1)], &[]), exceeded).await;
        assert_eq!(told.facts(["line_id", "requested", "available"]), ["1", "2", "1"]);
        refusing(edit(id, &[(1, 4)], &[]), ILLEGAL).await;
        refusing(edit(id, &[(9, 1)], &[]), (Code::NotFound, "ORDER_LINE_NOT_FOUND")).await;
        refusing(edit(id, &[], &[("retired", 1)]), (Code::FailedPrecondition, "PRODUCT_INACTIVE")).await;
        refusing(edit(id, &[], &[("kimono", 1)]), (Code::FailedPrecondition, "CURRENCY_MISMATCH")).await;
        let unknown =
            refusing(edit(id, &[], &[("fangs", 1), ("nothing", 1)]), (Code::InvalidArgument, "PRODUCT_NOT_FOUND"));
        assert!(unknown.await.fields.contains("add[1].product_id"));
        let stale = EditOrderRequest { etag: "1".into(), ..edit(id, &[(2, 0)], &[]) };
        refusing(stale, (Code::Aborted, "ETAG_MISMATCH")).await;
        let wrong = EditOrderRequest {
            etag: "garbage".into(),
            request_id: "no uuid".into(),
            expected_difference: Some(money(("USD", -1, -1))),
            ..edit(id, &[(0, -1), (2, 0), (2, 0)], &[("a b", 0)])
        };
        let paths = [
            "changes[0].line_id",
            "changes[0].quantity",
            "add[0].product_id",
            "add[0].quantity",
            "expected_difference.nanos",
            "etag",
            "request_id",
        ];
        assert_invalid(ada.orders.clone().edit_order(wrong).await, &paths);
        assert_invalid(ada.orders.clone().edit_order(edit(id, &[(2, 0), (2, 0)], &[])).await, &["changes[1].line_id"]);
        assert_invalid(ada.orders.clone().edit_order(edit(id, &[], &[])).await, &["changes"]);
        // What is there already changes nothing; an order is never emptied by an edit.
        let etag = ada.order(id).await.etag;
        let same = ada.edit(edit(id, &[(1, 3), (2, 1)], &[])).await.unwrap();
        assert_eq!((sums(&same), same.order.unwrap().etag), ([0; 3], etag));
        let whole = confirmed(&door.world, &[("fangs", 1)]).await;
        refusing(edit(&whole.order_id, &[(1, 0)], &[]), ILLEGAL).await;
        let lowest = ada.edit(edit(id, &[(1, 2), (2, 0)], &[])).await.unwrap().order.unwrap();
        assert_eq!((counters(&lowest, 1), counters(&lowest, 2)), ([1, 1, 1, 0], [1, 0, 0, 0]));
        refusing(edit(id, &[(1, 2)], &[("gem", 1)]), ILLEGAL).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_edits_of_what_both_have_seen_one_is_made() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let ada = world.customer("ada");
        for _ in 0..20 {
            let order = confirmed(&world, &[("fangs", 2)]).await;
            let answers = at_once(2, |n| {
                let (ada, etag) = (ada.clone(), order.etag.clone());
                let changes: &[_] = if n == 0 { &[(1, 1)] } else { &[] };
                let add: &[_] = if n == 0 { &[] } else { &[("fangs", 1)] };
                let request = EditOrderRequest { etag, ..edit(&order.order_id, changes, add) };
                async move { ada.edit(request).await }
            })
            .await;
            let (made, stale): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
            assert_eq!((made.len(), stale.len()), (1, 1));
            let made = made.into_iter().next().unwrap().unwrap().order.unwrap();
            let stale = refused(stale.into_iter().next().unwrap(), (Code::Aborted, "ETAG_MISMATCH"));
            // The refund of the edit may have been booked since it was refused.
            assert!(made.etag.parse::<i64>().unwrap() >= fact(&stale, "etag").parse().unwrap());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_is_sent_again_tells_the_same_difference() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let ada = world.customer("ada");
        let order = confirmed(&world, &[("costume", 2)]).await;
        let wanted = EditOrderRequest {
            request_id: request_id(),
            expected_difference: Some(money(("USD", -40, -490_000_000))),
            ..edit(&order.order_id, &[(1, 1)], &[("fangs", 1)])
        };
        let first = ada.edit(wanted.clone()).await.unwrap();
        assert_eq!(sums(&first), [-4049, 4049, 0]);
        assert_eq!(ada.edit(wanted.clone()).await.unwrap(), first);
        retire(&world, "fangs").await;
        assert_eq!(ada.edit(wanted.clone()).await.unwrap(), first, "whatever became of the product since");
        let other = EditOrderRequest { reason: "another".into(), ..wanted };
        refused(ada.edit(other).await, (Code::InvalidArgument, "REQUEST_ID_REUSED"));
        // A refusal is an answer, too.
        let late = EditOrderRequest { request_id: request_id(), ..edit(&order.order_id, &[], &[("fangs", 1)]) };
        let inactive = (Code::FailedPrecondition, "PRODUCT_INACTIVE");
        refused(ada.edit(late.clone()).await, inactive);
        let products = vec![product("fangs", ("USD", 12, 500_000_000), 100)];
        let request = v1::UpsertProductsRequest { products, ..Default::default() };
        world.admin().admin.upsert_products(request).await.unwrap();
        refused(ada.edit(late).await, inactive);
        assert_eq!(ada.order(&order.order_id).await, first.order.unwrap());
    })
    .await;
}

async fn retire(world: &World, id: &str) {
    let mut retired = product(id, ("USD", 12, 500_000_000), 100);
    retired.product.as_mut().unwrap().active = false;
    let request = v1::UpsertProductsRequest { products: vec![retired], ..Default::default() };
    world.admin().admin.upsert_products(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discount_in_another_currency_than_the_order_is_refused_by_its_own_name() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let order = confirmed(&world, &[("costume", 1)]).await;
        let line = v1::OrderLineInput { discount: Some(money(("EUR", 1, 0))), ..line("gem", 1) };
        let edit = EditOrderRequest { order_id: order.order_id, add: vec![line], ..Default::default() };
        let answer = world.admin().orders.clone().edit_order(edit).await;
        assert_invalid(answer, &["add[0].discount.currency_code"]);
    })
    .await;
}
