//! `order_event`: the history.

use order_core::{
    ids::{CustomerId, OrderId, OrderNumber, RequestId},
    order::{Actor, Event, EventBody, Status},
};

use super::{currency, from_json, json, key, row};
use crate::{
    error::StoreError,
    fields::{At, Id},
    query::{FeedCursor, FeedEvent},
};

row! {
    /// One entry of an order's history.
    order_event, EventRow {
        order_id: Id,
        revision: i64,
        kind: String,
        actor_kind: String,
        actor_id: String,
        request_id: Option<Id>,
        reason: Option<String>,
        create_time: At,
        status_after: String,
        payload: String,
    }
}

impl EventRow {
    pub(crate) fn new(order_id: OrderId, event: &Event) -> Self {
        Self {
            order_id: Id(order_id.uuid()),
            revision: event.revision,
            kind: event.body.name().to_owned(),
            actor_kind: event.actor.kind().to_owned(),
            actor_id: event.actor.id().to_owned(),
            request_id: event.request_id.map(|id| Id(id.uuid())),
            reason: event.reason.clone(),
            create_time: At(event.time),
            status_after: event.status_after.as_str().to_owned(),
            payload: json(&event.body),
        }
    }
}

/// An event in the feed, with what is shown of its order, if that is there.
#[derive(Debug, diesel::Queryable)]
pub(crate) struct FeedRow {
    pub(crate) feed_position: i64,
    order_number: Option<String>,
    customer_id: Option<String>,
    currency: Option<String>,
    pub(crate) event: EventRow,
}

impl FeedRow {
    /// Where it stands.
    pub(crate) const fn place(&self) -> FeedCursor {
        let order_id = OrderId::new(self.event.order_id.0);
        FeedCursor { position: self.feed_position, order_id, revision: self.event.revision }
    }

    /// The event; none where its order is gone, which `verify` finds, and which must not hold up all others.
    pub(crate) fn into_event(self) -> Result<Option<FeedEvent>, StoreError> {
        let cursor = self.place();
        let (Some(number), Some(code)) = (self.order_number, self.currency) else {
            tracing::error!(order_id = %cursor.order_id, "an event has no order and is not told");
            return Ok(None);
        };
        Ok(Some(FeedEvent {
            cursor,
            order_id: cursor.order_id,
            order_number: OrderNumber::stored(number),
            customer_id: self.customer_id.as_deref().map(CustomerId::parse).map(key).transpose()?,
            currency: currency(&code)?,
            event: self.event.try_into()?,
        }))
    }
}

impl TryFrom<EventRow> for Event {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, StoreError> {
        let actor = Actor::from_parts(&row.actor_kind, &row.actor_id);
        let body: EventBody = from_json(&row.payload)?;
        Ok(Self {
            revision: row.revision,
            actor: actor.ok_or_else(|| StoreError::corrupt(format!("unknown actor {}", row.actor_kind)))?,
            request_id: row.request_id.map(|id| RequestId::new(id.0)),
            reason: row.reason,
            time: row.create_time.0,
            status_after: Status::from_word(&row.status_after).ok_or_else(|| StoreError::corrupt(&row.status_after))?,
            body,
        })
    }
}
