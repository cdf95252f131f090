//! Telling customers what happened to their orders: one who passes the feed on to the notification service.
//!
//! No call waits for it: an order does not depend on its confirmation being sent. And nothing is lost: what is not told yet is in the feed.

use async_trait::async_trait;
use order_core::{
    order::EventBody,
    payment::{OperationKind, Outcome},
    ports::{News, NotificationKind, Notifier, Unavailable},
};
use order_store::FeedEvent;

use super::consumer::Deliver;

/// Passes events on to a notifier.
pub(super) struct Notify(pub(super) std::sync::Arc<dyn Notifier>);

#[async_trait]
impl Deliver for Notify {
    fn name(&self) -> &'static str {
        "notification"
    }

    async fn deliver(&self, found: &FeedEvent) -> Result<(), Unavailable> {
        let Some(kind) = kind(&found.event.body) else { return Ok(()) };
        let news = News {
            key: format!("{}:{}", found.order_id, found.event.revision),
            order_id: found.order_id,
            order_number: found.order_number.clone(),
            customer_id: found.customer_id.clone(),
            kind,
            time: found.event.time,
        };
        self.0.notify(&news).await
    }
}

/// What an event means for the customer; `None` where it is none of their business.
const fn kind(event: &EventBody) -> Option<NotificationKind> {
    match event {
        EventBody::Placed { .. } => Some(NotificationKind::OrderConfirmation),
        EventBody::Confirmed | EventBody::ProcessingStarted | EventBody::Completed => {
            Some(NotificationKind::OrderStatusUpdate)
        }
        EventBody::Shipped { .. } | EventBody::Delivered { .. } | EventBody::ReturnedToSender { .. } => {
            Some(NotificationKind::ShippingUpdate)
        }
        EventBody::Edited { .. }
        | EventBody::LinesCancelled { .. }
        | EventBody::ReturnApproved { .. }
        | EventBody::ReturnRejected { .. }
        | EventBody::ReturnReceived { .. } => Some(NotificationKind::OrderStatusUpdate),
        EventBody::Cancelled | EventBody::Expired => Some(NotificationKind::OrderCancellation),
        EventBody::OperationSettled { kind, outcome: Outcome::Succeeded { .. }, .. } => match kind {
            OperationKind::Sale | OperationKind::Capture => Some(NotificationKind::PaymentConfirmation),
            OperationKind::Refund => Some(NotificationKind::RefundConfirmation),
            OperationKind::Authorize | OperationKind::Void => None,
        },
        EventBody::Imported { .. }
        | EventBody::LinesAdded { .. }
        | EventBody::LinesRefunded { .. }
        | EventBody::ShipmentCreated { .. }
        | EventBody::ShipmentUpdated { .. }
        | EventBody::ShipmentPacked { .. }
        | EventBody::ShipmentCancelled { .. }
        | EventBody::CarrierEventRecorded { .. }
        | EventBody::PaymentMismatch { .. }
        | EventBody::ReturnRequested { .. }
        | EventBody::ReturnCancelled { .. }
        | EventBody::ReturnClosed { .. }
        | EventBody::StockAllocated { .. }
        | EventBody::PaymentOpened { .. }
        | EventBody::OperationStarted { .. }
        | EventBody::OperationAttempted { .. }
        | EventBody::OperationUnknown { .. }
        | EventBody::OperationSettled { outcome: Outcome::Failed { .. }, .. }
        | EventBody::DetailsUpdated { .. }
        | EventBody::NoteAdded { .. }
        | EventBody::HoldPlaced { .. }
        | EventBody::HoldReleased { .. } => None,
    }
}
