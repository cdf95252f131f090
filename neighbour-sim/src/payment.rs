//! Money. A token that begins with `tok_decline_` is declined with what follows; every other one is good.

use order_api::{
    Money,
    integrations::v1::{
        AuthorizeRequest, CaptureRequest, GetOperationRequest, PaymentOperation, PaymentOutcome, RefundRequest,
        VoidRequest, payment_service_server::PaymentService,
    },
};
use tonic::{Code, Request, Response, Status};

use crate::{
    Shared,
    fault::{Service, Truth, take},
};

#[derive(Debug)]
pub(crate) struct Payments(pub(crate) Shared);

/// A request that was carried out, or refused for good.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) kind: &'static str,
    pub(crate) operation: PaymentOperation,
}

impl Payments {
    /// Carries a request out, unless its key did something before; what was done.
    async fn execute(
        &self,
        kind: &'static str,
        (key, amount, token): (String, Option<Money>, String),
    ) -> Result<Response<PaymentOperation>, Status> {
        take(&self.0, Service::Payment, move |state, truth| {
            let mut state = state.lock();
            let done = state.operations.entry(key.clone()).or_insert_with(|| {
                let declined = token.strip_prefix("tok_decline_");
                let outcome = if declined.is_some() { PaymentOutcome::Declined } else { PaymentOutcome::Succeeded };
                let operation = PaymentOperation {
                    idempotency_key: key.clone(),
                    outcome: outcome.into(),
                    reference: if declined.is_some() { String::new() } else { format!("sim_{key}") },
                    moved: amount.filter(|_| declined.is_none()),
                    decline_code: declined.unwrap_or_default().to_owned(),
                };
                Record { kind, operation }
            });
            Ok(told(done.operation.clone(), truth))
        })
        .await
    }
}

fn told(operation: PaymentOperation, truth: Truth) -> PaymentOperation {
    match truth {
        Truth::Right => operation,
        Truth::Wrong => PaymentOperation { idempotency_key: "another".to_owned(), ..operation },
    }
}

#[tonic::async_trait]
impl PaymentService for Payments {
    async fn authorize(&self, request: Request<AuthorizeRequest>) -> Result<Response<PaymentOperation>, Status> {
        let AuthorizeRequest { idempotency_key, amount, capture, token, .. } = request.into_inner();
        self.execute(if capture { "SALE" } else { "AUTHORIZE" }, (idempotency_key, amount, token)).await
    }

    async fn capture(&self, request: Request<CaptureRequest>) -> Result<Response<PaymentOperation>, Status> {
        let CaptureRequest { idempotency_key, amount, .. } = request.into_inner();
        self.execute("CAPTURE", (idempotency_key, amount, String::new())).await
    }

    async fn void(&self, request: Request<VoidRequest>) -> Result<Response<PaymentOperation>, Status> {
        let VoidRequest { idempotency_key, amount, .. } = request.into_inner();
        self.execute("VOID", (idempotency_key, amount, String::new())).await
    }

    async fn refund(&self, request: Request<RefundRequest>) -> Result<Response<PaymentOperation>, Status> {
        let RefundRequest { idempotency_key, amount, .. } = request.into_inner();
        self.execute("REFUND", (idempotency_key, amount, String::new())).await
    }

    async fn get_operation(&self, request: Request<GetOperationRequest>) -> Result<Response<PaymentOperation>, Status> {
        let key = request.into_inner().idempotency_key;
        take(&self.0, Service::Payment, move |state, truth| {
            let found = state.lock().operations.get(&key).map(|record| record.operation.clone());
            let found = found.ok_or_else(|| Status::new(Code::NotFound, "no request of that key was ever seen"));
            found.map(|operation| told(operation, truth))
        })
        .await
    }
}
