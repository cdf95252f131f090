//! The reasons a client can act on, and the one gRPC code of each.

use tonic::Code;

use crate::telemetry::metrics::code_name;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident => $code:ident, $text:literal;)+) => {
        /// Why a call failed: `google.rpc.ErrorInfo.reason`. The set only grows; clients match on the text.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Reason {
            /// Reads the text back.
            #[must_use]
            pub fn from_text(text: &str, code: Code) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == text && known.code() == code)
            }

            /// Every reason, in the order of the README's table.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The text on the wire, UPPER_SNAKE.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// When it is told, in the words of the variant's own documentation.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                // A line of documentation begins with a blank; the first one's is cut off.
                match self {
                    $(Self::$variant => concat!($($doc),+).trim_ascii(),)+
                }
            }

            /// The gRPC code that goes with it. Nothing else in the service picks one.
            #[must_use]
            pub const fn code(self) -> Code {
                match self {
                    $(Self::$variant => Code::$code,)+
                }
            }
        }
    };
}

reasons! {
    /// One or more fields break their rules; `BadRequest` names each.
    InvalidField => InvalidArgument, "INVALID_FIELD";
    /// The bytes are no message of the method's.
    MessageMalformed => InvalidArgument, "MESSAGE_MALFORMED";
    /// The message has more bytes than are taken.
    MessageTooLarge => InvalidArgument, "MESSAGE_TOO_LARGE";
    /// A line of the request names a product that does not exist.
    ProductUnknown => InvalidArgument, "PRODUCT_NOT_FOUND";
    /// A page token that is not ours, or was given for other arguments.
    PageTokenInvalid => InvalidArgument, "PAGE_TOKEN_INVALID";
    /// The request id was used before, with another body.
    RequestIdReused => InvalidArgument, "REQUEST_ID_REUSED";
    /// The token's time is over; get a new one.
    TokenExpired => Unauthenticated, "TOKEN_EXPIRED";
    /// No token, or one that we cannot accept.
    TokenInvalid => Unauthenticated, "TOKEN_INVALID";
    /// The caller is known but has not the role that the method asks for.
    RoleRequired => PermissionDenied, "ROLE_REQUIRED";
    /// Unknown, or someone else's order.
    OrderNotFound => NotFound, "ORDER_NOT_FOUND";
    /// Unknown, or someone else's cart.
    CartNotFound => NotFound, "CART_NOT_FOUND";
    /// The cart has no such line.
    CartItemNotFound => NotFound, "CART_ITEM_NOT_FOUND";
    /// The health service knows no service of that name.
    ServiceUnknown => NotFound, "SERVICE_UNKNOWN";
    /// No stock is kept under that name.
    StockNotFound => NotFound, "STOCK_NOT_FOUND";
    /// The product that the whole request is about does not exist: the same text, and the code of a missing resource.
    ProductNotFound => NotFound, "PRODUCT_NOT_FOUND";
    /// The order has no such line.
    OrderLineNotFound => NotFound, "ORDER_LINE_NOT_FOUND";
    /// The order has no such shipment.
    ShipmentNotFound => NotFound, "SHIPMENT_NOT_FOUND";
    /// The order has no such return.
    ReturnNotFound => NotFound, "RETURN_NOT_FOUND";
    /// The order has no such payment.
    PaymentNotFound => NotFound, "PAYMENT_NOT_FOUND";
    /// No request to a gateway has that key.
    PaymentOperationNotFound => NotFound, "PAYMENT_OPERATION_NOT_FOUND";
    /// No coupon has that code.
    CouponNotFound => NotFound, "COUPON_NOT_FOUND";
    /// Not enough of something; nothing was taken.
    InsufficientStock => Aborted, "INSUFFICIENT_STOCK";
    /// It has changed since the caller read it.
    EtagMismatch => Aborted, "ETAG_MISMATCH";
    /// Others keep changing the same thing; the same request may work a moment later.
    Contended => Aborted, "CONTENDED";
    /// A reader of a stream did not take what there was for a minute; it may go on at the cursor of the last message that it took.
    WatchTooSlow => Aborted, "WATCH_TOO_SLOW";
    /// The feed has not come to that place: it is of another database, or of one that was restored from a backup since.
    CursorOutOfRange => OutOfRange, "CURSOR_OUT_OF_RANGE";
    /// The state does not allow it.
    IllegalTransition => FailedPrecondition, "ILLEGAL_TRANSITION";
    /// More money than is due, promised or left to give back.
    AmountExceeded => FailedPrecondition, "AMOUNT_EXCEEDED";
    /// More units of a line than there are for it.
    LineQuantityExceeded => FailedPrecondition, "LINE_QUANTITY_EXCEEDED";
    /// Prices or the total differ from what the caller expected.
    PriceChanged => FailedPrecondition, "PRICE_CHANGED";
    /// The product exists and is not for sale.
    ProductInactive => FailedPrecondition, "PRODUCT_INACTIVE";
    /// The coupon takes nothing off this order; `problem` says why.
    CouponNotApplicable => FailedPrecondition, "COUPON_NOT_APPLICABLE";
    /// There is nothing to order.
    CartEmpty => FailedPrecondition, "CART_EMPTY";
    /// The cart was ordered, merged or has expired.
    CartClosed => FailedPrecondition, "CART_CLOSED";
    /// The cart holds as many lines, or as many units of a product, as it may.
    CartFull => FailedPrecondition, "CART_FULL";
    /// One cart, one currency.
    CurrencyMismatch => FailedPrecondition, "CURRENCY_MISMATCH";
    /// The gateway said no; the order stands.
    PaymentDeclined => FailedPrecondition, "PAYMENT_DECLINED";
    /// A payment for the order is on its way.
    PaymentInProgress => FailedPrecondition, "PAYMENT_IN_PROGRESS";
    /// Stock and its backorder limit may not fall below what is promised.
    StockPromised => FailedPrecondition, "STOCK_PROMISED";
    /// An inventory service counts the goods (`INVENTORY_URL`); what is on the shelf is asked and changed there.
    StockKeptElsewhere => FailedPrecondition, "STOCK_KEPT_ELSEWHERE";
    /// The SKU belongs to another product.
    SkuTaken => FailedPrecondition, "SKU_TAKEN";
    /// The caller sends more requests than its share.
    RateLimited => ResourceExhausted, "RATE_LIMITED";
    /// The service has as much work as it can do in time.
    Overloaded => ResourceExhausted, "OVERLOADED";
    /// The database does not answer.
    DatabaseUnavailable => Unavailable, "DATABASE_UNAVAILABLE";
    /// The connection was lost while the database was at it: the change may have been made. A retry under the same
    /// `request_id` finds out, and never makes it twice.
    OutcomeUnknown => Unavailable, "OUTCOME_UNKNOWN";
    /// The catalogue does not answer.
    CatalogUnavailable => Unavailable, "CATALOG_UNAVAILABLE";
    /// The inventory does not answer.
    InventoryUnavailable => Unavailable, "INVENTORY_UNAVAILABLE";
    /// The payment gateway does not answer.
    PaymentUnavailable => Unavailable, "PAYMENT_UNAVAILABLE";
    /// The shipping service does not answer.
    ShippingUnavailable => Unavailable, "SHIPPING_UNAVAILABLE";
    /// The notification service does not answer.
    NotificationUnavailable => Unavailable, "NOTIFICATION_UNAVAILABLE";
    /// A broker or an endpoint that events are passed on to does not answer.
    PublisherUnavailable => Unavailable, "PUBLISHER_UNAVAILABLE";
    /// This process is going away; another one answers.
    ShuttingDown => Unavailable, "SHUTTING_DOWN";
    /// The time the caller gave, or the longest we give, is over. What was asked may have been done: the same request under
    /// the same `request_id` finds out.
    DeadlineExceeded => DeadlineExceeded, "DEADLINE_EXCEEDED";
    /// The service has no such method.
    MethodUnknown => Unimplemented, "METHOD_UNKNOWN";
    /// A fault of ours. The log knows more under the request id.
    Internal => Internal, "INTERNAL";
}

impl Reason {
    /// The table as the README shows it, in Markdown.
    #[must_use]
    pub fn markdown() -> String {
        let row = |reason: &Self| {
            format!("| {} | `{}` | {} |\n", code_name(reason.code()), reason.as_str(), reason.meaning())
        };
        format!("| code | reason | when |\n|---|---|---|\n{}", Self::ALL.iter().map(row).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Reason;

    #[test]
    fn reasons_are_distinct_and_upper_snake() {
        let all: BTreeSet<_> = Reason::ALL.iter().map(|reason| (reason.as_str(), reason.code() as i32)).collect();
        assert_eq!(all.len(), Reason::ALL.len());
        assert!(all.iter().all(|(text, _)| text.chars().all(|c| c.is_ascii_uppercase() || c == '_')));
    }

    #[test]
    fn only_a_fault_of_ours_is_internal() {
        let internal: Vec<_> = Reason::ALL.iter().filter(|reason| reason.code() == tonic::Code::Internal).collect();
        assert_eq!(internal, [&Reason::Internal]);
    }
}
