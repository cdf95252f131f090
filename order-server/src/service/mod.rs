//! What callers can ask, one use case per file, named after its RPC.
//!
//! A use case reads the request ([`convert`](crate::convert)), asks neighbours where it must, calls the store at most once
//! for a change, and writes the answer. What the domain decides is decided in order-core; what goes wrong is an
//! [`ApiError`](crate::error::ApiError).

pub mod admin;
pub mod assess;
pub mod call;
pub mod carts;
pub mod coupons;
#[cfg(test)]
pub(crate) mod fixture;
pub(crate) mod inventory;
pub mod orders;
pub mod payments;
pub(crate) mod telling;

use std::sync::Arc;

use order_api::v1::{
    admin_service_server::AdminServiceServer, cart_service_server::CartServiceServer,
    order_service_server::OrderServiceServer,
};
use order_core::limits;
use tonic::service::Routes;

use crate::app::App;

/// The three services over one app, with the limits of their messages.
#[must_use]
pub fn routes(app: &Arc<App>) -> Routes {
    macro_rules! limited {
        ($server:ident, $service:expr) => {
            $server::new($service)
                .max_decoding_message_size(limits::MESSAGE_BYTES_IN)
                .max_encoding_message_size(limits::MESSAGE_BYTES_OUT)
        };
    }
    Routes::new(limited!(OrderServiceServer, orders::Orders::new(Arc::clone(app))))
        .add_service(limited!(CartServiceServer, carts::Carts::new(Arc::clone(app))))
        .add_service(limited!(AdminServiceServer, admin::Admin::new(Arc::clone(app))))
}
