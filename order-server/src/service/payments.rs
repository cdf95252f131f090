//! The second and third phase of everything that moves money: ask the gateway, book its answer.
//!
//! A request is in the ledger before it is sent, and no transaction is open while the gateway works. Whatever happens in
//! between, a crash included, leaves a request that is SENT or UNKNOWN; the reconciler asks the gateway what became of it.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use order_core::{
    ids::{OperationId, OrderId},
    order::{Command, Context, Event, EventBody, Order, State},
    payment::{Operation, OperationKind, OperationState, Outcome, Payment},
    ports::{GatewayAnswer, GatewayRequest},
    time::Timestamp,
};
use order_store::{ChangeOrder, Effect, Mode, OrderKey, Scope, StoreError};

use super::notify;
use crate::app::App;

/// How long a gateway may take before its answer counts as lost. Shorter than the reconciler's first look.
const GATEWAY_DEADLINE: Duration = Duration::from_secs(10);

/// How often money is asked for whose request the gateway never sees.
const SENDS: u32 = 5;

/// How a request stands that nobody in this process is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Approach {
    /// It is sent for the first time.
    Send,
    /// It may have been sent before: ask first.
    AskFirst,
}

/// Carries out the requests that a change started, and those that their outcomes start in turn. The order as it is then.
///
/// The work goes on if the caller goes away. Where the store fails meanwhile, the order is returned as far as it came, and
/// the reconciler finishes the rest.
pub async fn settle_started(app: &Arc<App>, effect: Effect) -> Order {
    notify::tell(app, &effect);
    let mut queue = started(&effect.events);
    if queue.is_empty() {
        return effect.order;
    }
    let order = effect.order.clone();
    let app = Arc::clone(app);
    let tasks = app.tasks.clone();
    let work = tasks.spawn(async move {
        let mut order = effect.order;
        while let Some(id) = queue.pop_front() {
            match step(&app, &order, (id, Approach::Send)).await {
                Ok(effect) => {
                    notify::tell(&app, &effect);
                    queue.extend(started(&effect.events));
                    order = effect.order;
                }
                Err(error) => {
                    tracing::warn!(order_id = %order.id, %error, "a payment outcome is left to the reconciler");
                    break;
                }
            }
        }
        order
    });
    work.await.unwrap_or(order)
}

/// Finds out what became of a request that is due, or sends it if it never was, and books the outcome.
///
/// # Errors
/// The store's; the request then stays due.
pub async fn reconcile(app: &Arc<App>, (order_id, operation_id): (OrderId, OperationId)) -> Result<(), StoreError> {
    let Some(order) = app.store.order(OrderKey::Id(order_id), Scope::All).await? else { return Ok(()) };
    let effect = step(app, &order, (operation_id, Approach::AskFirst)).await?;
    settle_started(app, effect).await;
    Ok(())
}

/// The requests that events wrote down and did not decide at once, as cash is.
fn started(events: &[Event]) -> VecDeque<OperationId> {
    let mut open = VecDeque::new();
    for event in events {
        if let EventBody::OperationStarted { operation, .. } = &event.body {
            open.push_back(operation.id);
        }
        if let EventBody::OperationSettled { operation_id, .. } = &event.body {
            open.retain(|id| id != operation_id);
        }
    }
    open
}

async fn step(
    app: &Arc<App>,
    order: &Order,
    (operation_id, approach): (OperationId, Approach),
) -> Result<Effect, StoreError> {
    let Some((payment, operation)) = order.open_operations().find(|(_, operation)| operation.id == operation_id) else {
        return Ok(Effect { order: order.clone(), events: Vec::new() });
    };
    if approach == Approach::Send && is_late(operation, app.clock.now()) {
        return Ok(Effect { order: order.clone(), events: Vec::new() });
    }
    let request = request(app, order, (payment, operation));
    // What is sent at once was stored as SENT together with its order; everything else is noted before it goes out.
    if operation.state != OperationState::Sent || approach == Approach::AskFirst {
        change(app, order.id, Command::AttemptOperation(operation_id)).await?;
    }
    let asked = match (approach, operation.state) {
        (Approach::AskFirst, OperationState::Sent | OperationState::Unknown) => ask(app, operation_id).await,
        (Approach::AskFirst, OperationState::Initial | OperationState::Succeeded | OperationState::Failed)
        | (Approach::Send, _) => GatewayAnswer::NeverSeen,
    };
    let answer = match asked {
        GatewayAnswer::NeverSeen if !is_wanted(order, operation) => {
            GatewayAnswer::Decided(Outcome::Failed { code: "never_sent".to_owned() })
        }
        GatewayAnswer::NeverSeen => send(app, &request).await,
        decided @ (GatewayAnswer::Decided(_) | GatewayAnswer::Unknown) => decided,
    };
    count(operation, &answer);
    change(app, order.id, booking(operation_id, answer)).await
}

