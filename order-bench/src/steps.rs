//! Callers who do more with an order than place it. What goes before the call that is measured is not counted.

use std::time::Instant;

use order_api::v1::{self, cart_service_client::CartServiceClient};
use tonic::Status;

use crate::{create::Create, load::Call, server::product_id};

/// The call that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A guest orders a cart of two products.
    Checkout,
    /// An order is paid by card.
    Pay,
    /// An order that was not paid is called off.
    Cancel,
    /// An order is placed and paid by card with one call.
    PaidOrder,
}

/// A caller.
pub(crate) struct Stepper {
    pub(crate) create: Create,
    pub(crate) carts: CartServiceClient<tonic::transport::Channel>,
    pub(crate) step: Step,
}

impl Call for Stepper {
    async fn make(&mut self) -> Result<Instant, Status> {
        if self.step == Step::Checkout {
            return self.check_out().await;
        }
        let mut order = self.create.order();
        if self.step == Step::PaidOrder {
            order.payment = Some(card());
            return Ok(self.create.place(order).await?.0);
        }
        let (_began, order_id) = self.create.place(order).await?;
        let request_id = self.create.dice.uuid().to_string();
        let began = Instant::now();
        if self.step == Step::Pay {
            let pay = v1::PayOrderRequest { order_id, payment: Some(card()), request_id, ..Default::default() };
            self.create.client.pay_order(self.create.bearer.with(pay)).await?;
        } else {
            let cancel = v1::CancelOrderRequest { order_id, request_id, ..Default::default() };
            self.create.client.cancel_order(self.create.bearer.with(cancel)).await?;
        }
        Ok(began)
    }
}

fn card() -> v1::PaymentInstrument {
    v1::PaymentInstrument { method: v1::PaymentMethod::CreditCard.into(), token: "tok_approve".to_owned() }
}

impl Stepper {
    async fn check_out(&mut self) -> Result<Instant, Status> {
        let mut cart_token = String::new();
        for _ in 0..2 {
            let product_id = product_id(self.create.dice.below(self.create.buys.1));
            let request_id = self.create.dice.uuid().to_string();
            let add = v1::AddCartItemRequest {
                cart_token: cart_token.clone(),
                product_id,
                quantity: 1,
                request_id,
                ..Default::default()
            };
            let cart = self.carts.add_cart_item(add).await?.into_inner();
            if cart_token.is_empty() {
                cart_token = cart.cart_token;
            }
        }
        let v1::CreateOrderRequest { contact, shipping_address, request_id, .. } = self.create.order();
        let began = Instant::now();
        let checkout = v1::CheckoutRequest { cart_token, contact, shipping_address, request_id, ..Default::default() };
        self.carts.checkout(checkout).await?;
        Ok(began)
    }
}
