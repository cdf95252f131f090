//! OrderService: orders as those who buy see them.

mod cancel_order;
mod cancel_return;
pub mod change_order;
pub mod checkout;
mod create_order;
mod edit_order;
mod get_customer_summary;
mod get_order;
mod get_order_status;
mod get_order_tracking;
mod list_order_events;
pub mod list_orders;
mod lookup_order;
pub mod offer;
mod pay_order;
mod placing;
mod quote_order;
pub mod request_return;
mod update_order;
mod watch_orders;

use std::sync::Arc;

use order_api::v1::{self, order_service_server::OrderService};
use tonic::{Request, Response, Status};

use super::{call::answer, telling::Told};
use crate::app::App;

/// The service over an app.
#[derive(Debug, Clone)]
pub struct Orders(Arc<App>);

impl Orders {
    /// The service over this app.
    #[must_use]
    pub const fn new(app: Arc<App>) -> Self {
        Self(app)
    }
}

#[tonic::async_trait]
impl OrderService for Orders {
    type WatchOrdersStream = Told<v1::WatchOrdersResponse>;

    async fn watch_orders(
        &self,
        request: Request<v1::WatchOrdersRequest>,
    ) -> Result<Response<Self::WatchOrdersStream>, Status> {
        answer(request, async |principal, message| watch_orders::watch_orders(&self.0, &principal, message).await).await
    }

    async fn create_order(&self, request: Request<v1::CreateOrderRequest>) -> Result<Response<v1::Order>, Status> {
        answer(request, async |principal, message| create_order::create_order(&self.0, &principal, message).await).await
    }

    async fn quote_order(&self, request: Request<v1::QuoteOrderRequest>) -> Result<Response<v1::Quote>, Status> {
        answer(request, async |principal, message| quote_order::quote_order(&self.0, &principal, message).await).await
    }

    async fn get_order(&self, request: Request<v1::GetOrderRequest>) -> Result<Response<v1::Order>, Status> {
        answer(request, async |principal, message| get_order::get_order(&self.0, &principal, message).await).await
    }

    async fn lookup_order(&self, request: Request<v1::LookupOrderRequest>) -> Result<Response<v1::Order>, Status> {
        answer(request, async |_, message| lookup_order::lookup_order(&self.0, message).await).await
    }

    async fn list_orders(
        &self,
        request: Request<v1::ListOrdersRequest>,
    ) -> Result<Response<v1::ListOrdersResponse>, Status> {
        answer(request, async |principal, message| list_orders::list_orders(&self.0, &principal, message).await).await
    }

    async fn update_order(&self, request: Request<v1::UpdateOrderRequest>) -> Result<Response<v1::Order>, Status> {
        answer(request, async |principal, message| update_order::update_order(&self.0, &principal, message).await).await
    }

    async fn cancel_order(&self, request: Request<v1::CancelOrderRequest>) -> Result<Response<v1::Order>, Status> {
        answer(request, async |principal, message| cancel_order::cancel_order(&self.0, &principal, message).await).await
    }

    async fn pay_order(&self, request: Request<v1::PayOrderRequest>) -> Result<Response<v1::Order>, Status> {
        answer(request, async |principal, message| pay_order::pay_order(&self.0, &principal, message).await).await
    }

    async fn get_order_status(
        &self,
        request: Request<v1::GetOrderStatusRequest>,
    ) -> Result<Response<v1::GetOrderStatusResponse>, Status> {
        answer(request, async |principal, message| {
            get_order_status::get_order_status(&self.0, &principal, message).await
        })
        .await
    }

    async fn get_order_tracking(
        &self,
        request: Request<v1::GetOrderTrackingRequest>,
    ) -> Result<Response<v1::OrderTracking>, Status> {
        answer(request, async |principal, message| {
            get_order_tracking::get_order_tracking(&self.0, &principal, message).await
        })
        .await
    }

    async fn list_order_events(
        &self,
        request: Request<v1::ListOrderEventsRequest>,
    ) -> Result<Response<v1::ListOrderEventsResponse>, Status> {
        answer(request, async |principal, message| {
            list_order_events::list_order_events(&self.0, &principal, message).await
        })
        .await
    }

    async fn get_customer_summary(
        &self,
        request: Request<v1::GetCustomerSummaryRequest>,
    ) -> Result<Response<v1::CustomerSummary>, Status> {
        answer(request, async |principal, message| {
            get_customer_summary::get_customer_summary(&self.0, &principal, message).await
        })
        .await
    }

    async fn edit_order(
        &self,
        request: Request<v1::EditOrderRequest>,
    ) -> Result<Response<v1::EditOrderResponse>, Status> {
        answer(request, async |principal, message| edit_order::edit_order(&self.0, &principal, message).await).await
    }

    async fn request_return(
        &self,
        request: Request<v1::RequestReturnRequest>,
    ) -> Result<Response<v1::OrderReturn>, Status> {
        answer(request, async |principal, message| request_return::request_return(&self.0, &principal, message).await)
            .await
    }

    async fn cancel_return(
        &self,
        request: Request<v1::CancelReturnRequest>,
    ) -> Result<Response<v1::OrderReturn>, Status> {
        answer(request, async |principal, message| cancel_return::cancel_return(&self.0, &principal, message).await)
            .await
    }
}
