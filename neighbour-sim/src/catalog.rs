//! Products.

use order_api::integrations::v1::{
    BatchGetProductsRequest, BatchGetProductsResponse, catalog_service_server::CatalogService,
};
use tonic::{Request, Response, Status};

use crate::{
    Shared,
    fault::{Service, Truth, take},
};

#[derive(Debug)]
pub(crate) struct Catalog(pub(crate) Shared);

#[tonic::async_trait]
impl CatalogService for Catalog {
    async fn batch_get_products(
        &self,
        request: Request<BatchGetProductsRequest>,
    ) -> Result<Response<BatchGetProductsResponse>, Status> {
        let wanted = request.into_inner().product_ids;
        take(&self.0, Service::Catalog, move |state, truth| {
            let state = state.lock();
            let mut products: Vec<_> = wanted.iter().filter_map(|id| state.products.get(id)).cloned().collect();
            if truth == Truth::Wrong {
                // A negative price: who took it would pay people for taking goods.
                products
                    .iter_mut()
                    .filter_map(|product| product.price.as_mut())
                    .for_each(|price| price.units = -price.units);
            }
            Ok(BatchGetProductsResponse { products })
        })
        .await
    }
}
