//! Requests as they were sent, so that they can be sent again, and what the door says to them.

use order_api::v1;
use tonic::Status;

use crate::world::Caller;

/// Who may send a request.
#[derive(Clone)]
pub(super) struct Callers {
    pub(super) customer: Caller,
    pub(super) admin: Caller,
}

/// What the door said.
#[derive(Debug)]
pub(super) enum Answer {
    Order(Box<v1::Order>),
    Return(Box<v1::OrderReturn>),
    Refund(Box<v1::RefundOrderResponse>),
    Edit(Box<v1::EditOrderResponse>),
    Cart(Box<v1::Cart>),
    Stock(Box<v1::Stock>),
}

/// Requests by the client that sends them, with their method and answer, and a text in them that can be another.
macro_rules! messages {
    ($($name:ident($who:ident.$client:ident.$rpc:ident, $request:ident: $text:ident) -> $answer:ident;)+) => {
        #[derive(Debug, Clone)]
        #[expect(clippy::large_enum_variant, reason = "there is one at a time")]
        pub(super) enum Message {
            $($name(v1::$request),)+
        }

        impl Message {
            /// All kinds of them.
            pub(super) const NAMES: &[&str] = &[$(stringify!($name)),+];

            pub(super) const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)+
                }
            }

            /// Another request under the same id.
            pub(super) fn altered(self) -> Self {
                match self {
                    $(Self::$name(request) => Self::$name(v1::$request { $text: "12345".to_owned(), ..request }),)+
                }
            }

            /// Sends it.
            pub(super) async fn deliver(self, callers: Callers) -> Result<Answer, Status> {
                match self {
                    $(Self::$name(request) => {
                        let answer = callers.$who.$client.clone().$rpc(request).await?;
                        Ok(Answer::$answer(Box::new(answer.into_inner())))
                    })+
                }
            }
        }
    };
}

messages! {
    AddItem(customer.carts.add_cart_item, AddCartItemRequest: etag) -> Cart;
    UpdateItem(customer.carts.update_cart_item, UpdateCartItemRequest: etag) -> Cart;
    RemoveItem(customer.carts.remove_cart_item, RemoveCartItemRequest: etag) -> Cart;
    ClearCart(customer.carts.clear_cart, ClearCartRequest: etag) -> Cart;
    Checkout(customer.carts.checkout, CheckoutRequest: notes) -> Order;
    Create(customer.orders.create_order, CreateOrderRequest: notes) -> Order;
    Pay(customer.orders.pay_order, PayOrderRequest: etag) -> Order;
    Cancel(customer.orders.cancel_order, CancelOrderRequest: reason) -> Order;
    Edit(customer.orders.edit_order, EditOrderRequest: reason) -> Edit;
    Update(customer.orders.update_order, UpdateOrderRequest: etag) -> Order;
    RequestReturn(customer.orders.request_return, RequestReturnRequest: reason) -> Return;
    CancelReturn(customer.orders.cancel_return, CancelReturnRequest: reason) -> Return;
    Walk(admin.admin.update_order_status, UpdateOrderStatusRequest: reason) -> Order;
    Hold(admin.admin.hold_order, HoldOrderRequest: reason) -> Order;
    Release(admin.admin.release_hold, ReleaseHoldRequest: reason) -> Order;
    Capture(admin.admin.capture_payment, CapturePaymentRequest: reason) -> Order;
    Void(admin.admin.void_payment, VoidPaymentRequest: reason) -> Order;
    Refund(admin.admin.refund_order, RefundOrderRequest: reason) -> Refund;
    CreateShipment(admin.admin.create_shipment, CreateShipmentRequest: reason) -> Order;
    MarkPacked(admin.admin.mark_packed, MarkPackedRequest: reason) -> Order;
    MarkShipped(admin.admin.mark_shipped, MarkShippedRequest: reason) -> Order;
    MarkDelivered(admin.admin.mark_delivered, MarkDeliveredRequest: reason) -> Order;
    CancelShipment(admin.admin.cancel_shipment, CancelShipmentRequest: reason) -> Order;
    SendBack(admin.admin.mark_returned_to_sender, MarkReturnedToSenderRequest: reason) -> Order;
    CarrierEvent(admin.admin.record_carrier_event, RecordCarrierEventRequest: shipment_id) -> Order;
    ApproveReturn(admin.admin.approve_return, ApproveReturnRequest: reason) -> Return;
    RejectReturn(admin.admin.reject_return, RejectReturnRequest: reason) -> Return;
    ReceiveReturn(admin.admin.receive_return, ReceiveReturnRequest: reason) -> Return;
    CloseReturn(admin.admin.close_return, CloseReturnRequest: reason) -> Return;
    AdjustStock(admin.admin.adjust_stock, AdjustStockRequest: reason) -> Stock;
}

impl Message {
    /// The same as a question, for those that are often asked first.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are not asked first")]
    pub(super) fn question(&self) -> Option<Self> {
        let validate_only = true;
        match self.clone() {
            Self::Cancel(request) => Some(Self::Cancel(v1::CancelOrderRequest { validate_only, ..request })),
            Self::Edit(request) => Some(Self::Edit(v1::EditOrderRequest { validate_only, ..request })),
            Self::Refund(request) => Some(Self::Refund(v1::RefundOrderRequest { validate_only, ..request })),
            Self::ReceiveReturn(request) => {
                Some(Self::ReceiveReturn(v1::ReceiveReturnRequest { validate_only, ..request }))
            }
            _ => None,
        }
    }
}
