//! Messages of gateways, and what the simulated one did.

use std::sync::Arc;

use order_core::{
    error::{Refusal, ResourceKind},
    ids::OperationId,
    order::{Command, Context, EventBody},
};

use super::change::{self, Decision};
use crate::{
    backend::{Backend, WriteWork},
    error::StoreError,
    lanes::{Batch, Work},
    rows::{GatewayRow, PaymentEventRow},
    statements::{Claimed, Done, Locked, Write},
    store::{Effect, GatewayRecord, PaymentEvent, PaymentEventOutcome},
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
        let rows = tx.lock_orders(&[order_id], Locked::Await).await?.pop();
        let rows = rows.ok_or_else(|| StoreError::corrupt(format!("order {order_id} of an operation is gone")))?;
        let order = rows.clone().into_order()?;
        match tx.claim_payment_event(&PaymentEventRow::new(order_id, &self.event)).await? {
            Claimed::Before => return Ok(Ok((PaymentEventOutcome::Duplicate, Effect { order, events: Vec::new() }))),
            Claimed::Now => {}
        }
        let command = Command::SettleOperation(operation_id, self.event.outcome.clone());
        // No word of a gateway promises goods.
        let decision = Decision { command: &command, context: &self.context, reserved: None, order, rows };
        let decided = change::carry_out(tx, vec![decision]).await?.pop().expect("an answer for each decision");
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

/// Keeping what the simulated gateway did, in a lane: every payment needs it.
pub(super) struct Recording<B>(pub(super) Arc<B>);

impl<B: Backend> Work for Recording<B> {
    type Item = GatewayRecord;
    type Answer = GatewayRecord;
    type Key = OperationId;
    const NAME: &'static str = "record_gateway";
    const LANES: usize = 1;
    const BATCH: usize = 128;
    const QUEUE: usize = 2048;

    fn keys(record: &GatewayRecord) -> Vec<OperationId> {
        vec![record.key]
    }

    async fn run(&self, batch: Batch<GatewayRecord>) -> Result<Vec<Result<GatewayRecord, StoreError>>, StoreError> {
        let rows = batch.items().iter().map(GatewayRow::new).collect();
        Ok(self.0.write(Record(rows)).await?.into_iter().map(GatewayRecord::try_from).collect())
    }
}

struct Record(Vec<GatewayRow>);

impl WriteWork for Record {
    type Output = Vec<GatewayRow>;
    const NAME: &'static str = "record_gateway";

    /// A batch whose answer got lost finds its own records.
    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        tx.put_gateway(&self.0).await
    }
}
