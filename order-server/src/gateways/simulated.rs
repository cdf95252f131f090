//! A payment gateway that moves no money and behaves like one that does.
//!
//! It keeps its own durable log, keyed as a real gateway's would be: the same key again gives the first answer. What it does
//! is chosen by the token, so that tests and demonstrations decide:
//!
//! | token | what happens |
//! |---|---|
//! | `tok_decline_<code>` | declined with that code |
//! | `tok_slow_<ms>` | approved after so many milliseconds, at most 10 000 |
//! | `tok_timeout_charged` | charged, but the answer gets lost |
//! | `tok_timeout_lost` | the request gets lost: nothing is charged |
//! | anything else | approved |
//!
//! Refunds need no token and are approved.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use order_core::{
    ids::OperationId,
    payment::Outcome,
    ports::{GatewayAnswer, GatewayRequest, Health, Neighbour, PaymentGateway, Unavailable},
};
use order_store::{GatewayRecord, Store};

use super::embedded::database;

/// The longest that a token can make the gateway take.
const SLOWEST: Duration = Duration::from_secs(10);

/// See the module.
pub struct SimulatedGateway(pub Arc<dyn Store>);

/// What a token asks for.
#[derive(Debug, PartialEq, Eq)]
enum Behaviour {
    Approve { after: Duration },
    Decline { code: String },
    LoseAnswer,
    LoseRequest,
}

impl Behaviour {
    fn of(token: Option<&str>) -> Self {
        let token = token.unwrap_or_default();
        let slow = token.strip_prefix("tok_slow_").and_then(|ms| ms.parse().ok()).map(Duration::from_millis);
        match (token, token.strip_prefix("tok_decline_"), slow) {
            ("tok_timeout_charged", ..) => Self::LoseAnswer,
            ("tok_timeout_lost", ..) => Self::LoseRequest,
            (_, Some(code), _) => Self::Decline { code: code.to_owned() },
            (_, None, slow) => Self::Approve { after: slow.unwrap_or_default().min(SLOWEST) },
        }
    }
}

impl SimulatedGateway {
    /// Writes down what is done, unless the key did something before.
    async fn record(&self, request: &GatewayRequest, outcome: Outcome) -> GatewayAnswer {
        let record =
            GatewayRecord { key: request.key, kind: request.kind, amount: request.amount, outcome, time: request.now };
        match self.0.record_gateway(record).await {
            Ok(first) => GatewayAnswer::Decided(first.outcome),
            Err(error) => {
                tracing::warn!(%error, "the simulated gateway could not write its log");
                GatewayAnswer::Unknown
            }
        }
    }
}

#[async_trait]
impl Neighbour for SimulatedGateway {
    fn name(&self) -> &'static str {
        "payment"
    }

    async fn check(&self) -> Result<Health, Unavailable> {
        let answer = self.0.ping().await.map(|()| Health::Embedded);
        answer.map_err(database)
    }
}

#[async_trait]
impl PaymentGateway for SimulatedGateway {
    async fn execute(&self, request: &GatewayRequest) -> GatewayAnswer {
        let approved = Outcome::Succeeded { reference: format!("sim_{}", request.key) };
        match Behaviour::of(request.token.as_deref()) {
            Behaviour::Approve { after } => {
                if !after.is_zero() {
                    tokio::time::sleep(after).await;
                }
                self.record(request, approved).await
            }
            Behaviour::Decline { code } => self.record(request, Outcome::Failed { code }).await,
            Behaviour::LoseAnswer => {
                self.record(request, approved).await;
                GatewayAnswer::Unknown
            }
            Behaviour::LoseRequest => GatewayAnswer::Unknown,
        }
    }

    async fn look_up(&self, key: OperationId) -> GatewayAnswer {
        match self.0.gateway_record(key).await {
            Ok(Some(record)) => GatewayAnswer::Decided(record.outcome),
            Ok(None) => GatewayAnswer::NeverSeen,
            Err(error) => {
                tracing::warn!(%error, "the simulated gateway could not read its log");
                GatewayAnswer::Unknown
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_chooses_what_happens() {
        let approve = |ms| Behaviour::Approve { after: Duration::from_millis(ms) };
        assert_eq!(Behaviour::of(None), approve(0));
        assert_eq!(Behaviour::of(Some("tok_approve")), approve(0));
        assert_eq!(Behaviour::of(Some("tok_slow_250")), approve(250));
        assert_eq!(Behaviour::of(Some("tok_slow_999999999")), approve(10_000));
        assert_eq!(Behaviour::of(Some("tok_slow_x")), approve(0));
        assert_eq!(Behaviour::of(Some("tok_decline_expired_card")), Behaviour::Decline { code: "expired_card".into() });
        assert_eq!(Behaviour::of(Some("tok_timeout_charged")), Behaviour::LoseAnswer);
        assert_eq!(Behaviour::of(Some("tok_timeout_lost")), Behaviour::LoseRequest);
    }
}
