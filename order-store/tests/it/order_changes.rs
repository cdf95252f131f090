//! Changing orders.

use order_core::{
    error::Refusal,
    ids::OrderId,
    order::{Command, Details, FulfillmentStatus, Order, PaymentStatus, RefundWish, State, Status, Tracking},
    payment::{OperationState, Outcome, PaymentMethod},
    policy::AllocatePolicy,
};
use order_store::{ChangeOrder, Mode, Scope, testing::on_both_engines};

use crate::shop::{Shop, Wish, change, contact, customer, fresh, later, refusal, ship};

/// What the store holds after a change is what the change said, and its history has no gap.
async fn assert_kept(shop: &Shop, told: &Order) {
    assert_eq!(&shop.order(told.id).await, told);
    let history = shop.store.events(told.id, 0, 500).await.unwrap().items;
    let revisions: Vec<_> = history.iter().map(|event| event.revision).collect();
    assert_eq!(revisions, (1..=told.revision).collect::<Vec<_>>());
}

async fn placed(shop: &Shop) -> OrderId {
    let mug = shop.sell("mug", 1250, 10).await;
    shop.place(Wish::of(&[(&mug, 2)])).await.unwrap().order.id
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_paid_on_delivery_walks_to_its_end() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let id = placed(&shop).await;
        for (command, status) in [
            (Command::Confirm, Status::Confirmed),
            (Command::StartProcessing, Status::Processing),
            (ship(), Status::Shipped),
            (Command::Deliver, Status::Delivered),
            (Command::Complete, Status::Completed),
        ] {
            let effect = shop.change(id, command).await.unwrap();
            assert_eq!(effect.order.status, status);
            assert_kept(&shop, &effect.order).await;
        }
        let order = shop.order(id).await;
        assert_eq!(
            (order.payment_status, order.fulfillment_status),
            (PaymentStatus::Paid, FulfillmentStatus::Delivered)
        );
        assert_eq!(order.shipments[0].tracking.tracking_number.as_deref(), Some("1Z999"));
        let level = shop.level("MUG").await;
        assert_eq!((level.on_hand, level.allocated), (8, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_walks_every_step_in_one_transaction() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let id = placed(&shop).await;
        let walk = Command::SetStatus { status: Status::Completed, tracking: Tracking::default() };
        let effect = shop.change(id, walk).await.unwrap();
        assert_eq!((effect.order.status, effect.order.state), (Status::Completed, State::Completed));
        assert!(effect.events.len() >= 5);
        assert_kept(&shop, &effect.order).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calling_off_gives_the_stock_back_once_and_the_money_too() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let id = shop.place(Wish::of(&[(&mug, 2)]).by_card()).await.unwrap().order.id;
        assert_eq!(shop.settle(id).await.payment_status, PaymentStatus::Paid);
        let effect = shop.change(id, Command::Cancel).await.unwrap();
        assert_eq!(effect.order.state, State::Cancelled);
        assert_kept(&shop, &effect.order).await;
        assert_eq!(shop.level("MUG").await.allocated, 0);
        assert!(shop.change(id, Command::Cancel).await.is_err());
        assert_eq!(shop.level("MUG").await.allocated, 0);
        let refunded = shop.settle(id).await;
        assert_eq!((refunded.payment_status, refunded.status), (PaymentStatus::Refunded, Status::Refunded));
        assert_eq!(refunded.money_held(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_attempted_lost_and_settled() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let order = shop.place(Wish::of(&[(&mug, 2)]).paid_later()).await.unwrap().order;
        assert_eq!(order.payment_status, PaymentStatus::Unpaid);
        let pay = Command::Pay { method: PaymentMethod::Upi, token: Some("tok_slow".to_owned()), amount: None };
        let paying = shop.change(order.id, pay).await.unwrap().order;
        let operation = paying.payment().unwrap().operations[0].id;
        shop.change(order.id, Command::AttemptOperation(operation)).await.unwrap();
        let lost = shop.change(order.id, Command::LoseOperation(operation)).await.unwrap().order;
        assert_eq!(lost.payment().unwrap().operations[0].state, OperationState::Unknown);
        assert_kept(&shop, &lost).await;
        let declined = Outcome::Failed { code: "insufficient_funds".to_owned() };
        let answer = Command::SettleOperation(operation, declined);
        let failed = shop.change(order.id, answer.clone()).await.unwrap().order;
        assert_eq!(failed.payment_status, PaymentStatus::Failed);
        let twice = shop.change(order.id, answer).await.unwrap();
        assert!(twice.events.is_empty(), "the same answer again changes nothing");
        let pay = Command::Pay { method: PaymentMethod::CreditCard, token: Some("tok_ok".to_owned()), amount: None };
        shop.change(order.id, pay).await.unwrap();
        let paid = shop.settle(order.id).await;
        assert_eq!((paid.payments.len(), paid.payment_status), (2, PaymentStatus::Paid));
        assert_kept(&shop, &paid).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_money_can_be_given_back_after_delivery() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let id = shop.place(Wish::of(&[(&mug, 2)]).by_card()).await.unwrap().order.id;
        shop.settle(id).await;
        let walk = Command::SetStatus { status: Status::Delivered, tracking: Tracking::default() };
        shop.change(id, walk).await.unwrap();
        shop.change(id, Command::Refund(RefundWish::All)).await.unwrap();
        let refunded = shop.settle(id).await;
        assert_eq!(refunded.status, Status::Refunded);
        assert_kept(&shop, &refunded).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unpaid_order_expires_when_its_time_is_over() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 10).await;
        let mut wish = Wish::of(&[(&mug, 2)]).paid_later();
        wish.context.policy.pay_by_minutes = Some(30);
        let id = shop.place(wish).await.unwrap().order.id;
        assert!(shop.change(id, Command::Expire).await.is_err());
        let mut expire = change(id, Command::Expire);
        expire.context.now = later(1801);
        let expired = shop.store.change(expire).await.unwrap().order;
        assert_eq!(expired.state, State::Expired);
        assert_kept(&shop, &expired).await;
        assert_eq!(shop.level("MUG").await.allocated, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_changes_contact_notes_and_labels() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let id = placed(&shop).await;
        let details = Details {
            contact: Some(contact("Augusta King", "augusta@example.com")),
            notes: Some(String::new()),
            metadata: Some([("gift".to_owned(), "yes".to_owned())].into()),
            shipping_address: None,
        };
        let order = shop.change(id, Command::Update(details)).await.unwrap().order;
        assert_eq!(order.contact.as_ref().unwrap().name, "Augusta King");
        assert_kept(&shop, &order).await;
        let noted = shop.change(id, Command::AddNote("rang twice".to_owned())).await.unwrap().order;
        assert_kept(&shop, &noted).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_etag_that_is_not_current_is_refused() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let id = placed(&shop).await;
        let seen = shop.order(id).await.revision;
        let confirm = |revision| ChangeOrder { expected_revision: Some(revision), ..change(id, Command::Confirm) };
        assert_eq!(refusal(shop.store.change(confirm(seen - 1)).await), Refusal::EtagMismatch { current: seen });
        assert_eq!(shop.store.change(confirm(seen)).await.unwrap().order.revision, seen + 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_changes_the_order_of_another() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let id = placed(&shop).await;
        let before = shop.order(id).await;
        let cancel = |name: &str| ChangeOrder { scope: Scope::Customer(customer(name)), ..change(id, Command::Cancel) };
        assert!(matches!(refusal(shop.store.change(cancel("eve")).await), Refusal::NotFound { .. }));
        assert_eq!(shop.order(id).await, before);
        assert!(matches!(refusal(shop.change(OrderId::new(fresh()), Command::Cancel).await), Refusal::NotFound { .. }));
        assert!(shop.store.change(cancel("ada")).await.is_ok());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_shows_everything_and_writes_nothing() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let id = placed(&shop).await;
        let before = shop.order(id).await;
        let walk = Command::SetStatus { status: Status::Completed, tracking: Tracking::default() };
        let preview = ChangeOrder { mode: Mode::Preview, ..change(id, walk) };
        let shown = shop.store.change(preview).await.unwrap();
        assert_eq!(shown.order.status, Status::Completed);
        assert!(!shown.events.is_empty());
        assert_kept(&shop, &before).await;
        assert_eq!(shop.level("MUG").await.on_hand, 10);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_change_leaves_nothing_behind() {
    on_both_engines(|database| async move {
        let shop = Shop::open(&database).await;
        let mug = shop.sell("mug", 1250, 1).await;
        let wish = || {
            let mut wish = Wish::of(&[(&mug, 1)]);
            wish.context.policy.allocate_on = AllocatePolicy::Confirm;
            wish
        };
        let first = shop.place(wish()).await.unwrap().order;
        let second = shop.place(wish()).await.unwrap().order;
        shop.change(first.id, Command::Confirm).await.unwrap();
        let refused = refusal(shop.change(second.id, Command::Confirm).await);
        assert!(matches!(refused, Refusal::InsufficientStock(_)));
        assert_kept(&shop, &second).await;
        assert_eq!(shop.level("MUG").await.allocated, 1);
    })
    .await;
}
