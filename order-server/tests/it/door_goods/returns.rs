//! Goods come back: asked for, decided, received unit by unit, and what that means for the shelf and for the money.

use std::sync::Arc;

use order_api::v1::{
    self, FulfillmentStatus as Goods, OrderStatus as Word, PaymentStatus as Paid, ReturnStatus as Back,
    StockMovementKind as Moved, import_orders_request::Message,
};
use order_store::testing::on_both_engines;
use tonic::{Code, Status};

use super::kit::{arrived, axes, cents, confirmed, counters_back, money_of, movements, received, units, world};
use crate::{
    door_input::refusal::{Door, assert_invalid},
    door_races::kit::{ILLEGAL, fact, refused},
    world::{Caller, World},
};

const EXCEEDED: (Code, &str) = (Code::FailedPrecondition, "LINE_QUANTITY_EXCEEDED");

fn refunded(back: &v1::OrderReturn) -> i64 {
    cents(back.refunded.as_ref())
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_come_back_in_parts_and_their_money_follows_to_the_cent() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let (ada, office) = (world.customer("ada"), world.admin());
        let order = arrived(&world, &[("costume", 2), ("fangs", 3)]).await;
        let id = order.order_id.as_str();
        assert_eq!((cents(order.total.as_ref()), world.shelf("FANGS").await), (14848, (97, 0)));

        let asked = ada.request_return(id, &[(1, 1), (2, 2)]).await.unwrap();
        let back = asked.return_id.as_str();
        assert_eq!(
            (asked.status(), asked.return_number.clone()),
            (Back::Requested, format!("{}-R1", order.order_number))
        );
        assert_eq!([asked.reason.as_str(), &asked.lines[1].reason], ["wrong size", "line 2 does not fit"]);
        assert_eq!(counters_back(&ada.order(id).await, 2), [2, 0, 0, 0, 0]);
        refused(office.receive((id, back), &[(2, 1, 0)]).await, ILLEGAL);
        assert_eq!(office.approve(id, back).await.unwrap().status(), Back::Approved);
        let part = office.receive((id, back), &[(2, 1, 0)]).await.unwrap();
        assert_eq!((part.status(), refunded(&part)), (Back::Received, 1350));
        assert_eq!(world.shelf("FANGS").await, (98, 0));
        let seen = ada.order(id).await;
        assert_eq!(axes(&seen), (Word::Delivered, Paid::PartiallyRefunded, Goods::PartiallyReturned));
        assert_eq!((counters_back(&seen, 2), money_of(&seen)), ([2, 1, 1, 0, 1], (14848, 1350)));

        let rest = office.receive((id, back), &[(1, 0, 1), (2, 0, 1)]).await.unwrap();
        assert_eq!(refunded(&rest), 8099);
        let line = &rest.lines[1];
        assert_eq!([line.requested, line.received, line.restocked, line.written_off], [2, 2, 1, 1]);
        assert_eq!(world.shelf("COSTUME").await, (98, 0), "what is written off is on no shelf");
        assert_eq!(office.close(id, back).await.unwrap().status(), Back::Closed);

        let last = office.approved_return(&ada, (id, &[(1, 1), (2, 1)])).await;
        let all = office.receive((id, &last), &[(1, 1, 0), (2, 1, 0)]).await.unwrap();
        assert_eq!(refunded(&all), 14848 - 8099);
        let seen = ada.order(id).await;
        assert_eq!(axes(&seen), (Word::Refunded, Paid::Refunded, Goods::Returned));
        assert_eq!((money_of(&seen), seen.returns.len()), ((14848, 14848), 2));
        assert_eq!([counters_back(&seen, 1), counters_back(&seen, 2)], [[2, 2, 1, 1, 2], [3, 3, 2, 1, 3]]);
        let moved = movements(&world, "FANGS").await;
        let home = (Moved::Returned, 1, 0);
        assert_eq!(moved, [(Moved::Received, 100, 0), (Moved::Allocated, 0, 3), (Moved::Shipped, -3, -3), home, home]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn single_units_come_back_for_what_was_paid_for_them_together() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let (ada, office) = (world.customer("ada"), world.admin());
        let order = arrived(&world, &[("gem", 3)]).await;
        let id = order.order_id.as_str();
        for share in [360, 359, 360] {
            let back = office.approved_return(&ada, (id, &[(1, 1)])).await;
            assert_eq!(refunded(&office.receive((id, &back), &[(1, 1, 0)]).await.unwrap()), share);
        }
        let seen = ada.order(id).await;
        assert_eq!(
            (axes(&seen), money_of(&seen)),
            ((Word::Delivered, Paid::PartiallyRefunded, Goods::Returned), (1678, 1079))
        );
        assert_eq!(world.shelf("GEM").await, (100, 0));
        let done = office.walk(id, Word::Completed).await.unwrap();
        assert_eq!(done.status(), Word::Completed, "shipping was paid for and is kept");
        let rest = office.walk(id, Word::Refunded).await.unwrap();
        assert_eq!(money_of(&rest), (1678, 1678));
    })
    .await;
}

