//! What is seen at the door against what the model says.

use order_api::v1;
use order_core::limits;
use order_store::{audit_reports, testing::TestDatabase};
use tonic::Status;

use super::{
    message::Answer,
    money::{Kind, Payment},
    order::{Line, Return},
    player::{Outcome, Player},
    price::COUPONS,
    reference::Done,
    request::sku,
    step::PRODUCTS,
};
use crate::{
    door_money::kit::cents,
    door_races::{audit::count, kit::reason},
};

/// What a refund gives back and an edit costs, in an answer.
pub(super) fn amounts(answer: &Answer, done: Done) {
    match (answer, done) {
        (Answer::Refund(found), Done::Refunded(amount)) => {
            assert_eq!(cents(found.split.as_ref().unwrap().total.as_ref()), amount);
            let parts: i64 = found.payments.iter().map(|part| cents(part.amount.as_ref())).sum();
            assert_eq!(parts, amount);
        }
        (Answer::Edit(found), Done::Edited(difference)) => {
            assert_eq!(cents(found.difference.as_ref()), difference);
        }
        (Answer::Order(_), Done::Changed | Done::Asked(..)) | (Answer::Return(_), Done::Return(_)) => {}
        (answer, done) => panic!("expected {done:?}, and the answer is {answer:?}"),
    }
}

impl Player {
    pub(super) fn compare(&mut self, answer: Result<Answer, Status>, outcome: Outcome) {
        match (answer, outcome) {
            (Err(status), Outcome::Order(..)) if self.is_declined(outcome) => {
                assert_eq!(reason(&status), "PAYMENT_DECLINED");
            }
            (Ok(answer), Outcome::Order(n, done)) => {
                assert!(!self.is_declined(outcome), "{answer:?}");
                amounts(&answer, done);
                match (answer, done) {
                    (Answer::Order(found), _) => self.compare_order(n, &found),
                    (Answer::Return(found), Done::Return(m)) => self.compare_return((n, m), &found),
                    (Answer::Refund(found), _) => self.compare_order(n, &found.order.unwrap()),
                    (Answer::Edit(found), _) => {
                        assert_eq!(cents(found.due.as_ref()), self.model.orders[n].missing());
                        self.compare_order(n, &found.order.unwrap());
                    }
                    (answer, done) => panic!("expected {done:?}, and the answer is {answer:?}"),
                }
            }
            (Ok(Answer::Cart(found)), Outcome::Cart(cart)) => self.compare_cart(cart, &found),
            (Ok(Answer::Stock(found)), Outcome::Stock(product)) => {
                let model = &self.model;
                assert_eq!([found.on_hand, found.available], [model.on_hand(product), model.available(product, None)]);
            }
            (Err(status), Outcome::Refused(why)) => assert_eq!(reason(&status), why, "{status:?}"),
            (answer, outcome) => panic!("expected {outcome:?}, and the answer is {answer:?}"),
        }
    }

    pub(super) fn compare_order(&mut self, n: usize, found: &v1::Order) {
        if n == self.seen.len() {
            self.seen.push(found.clone());
        }
        let model = &self.model.orders[n];
        assert_eq!(found.order_id, self.seen[n].order_id, "another order than expected");
        let words = (model.state, model.payment_status(), model.fulfillment_status(), model.word());
        let said = (found.state(), found.payment_status(), found.fulfillment_status(), found.status());
        assert_eq!(said, words, "{model:#?}\n{found:#?}");
        assert_eq!(found.lines.iter().map(line).collect::<Vec<_>>(), model.lines, "{model:#?}");
        let money = [&found.total, &found.amount_due, &found.amount_held].map(|amount| cents(amount.as_ref()));
        assert_eq!(money, [model.total(), model.missing(), model.held()], "total, due, held: {model:#?}");
        let books: Vec<_> = model.payments.iter().map(books).collect();
        assert_eq!(found.payments.iter().map(ledger).collect::<Vec<_>>(), books, "{model:#?}");
        let holds: Vec<_> = found.holds().collect();
        assert_eq!(holds, model.holds);
        let parcels: Vec<_> = found.shipments.iter().map(|parcel| (parcel.status(), units(&parcel.lines))).collect();
        let expected: Vec<_> = model.parcels.iter().map(|parcel| (parcel.status, parcel.units.clone())).collect();
        assert_eq!(parcels, expected);
        assert_eq!(found.returns.len(), model.returns.len());
        for (found, model) in found.returns.iter().zip(&model.returns) {
            compare_return(found, model);
        }
        self.seen[n] = found.clone();
    }

    fn compare_return(&self, (n, m): (usize, usize), found: &v1::OrderReturn) {
        compare_return(found, &self.model.orders[n].returns[m]);
    }

    fn compare_cart(&mut self, cart: usize, found: &v1::Cart) {
        let model = &self.model.carts[cart];
        let lines = |item: &v1::CartItem| (place_of(&item.product_id), i64::from(item.quantity));
        assert_eq!(found.items.iter().map(lines).collect::<Vec<_>>(), model.lines);
        assert_eq!(found.etag, model.changes.to_string());
        self.items.resize(self.model.carts.len(), Vec::new());
        self.items[cart] = found.items.iter().map(|item| item.item_id.clone()).collect();
    }

