//! AdminService: what the people who run the shop do. The layers let nobody in without the role `admin`.

mod add_note;
mod adjust_stock;
mod get_connectivity;
mod get_order;
mod get_order_stats;
mod get_product;
mod get_stock;
mod list_orders;
mod list_products;
mod list_stock_movements;
#[cfg(test)]
mod tests;
mod update_order_status;
mod upsert_products;

use std::sync::Arc;

use order_api::v1::{self, admin_service_server::AdminService};
use order_core::order::Order;
use tonic::{Request, Response, Status, Streaming, async_trait};

#[cfg(test)]
pub(crate) use self::upsert_products::upsert_products;
use super::call::answer;
use crate::{app::App, auth::Principal, convert::order, import};

/// The service over an app.
#[derive(Debug)]
pub struct Admin(Arc<App>);

impl Admin {
    /// The service over an app.
    #[must_use]
    pub const fn new(app: Arc<App>) -> Self {
        Self(app)
    }
}

/// An order as administrators see it: with the words that it could be taken to next.
fn show(app: &App, principal: &Principal, shown: &Order) -> v1::Order {
    order::administered(shown, &app.looking(principal, shown))
}

#[async_trait]
impl AdminService for Admin {
    async fn list_orders(
        &self,
        request: Request<v1::AdminServiceListOrdersRequest>,
    ) -> Result<Response<v1::ListOrdersResponse>, Status> {
        answer(request, async |_caller, message| list_orders::list_orders(&self.0, message).await).await
    }

    async fn get_order(&self, request: Request<v1::GetOrderRequest>) -> Result<Response<v1::Order>, Status> {
        answer(request, async |caller, message| get_order::get_order(&self.0, &caller, message).await).await
    }

    async fn get_order_stats(
        &self,
        request: Request<v1::GetOrderStatsRequest>,
    ) -> Result<Response<v1::OrderStats>, Status> {
        answer(request, async |_caller, message| get_order_stats::get_order_stats(&self.0, message).await).await
    }

    async fn update_order_status(
        &self,
        request: Request<v1::UpdateOrderStatusRequest>,
    ) -> Result<Response<v1::Order>, Status> {
        let use_case =
            async |caller, message| update_order_status::update_order_status(&self.0, &caller, message).await;
        answer(request, use_case).await
    }

    async fn add_note(&self, request: Request<v1::AddNoteRequest>) -> Result<Response<v1::Order>, Status> {
        answer(request, async |caller, message| add_note::add_note(&self.0, &caller, message).await).await
    }

    async fn upsert_products(
        &self,
        request: Request<v1::UpsertProductsRequest>,
    ) -> Result<Response<v1::UpsertProductsResponse>, Status> {
        answer(request, async |caller, message| upsert_products::upsert_products(&self.0, &caller, message).await).await
    }

    async fn get_product(&self, request: Request<v1::GetProductRequest>) -> Result<Response<v1::Product>, Status> {
        answer(request, async |_caller, message| get_product::get_product(&self.0, message).await).await
    }

    async fn list_products(
        &self,
        request: Request<v1::ListProductsRequest>,
    ) -> Result<Response<v1::ListProductsResponse>, Status> {
        answer(request, async |_caller, message| list_products::list_products(&self.0, message).await).await
    }

    async fn adjust_stock(&self, request: Request<v1::AdjustStockRequest>) -> Result<Response<v1::Stock>, Status> {
        answer(request, async |caller, message| adjust_stock::adjust_stock(&self.0, &caller, message).await).await
    }

    async fn get_stock(&self, request: Request<v1::GetStockRequest>) -> Result<Response<v1::Stock>, Status> {
        answer(request, async |_caller, message| get_stock::get_stock(&self.0, message).await).await
    }

    async fn list_stock_movements(
        &self,
        request: Request<v1::ListStockMovementsRequest>,
    ) -> Result<Response<v1::ListStockMovementsResponse>, Status> {
        answer(request, async |_caller, message| list_stock_movements::list_stock_movements(&self.0, message).await)
            .await
    }

    async fn get_connectivity(
        &self,
        request: Request<v1::GetConnectivityRequest>,
    ) -> Result<Response<v1::GetConnectivityResponse>, Status> {
        answer(request, async |_caller, _message| Ok(get_connectivity::get_connectivity(&self.0).await)).await
    }

    async fn import_orders(
        &self,
        request: Request<Streaming<v1::ImportOrdersRequest>>,
    ) -> Result<Response<v1::ImportOrdersResponse>, Status> {
        answer(request, async |caller, stream| import::receive(&self.0, &caller, stream).await).await
    }
}
