//! A payment gateway that moves no money and behaves like one that does.
//!
//! It keeps its own durable log, keyed as a real gateway's would be: the same key again gives the first answer. What it does
//! is chosen by the token, so that tests and demonstrations decide:
//!
//! | token | what happens |
//! |---|---|
//! | `tok_decline_<code>` | declined with that code |
//! | `tok_limit_<minor>` | declined with `amount_limit` if it is for more than so many minor units |
//! | `tok_slow_<ms>` | carried out and answered after so many milliseconds |
//! | `tok_charge_slow_<ms>` | carried out at once, answered after so many milliseconds |
//! | `tok_timeout_charged` | carried out, but the answer gets lost |
//! | `tok_timeout_lost` | the request gets lost: nothing is carried out |
//! | `tok_late_<ms>` | carried out, but not answered; an event tells of it after so many milliseconds |
//! | `tok_twice` | carried out and answered; then the same event tells of it twice |
//! | `tok_reversed` | carried out and answered; the events of two operations of the payment come in the opposite order |
//! | `tok_amount_<minor>` | moves so many minor units, whatever was asked, and says so |
//! | `tok_currency_<code>` | moves the amount in that currency, and says so |
//! | anything else | carried out and answered |
//!
//! A payment has one token, which steers all its operations. What is written above acts on the first of them, the sale or
//! the authorization; `tok_capture_`, `tok_refund_` or `tok_void_` in place of `tok_` aims at those instead, as in
//! `tok_refund_decline_closed_account`, and the others are carried out. Only plain `tok_reversed` is about all operations.
//! No time is longer than 10 000 milliseconds.
//!
//! Events take the way that a real gateway's take through RecordPaymentEvent. They are not kept: those that are on their way
//! when the process ends, or that are too many, are dropped, since the reconciler asks by key anyway.

mod behaviour;
mod mail;

use std::sync::Arc;

use async_trait::async_trait;
use order_core::{
    ids::OperationId,
    money::Money,
    payment::Outcome,
    ports::{GatewayAnswer, GatewayRequest, Health, Neighbour, PaymentGateway, Unavailable},
};
use order_store::{GatewayRecord, Store};

use self::behaviour::Behaviour;
pub use self::mail::{Listener, Mail};
use super::embedded::database;

/// See the module.
pub struct SimulatedGateway {
    store: Arc<dyn Store>,
    mail: Mail,
}

impl SimulatedGateway {
    /// A gateway whose log is in this database and whose events go out by this mail.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, mail: Mail) -> Self {
        Self { store, mail }
    }

    /// Moves the money, unless the key did something before; what was done.
    async fn carry_out(&self, request: &GatewayRequest, moved: Option<Money>) -> Option<GatewayRecord> {
        self.record(request, Outcome::Succeeded { reference: reference(request.key), moved }).await
    }

    async fn refuse(&self, request: &GatewayRequest, code: &str) -> GatewayAnswer {
        answer(self.record(request, Outcome::Failed { code: code.to_owned() }).await.as_ref())
    }

    /// Writes down what is done. `None` where the log cannot be written: then nothing was done, but who asks cannot know.
    async fn record(&self, request: &GatewayRequest, outcome: Outcome) -> Option<GatewayRecord> {
        let record =
            GatewayRecord { key: request.key, kind: request.kind, amount: request.amount, outcome, time: request.now };
        let written = self.store.record_gateway(record).await;
        written.inspect_err(|error| tracing::warn!(%error, "the simulated gateway could not write its log")).ok()
    }
}

/// The gateway's name for what it does under a key.
fn reference(key: OperationId) -> String {
    format!("sim_{key}")
}

/// The payment that a request belongs to, as the gateway names it: by what promised or took the money.
fn payment(request: &GatewayRequest) -> String {
    request.reference.clone().unwrap_or_else(|| reference(request.key))
}

fn answer(done: Option<&GatewayRecord>) -> GatewayAnswer {
    done.map_or(GatewayAnswer::Unknown, |done| GatewayAnswer::Decided(done.outcome.clone()))
}

#[async_trait]
impl Neighbour for SimulatedGateway {
    fn name(&self) -> &'static str {
        "payment"
    }

    async fn check(&self) -> Result<Health, Unavailable> {
        let answer = self.store.ping().await.map(|()| Health::Embedded);
        answer.map_err(database)
    }
}

#[async_trait]
impl PaymentGateway for SimulatedGateway {
    async fn execute(&self, request: &GatewayRequest) -> GatewayAnswer {
        match Behaviour::of(request.token.as_deref(), request.kind) {
            Behaviour::Decline { code } => self.refuse(request, &code).await,
            Behaviour::Limit { most } if request.amount.minor() > most => self.refuse(request, "amount_limit").await,
            Behaviour::Approve | Behaviour::Limit { .. } => answer(self.carry_out(request, None).await.as_ref()),
            Behaviour::Slow { after } => {
                tokio::time::sleep(after).await;
                answer(self.carry_out(request, None).await.as_ref())
            }
            Behaviour::ChargeSlow { after } => {
                let done = self.carry_out(request, None).await;
                tokio::time::sleep(after).await;
                answer(done.as_ref())
            }
            Behaviour::LoseAnswer => {
                self.carry_out(request, None).await;
                GatewayAnswer::Unknown
            }
            Behaviour::LoseRequest => GatewayAnswer::Unknown,
            Behaviour::Late { after } => {
                if let Some(done) = self.carry_out(request, None).await {
                    self.mail.send_after(after, vec![mail::event(&done)]);
                }
                GatewayAnswer::Unknown
            }
            Behaviour::Twice => {
                let done = self.carry_out(request, None).await;
                if let Some(done) = &done {
                    self.mail.send(vec![mail::event(done), mail::event(done)]);
                }
                answer(done.as_ref())
            }
            Behaviour::Reversed => {
                let done = self.carry_out(request, None).await;
                if let Some(done) = &done {
                    self.mail.send_reversed(payment(request), mail::event(done));
                }
                answer(done.as_ref())
            }
            Behaviour::Amount { minor } => {
                let moved = Money::new(minor, request.amount.currency());
                answer(self.carry_out(request, Some(moved)).await.as_ref())
            }
            Behaviour::Currency { currency } => {
                let moved = Money::new(request.amount.minor(), currency);
                answer(self.carry_out(request, Some(moved)).await.as_ref())
            }
        }
    }

    async fn look_up(&self, key: OperationId) -> GatewayAnswer {
        match self.store.gateway_record(key).await {
            Ok(Some(record)) => GatewayAnswer::Decided(record.outcome),
            Ok(None) => GatewayAnswer::NeverSeen,
            Err(error) => {
                tracing::warn!(%error, "the simulated gateway could not read its log");
                GatewayAnswer::Unknown
            }
        }
    }
}
