//! A notification service.

use async_trait::async_trait;
use order_api::integrations::v1::{self, NotifyRequest, notification_service_client::NotificationServiceClient};
use order_core::{
    ids::CustomerId,
    ports::{Health, Neighbour, News, NotificationKind, Notifier, Unavailable},
};
use tonic::Code;

use super::{Allowance, Failure, Remote, RemoteAddress};
use crate::{convert::time, telemetry::metrics::NEWS_REFUSED};

/// Customers who are told by a service of its own.
pub struct RemoteNotifier {
    remote: Remote,
}

impl RemoteNotifier {
    /// The notification service at this address. Must be called inside the runtime.
    #[must_use]
    pub fn new(address: &RemoteAddress, allowance: Allowance) -> Self {
        Self { remote: Remote::new("notification", address, allowance) }
    }
}

const fn kind(kind: NotificationKind) -> v1::NotificationKind {
    match kind {
        NotificationKind::OrderConfirmation => v1::NotificationKind::OrderConfirmation,
        NotificationKind::PaymentConfirmation => v1::NotificationKind::PaymentConfirmation,
        NotificationKind::OrderStatusUpdate => v1::NotificationKind::OrderStatusUpdate,
        NotificationKind::ShippingUpdate => v1::NotificationKind::ShippingUpdate,
        NotificationKind::OrderCancellation => v1::NotificationKind::OrderCancellation,
        NotificationKind::RefundConfirmation => v1::NotificationKind::RefundConfirmation,
    }
}

#[async_trait]
impl Neighbour for RemoteNotifier {
    fn name(&self) -> &'static str {
        self.remote.name()
    }

    async fn check(&self) -> Result<Health, Unavailable> {
        self.remote.check().await
    }
}

#[async_trait]
impl Notifier for RemoteNotifier {
    fn listens(&self) -> bool {
        true
    }

    async fn notify(&self, news: &News) -> Result<(), Unavailable> {
        let message = NotifyRequest {
            idempotency_key: news.key.clone(),
            order_id: news.order_id.to_string(),
            order_number: news.order_number.to_string(),
            customer_id: news.customer_id.as_ref().map(CustomerId::to_string).unwrap_or_default(),
            kind: kind(news.kind).into(),
            event_time: Some(time::to_proto(news.time)),
        };
        let send = |channel, request| async move { NotificationServiceClient::new(channel).notify(request).await };
        match self.remote.call(message, send).await {
            Ok(_told) => Ok(()),
            // It was told before.
            Err(Failure::Answered(status)) if status.code() == Code::AlreadyExists => Ok(()),
            Err(Failure::Answered(status))
                if matches!(status.code(), Code::InvalidArgument | Code::NotFound | Code::FailedPrecondition) =>
            {
                tracing::error!(key = news.key, %status, "news are refused for good");
                metrics::counter!(NEWS_REFUSED).increment(1);
                Ok(())
            }
            Err(failure) => Err(self.remote.nonsense(failure)),
        }
    }
}
