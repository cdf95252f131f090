//! Short ways to the door for tests about goods.

use order_api::v1::{self, FulfillmentStatus, OrderStatus, PaymentStatus};
use order_store::testing::TestDatabase;
use tonic::{Response, Status};

use crate::world::{Caller, World, card, order_of, product};

/// Steps of one parcel or one return that need nothing but its name.
macro_rules! steps {
    ($($name:ident($of:ident): $client:ident.$rpc:ident, $request:ident -> $answer:ident;)+) => {
        impl Caller {
            $(pub(crate) async fn $name(&self, order_id: &str, $of: &str) -> Result<v1::$answer, Status> {
                let (order_id, $of) = (order_id.to_owned(), $of.to_owned());
                let request = v1::$request { order_id, $of, ..Default::default() };
                self.$client.clone().$rpc(request).await.map(Response::into_inner)
            })+
        }
    };
}

steps! {
    pack(shipment_id): admin.mark_packed, MarkPackedRequest -> Order;
    ship(shipment_id): admin.mark_shipped, MarkShippedRequest -> Order;
    deliver(shipment_id): admin.mark_delivered, MarkDeliveredRequest -> Order;
    cancel_shipment(shipment_id): admin.cancel_shipment, CancelShipmentRequest -> Order;
    send_back(shipment_id): admin.mark_returned_to_sender, MarkReturnedToSenderRequest -> Order;
    approve(return_id): admin.approve_return, ApproveReturnRequest -> OrderReturn;
    close(return_id): admin.close_return, CloseReturnRequest -> OrderReturn;
    cancel_return(return_id): orders.cancel_return, CancelReturnRequest -> OrderReturn;
}

impl Caller {
    /// Plans a parcel of some units, each as line and quantity; none named means all.
    pub(crate) async fn create_shipment(&self, order_id: &str, lines: &[(i32, i32)]) -> Result<v1::Order, Status> {
        let (order_id, lines) = (order_id.to_owned(), units(lines));
        let request = v1::CreateShipmentRequest { order_id, lines, ..Default::default() };
        self.admin.clone().create_shipment(request).await.map(Response::into_inner)
    }

    /// Plans a parcel and answers its id.
    pub(crate) async fn parcel(&self, order_id: &str, lines: &[(i32, i32)]) -> String {
        self.create_shipment(order_id, lines).await.unwrap().shipments.pop().unwrap().shipment_id
    }

    /// Plans a parcel, ships it, and has it arrive.
    pub(crate) async fn hand_over(&self, order_id: &str, lines: &[(i32, i32)]) -> v1::Order {
        let parcel = self.parcel(order_id, lines).await;
        self.ship(order_id, &parcel).await.unwrap();
        self.deliver(order_id, &parcel).await.unwrap()
    }

    pub(crate) async fn cancel_units(&self, order_id: &str, lines: &[(i32, i32)]) -> Result<v1::Order, Status> {
        let (order_id, lines) = (order_id.to_owned(), units(lines));
        let request = v1::CancelOrderRequest { order_id, lines, ..Default::default() };
        self.orders.clone().cancel_order(request).await.map(Response::into_inner)
    }

    pub(crate) async fn hold(&self, order_id: &str, hold: v1::OrderHold) -> Result<v1::Order, Status> {
        let (order_id, hold) = (order_id.to_owned(), hold.into());
        let request = v1::HoldOrderRequest { order_id, hold, reason: "looks odd".to_owned(), ..Default::default() };
        self.admin.clone().hold_order(request).await.map(Response::into_inner)
    }

    pub(crate) async fn release(&self, order_id: &str, hold: v1::OrderHold) -> Result<v1::Order, Status> {
        let (order_id, hold) = (order_id.to_owned(), hold.into());
        let request = v1::ReleaseHoldRequest { order_id, hold, ..Default::default() };
        self.admin.clone().release_hold(request).await.map(Response::into_inner)
    }

    pub(crate) async fn request_return(&self, order_id: &str, lines: &[(i32, i32)]) -> Result<v1::OrderReturn, Status> {
        let line = |(line_id, quantity): &(i32, i32)| v1::ReturnLineInput {
            line_id: *line_id,
            quantity: *quantity,
            reason: format!("line {line_id} does not fit"),
        };
        let (order_id, lines) = (order_id.to_owned(), lines.iter().map(line).collect());
        let request =
            v1::RequestReturnRequest { order_id, lines, reason: "wrong size".to_owned(), ..Default::default() };
        self.orders.clone().request_return(request).await.map(Response::into_inner)
    }

    /// A return that the customer asked for and the shop has approved.
    pub(crate) async fn approved_return(&self, buyer: &Self, (order_id, lines): (&str, &[(i32, i32)])) -> String {
        let return_id = buyer.request_return(order_id, lines).await.unwrap().return_id;
        self.approve(order_id, &return_id).await.unwrap().return_id
    }

    pub(crate) async fn reject(&self, order_id: &str, return_id: &str, why: &str) -> Result<v1::OrderReturn, Status> {
        let (order_id, return_id, reason) = (order_id.to_owned(), return_id.to_owned(), why.to_owned());
        let request = v1::RejectReturnRequest { order_id, return_id, reason, ..Default::default() };
        self.admin.clone().reject_return(request).await.map(Response::into_inner)
    }

