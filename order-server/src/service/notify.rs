//! Telling customers what happened to their orders.
//!
//! Nobody waits for it: an order does not depend on its confirmation being sent. What a notifier misses is in the history.

use std::{collections::BTreeSet, sync::Arc};

use order_core::{
    order::{Event, EventBody},
    payment::{OperationKind, Outcome},
    ports::NotificationKind,
};
use order_store::Effect;

use crate::app::App;

/// Tells the customer of an order what a change meant for them, each kind of news once.
pub fn tell(app: &Arc<App>, effect: &Effect) {
    let news: BTreeSet<_> = effect.events.iter().filter_map(kind).collect();
    for kind in news {
        let (task, order_id) = (Arc::clone(app), effect.order.id);
        app.tasks.spawn(async move {
            if let Err(error) = task.notifier.notify(order_id, kind).await {
                tracing::warn!(%order_id, ?kind, %error, "a customer was not told");
            }
        });
    }
}

/// What an event means for the customer; `None` where it is none of their business.
const fn kind(event: &Event) -> Option<NotificationKind> {
    match &event.body {
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