    pub(super) async fn look_at(&mut self, n: usize) {
        let found = self.world.admin().order(&self.seen[n].order_id).await;
        for (found, model) in found.shipments.iter().zip(&self.model.orders[n].parcels) {
            assert_eq!(found.carrier_events.len(), model.news.len());
        }
        self.compare_order(n, &found);
    }

    pub(super) async fn compare_orders(&mut self) {
        let all = self.world.admin().all_orders().await;
        assert_eq!(all.len(), self.seen.len());
        for found in all {
            let n = self.seen.iter().position(|seen| seen.order_id == found.order_id).unwrap();
            self.compare_order(n, &found);
        }
    }

    /// Every order, every shelf, every cart, every coupon.
    pub(super) async fn compare_everything(&mut self) {
        self.compare_orders().await;
        let mut office = self.world.admin().admin;
        for product in 0..PRODUCTS.len() {
            let found = office.get_stock(v1::GetStockRequest { sku: sku(product) }).await.unwrap().into_inner();
            let model = &self.model;
            let expected = [model.on_hand(product), model.allocated(product), model.reserved(product, None)];
            assert_eq!([found.on_hand, found.allocated, found.reserved], expected, "{found:?}");
            assert_eq!(
                [found.available, found.backorder_limit],
                [model.available(product, None), model.backorders[product]]
            );
        }
        for (n, coupon) in COUPONS.iter().enumerate() {
            let request = v1::GetCouponRequest { coupon_code: coupon.code.to_owned() };
            let found = office.get_coupon(request).await.unwrap().into_inner();
            let live = self.model.orders.iter().filter(|order| order.coupon == Some(n) && !order.is_called_off());
            assert_eq!(usize::try_from(found.redeemed).unwrap(), live.count(), "{}", coupon.code);
        }
        for customer in 0..self.model.cart_of.len() {
            let caller = self.world.customer(&format!("customer-{customer}"));
            let cart = caller.carts.clone().get_cart(v1::GetCartRequest::default()).await.unwrap().into_inner();
            match self.model.live_cart(customer) {
                Some(live) => self.compare_cart(live, &cart),
                None => assert!(cart.items.is_empty()),
            }
        }
    }

    /// The service finds nothing wrong with itself.
    pub(super) async fn verify(&self) {
        let (reports, mut watch) = audit_reports(limits::FINDINGS_MAX);
        let summary = self.world.store.audit(reports).await.unwrap();
        let findings: Vec<_> = std::iter::from_fn(|| watch.findings.try_recv().ok()).collect();
        assert_eq!((summary.findings, findings.len()), (0, 0), "{findings:#?}");
    }

    /// The whole ledger, past the door.
    pub(super) async fn compare_money(&self, database: &TestDatabase) {
        let columns: [(&str, &[Kind]); 4] = [
            ("authorized", &[Kind::Sale, Kind::Authorize]),
            ("captured", &[Kind::Sale, Kind::Capture]),
            ("refunded", &[Kind::Refund]),
            ("voided", &[Kind::Void]),
        ];
        for (column, kinds) in columns {
            let query = format!("SELECT COALESCE(sum({column}), 0) AS n FROM payment");
            assert_eq!(count(database, &query).await, self.model.moved(kinds), "{column}");
        }
    }
}

/// A line as the model knows it.
fn line(found: &v1::OrderLine) -> Line {
    let counters = found.counters.unwrap();
    Line {
        product: place_of(&found.product_id),
        ordered: found.quantity.into(),
        total: cents(found.total.as_ref()),
        cancelled: counters.cancelled.into(),
        allocated: counters.allocated.into(),
        shipped: counters.shipped.into(),
        delivered: counters.delivered.into(),
        announced: counters.return_requested.into(),
        received: counters.return_received.into(),
        restocked: counters.restocked.into(),
        written_off: counters.written_off.into(),
        refunded: counters.refunded.into(),
    }
}

fn books(payment: &Payment) -> [i64; 9] {
    [
        payment.amount,
        payment.authorized(),
        payment.captured(),
        payment.done(&[Kind::Refund]),
        payment.done(&[Kind::Void]),
        payment.open(&[Kind::Sale, Kind::Authorize]),
        payment.open(&[Kind::Capture]),
        payment.open(&[Kind::Refund]),
        payment.open(&[Kind::Void]),
    ]
}

fn ledger(found: &v1::Payment) -> [i64; 9] {
    [
        &found.amount,
        &found.authorized,
        &found.captured,
        &found.refunded,
        &found.voided,
        &found.auth_pending,
        &found.capture_pending,
        &found.refund_pending,
        &found.void_pending,
    ]
    .map(|amount| cents(amount.as_ref()))
}

fn units(lines: &[v1::ShipmentLine]) -> Vec<(usize, i64)> {
    lines.iter().map(|line| (usize::try_from(line.line_id - 1).unwrap(), i64::from(line.quantity))).collect()
}

fn compare_return(found: &v1::OrderReturn, model: &Return) {
    let line = |line: &v1::OrderReturnLine| {
        let units = [line.requested, line.restocked, line.written_off].map(i64::from);
        (usize::try_from(line.line_id - 1).unwrap(), units)
    };
    assert_eq!(found.status(), model.status);
    assert_eq!(found.lines.iter().map(line).collect::<Vec<_>>(), model.units);
}

fn place_of(product_id: &str) -> usize {
    PRODUCTS.iter().position(|(id, _)| *id == product_id).unwrap()
}
