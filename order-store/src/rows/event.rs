//! `order_event`: the history.

use order_core::{
    ids::{OrderId, RequestId},
    order::{Actor, Event, EventBody, Status},
};

use super::{from_json, json, row};
use crate::{
    error::StoreError,
    fields::{At, Id},
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