    /// Books goods that came back, each as line, units for the shelf, and units to write off.
    pub(crate) async fn receive(
        &self,
        (order_id, return_id): (&str, &str),
        lines: &[(i32, i32, i32)],
    ) -> Result<v1::OrderReturn, Status> {
        self.admin.clone().receive_return(received((order_id, return_id), lines)).await.map(Response::into_inner)
    }

    pub(crate) async fn edit(&self, request: v1::EditOrderRequest) -> Result<v1::EditOrderResponse, Status> {
        self.orders.clone().edit_order(request).await.map(Response::into_inner)
    }

    pub(crate) async fn tracking(&self, order_id: &str) -> Result<v1::OrderTracking, Status> {
        let request = v1::GetOrderTrackingRequest { order_id: order_id.to_owned() };
        self.orders.clone().get_order_tracking(request).await.map(Response::into_inner)
    }
}

/// The request behind [`Caller::receive`].
pub(crate) fn received((order_id, return_id): (&str, &str), lines: &[(i32, i32, i32)]) -> v1::ReceiveReturnRequest {
    let line = |(line_id, restock, write_off): &(i32, i32, i32)| v1::ReceivedLineInput {
        line_id: *line_id,
        restock: *restock,
        write_off: *write_off,
    };
    v1::ReceiveReturnRequest {
        order_id: order_id.to_owned(),
        return_id: return_id.to_owned(),
        lines: lines.iter().map(line).collect(),
        ..Default::default()
    }
}

/// Units of lines.
pub(crate) fn units(lines: &[(i32, i32)]) -> Vec<v1::LineQuantity> {
    lines.iter().map(|(line_id, quantity)| v1::LineQuantity { line_id: *line_id, quantity: *quantity }).collect()
}

/// An amount in its smallest unit of a currency with two decimals.
pub(crate) fn cents(amount: Option<&order_api::Money>) -> i64 {
    let amount = amount.expect("an amount is set");
    amount.units * 100 + i64::from(amount.nanos) / 10_000_000
}

/// What an order has taken and given back, in cents.
pub(crate) fn money_of(order: &v1::Order) -> (i64, i64) {
    let sum = |part: fn(&v1::Payment) -> Option<&order_api::Money>| order.payments.iter().map(|p| cents(part(p))).sum();
    (sum(|payment| payment.captured.as_ref()), sum(|payment| payment.refunded.as_ref()))
}

/// The three words of an order.
pub(crate) fn axes(order: &v1::Order) -> (OrderStatus, PaymentStatus, FulfillmentStatus) {
    (order.status(), order.payment_status(), order.fulfillment_status())
}

/// Counters of a line: cancelled, allocated, shipped, delivered.
pub(crate) fn counters(order: &v1::Order, line_id: i32) -> [i32; 4] {
    let line = order.lines.iter().find(|line| line.line_id == line_id).unwrap();
    let counters = line.counters.as_ref().unwrap();
    [counters.cancelled, counters.allocated, counters.shipped, counters.delivered]
}

/// Counters of a line that came back: asked for, received, restocked, written off, refunded.
pub(crate) fn counters_back(order: &v1::Order, line_id: i32) -> [i32; 5] {
    let line = order.lines.iter().find(|line| line.line_id == line_id).unwrap();
    let counters = line.counters.as_ref().unwrap();
    let v1::LineCounters { return_requested, return_received, restocked, written_off, refunded, .. } = *counters;
    [return_requested, return_received, restocked, written_off, refunded]
}

/// A world with one more product, `gem`: 3.33 USD, of which three with tax are no multiple of three cents.
pub(crate) async fn world(database: &TestDatabase, settings: &[(&str, &str)]) -> World {
    let world = World::with_products(database, settings).await;
    let products = vec![product("gem", ("USD", 3, 330_000_000), 100)];
    let request = v1::UpsertProductsRequest { products, ..Default::default() };
    world.admin().admin.upsert_products(request).await.unwrap();
    world
}

/// An order of `ada`'s that is paid by card and confirmed.
pub(crate) async fn confirmed(world: &World, lines: &[(&str, i64)]) -> v1::Order {
    let order = world.customer("ada").create(order_of(lines, Some(card("tok_approve")))).await.unwrap();
    world.admin().walk(&order.order_id, OrderStatus::Confirmed).await.unwrap()
}

/// An order of `ada`'s that is paid by card and has arrived in one parcel.
pub(crate) async fn arrived(world: &World, lines: &[(&str, i64)]) -> v1::Order {
    let order = confirmed(world, lines).await;
    world.admin().hand_over(&order.order_id, &[]).await
}

/// What moved on a shelf: the kind, units on hand, units promised. In no order of time: much happens within a moment.
pub(crate) async fn movements(world: &World, sku: &str) -> Vec<(v1::StockMovementKind, i64, i64)> {
    let request = v1::ListStockMovementsRequest { sku: sku.to_owned(), page_size: 500, ..Default::default() };
    let found = world.admin().admin.list_stock_movements(request).await.unwrap().into_inner().movements;
    let mut moved: Vec<_> = found.iter().map(|m| (m.kind(), m.on_hand_delta, m.allocated_delta)).collect();
    moved.sort_by_key(|(kind, on_hand, allocated)| (*kind as i32, *on_hand, *allocated));
    moved
}
