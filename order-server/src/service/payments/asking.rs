//! One request and the gateway: who may send it, what is asked, what is booked.

use std::{sync::Arc, time::Duration};

use order_core::{
    error::Refusal,
    ids::{OperationId, OrderId},
    money::Money,
    order::{Command, Event, EventBody, Order, State},
    payment::{Operation, OperationKind, OperationState, Outcome, Payment},
    ports::{GatewayAnswer, GatewayRequest},
    time::Timestamp,
};
use order_store::{ChangeOrder, Effect, Mode, OrderKey, Scope, StoreError};

use crate::{app::App, telemetry::metrics::PAYMENT_OPERATIONS};

/// How long a gateway may take before its answer counts as lost. Shorter than the reconciler's first look.
const GATEWAY_DEADLINE: Duration = Duration::from_secs(10);

/// How often money is asked for whose request the gateway never sees.
const SENDS: u32 = 5;

/// How often a claim is tried again that something else happening to the order came before.
const CLAIMS: u32 = 8;

/// How a request came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Approach {
    /// This call has just stored it, and is to send it for the first time.
    Started,
    /// It was found open: it may have been sent before.
    Found,
}

/// Whether a gateway said anything, be it that it knows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// It did.
    Something,
    /// It did not answer.
    Nothing,
}

/// What looking after a request came to.
#[derive(Debug)]
pub(super) struct Step {
    /// What was booked.
    pub(super) effect: Effect,
    /// What the gateway said.
    pub(super) heard: Heard,
}

impl Step {
    fn untouched(order: &Order) -> Self {
        Self { effect: Effect { order: order.clone(), events: Vec::new() }, heard: Heard::Something }
    }
}

/// Asks the gateway about a request, or sends it, and books what it says. Nothing where the request is decided already.
///
/// # Errors
/// The store's.
pub(super) async fn step(
    app: &Arc<App>,
    order: &Order,
    (operation_id, approach): (OperationId, Approach),
) -> Result<Step, StoreError> {
    let Some((_, operation)) = find(order, operation_id) else { return Ok(Step::untouched(order)) };
    match (approach, operation.state) {
        // It was stored as SENT together with its order: whoever stored it sends it, nobody else before it is due.
        (Approach::Started, OperationState::Sent) if is_late(operation, app.clock.now()) => Ok(Step::untouched(order)),
        (Approach::Started, OperationState::Sent) => dispatch(app, order, operation_id).await,
        (Approach::Started, _) => match claim(app, order, (operation_id, approach)).await? {
            Some((_, order)) => dispatch(app, &order, operation_id).await,
            None => Ok(Step::untouched(order)),
        },
        (Approach::Found, _) => match claim(app, order, (operation_id, approach)).await? {
            Some((OperationState::Initial, order)) => dispatch(app, &order, operation_id).await,
            Some((_, order)) => ask_then_dispatch(app, &order, operation_id).await,
            None => ask_only(app, order, operation_id).await,
        },
    }
}

/// Makes a request ours to send until it is due again, which is longer than a gateway may take: no two senders are at it at the
/// same time. How it stood before, and the order with the claim; `None` where it is decided or somebody else's.
async fn claim(
    app: &App,
    order: &Order,
    (operation_id, approach): (OperationId, Approach),
) -> Result<Option<(OperationState, Order)>, StoreError> {
    let mut order = order.clone();
    for _ in 0..CLAIMS {
        let Some((_, operation)) = find(&order, operation_id) else { return Ok(None) };
        let (before, now) = (operation.state, app.clock.now());
        // What has never been sent is its starter's to send until it is due.
        let is_starters = approach == Approach::Started && before == OperationState::Initial;
        if !is_starters && operation.next_attempt_at.is_some_and(|at| now < at) {
            return Ok(None);
        }
        match change(app, &order, (Command::AttemptOperation(operation_id), Expected::AsSeen)).await {
            Ok(effect) => return Ok(Some((before, effect.order))),
            Err(StoreError::Refused(Refusal::EtagMismatch { .. })) => {}
            Err(error) => return Err(error),
        }
        let Some(newer) = app.store.order(OrderKey::Id(order.id), Scope::All).await? else { return Ok(None) };
        order = newer;
    }
    Ok(None)
}

/// Sends a request that is ours to send, if the order still wants it.
async fn dispatch(app: &App, order: &Order, operation_id: OperationId) -> Result<Step, StoreError> {
    let Some((payment, operation)) = find(order, operation_id) else { return Ok(Step::untouched(order)) };
    let answer = if is_wanted(order, operation) {
        let request = request(app, order, (payment, operation));
        let answer = tokio::time::timeout(GATEWAY_DEADLINE, app.payments.execute(&request)).await;
        answer.unwrap_or(GatewayAnswer::Unknown)
    } else {
        GatewayAnswer::Decided(Outcome::Failed { code: "never_sent".to_owned() })
    };
    book(app, order, (operation_id, answer)).await
}

/// Sends a request again only if the gateway has never seen it.
async fn ask_then_dispatch(app: &App, order: &Order, operation_id: OperationId) -> Result<Step, StoreError> {
    match ask(app, operation_id).await {
        GatewayAnswer::NeverSeen => {
            // That it knows nothing of the request is an answer, too.
            let sent = dispatch(app, order, operation_id).await?;
            Ok(Step { heard: Heard::Something, ..sent })
        }
        answer @ (GatewayAnswer::Decided(_) | GatewayAnswer::Unknown) => book(app, order, (operation_id, answer)).await,
    }
}