/// What can be done with a return, by name.
const STEPS: [&str; 5] = ["approve", "reject", "cancel", "receive", "close"];

async fn take(world: &World, step: &str, (order_id, back): (&str, &str)) -> Result<v1::OrderReturn, Status> {
    let (ada, office) = (world.customer("ada"), world.admin());
    match step {
        "approve" => office.approve(order_id, back).await,
        "reject" => office.reject(order_id, back, "worn").await,
        "cancel" => ada.cancel_return(order_id, back).await,
        "receive" => office.receive((order_id, back), &[(1, 1, 0)]).await,
        "close" => office.close(order_id, back).await,
        other => panic!("no such step: {other}"),
    }
}

/// A road, the status that it leads to, and what becomes of it by each step.
type Row = (&'static [&'static str], Back, [Option<Back>; 5]);

/// For each road to a status: what each of [`STEPS`] leads to from there, or nothing where it is refused.
const TABLE: [Row; 6] = {
    const APPROVED: Option<Back> = Some(Back::Approved);
    const REJECTED: Option<Back> = Some(Back::Rejected);
    const CANCELLED: Option<Back> = Some(Back::Cancelled);
    const RECEIVED: Option<Back> = Some(Back::Received);
    const CLOSED: Option<Back> = Some(Back::Closed);
    [
        (&[], Back::Requested, [APPROVED, REJECTED, CANCELLED, None, None]),
        (&["approve"], Back::Approved, [APPROVED, None, CANCELLED, RECEIVED, CLOSED]),
        (&["approve", "receive"], Back::Received, [None, None, None, RECEIVED, CLOSED]),
        (&["reject"], Back::Rejected, [None, REJECTED, None, None, None]),
        (&["approve", "receive", "close"], Back::Closed, [None, None, None, None, CLOSED]),
        (&["approve", "cancel"], Back::Cancelled, [None, None, CANCELLED, None, None]),
    ]
};

