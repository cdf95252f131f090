//! A payment service.

use async_trait::async_trait;
use order_api::integrations::v1::{
    self, AuthorizeRequest, CaptureRequest, GetOperationRequest, PaymentOutcome, RefundRequest, VoidRequest,
    payment_service_client::PaymentServiceClient,
};
use order_core::{
    ids::{OperationId, OrderNumber},
    payment::{OperationKind, Outcome},
    ports::{GatewayAnswer, GatewayRequest, Health, Neighbour, PaymentGateway, Unavailable},
    violation::Violations,
};
use tonic::Code;

use super::{Allowance, Failure, Remote, RemoteAddress};
use crate::convert::money;

/// Characters of a gateway's name for money, at most.
const REFERENCE_CHARS: usize = 128;
/// Characters of a code, at most.
const CODE_CHARS: usize = 64;

/// Money that is moved by a service of its own.
pub struct RemotePayments {
    remote: Remote,
}

impl RemotePayments {
    /// The payment service at this address. Must be called inside the runtime.
    #[must_use]
    pub fn new(address: &RemoteAddress, allowance: Allowance) -> Self {
        Self { remote: Remote::new("payment", address, allowance) }
    }

    async fn send(&self, request: &GatewayRequest) -> Result<v1::PaymentOperation, Failure> {
        let idempotency_key = request.key.to_string();
        let amount = Some(money::to_proto(request.amount));
        let reference = request.reference.clone().unwrap_or_default();
        match request.kind {
            kind @ (OperationKind::Sale | OperationKind::Authorize) => {
                let message = AuthorizeRequest {
                    idempotency_key,
                    amount,
                    capture: kind == OperationKind::Sale,
                    method: request.method.as_str().to_owned(),
                    token: request.token.clone().unwrap_or_default(),
                    order_number: request.order_number.as_ref().map(OrderNumber::to_string).unwrap_or_default(),
                };
                let send =
                    |channel, request| async move { PaymentServiceClient::new(channel).authorize(request).await };
                self.remote.call(message, send).await
            }
            OperationKind::Capture => {
                let message = CaptureRequest { idempotency_key, reference, amount };
                let send = |channel, request| async move { PaymentServiceClient::new(channel).capture(request).await };
                self.remote.call(message, send).await
            }
            OperationKind::Void => {
                let message = VoidRequest { idempotency_key, reference, amount };
                let send = |channel, request| async move { PaymentServiceClient::new(channel).void(request).await };
                self.remote.call(message, send).await
            }
            OperationKind::Refund => {
                let message = RefundRequest { idempotency_key, reference, amount };
                let send = |channel, request| async move { PaymentServiceClient::new(channel).refund(request).await };
                self.remote.call(message, send).await
            }
        }
    }

    /// What an answer means. One that breaks the contract means that nobody knows.
    fn read(&self, key: OperationId, told: v1::PaymentOperation) -> GatewayAnswer {
        if told.idempotency_key != key.to_string() {
            drop(self.remote.broken("it answers about another key"));
            return GatewayAnswer::Unknown;
        }
        match told.outcome() {
            PaymentOutcome::Succeeded => self.succeeded(told),
            PaymentOutcome::Declined => GatewayAnswer::Decided(Outcome::Failed { code: code(&told.decline_code) }),
            PaymentOutcome::Pending | PaymentOutcome::Unspecified => GatewayAnswer::Unknown,
        }
    }

    fn succeeded(&self, told: v1::PaymentOperation) -> GatewayAnswer {
        if told.reference.is_empty() || told.reference.chars().count() > REFERENCE_CHARS {
            drop(self.remote.broken("it gives no name to the money that it moved"));
            return GatewayAnswer::Unknown;
        }
        let mut violations = Violations::new();
        let moved = told.moved.as_ref().map(|moved| money::from_proto(moved, "moved", &mut violations));
        if !violations.is_empty() {
            drop(self.remote.broken(format!("{violations:?}")));
            return GatewayAnswer::Unknown;
        }
        GatewayAnswer::Decided(Outcome::Succeeded { reference: told.reference, moved: moved.flatten() })
    }
}

/// A code that may be shown and counted by.
fn code(told: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let is_code = !told.is_empty() && told.len() <= CODE_CHARS && told.chars().all(fits);
    if is_code { told.to_owned() } else { "declined".to_owned() }
}

#[async_trait]
impl Neighbour for RemotePayments {
    fn name(&self) -> &'static str {
        self.remote.name()
    }

    async fn check(&self) -> Result<Health, Unavailable> {
        self.remote.check().await
    }
}

#[async_trait]
impl PaymentGateway for RemotePayments {
    async fn execute(&self, request: &GatewayRequest) -> GatewayAnswer {
        match self.send(request).await {
            Ok(told) => self.read(request.key, told),
            Err(failure) => {
                let error = self.remote.nonsense(failure);
                tracing::warn!(operation_id = %request.key, %error, "nobody knows what became of a payment; it is asked after");
                GatewayAnswer::Unknown
            }
        }
    }

    async fn look_up(&self, key: OperationId) -> GatewayAnswer {
        let message = GetOperationRequest { idempotency_key: key.to_string() };
        let send = |channel, request| async move { PaymentServiceClient::new(channel).get_operation(request).await };
        match self.remote.call(message, send).await {
            Ok(told) => self.read(key, told),
            Err(Failure::Answered(status)) if status.code() == Code::NotFound => GatewayAnswer::NeverSeen,
            Err(failure) => {
                let error = self.remote.nonsense(failure);
                tracing::warn!(operation_id = %key, %error, "a payment could not be asked after");
                GatewayAnswer::Unknown
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_are_told() {
        assert_eq!(code("insufficient_funds"), "insufficient_funds");
        let long = "a".repeat(CODE_CHARS + 1);
        for other in ["", "card 4111 1111 1111 1111", "<b>no</b>", &long] {
            assert_eq!(code(other), "declined");
        }
    }
}
