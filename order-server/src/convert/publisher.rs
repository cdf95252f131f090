//! Whom events are passed on to, and what could not be.

use std::sync::Arc;

use order_api::v1;
use order_core::violation::{Violations, reason};
use order_store::DeadLetter;

use super::{time, watch};
use crate::gateways::Publisher;

/// Finds a publisher among those that are configured.
pub fn find(publishers: &[Arc<dyn Publisher>], wanted: i32, violations: &mut Violations) -> Option<Arc<dyn Publisher>> {
    let name = match v1::EventPublisher::try_from(wanted) {
        Ok(v1::EventPublisher::Nats) => "nats",
        Ok(v1::EventPublisher::Webhook) => "webhook",
        Ok(v1::EventPublisher::Unspecified) => {
            violations.push("publisher", reason::REQUIRED, "must be set");
            return None;
        }
        Err(_) => {
            violations.push("publisher", reason::UNKNOWN_VALUE, "is no publisher");
            return None;
        }
    };
    let found = publishers.iter().find(|publisher| publisher.name() == name);
    if found.is_none() {
        violations.push("publisher", reason::UNKNOWN_VALUE, "is not configured");
    }
    found.cloned()
}

/// An event that was put aside.
#[must_use]
pub fn dead_letter(letter: &DeadLetter) -> v1::DeadLetter {
    v1::DeadLetter {
        order_id: letter.event.order_id.to_string(),
        revision: letter.event.revision,
        cursor: watch::cursor(&letter.event),
        reason: letter.reason.clone(),
        create_time: Some(time::to_proto(letter.time)),
    }
}