/// Whether a request that was stored as SENT has been held up for so long that the reconciler may look at it before its answer
/// can be here. It is left to the reconciler then: were it still sent, its money could come after it was given up.
fn is_late(operation: &Operation, now: Timestamp) -> bool {
    let patience = i64::try_from(GATEWAY_DEADLINE.as_micros()).unwrap_or(i64::MAX);
    let look = operation.next_attempt_at.filter(|_| operation.state == OperationState::Sent);
    look.is_some_and(|look| now.plus_micros(patience) > look)
}

/// Money is asked for only while the order wants it, and not for ever: a customer whose request never arrives should be able
/// to pay in another way. It is always given back.
const fn is_wanted(order: &Order, operation: &Operation) -> bool {
    match operation.kind {
        OperationKind::Refund | OperationKind::Void => true,
        OperationKind::Sale | OperationKind::Authorize | OperationKind::Capture if operation.attempts >= SENDS => false,
        OperationKind::Sale | OperationKind::Authorize | OperationKind::Capture => match order.state {
            State::Pending | State::Confirmed | State::Processing | State::Completed => true,
            State::Cancelled | State::Expired => false,
        },
    }
}

fn booking(id: OperationId, answer: GatewayAnswer) -> Command {
    match answer {
        GatewayAnswer::Decided(outcome) => Command::SettleOperation(id, outcome),
        GatewayAnswer::Unknown | GatewayAnswer::NeverSeen => Command::LoseOperation(id),
    }
}

async fn send(app: &App, request: &GatewayRequest) -> GatewayAnswer {
    let answer = tokio::time::timeout(GATEWAY_DEADLINE, app.payments.execute(request)).await;
    answer.unwrap_or(GatewayAnswer::Unknown)
}

async fn ask(app: &App, id: OperationId) -> GatewayAnswer {
    let answer = tokio::time::timeout(GATEWAY_DEADLINE, app.payments.look_up(id)).await;
    answer.unwrap_or(GatewayAnswer::Unknown)
}

fn request(app: &App, order: &Order, (payment, operation): (&Payment, &Operation)) -> GatewayRequest {
    GatewayRequest {
        key: operation.id,
        kind: operation.kind,
        amount: order_core::money::Money::new(operation.amount, payment.amount.currency()),
        method: payment.method,
        token: operation.token.clone(),
        order_number: order.number.clone(),
        now: app.clock.now(),
    }
}

fn count(operation: &Operation, answer: &GatewayAnswer) {
    let outcome = match answer {
        GatewayAnswer::Decided(Outcome::Succeeded { .. }) => "succeeded",
        GatewayAnswer::Decided(Outcome::Failed { .. }) => "failed",
        GatewayAnswer::Unknown | GatewayAnswer::NeverSeen => "unknown",
    };
    let labels = [("kind", operation.kind.as_str()), ("outcome", outcome)];
    metrics::counter!("payment_operations_total", &labels).increment(1);
}

async fn change(app: &App, order_id: OrderId, command: Command) -> Result<Effect, StoreError> {
    let context: Context = app.system("payments");
    let scope = Scope::All;
    let (request, expected_revision, mode) = (None, None, Mode::Apply);
    app.store.change(ChangeOrder { request, order_id, scope, expected_revision, command, context, mode }).await
}

#[cfg(test)]
mod tests {
    use order_core::payment::retry_at;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_request_that_was_held_up_is_left_to_the_reconciler() {
        let began = Timestamp::UNIX_EPOCH;
        let operation = |state| Operation {
            id: OperationId::new(Uuid::nil()),
            kind: OperationKind::Sale,
            amount: 5998,
            state,
            token: None,
            gateway_reference: None,
            decline_code: None,
            attempts: 1,
            next_attempt_at: Some(retry_at(began, 1)),
            create_time: began,
            update_time: began,
        };
        let sent = operation(OperationState::Sent);
        assert!(!is_late(&sent, began));
        assert!(!is_late(&sent, began.plus_seconds(5)));
        assert!(is_late(&sent, began.plus_seconds(6)));
        assert!(!is_late(&operation(OperationState::Initial), began.plus_seconds(60)), "it is noted before it is sent");
    }
}
