//! Callers who place orders of two lines.

use std::time::Instant;

use order_api::v1::{self, order_service_client::OrderServiceClient};
use tonic::{Status, transport::Channel};

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
    pub(crate) client: OrderServiceClient<Channel>,
    pub(crate) bearer: Bearer,
    pub(crate) dice: Dice,
    /// Of how many products.
    pub(crate) buys: (Choice, u32),
}

impl Call for Create {
    async fn make(&mut self) -> Result<Instant, Status> {
        let order = self.order();
        let request = self.bearer.with(order);
        let began = Instant::now();
        self.client.create_order(request).await?;
        Ok(began)
    }
}

impl Create {
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
