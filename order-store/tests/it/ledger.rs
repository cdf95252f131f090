//! What has to be looked after, and the simulated gateway's own log.

use order_core::{
    ids::OperationId,
    order::Command,
    payment::{OperationKind, Outcome},
    policy::CapturePolicy,
};
use order_store::{DueOperation, GatewayRecord, testing::on_both_engines};

use crate::shop::{NOW, Shop, Wish, fresh, later, usd};

#[tokio::test(flavor = "multi_thread")]
async fn open_requests_are_due_oldest_first_until_they_are_settled() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let mut expected = Vec::new();
        for second in [20, 0, 10] {
            let order = shop.place(Wish::of(&[(&mug, 1)]).by_card().at(later(second))).await.unwrap().order;
            let operation_id = order.payment().unwrap().operations[0].id;
            expected.push(DueOperation { order_id: order.id, operation_id });
        }
        expected.rotate_left(1);
        let due = |seconds, most| shop.store.due_operations(later(seconds), None, most);
        assert_eq!(due(0, 10).await.unwrap(), [], "the gateway is given its time");
        assert_eq!(due(15, 10).await.unwrap(), expected[..1]);
        assert_eq!(due(100, 10).await.unwrap(), expected);
        assert_eq!(due(100, 2).await.unwrap(), expected[..2]);
        shop.settle(expected[0].order_id).await;
        shop.change(expected[1].order_id, Command::LoseOperation(expected[1].operation_id)).await.unwrap();
        let mut left = due(3600, 10).await.unwrap();
        left.sort_by_key(|due| due.order_id);
        let mut still_open = expected[1..].to_vec();
        still_open.sort_by_key(|due| due.order_id);
        assert_eq!(left, still_open);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_unpaid_orders_are_due_to_expire() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let timed = |mut wish: Wish, minutes| {
            wish.context.policy.pay_by_minutes = Some(minutes);
            shop.place(wish)
        };
        let unpaid = timed(Wish::of(&[(&mug, 1)]).paid_later(), 30).await.unwrap().order.id;
        let sooner = timed(Wish::of(&[(&mug, 1)]).paid_later(), 20).await.unwrap().order.id;
        let paid = timed(Wish::of(&[(&mug, 1)]).by_card(), 10).await.unwrap().order.id;
        timed(Wish::of(&[(&mug, 1)]).by_card(), 10).await.unwrap();
        timed(Wish::of(&[(&mug, 1)]), 10).await.unwrap();
        shop.settle(paid).await;
        let mut promising = Wish::of(&[(&mug, 1)]).by_card();
        promising.context.policy.capture = CapturePolicy::OnShipment;
        let promised = timed(promising, 5).await.unwrap().order.id;
        shop.settle(promised).await;
        assert_eq!(shop.store.due_expiries(later(20 * 60), 10).await.unwrap(), []);
        assert_eq!(shop.store.due_expiries(later(20 * 60 + 1), 10).await.unwrap(), [sooner]);
        assert_eq!(shop.store.due_expiries(later(3600), 10).await.unwrap(), [sooner, unpaid]);
        assert_eq!(shop.store.due_expiries(later(3600), 1).await.unwrap(), [sooner]);
        shop.change(sooner, Command::Cancel).await.unwrap();
        assert_eq!(shop.store.due_expiries(later(3600), 10).await.unwrap(), [unpaid]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_word_of_the_gateway_holds() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let key = OperationId::new(fresh());
        let record = |outcome| GatewayRecord { key, kind: OperationKind::Sale, amount: usd(5998), outcome, time: NOW };
        let declined = record(Outcome::Failed { code: "insufficient_funds".to_owned() });
        let approved = record(Outcome::succeeded("r-1"));
        assert_eq!(shop.store.gateway_record(key).await.unwrap(), None);
        assert_eq!(shop.store.record_gateway(declined.clone()).await.unwrap(), declined);
        assert_eq!(shop.store.record_gateway(approved).await.unwrap(), declined);
        assert_eq!(shop.store.gateway_record(key).await.unwrap(), Some(declined));
    })
    .await;
}
