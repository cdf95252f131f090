//! Messages of gateways.

use order_core::{
    error::{Refusal, ResourceKind},
    ids::OperationId,
    order::{Command, Context, EventBody},
};

use super::change::Decision;
use crate::{
    backend::WriteWork,
    error::StoreError,
    query::Scope,
    rows::PaymentEventRow,
    statements::{Claimed, Done, Write},
    store::{Effect, Mode, PaymentEvent, PaymentEventOutcome},
};

/// Taking a gateway's message.
pub(super) struct RecordPaymentEvent {
    pub(super) event: PaymentEvent,
    pub(super) context: Context,
}

impl WriteWork for RecordPaymentEvent {
    type Output = Result<(PaymentEventOutcome, Effect), Refusal>;
    const NAME: &'static str = "record_payment_event";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let operation_id = self.event.operation_id;
        let Some(order_id) = tx.order_of_operation(operation_id).await? else {
            return Ok(Err(Refusal::not_found(ResourceKind::PaymentOperation, operation_id)));
        };
        // The order first: of two messages of one name, the second waits here and then finds the first.
        let rows = tx.lock_order(order_id, &Scope::All).await?;
        let rows = rows.ok_or_else(|| StoreError::corrupt(format!("order {order_id} of an operation is gone")))?;
        let order = rows.clone().into_order()?;
        match tx.claim_payment_event(&PaymentEventRow::new(order_id, &self.event)).await? {
            Claimed::Before => return Ok(Ok((PaymentEventOutcome::Duplicate, Effect { order, events: Vec::new() }))),
            Claimed::Now => {}
        }
        let command = Command::SettleOperation(operation_id, self.event.outcome.clone());
        // No word of a gateway promises goods.
        let decision = Decision { command: &command, context: &self.context, mode: Mode::Apply, reserved: None };
        let decided = decision.carry_out(tx, (order, rows)).await?;
        Ok(decided.map(|effect| {
            // A word against an earlier one puts the order on hold, and overrules nothing.
            let booked = effect.events.iter().any(|event| settles(&event.body, operation_id));
            (if booked { PaymentEventOutcome::Applied } else { PaymentEventOutcome::NoChange }, effect)
        }))
    }
}

fn settles(body: &EventBody, id: OperationId) -> bool {
    matches!(body, EventBody::OperationSettled { operation_id, .. } if *operation_id == id)
}
