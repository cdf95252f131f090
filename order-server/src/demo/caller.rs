//! Callers of the public API: a channel, a token, and the generated clients.

use std::net::SocketAddr;

use order_api::v1::{
    admin_service_client::AdminServiceClient, cart_service_client::CartServiceClient,
    order_service_client::OrderServiceClient,
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

use super::narrator::Failed;

type Authorized = InterceptedService<Channel, Bearer>;

/// Puts a token on every call.
#[derive(Clone)]
pub(super) struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// Somebody with a token.
#[derive(Clone)]
pub(super) struct Caller {
    channel: Channel,
    bearer: Bearer,
}

impl Caller {
    /// Connects to a server under a token.
    pub(super) async fn connect(server: SocketAddr, token: &str) -> Result<Self, Failed> {
        let unreachable = |error: &dyn std::fmt::Display| Failed(format!("the server cannot be reached: {error}"));
        let endpoint = Endpoint::from_shared(format!("http://{server}")).map_err(|error| unreachable(&error))?;
        let channel = endpoint.connect().await.map_err(|error| unreachable(&error))?;
        let value = format!("Bearer {token}").parse().map_err(|error| unreachable(&error))?;
        Ok(Self { channel, bearer: Bearer(value) })
    }

    pub(super) fn orders(&self) -> OrderServiceClient<Authorized> {
        OrderServiceClient::with_interceptor(self.channel.clone(), self.bearer.clone())
    }

    pub(super) fn carts(&self) -> CartServiceClient<Authorized> {
        CartServiceClient::with_interceptor(self.channel.clone(), self.bearer.clone())
    }

    pub(super) fn admin(&self) -> AdminServiceClient<Authorized> {
        AdminServiceClient::with_interceptor(self.channel.clone(), self.bearer.clone())
    }
}
