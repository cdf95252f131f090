//! Spans of what calls do in the store. It tells of a method when it is over.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::{
    Context, KeyValue,
    trace::{Span as _, SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer as _},
};
use order_store::Done;

use super::TRACER;
use crate::clock::{Clock as _, SystemClock};

/// What a call does is a part of its trace. What workers look for, again and again, is none.
pub(super) fn done(done: &Done) {
    let parent = Context::current();
    let (Some(tracer), true) = (TRACER.get(), parent.span().is_recording()) else { return };
    let ended = now();
    let attributes = [KeyValue::new("db.system.name", done.engine), KeyValue::new("db.operation.name", done.method)];
    let builder = SpanBuilder::from_name(done.method)
        .with_kind(SpanKind::Client)
        .with_start_time(ended.checked_sub(done.took).unwrap_or(ended))
        .with_attributes(attributes);
    let mut span = tracer.build_with_context(builder, &parent);
    // A refusal is an answer.
    if !matches!(done.outcome, "ok" | "refused") {
        span.set_attribute(KeyValue::new("error.type", done.outcome));
        span.set_status(Status::error(""));
    }
    span.end_with_timestamp(ended);
}

fn now() -> SystemTime {
    let micros = u64::try_from(SystemClock.now().micros()).unwrap_or_default();
    UNIX_EPOCH + Duration::from_micros(micros)
}