#[tokio::test(flavor = "multi_thread")]
async fn every_step_of_a_return_is_taken_or_refused_as_the_table_says() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let ada = world.customer("ada");
        for (road, status, steps) in TABLE {
            for (step, expected) in STEPS.into_iter().zip(steps) {
                let order = arrived(&world, &[("gem", 2)]).await;
                let id = order.order_id.as_str();
                let back = ada.request_return(id, &[(1, 2)]).await.unwrap().return_id;
                for step in road {
                    take(&world, step, (id, &back)).await.unwrap();
                }
                let before = ada.order(id).await;
                assert_eq!(before.returns[0].status(), status);
                let answer = take(&world, step, (id, &back)).await;
                let after = ada.order(id).await;
                match expected {
                    Some(expected) => assert_eq!(answer.unwrap().status(), expected, "{step} when {status:?}"),
                    None => drop(refused(answer, ILLEGAL)),
                }
                let idle = expected.is_none_or(|expected| expected == status && step != "receive");
                assert_eq!(after == before, idle, "{step} when {status:?}");
                let open = [Back::Requested, Back::Approved, Back::Received].contains(&after.returns[0].status());
                let [requested, received, ..] = counters_back(&after, 1);
                assert_eq!(requested, if open { 2 } else { received }, "what does not come back is not waited for");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cancelled_rejected_or_kept_can_be_asked_for_again() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let (ada, office) = (world.customer("ada"), world.admin());
        let order = arrived(&world, &[("fangs", 2)]).await;
        let id = order.order_id.as_str();
        let first = ada.request_return(id, &[(1, 2)]).await.unwrap().return_id;
        refused(ada.request_return(id, &[(1, 1)]).await, ILLEGAL);
        ada.cancel_return(id, &first).await.unwrap();
        let second = ada.request_return(id, &[(1, 1)]).await.unwrap();
        let told = refused(ada.request_return(id, &[(1, 2)]).await, EXCEEDED);
        assert_eq!(["line_id", "requested", "available"].map(|name| fact(&told, name)), ["1", "2", "1"]);
        let no = office.reject(id, &second.return_id, "worn in the rain").await.unwrap();
        assert_eq!((no.status(), no.decision_reason.as_str()), (Back::Rejected, "worn in the rain"));
        assert_eq!(ada.order(id).await.returns[1], no, "the customer reads why");
        let third = ada.request_return(id, &[(1, 2)]).await.unwrap();
        let request = v1::ApproveReturnRequest {
            order_id: id.to_owned(),
            return_id: third.return_id.clone(),
            reason: "as agreed by telephone".to_owned(),
            ..Default::default()
        };
        let yes = office.admin.clone().approve_return(request).await.unwrap().into_inner();
        assert_eq!(yes.decision_reason, "as agreed by telephone");
        office.receive((id, &third.return_id), &[(1, 1, 0)]).await.unwrap();
        let told = refused(office.receive((id, &third.return_id), &[(1, 1, 1)]).await, EXCEEDED);
        assert_eq!(["line_id", "requested", "available"].map(|name| fact(&told, name)), ["1", "2", "1"]);
        office.close(id, &third.return_id).await.unwrap();
        let last = office.approved_return(&ada, (id, &[(1, 1)])).await;
        office.receive((id, &last), &[(1, 1, 0)]).await.unwrap();
        let seen = ada.order(id).await;
        assert_eq!(
            (axes(&seen).2, money_of(&seen), world.shelf("FANGS").await),
            (Goods::Returned, (3299, 2700), (100, 0))
        );
        let statuses: Vec<_> = seen.returns.iter().map(v1::OrderReturn::status).collect();
        assert_eq!(statuses, [Back::Cancelled, Back::Rejected, Back::Closed, Back::Received]);
    })
    .await;
}

