//! What a watcher asks for, and what it is told.

use std::{collections::BTreeSet, time::Duration};

use order_api::v1;
use order_core::{
    ids::{CustomerId, OrderId},
    limits,
    violation::{Violations, reason},
};
use order_store::{FeedCursor, FeedEvent};

use crate::error::{ApiError, Reason};

use super::{
    event::{self, Audience},
    ids, page,
};

/// Which events are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Of this order.
    pub order_id: Option<OrderId>,
    /// Of this customer's orders.
    pub customer_id: Option<CustomerId>,
    /// Of these kinds, as numbers of the wire; none means all.
    pub types: BTreeSet<i32>,
    /// Who is told.
    pub audience: Audience,
}

/// What a watcher asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Which events.
    pub filter: Filter,
    /// How often it hears that there are none.
    pub heartbeat: Duration,
}

/// Reads what a watcher asks for; where it begins is read by [`page::after`].
pub fn watch(request: &v1::WatchOrdersRequest, audience: Audience, violations: &mut Violations) -> Option<Watch> {
    let order_id = ids::optional(&request.order_id, OrderId::parse, "order_id", violations);
    let customer_id = ids::optional(&request.customer_id, CustomerId::parse, "customer_id", violations);
    let types = types(&request.types, violations);
    let heartbeat = heartbeat(request.heartbeat_seconds, violations);
    if request.from_beginning && !request.cursor.is_empty() {
        violations.push("from_beginning", reason::CONFLICT, "must not be given with a cursor; give one of them");
    }
    let filter = Filter { order_id: order_id?, customer_id: customer_id?, types: types?, audience };
    Some(Watch { filter, heartbeat: heartbeat? })
}

fn types(given: &[i32], violations: &mut Violations) -> Option<BTreeSet<i32>> {
    if given.len() > limits::WATCHED_TYPES {
        let description = format!("must be at most {} kinds", limits::WATCHED_TYPES);
        violations.push("types", reason::OUT_OF_RANGE, description);
        return None;
    }
    let known = |number: i32| matches!(v1::OrderEventType::try_from(number), Ok(kind) if kind != v1::OrderEventType::Unspecified);
    let unknown: Vec<_> = (0..given.len()).filter(|n| !known(given[*n])).collect();
    for n in &unknown {
        violations.push(format!("types[{n}]"), reason::UNKNOWN_VALUE, "is no kind of event");
    }
    unknown.is_empty().then(|| given.iter().copied().collect())
}

fn heartbeat(seconds: i32, violations: &mut Violations) -> Option<Duration> {
    let seconds = match u32::try_from(seconds) {
        Ok(0) => limits::HEARTBEAT_SECONDS_DEFAULT,
        Ok(seconds) if seconds <= limits::HEARTBEAT_SECONDS_MAX => seconds,
        Ok(_) | Err(_) => {
            let description = format!("must be 1 to {}, or 0 for the default", limits::HEARTBEAT_SECONDS_MAX);
            violations.push("heartbeat_seconds", reason::OUT_OF_RANGE, description);
            return None;
        }
    };
    Some(Duration::from_secs(u64::from(seconds)))
}

impl Filter {
    /// The event on the wire, if it is told.
    #[must_use]
    pub fn tell(&self, found: &FeedEvent) -> Option<v1::WatchOrdersResponse> {
        let is_told = self.audience.sees(&found.event.body)
            && self.order_id.is_none_or(|order_id| order_id == found.order_id)
            && self.customer_id.as_ref().is_none_or(|customer_id| Some(customer_id) == found.customer_id.as_ref());
        if !is_told {
            return None;
        }
        let event = event::to_proto(&found.event, found.order_id, found.currency);
        (self.types.is_empty() || self.types.contains(&event.r#type)).then(|| v1::WatchOrdersResponse {
            cursor: cursor(&found.cursor),
            event: Some(event),
            order_number: found.order_number.to_string(),
            customer_id: found.customer_id.as_ref().map(CustomerId::to_string).unwrap_or_default(),
        })
    }
}

/// A place in the feed on the wire.
#[must_use]
pub fn cursor(place: &FeedCursor) -> String {
    page::token(&v1::WatchOrdersRequest::default(), place)
}

/// What whoever asks for a place hears that the feed has not come to.
#[must_use]
pub fn out_of_range(end: &FeedCursor) -> ApiError {
    let message =
        "the feed has not come to that place; go on at `latest_cursor`, after reading anew what may be missing";
    ApiError::new(Reason::CursorOutOfRange, message).with_metadata("latest_cursor", cursor(end))
}

/// Reads a place in the feed from another field than a watcher's.
///
/// # Errors
/// `PAGE_TOKEN_INVALID` for a text that is no cursor of ours.
pub fn place(text: &str, field: &str) -> Result<Option<FeedCursor>, ApiError> {
    let request = v1::WatchOrdersRequest { cursor: text.to_owned(), ..Default::default() };
    page::after(&request).map_err(|_foreign| {
        Violations::one(field, Reason::PageTokenInvalid.as_str(), "must be a cursor as this service gave it").into()
    })
}

/// A message that only says how far the feed was looked through.
#[must_use]
pub fn heartbeat_at(place: &FeedCursor) -> v1::WatchOrdersResponse {
    v1::WatchOrdersResponse { cursor: cursor(place), ..Default::default() }
}
