//! Parcels.

use order_api::integrations::v1::{GetTrackingRequest, ParcelTracking, shipping_service_server::ShippingService};
use tonic::{Code, Request, Response, Status};

use crate::{
    Shared,
    fault::{Service, Truth, take},
};

#[derive(Debug)]
pub(crate) struct Shipping(pub(crate) Shared);

#[tonic::async_trait]
impl ShippingService for Shipping {
    async fn get_tracking(&self, request: Request<GetTrackingRequest>) -> Result<Response<ParcelTracking>, Status> {
        let id = request.into_inner().shipment_id;
        take(&self.0, Service::Shipping, move |state, truth| {
            let found = state.lock().parcels.get(&id).cloned();
            let parcel = found.ok_or_else(|| Status::new(Code::NotFound, "there is no such parcel"))?;
            Ok(match truth {
                Truth::Right => parcel,
                Truth::Wrong => ParcelTracking { tracking_url: "javascript:alert(1)".to_owned(), ..parcel },
            })
        })
        .await
    }
}
