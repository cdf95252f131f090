//! Short ways to the door for tests about money. Amounts are US dollars in cents.

use order_api::v1::{self, record_payment_event_request::Answer};
use tonic::{Response, Status};

use crate::world::{Caller, START, money};

/// An amount of US dollars, in cents.
pub(crate) fn usd(cents: i64) -> order_api::Money {
    money(("USD", cents / 100, i32::try_from(cents % 100).unwrap() * 10_000_000))
}

/// An amount in cents.
pub(crate) fn cents(amount: Option<&order_api::Money>) -> i64 {
    let amount = amount.expect("an amount is always told");
    amount.units * 100 + i64::from(amount.nanos / 10_000_000)
}

/// What a payment has promised, taken, given back and given up.
pub(crate) fn books(payment: &v1::Payment) -> [i64; 4] {
    [&payment.authorized, &payment.captured, &payment.refunded, &payment.voided].map(|amount| cents(amount.as_ref()))
}

/// The only payment of an order.
pub(crate) fn only(order: &v1::Order) -> &v1::Payment {
    assert_eq!(order.payments.len(), 1, "{:?}", order.payments);
    &order.payments[0]
}

/// What is still to be paid, and what is held.
pub(crate) fn due_and_held(order: &v1::Order) -> (i64, i64) {
    (cents(order.amount_due.as_ref()), cents(order.amount_held.as_ref()))
}

/// What keeps an order from going on.
pub(crate) fn holds(order: &v1::Order) -> Vec<v1::OrderHold> {
    order.holds().collect()
}

/// A refund of an amount.
pub(crate) fn refund_of(order_id: &str, amount: i64) -> v1::RefundOrderRequest {
    v1::RefundOrderRequest { order_id: order_id.to_owned(), amount: Some(usd(amount)), ..Default::default() }
}

/// A refund of units, each as line and quantity.
pub(crate) fn refund_units(order_id: &str, lines: &[(i32, i32)]) -> v1::RefundOrderRequest {
    let line = |(line_id, quantity): &(i32, i32)| v1::LineQuantity { line_id: *line_id, quantity: *quantity };
    let lines = lines.iter().map(line).collect();
    v1::RefundOrderRequest { order_id: order_id.to_owned(), lines, ..Default::default() }
}

/// What a gateway says by itself: that it carried an operation out.
pub(crate) fn succeeded(event_id: &str, operation_id: &str, amount: order_api::Money) -> v1::RecordPaymentEventRequest {
    let reference = format!("sim_{operation_id}");
    told(event_id, operation_id, Answer::Succeeded(v1::PaymentSucceeded { reference, amount: Some(amount) }))
}

/// What a gateway says by itself: that it refused an operation.
pub(crate) fn declined(event_id: &str, operation_id: &str, code: &str) -> v1::RecordPaymentEventRequest {
    told(event_id, operation_id, Answer::Declined(v1::PaymentDeclined { code: code.to_owned() }))
}

fn told(event_id: &str, operation_id: &str, answer: Answer) -> v1::RecordPaymentEventRequest {
    v1::RecordPaymentEventRequest {
        event_id: event_id.to_owned(),
        operation_id: operation_id.to_owned(),
        event_time: Some(prost_types::Timestamp { seconds: START.micros() / 1_000_000, nanos: 0 }),
        answer: Some(answer),
    }
}

impl Caller {
    /// Takes promised money: some cents, or all that is due.
    pub(crate) async fn capture(&self, paid: &v1::Order, cents: Option<i64>) -> Result<v1::Order, Status> {
        self.capture_of((&paid.order_id, &only(paid).payment_id), cents).await
    }

    pub(crate) async fn capture_of(
        &self,
        (order_id, payment_id): (&str, &str),
        cents: Option<i64>,
    ) -> Result<v1::Order, Status> {
        let (order_id, payment_id, amount) = (order_id.to_owned(), payment_id.to_owned(), cents.map(usd));
        let request = v1::CapturePaymentRequest { order_id, payment_id, amount, ..Default::default() };
        self.admin.clone().capture_payment(request).await.map(Response::into_inner)
    }

    pub(crate) async fn void(&self, paid: &v1::Order) -> Result<v1::Order, Status> {
        let (order_id, payment_id) = (paid.order_id.clone(), only(paid).payment_id.clone());
        let request = v1::VoidPaymentRequest { order_id, payment_id, ..Default::default() };
        self.admin.clone().void_payment(request).await.map(Response::into_inner)
    }

    pub(crate) async fn refund(&self, request: v1::RefundOrderRequest) -> Result<v1::RefundOrderResponse, Status> {
        self.admin.clone().refund_order(request).await.map(Response::into_inner)
    }

    /// Pays a part, in cents.
    pub(crate) async fn pay_part(
        &self,
        order_id: &str,
        (payment, cents): (v1::PaymentInstrument, i64),
    ) -> Result<v1::Order, Status> {
        let (order_id, payment, amount) = (order_id.to_owned(), Some(payment), Some(usd(cents)));
        let request = v1::PayOrderRequest { order_id, payment, amount, ..Default::default() };
        self.orders.clone().pay_order(request).await.map(Response::into_inner)
    }

    pub(crate) async fn tell(&self, event: v1::RecordPaymentEventRequest) -> Result<v1::PaymentEventOutcome, Status> {
        let answer = self.admin.clone().record_payment_event(event).await?;
        Ok(answer.into_inner().outcome())
    }

    pub(crate) async fn ledgers(&self, order_id: &str) -> Vec<v1::PaymentLedger> {
        let request = v1::ListPaymentsRequest { order_id: order_id.to_owned(), ..Default::default() };
        self.admin.clone().list_payments(request).await.unwrap().into_inner().payments
    }

    /// The newest operation of an order's newest payment.
    pub(crate) async fn newest_operation(&self, order_id: &str) -> v1::PaymentOperation {
        self.ledgers(order_id).await.pop().unwrap().operations.pop().unwrap()
    }

    pub(crate) async fn ask_gateway(&self, order_id: &str) -> Result<v1::ReconcilePaymentsResponse, Status> {
        let request = v1::ReconcilePaymentsRequest { order_id: order_id.to_owned() };
        self.admin.clone().reconcile_payments(request).await.map(Response::into_inner)
    }
}
