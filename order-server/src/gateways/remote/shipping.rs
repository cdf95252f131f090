//! A shipping service.

use async_trait::async_trait;
use order_api::integrations::v1::{GetTrackingRequest, shipping_service_client::ShippingServiceClient};
use order_core::{
    limits,
    order::{Shipment, Tracking},
    ports::{Health, Neighbour, Shipping, Unavailable},
    violation::Violations,
};
use tonic::Code;

use super::{Allowance, Failure, Remote, RemoteAddress};
use crate::convert::time;

/// Parcels that a service of its own knows.
pub struct RemoteShipping {
    remote: Remote,
}

impl RemoteShipping {
    /// The shipping service at this address. Must be called inside the runtime.
    #[must_use]
    pub fn new(address: &RemoteAddress, allowance: Allowance) -> Self {
        Self { remote: Remote::new("shipping", address, allowance) }
    }
}

#[async_trait]
impl Neighbour for RemoteShipping {
    fn name(&self) -> &'static str {
        self.remote.name()
    }

    async fn check(&self) -> Result<Health, Unavailable> {
        self.remote.check().await
    }
}

#[async_trait]
impl Shipping for RemoteShipping {
    async fn describe(&self, shipment: &Shipment) -> Result<Shipment, Unavailable> {
        let message = GetTrackingRequest {
            shipment_id: shipment.id.to_string(),
            carrier: shipment.tracking.carrier.clone().unwrap_or_default(),
            tracking_number: shipment.tracking.tracking_number.clone().unwrap_or_default(),
        };
        let send = |channel, request| async move { ShippingServiceClient::new(channel).get_tracking(request).await };
        let told = match self.remote.call(message, send).await {
            Ok(told) => told,
            Err(Failure::Answered(status)) if status.code() == Code::NotFound => return Ok(shipment.clone()),
            Err(failure) => return Err(self.remote.nonsense(failure)),
        };
        let mut violations = Violations::new();
        let expected =
            time::optional(told.estimated_delivery_time.as_ref(), "estimated_delivery_time", &mut violations);
        // A link is shown to customers: only one that leads where links lead.
        let is_link = told.tracking_url.starts_with("https://") && told.tracking_url.len() <= limits::URL_CHARS;
        let news = Tracking {
            tracking_url: Some(told.tracking_url).filter(|_| is_link),
            estimated_delivery: expected.flatten(),
            ..Tracking::default()
        };
        Ok(Shipment { tracking: shipment.tracking.updated(&news), ..shipment.clone() })
    }
}