/// Asks about a request that is somebody else's to send. What the gateway has not seen may be on its way there.
async fn ask_only(app: &App, order: &Order, operation_id: OperationId) -> Result<Step, StoreError> {
    match ask(app, operation_id).await {
        answer @ GatewayAnswer::Decided(_) => book(app, order, (operation_id, answer)).await,
        GatewayAnswer::NeverSeen => Ok(Step::untouched(order)),
        GatewayAnswer::Unknown => Ok(Step { heard: Heard::Nothing, ..Step::untouched(order) }),
    }
}

async fn ask(app: &App, id: OperationId) -> GatewayAnswer {
    let answer = tokio::time::timeout(GATEWAY_DEADLINE, app.payments.look_up(id)).await;
    answer.unwrap_or(GatewayAnswer::Unknown)
}

async fn book(
    app: &App,
    order: &Order,
    (operation_id, answer): (OperationId, GatewayAnswer),
) -> Result<Step, StoreError> {
    let (command, heard) = match answer {
        GatewayAnswer::Decided(outcome) => (Command::SettleOperation(operation_id, outcome), Heard::Something),
        GatewayAnswer::Unknown | GatewayAnswer::NeverSeen => (Command::LoseOperation(operation_id), Heard::Nothing),
    };
    let effect = change(app, order, (command, Expected::Anything)).await?;
    count(&effect.events);
    Ok(Step { effect, heard })
}

/// Counts what was booked.
pub(super) fn count(events: &[Event]) {
    for (kind, outcome) in events.iter().filter_map(|event| booked(&event.body)) {
        let labels = [("kind", kind.as_str()), ("outcome", outcome)];
        metrics::counter!(PAYMENT_OPERATIONS, &labels).increment(1);
    }
}

fn booked(body: &EventBody) -> Option<(OperationKind, &'static str)> {
    if let EventBody::OperationUnknown { kind, .. } = body {
        return Some((*kind, "unknown"));
    }
    if let EventBody::OperationSettled { kind, outcome, .. } = body {
        let outcome = match outcome {
            Outcome::Succeeded { .. } => "succeeded",
            Outcome::Failed { .. } => "failed",
        };
        return Some((*kind, outcome));
    }
    None
}

fn find(order: &Order, id: OperationId) -> Option<(&Payment, &Operation)> {
    order.open_operations().find(|(_, operation)| operation.id == id)
}

/// Whether a request that was stored as SENT has been held up for so long that the reconciler may look at it before its answer
/// can be here. It is left to the reconciler then: were it still sent, its money could come after it was given up.
fn is_late(operation: &Operation, now: Timestamp) -> bool {
    let patience = i64::try_from(GATEWAY_DEADLINE.as_micros()).unwrap_or(i64::MAX);
    operation.next_attempt_at.is_some_and(|look| now.plus_micros(patience) > look)
}

/// Money is asked for only while the order wants it, and not for ever: a customer whose request never arrives should be able
/// to pay in another way. It is always given back.
const fn is_wanted(order: &Order, operation: &Operation) -> bool {
    match operation.kind {
        OperationKind::Refund | OperationKind::Void => true,
        OperationKind::Sale | OperationKind::Authorize | OperationKind::Capture if operation.attempts > SENDS => false,
        OperationKind::Sale | OperationKind::Authorize | OperationKind::Capture => match order.state {
            State::Pending | State::Confirmed | State::Processing | State::Completed => true,
            State::Cancelled | State::Expired => false,
        },
    }
}

fn request(app: &App, order: &Order, (payment, operation): (&Payment, &Operation)) -> GatewayRequest {
    GatewayRequest {
        key: operation.id,
        kind: operation.kind,
        amount: Money::new(operation.amount, payment.amount.currency()),
        method: payment.method,
        token: payment.token().map(str::to_owned),
        reference: payment.reference().map(str::to_owned),
        order_number: order.number.clone(),
        now: app.clock.now(),
    }
}

/// Which version of an order a change is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// The one that was seen.
    AsSeen,
    /// Whatever has happened to it since.
    Anything,
}

async fn change(app: &App, order: &Order, (command, expected): (Command, Expected)) -> Result<Effect, StoreError> {
    let expected_revision = match expected {
        Expected::AsSeen => Some(order.revision),
        Expected::Anything => None,
    };
    let (order_id, context): (OrderId, _) = (order.id, app.system("payments"));
    let (request, reserved, scope, mode) = (None, None, Scope::All, Mode::Apply);
    app.store
        .change(ChangeOrder { request, order_id, scope, expected_revision, command, reserved, context, mode })
        .await
}

#[cfg(test)]
mod tests {
    use order_core::payment::retry_at;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_request_that_was_held_up_is_left_to_the_reconciler() {
        let began = Timestamp::UNIX_EPOCH;
        let sent = Operation {
            id: OperationId::new(Uuid::nil()),
            kind: OperationKind::Sale,
            amount: 5998,
            state: OperationState::Sent,
            cause: None,
            concession: 0,
            return_id: None,
            token: None,
            gateway_reference: None,
            reported: None,
            decline_code: None,
            attempts: 1,
            next_attempt_at: Some(retry_at(began, 1)),
            create_time: began,
            update_time: began,
        };
        assert!(!is_late(&sent, began));
        assert!(!is_late(&sent, began.plus_seconds(5)));
        assert!(is_late(&sent, began.plus_seconds(6)));
    }
}
