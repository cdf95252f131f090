//! Request ids: the caller's name for one attempt at a change.

use order_core::{ids::RequestId, time::Timestamp, violation::Violations};
use order_store::{Request, RequestKey};
use prost::Message;
use sha2::{Digest, Sha256};

use super::{actor, ids};
use crate::auth::Principal;

/// A request whose repetition has no second effect.
pub trait Idempotent: Message + Clone {
    /// The method, within which a caller's ids are unique.
    const METHOD: &'static str;

    /// The id; empty if the caller gave none.
    fn request_id(&self) -> &str;

    /// Clears the id, which is no part of what is asked.
    fn clear_request_id(&mut self);
}

macro_rules! idempotent {
    ($($request:ident: $method:literal;)+) => {
        $(impl Idempotent for order_api::v1::$request {
            const METHOD: &'static str = $method;

            fn request_id(&self) -> &str {
                &self.request_id
            }

            fn clear_request_id(&mut self) {
                self.request_id.clear();
            }
        })+
    };
}

idempotent! {
    CreateOrderRequest: "CreateOrder";
    UpdateOrderRequest: "UpdateOrder";
    CancelOrderRequest: "CancelOrder";
    PayOrderRequest: "PayOrder";
    AddCartItemRequest: "AddCartItem";
    UpdateCartItemRequest: "UpdateCartItem";
    RemoveCartItemRequest: "RemoveCartItem";
    ClearCartRequest: "ClearCart";
    MergeCartsRequest: "MergeCarts";
    CheckoutRequest: "Checkout";
    UpdateOrderStatusRequest: "UpdateOrderStatus";
    AddNoteRequest: "AddNote";
    EditOrderRequest: "EditOrder";
    RequestReturnRequest: "RequestReturn";
    CancelReturnRequest: "CancelReturn";
    CapturePaymentRequest: "CapturePayment";
    VoidPaymentRequest: "VoidPayment";
    RefundOrderRequest: "RefundOrder";
    HoldOrderRequest: "HoldOrder";
    ReleaseHoldRequest: "ReleaseHold";
    CreateShipmentRequest: "CreateShipment";
    UpdateShipmentRequest: "UpdateShipment";
    MarkPackedRequest: "MarkPacked";
    MarkShippedRequest: "MarkShipped";
    MarkDeliveredRequest: "MarkDelivered";
    CancelShipmentRequest: "CancelShipment";
    MarkReturnedToSenderRequest: "MarkReturnedToSender";
    RecordCarrierEventRequest: "RecordCarrierEvent";
    ApproveReturnRequest: "ApproveReturn";
    RejectReturnRequest: "RejectReturn";
    ReceiveReturnRequest: "ReceiveReturn";
    CloseReturnRequest: "CloseReturn";
    UpsertProductsRequest: "UpsertProducts";
    UpsertCouponRequest: "UpsertCoupon";
    AdjustStockRequest: "AdjustStock";
}

/// Reads the request id, which may be left out, and everything that tells a repetition from another request.
pub fn optional<M: Idempotent>(
    message: &M,
    (principal, now): (&Principal, Timestamp),
    violations: &mut Violations,
) -> Option<Option<Request>> {
    let id = ids::optional(message.request_id(), RequestId::parse, "request_id", violations)?;
    Some(id.map(|request_id| Request {
        key: RequestKey { principal: actor::key(principal), method: M::METHOD, request_id },
        body_hash: body_hash(message),
        time: now,
    }))
}

/// The id alone, for the events of what was done.
#[must_use]
pub fn id(request: Option<&Request>) -> Option<RequestId> {
    request.map(|request| request.key.request_id)
}

/// Maps of the contract are sorted, so equal messages encode to equal bytes.
fn body_hash<M: Idempotent>(message: &M) -> [u8; 32] {
    let mut body = message.clone();
    body.clear_request_id();
    Sha256::digest(body.encode_to_vec()).into()
}

#[cfg(test)]
mod tests {
    use order_api::v1::ClearCartRequest;

    use super::*;

    const ID: &str = "018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f01";

    fn read(request_id: &str, etag: &str) -> Option<Option<Request>> {
        let message =
            ClearCartRequest { request_id: request_id.to_owned(), etag: etag.to_owned(), ..Default::default() };
        optional(&message, (&Principal::Guest, Timestamp::UNIX_EPOCH), &mut Violations::new())
    }

    #[test]
    fn the_same_request_under_another_id_has_the_same_body() {
        let other = ID.replace("01", "02");
        let [one, two] = [ID, &other].map(|id| read(id, "1").flatten().unwrap());
        assert_ne!(one.key, two.key);
        assert_eq!(one.body_hash, two.body_hash);
        assert_ne!(one.body_hash, read(ID, "2").flatten().unwrap().body_hash);
    }

    #[test]
    fn an_id_may_be_left_out_and_must_be_a_uuid() {
        assert_eq!(read("", "1"), Some(None));
        assert_eq!(read("no-uuid", "1"), None);
    }
}
