//! How a trace travels: W3C Trace Context, `traceparent` and `tracestate`.

use http::HeaderMap;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use tonic::metadata::MetadataMap;

const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";

/// W3C Trace Context, section 3.3.1.5: at least so much should be passed on. Every span keeps it, and strangers may send it.
const STATE_BYTES_MAX: usize = 512;

/// Whether a trace is sampled, and whether its id is random; nobody may pass on what they do not understand.
const FLAGS: TraceFlags = TraceFlags::new(0b11);

/// The span that a call was made from; `None` if `traceparent` is absent or not valid, as the recommendation demands.
pub(super) fn read(headers: &HeaderMap) -> Option<SpanContext> {
    let text = headers.get(PARENT)?.to_str().ok()?;
    let mut parts = text.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let sized = [(version, 2), (trace, 32), (parent, 16), (flags, 2)];
    let hex = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let well_formed = sized.into_iter().all(|(part, length)| part.len() == length && hex(part));
    // Later versions may append fields; version 00 has exactly four, and ff is not allowed.
    let complete = match version {
        "ff" => false,
        "00" => parts.next().is_none(),
        _ => true,
    };
    if !well_formed || !complete {
        return None;
    }
    let (trace, parent) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(parent).ok()?);
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    Some(SpanContext::new(trace, parent, flags, true, state(headers))).filter(SpanContext::is_valid)
}

/// What the tracing systems of others have to say; passed on as it came, and dropped where it makes no sense or takes more room than
/// the recommendation asks everybody to give it.
fn state(headers: &HeaderMap) -> TraceState {
    let text = headers.get(STATE).and_then(|value| value.to_str().ok()).filter(|text| text.len() <= STATE_BYTES_MAX);
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// Names a span as the one that a call is made from.
pub(super) fn write(span: &SpanContext, metadata: &mut MetadataMap) {
    let flags = span.trace_flags() & FLAGS;
    let parent = format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), flags.to_u8());
    let state = span.trace_state().header();
    let state = (!state.is_empty()).then_some(state);
    for (name, text) in [(PARENT, Some(parent)), (STATE, state)] {
        if let Some(value) = text.and_then(|text| text.parse().ok()) {
            metadata.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> Option<SpanContext> {
        let mut headers = HeaderMap::new();
        headers.insert(PARENT, text.parse().unwrap());
        headers.insert(STATE, "vendor=value".parse().unwrap());
        read(&headers)
    }

    #[test]
    fn what_others_have_to_say_takes_only_so_much_room() {
        for (length, is_kept) in [(STATE_BYTES_MAX, true), (STATE_BYTES_MAX + 1, false)] {
            let mut headers = HeaderMap::new();
            headers.insert(PARENT, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap());
            let members: Vec<_> = (0..4).map(|n| format!("v{n}={}", "x".repeat(100))).collect();
            let rest = length - members.join(",").len() - ",z=".len();
            headers.insert(STATE, format!("{},z={}", members.join(","), "x".repeat(rest)).parse().unwrap());
            assert_eq!(!read(&headers).unwrap().trace_state().header().is_empty(), is_kept, "{length}");
        }
    }

    #[test]
    fn a_valid_parent_is_read_and_written_as_it_was() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let span = from(text).unwrap();
        assert!(span.is_remote() && span.is_sampled());
        let mut metadata = MetadataMap::new();
        write(&span, &mut metadata);
        let text_of = |name| metadata.get(name).unwrap().to_str().unwrap();
        assert_eq!((text_of(PARENT), text_of(STATE)), (text, "vendor=value"));
        assert!(from("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later").is_some());
        assert!(!from("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00").unwrap().is_sampled());
    }

    #[test]
    fn anything_else_is_ignored() {
        for text in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e47-00f067aa0ba902b7-01",
        ] {
            assert_eq!(from(text), None, "{text}");
        }
    }
}
