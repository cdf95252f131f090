//! What the tests of races share: calls at the same moment, and short ways to the door.

use std::{sync::Arc, time::Duration};

use order_api::v1;
use order_server::workers;
use tokio::{
    sync::{Barrier, Semaphore},
    task::JoinSet,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::world::{Caller, World, address, contact, product};

/// Makes calls at the same moment; their answers in the order of the calls.
pub(super) async fn at_once<T, F>(count: usize, call: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(count));
    gather((0..count).map(|n| {
        let (start, call) = (Arc::clone(&start), call(n));
        async move {
            start.wait().await;
            call.await
        }
    }))
    .await
}

/// Makes many calls, `width` of them at a time; their answers in the order of the calls.
pub(super) async fn spread<T, F>((count, width): (usize, usize), call: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(width));
    gather((0..count).map(|n| {
        let (room, call) = (Arc::clone(&room), call(n));
        async move {
            let _place = room.acquire_owned().await.unwrap();
            call.await
        }
    }))
    .await
}

async fn gather<T, F>(calls: impl Iterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut running = JoinSet::new();
    for (n, call) in calls.enumerate() {
        running.spawn(async move { (n, call.await) });
    }
    let mut answers = running.join_all().await;
    answers.sort_by_key(|(n, _)| *n);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Waits until something holds, and fails if it does not within ten seconds.
pub(super) async fn eventually<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting)
        .await
        .unwrap_or_else(|_| panic!("it never came true: {what}"));
}

/// What runs in a world for as long as it is there: the look at the database that health answers from.
const RESIDENT_TASKS: usize = 1;

/// Waits until the service does nothing any more that outlives its calls.
pub(super) async fn quiet(world: &World) {
    eventually("no payment is under way", || async { world.app.tasks.len() <= RESIDENT_TASKS }).await;
}

/// Lets so much time pass that every payment request is due, and looks after them.
pub(super) async fn reconcile(world: &World) {
    world.clock.advance(Duration::from_secs(3600));
    workers::reconcile_due(&world.app).await.unwrap();
    quiet(world).await;
}

/// Why a call was refused, as programs read it.
pub(super) fn reason(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.unwrap_or_else(|| panic!("an error without a reason: {status:?}")).reason
}

/// A fact of a refusal.
pub(super) fn fact(status: &Status, name: &str) -> String {
    status.get_details_error_info().unwrap().metadata[name].clone()
}

/// The call was refused with this reason and code.
#[track_caller]
pub(super) fn refused<T: std::fmt::Debug>(answer: Result<T, Status>, (code, why): (Code, &str)) -> Status {
    let status = answer.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (code, why), "{status:?}");
    status
}

/// The refusal of what the state does not allow.
pub(super) const ILLEGAL: (Code, &str) = (Code::FailedPrecondition, "ILLEGAL_TRANSITION");

/// The refusal of what is not on the shelf.
pub(super) const SHORT: (Code, &str) = (Code::Aborted, "INSUFFICIENT_STOCK");

/// The refusal of a request id that was used for something else.
pub(super) const REUSED: (Code, &str) = (Code::InvalidArgument, "REQUEST_ID_REUSED");

/// Puts a product on the shelf, at 10.00 USD.
pub(super) async fn shelve(world: &World, id: &str, stock: i64) {
    let request =
        v1::UpsertProductsRequest { products: vec![product(id, ("USD", 10, 0), stock)], ..Default::default() };
    world.admin().admin.upsert_products(request).await.unwrap();
}

/// A way to the door that hands over the message itself.
impl Caller {
    pub(super) async fn create(&self, request: v1::CreateOrderRequest) -> Result<v1::Order, Status> {
        self.orders.clone().create_order(request).await.map(tonic::Response::into_inner)
    }

    pub(super) async fn cancel(&self, order_id: &str) -> Result<v1::Order, Status> {
        let request = v1::CancelOrderRequest { order_id: order_id.to_owned(), ..Default::default() };
        self.orders.clone().cancel_order(request).await.map(tonic::Response::into_inner)
    }

    pub(super) async fn pay(&self, order_id: &str, payment: v1::PaymentInstrument) -> Result<v1::Order, Status> {
        let (order_id, payment) = (order_id.to_owned(), Some(payment));
        let request = v1::PayOrderRequest { order_id, payment, ..Default::default() };
        self.orders.clone().pay_order(request).await.map(tonic::Response::into_inner)
    }

    pub(super) async fn walk(&self, order_id: &str, status: v1::OrderStatus) -> Result<v1::Order, Status> {
        let (order_id, status) = (order_id.to_owned(), status.into());
        let request = v1::UpdateOrderStatusRequest { order_id, status, ..Default::default() };
        self.admin.clone().update_order_status(request).await.map(tonic::Response::into_inner)
    }

    pub(super) async fn order(&self, order_id: &str) -> v1::Order {
        let request = v1::GetOrderRequest { order_id: order_id.to_owned() };
        self.orders.clone().get_order(request).await.unwrap().into_inner()
    }

    pub(super) async fn add(&self, product_id: &str, quantity: i32) -> Result<v1::Cart, Status> {
        let request = v1::AddCartItemRequest { product_id: product_id.to_owned(), quantity, ..Default::default() };
        self.carts.clone().add_cart_item(request).await.map(tonic::Response::into_inner)
    }

    pub(super) async fn checkout(&self, request: v1::CheckoutRequest) -> Result<v1::Order, Status> {
        self.carts.clone().checkout(request).await.map(tonic::Response::into_inner)
    }

    /// The whole history of an order, as the shop sees it.
    pub(super) async fn history(&self, order_id: &str) -> Vec<v1::OrderEvent> {
        let mut events = Vec::new();
        let mut page_token = String::new();
        loop {
            let order_id = order_id.to_owned();
            let request = v1::ListOrderEventsRequest { order_id, page_size: 500, page_token };
            let page = self.orders.clone().list_order_events(request).await.unwrap().into_inner();
            events.extend(page.events);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return events;
            }
        }
    }

    /// Every order there is, as an administrator sees them.
    pub(super) async fn all_orders(&self) -> Vec<v1::Order> {
        let mut orders = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = v1::AdminServiceListOrdersRequest { page_size: 500, page_token, ..Default::default() };
            let page = self.admin.clone().list_orders(request).await.unwrap().into_inner();
            orders.extend(page.orders);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return orders;
            }
        }
    }
}

/// A checkout that leaves payment for later, under a request id or none.
pub(super) fn checkout(request_id: &str) -> v1::CheckoutRequest {
    v1::CheckoutRequest {
        contact: Some(contact()),
        shipping_address: Some(address()),
        request_id: request_id.to_owned(),
        ..Default::default()
    }
}

/// How often an event is in a history.
pub(super) fn times(history: &[v1::OrderEvent], kind: v1::OrderEventType) -> usize {
    history.iter().filter(|event| event.r#type() == kind).count()
}

/// The two words of an order that most tests ask for.
pub(super) fn words(order: &v1::Order) -> (v1::OrderStatus, v1::PaymentStatus) {
    (order.status(), order.payment_status())
}
