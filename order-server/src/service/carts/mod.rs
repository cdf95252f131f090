//! CartService: the caller's own cart.

mod add_cart_item;
mod change_cart;
mod clear_cart;
mod get_cart;
mod merge_carts;
mod owner;
mod remove_cart_item;
#[cfg(test)]
mod tests;
mod update_cart_item;
mod view;

use std::sync::Arc;

use order_api::v1::{self, cart_service_server::CartService};
use tonic::{Request, Response, Status, async_trait};

use super::call::answer;
use crate::{app::App, service::orders::checkout::checkout};

/// The service over an app.
#[derive(Debug)]
pub struct Carts(Arc<App>);

impl Carts {
    /// The service over an app.
    #[must_use]
    pub const fn new(app: Arc<App>) -> Self {
        Self(app)
    }
}

#[async_trait]
impl CartService for Carts {
    async fn get_cart(&self, request: Request<v1::GetCartRequest>) -> Result<Response<v1::Cart>, Status> {
        answer(request, async |caller, message| get_cart::get_cart(&self.0, &caller, message).await).await
    }

    async fn add_cart_item(&self, request: Request<v1::AddCartItemRequest>) -> Result<Response<v1::Cart>, Status> {
        answer(request, async |caller, message| add_cart_item::add_cart_item(&self.0, &caller, message).await).await
    }

    async fn update_cart_item(
        &self,
        request: Request<v1::UpdateCartItemRequest>,
    ) -> Result<Response<v1::Cart>, Status> {
        answer(request, async |caller, message| update_cart_item::update_cart_item(&self.0, &caller, message).await)
            .await
    }

    async fn remove_cart_item(
        &self,
        request: Request<v1::RemoveCartItemRequest>,
    ) -> Result<Response<v1::Cart>, Status> {
        answer(request, async |caller, message| remove_cart_item::remove_cart_item(&self.0, &caller, message).await)
            .await
    }

    async fn clear_cart(&self, request: Request<v1::ClearCartRequest>) -> Result<Response<v1::Cart>, Status> {
        answer(request, async |caller, message| clear_cart::clear_cart(&self.0, &caller, message).await).await
    }

    async fn merge_carts(
        &self,
        request: Request<v1::MergeCartsRequest>,
    ) -> Result<Response<v1::MergeCartsResponse>, Status> {
        answer(request, async |caller, message| merge_carts::merge_carts(&self.0, &caller, message).await).await
    }

    async fn checkout(&self, request: Request<v1::CheckoutRequest>) -> Result<Response<v1::Order>, Status> {
        answer(request, async |caller, message| checkout(&self.0, &caller, message).await).await
    }
}