/// What was paid for some units of a line goes back without the goods.
async fn refund_units(office: &Caller, order_id: &str, lines: &[(i32, i32)]) -> v1::RefundOrderResponse {
    let (order_id, lines) = (order_id.to_owned(), units(lines));
    let request = v1::RefundOrderRequest { order_id, lines, ..Default::default() };
    office.admin.clone().refund_order(request).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn money_goes_back_once_for_a_unit_whichever_way_it_went() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let (ada, office) = (world.customer("ada"), world.admin());
        let order = arrived(&world, &[("gem", 3)]).await;
        let id = order.order_id.as_str();
        // Refunded before it came back: receiving it pays nothing more.
        refund_units(&office, id, &[(1, 1)]).await;
        let back = office.approved_return(&ada, (id, &[(1, 3)])).await;
        assert_eq!(refunded(&office.receive((id, &back), &[(1, 1, 0)]).await.unwrap()), 0);
        // Received without money: the money may follow.
        let skip = v1::ReceiveReturnRequest { skip_refund: true, ..received((id, &back), &[(1, 1, 0)]) };
        let kept = office.admin.clone().receive_return(skip).await.unwrap().into_inner();
        assert_eq!((refunded(&kept), money_of(&ada.order(id).await).1), (0, 360));
        let split = refund_units(&office, id, &[(1, 1)]).await.split.unwrap();
        assert_eq!(cents(split.total.as_ref()), 359);
        assert_eq!(refunded(&office.receive((id, &back), &[(1, 1, 0)]).await.unwrap()), 360);
        let seen = ada.order(id).await;
        assert_eq!((counters_back(&seen, 1), money_of(&seen)), ([3, 3, 3, 0, 3], (1678, 1079)));
        let request = v1::RefundOrderRequest { order_id: id.to_owned(), lines: units(&[(1, 1)]), ..Default::default() };
        refused(office.admin.clone().refund_order(request).await, EXCEEDED);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_what_came_back_shows_the_refund_and_books_nothing() {
    on_both_engines(|database| async move {
        let door = Door { world: world(&database, &[]).await, database: Arc::clone(&database) };
        let (ada, office) = (door.world.customer("ada"), door.world.admin());
        let order = arrived(&door.world, &[("gem", 3)]).await;
        let id = order.order_id.as_str();
        let back = office.approved_return(&ada, (id, &[(1, 2)])).await;
        let check = v1::ReceiveReturnRequest { validate_only: true, ..received((id, &back), &[(1, 1, 1)]) };
        let before = door.footprint().await;
        let shown = office.admin.clone().receive_return(check.clone()).await.unwrap().into_inner();
        assert_eq!((shown.status(), refunded(&shown), shown.lines[0].received), (Back::Received, 719, 2));
        assert_eq!(door.footprint().await, before);
        let more = v1::ReceiveReturnRequest { ..received((id, &back), &[(1, 2, 1)]) };
        door.refuses(office.admin.clone().receive_return(more), EXCEEDED).await;
        let foreign_line = received((id, &back), &[(2, 1, 0)]);
        door.refuses(office.admin.clone().receive_return(foreign_line), (Code::NotFound, "ORDER_LINE_NOT_FOUND")).await;
        let wrong = received((id, "no uuid"), &[(0, 1, 0), (1, 0, 0), (1, -1, 10_001)]);
        let paths = ["return_id", "lines[0].line_id", "lines[1]", "lines[2].restock", "lines[2].write_off"];
        assert_invalid(office.admin.clone().receive_return(wrong).await, &paths);
        assert_invalid(office.admin.clone().receive_return(received((id, &back), &[])).await, &["lines"]);
        assert_invalid(
            office.admin.clone().receive_return(received((id, &back), &[(1, 1, 0), (1, 0, 1)])).await,
            &["lines[1].line_id"],
        );
        let silent = v1::RejectReturnRequest { order_id: id.into(), return_id: back, ..Default::default() };
        assert_invalid(office.admin.clone().reject_return(silent).await, &["reason"]);
        let empty = v1::RequestReturnRequest { order_id: id.to_owned(), ..Default::default() };
        assert_invalid(ada.orders.clone().request_return(empty).await, &["lines"]);
        refused(ada.request_return(id, &[(7, 1)]).await, (Code::NotFound, "ORDER_LINE_NOT_FOUND"));
        // What is only on its way cannot be asked back yet.
        let under_way = confirmed(&door.world, &[("fangs", 1)]).await;
        door.world.admin().walk(&under_way.order_id, Word::Shipped).await.unwrap();
        refused(ada.request_return(&under_way.order_id, &[(1, 1)]).await, ILLEGAL);
    })
    .await;
}

/// Takes a delivered order of two units over that no shelf here knows.
async fn imported(office: &Caller) -> String {
    let text = str::to_owned;
    let item = v1::ImportOrderItem {
        external_id: text("1"),
        product_id: text("old-1"),
        sku: text("OLD-1"),
        quantity: text("2"),
        unit_price: text("10.00"),
    };
    let order = v1::ImportOrder {
        external_id: text("A-1"),
        customer_id: text("ada"),
        status: text("DELIVERED"),
        payment_status: text("SUCCESS"),
        total: text("20.00"),
        created_at: text("2026-01-05 10:00:00"),
        items: vec![item],
    };
    let options = v1::ImportOptions { source: text("old-shop"), currency_code: text("USD"), dry_run: false };
    let stream = [Message::Options(options), Message::Order(order)];
    let stream = stream.map(|message| v1::ImportOrdersRequest { message: Some(message) });
    let answer = office.admin.clone().import_orders(tokio_stream::iter(stream)).await.unwrap().into_inner();
    answer.decisions[0].order_id.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sold_elsewhere_comes_back_here() {
    on_both_engines(|database| async move {
        let world = world(&database, &[]).await;
        let (ada, office) = (world.customer("ada"), world.admin());
        let id = imported(&office).await;
        let request = v1::GetStockRequest { sku: "OLD-1".to_owned() };
        refused(office.admin.clone().get_stock(request).await, (Code::NotFound, "STOCK_NOT_FOUND"));
        let back = office.approved_return(&ada, (&id, &[(1, 2)])).await;
        let came = office.receive((&id, &back), &[(1, 1, 1)]).await.unwrap();
        assert_eq!(refunded(&came), 0, "money that was taken elsewhere goes back there");
        assert_eq!(world.shelf("OLD-1").await, (1, 0), "the shelf is made for it");
        assert_eq!(movements(&world, "OLD-1").await, [(Moved::Returned, 1, 0)]);
        let seen = ada.order(&id).await;
        assert_eq!(axes(&seen), (Word::Delivered, Paid::Overpaid, Goods::Returned), "somebody owes it to her");
    })
    .await;
}
