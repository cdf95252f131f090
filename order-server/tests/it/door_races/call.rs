//! Calls under a request id: made again and again until there is an answer, and carried out once.

use order_api::v1;
use tonic::{Code, Status};

use super::kit::checkout;
use crate::{
    door_goods::kit::{received, units},
    door_money::kit::usd,
    world::{Caller, card, order_of, request_id},
};

/// A customer and the shop, at one door.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) buyer: Caller,
    pub(crate) office: Caller,
}

/// What came of a call: the order, and the name of what was made, be it the order itself or a return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) order_id: String,
    pub(crate) name: String,
}

/// An answer names what was made. However often a call is made, that stays the same.
trait Answer {
    fn made(self) -> Made;
}

impl Answer for v1::Order {
    fn made(self) -> Made {
        Made { order_id: self.order_id, name: self.order_number }
    }
}

impl Answer for v1::OrderReturn {
    fn made(self) -> Made {
        Made { order_id: self.order_id, name: self.return_id }
    }
}

impl Answer for v1::RefundOrderResponse {
    fn made(self) -> Made {
        self.order.unwrap().made()
    }
}

impl Answer for v1::RecordPaymentEventResponse {
    fn made(self) -> Made {
        Made { name: self.order_id.clone(), order_id: self.order_id }
    }
}

macro_rules! calls {
    ($($name:ident($request:ident): $who:ident.$service:ident.$rpc:ident;)+) => {
        /// A call that can be made again.
        #[derive(Debug, Clone)]
        pub(crate) enum Call {
            $($name(v1::$request),)+
        }

        impl Call {
            pub(crate) async fn make(&self, desk: &Desk) -> Result<Made, Status> {
                match self {
                    $(Self::$name(request) => {
                        desk.$who.$service.clone().$rpc(request.clone()).await.map(|answer| answer.into_inner().made())
                    })+
                }
            }

            /// Which call it is.
            pub(crate) fn kind(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)+
                }
            }
        }
    };
}

calls! {
    Create(CreateOrderRequest): buyer.orders.create_order;
    Checkout(CheckoutRequest): buyer.carts.checkout;
    Cancel(CancelOrderRequest): buyer.orders.cancel_order;
    Pay(PayOrderRequest): buyer.orders.pay_order;
    Walk(UpdateOrderStatusRequest): office.admin.update_order_status;
    Capture(CapturePaymentRequest): office.admin.capture_payment;
    Void(VoidPaymentRequest): office.admin.void_payment;
    Tell(RecordPaymentEventRequest): office.admin.record_payment_event;
    Refund(RefundOrderRequest): office.admin.refund_order;
    Pack(CreateShipmentRequest): office.admin.create_shipment;
    Ship(MarkShippedRequest): office.admin.mark_shipped;
    AskBack(RequestReturnRequest): buyer.orders.request_return;
    Approve(ApproveReturnRequest): office.admin.approve_return;
    Receive(ReceiveReturnRequest): office.admin.receive_return;
}

/// Each under a request id of its own.
impl Call {
    /// An order of a ware, paid at once with this token, or not at all.
    pub(crate) fn create(token: Option<&str>) -> Self {
        Self::Create(v1::CreateOrderRequest { request_id: request_id(), ..order_of(&[("ware", 2)], token.map(card)) })
    }

    pub(crate) fn checkout(token: &str) -> Self {
        Self::Checkout(v1::CheckoutRequest { payment: Some(card(token)), ..checkout(&request_id()) })
    }

    pub(crate) fn cancel(order_id: &str) -> Self {
        let (order_id, request_id) = (order_id.to_owned(), request_id());
        Self::Cancel(v1::CancelOrderRequest { order_id, request_id, ..Default::default() })
    }

    pub(crate) fn pay(order_id: &str, token: &str) -> Self {
        let (order_id, request_id, payment) = (order_id.to_owned(), request_id(), Some(card(token)));
        Self::Pay(v1::PayOrderRequest { order_id, payment, request_id, ..Default::default() })
    }

    pub(crate) fn walk(order_id: &str, status: v1::OrderStatus) -> Self {
        let (order_id, request_id, status) = (order_id.to_owned(), request_id(), status.into());
        Self::Walk(v1::UpdateOrderStatusRequest { order_id, status, request_id, ..Default::default() })
    }

    /// Takes all that was promised.
    pub(crate) fn capture(order_id: &str, payment_id: &str) -> Self {
        let (order_id, payment_id, request_id) = (order_id.to_owned(), payment_id.to_owned(), request_id());
        Self::Capture(v1::CapturePaymentRequest { order_id, payment_id, request_id, ..Default::default() })
    }

    pub(crate) fn void(order_id: &str, payment_id: &str) -> Self {
        let (order_id, payment_id, request_id) = (order_id.to_owned(), payment_id.to_owned(), request_id());
        Self::Void(v1::VoidPaymentRequest { order_id, payment_id, request_id, ..Default::default() })
    }

    /// Gives some cents back.
    pub(crate) fn refund(order_id: &str, cents: i64) -> Self {
        let (order_id, request_id, amount) = (order_id.to_owned(), request_id(), Some(usd(cents)));
        Self::Refund(v1::RefundOrderRequest { order_id, amount, request_id, ..Default::default() })
    }

    /// Plans a parcel of all that is left.
    pub(crate) fn pack(order_id: &str) -> Self {
        let (order_id, request_id) = (order_id.to_owned(), request_id());
        Self::Pack(v1::CreateShipmentRequest { order_id, request_id, ..Default::default() })
    }

    pub(crate) fn ship(order_id: &str, shipment_id: &str) -> Self {
        let (order_id, shipment_id, request_id) = (order_id.to_owned(), shipment_id.to_owned(), request_id());
        Self::Ship(v1::MarkShippedRequest { order_id, shipment_id, request_id, ..Default::default() })
    }

    /// Asks for one unit to be taken back.
    pub(crate) fn ask_back(order_id: &str) -> Self {
        let line = v1::ReturnLineInput { line_id: 1, quantity: 1, reason: "too small".to_owned() };
        let (order_id, request_id, reason) = (order_id.to_owned(), request_id(), "wrong size".to_owned());
        Self::AskBack(v1::RequestReturnRequest {
            order_id,
            lines: vec![line],
            reason,
            request_id,
            ..Default::default()
        })
    }

    pub(crate) fn approve(order_id: &str, return_id: &str) -> Self {
        let (order_id, return_id, request_id) = (order_id.to_owned(), return_id.to_owned(), request_id());
        Self::Approve(v1::ApproveReturnRequest { order_id, return_id, request_id, ..Default::default() })
    }

    /// Books one unit that came back and goes onto the shelf.
    pub(crate) fn receive(order_id: &str, return_id: &str) -> Self {
        let request = received((order_id, return_id), &[(1, 1, 0)]);
        Self::Receive(v1::ReceiveReturnRequest { request_id: request_id(), ..request })
    }

    /// Some units, as line and quantity, to be paid back.
    pub(crate) fn refund_units(order_id: &str, lines: &[(i32, i32)]) -> Self {
        let (order_id, request_id, lines) = (order_id.to_owned(), request_id(), units(lines));
        Self::Refund(v1::RefundOrderRequest { order_id, lines, request_id, ..Default::default() })
    }
}

/// Whether a call that failed may have been carried out: nobody answered, or not to the point.
pub(crate) fn is_lost(status: &Status) -> bool {
    [Code::Unavailable, Code::Unknown, Code::Cancelled, Code::DeadlineExceeded, Code::Internal].contains(&status.code())
}
