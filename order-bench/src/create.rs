//! Callers who place orders of two lines.

use std::time::Instant;

use http::uri::PathAndQuery;
use order_api::v1::{self, order_service_client::OrderServiceClient};
use tonic::{Status, client::Grpc, transport::Channel};
use tonic_prost::ProstCodec;

use crate::{
    dice::Dice,
    load::Call,
    server::{Bearer, product_id},
};

/// What is bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Any two products.
    Uniform,
    /// The same product in every order, and another one.
    Hot,
}

/// A caller.
pub(crate) struct Create {
    /// For all other calls.
    pub(crate) client: OrderServiceClient<Channel>,
    placing: Grpc<Channel>,
    pub(crate) bearer: Bearer,
    pub(crate) dice: Dice,
    /// Of how many products.
    pub(crate) buys: (Choice, u32),
}

/// What a caller reads of the [`v1::Order`] that is answered; the other fields are passed over. Callers share their processors with what
/// they measure, and pgbench does not look at what it is answered either.
#[derive(Clone, prost::Message)]
struct Placed {
    #[prost(string, tag = "1")]
    order_id: String,
}

impl Call for Create {
    async fn make(&mut self) -> Result<Instant, Status> {
        let order = self.order();
        let (began, _order_id) = self.place(order).await?;
        Ok(began)
    }
}

impl Create {
    pub(crate) fn new(channel: Channel, (bearer, dice): (Bearer, Dice), buys: (Choice, u32)) -> Self {
        Self { client: OrderServiceClient::new(channel.clone()), placing: Grpc::new(channel), bearer, dice, buys }
    }

    /// Places an order; when that began, and the order's id.
    pub(crate) async fn place(&mut self, order: v1::CreateOrderRequest) -> Result<(Instant, String), Status> {
        let request = self.bearer.with(order);
        let began = Instant::now();
        self.placing.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let path = PathAndQuery::from_static("/orders.v1.OrderService/CreateOrder");
        let codec = ProstCodec::<v1::CreateOrderRequest, Placed>::default();
        let Placed { order_id } = self.placing.unary(request, path, codec).await?.into_inner();
        if order_id.is_empty() { Err(Status::internal("an order without an id")) } else { Ok((began, order_id)) }
    }

    /// An order of two lines, with a request id of its own.
    pub(crate) fn order(&mut self) -> v1::CreateOrderRequest {
        let (choice, products) = self.buys;
        let first = match choice {
            Choice::Uniform => self.dice.below(products),
            Choice::Hot => 0,
        };
        let second = (first + 1 + self.dice.below(products - 1)) % products;
        v1::CreateOrderRequest {
            lines: [first, second].map(line).to_vec(),
            contact: Some(v1::Contact {
                name: "Ada Example".to_owned(),
                email: "ada@example.com".to_owned(),
                ..Default::default()
            }),
            shipping_address: Some(v1::Address {
                recipient: "Ada Example".to_owned(),
                line1: "1 Main Street".to_owned(),
                city: "Oakland".to_owned(),
                region: "CA".to_owned(),
                postal_code: "94607".to_owned(),
                country_code: "US".to_owned(),
                ..Default::default()
            }),
            customer_id: format!("customer-{}", self.dice.below(100_000)),
            request_id: self.dice.uuid().to_string(),
            ..Default::default()
        }
    }
}

fn line(n: u32) -> v1::OrderLineInput {
    v1::OrderLineInput { product_id: product_id(n), quantity: 1, ..Default::default() }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn what_is_read_of_an_order_is_its_id() {
        let order = v1::Order {
            order_id: "its id".to_owned(),
            order_number: "its number".to_owned(),
            explanation: Some(v1::PriceExplanation::default()),
            ..Default::default()
        };
        assert_eq!(Placed::decode(&*order.encode_to_vec()).unwrap().order_id, "its id");
    }
}
