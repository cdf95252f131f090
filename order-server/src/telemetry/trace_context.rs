//! The trace that a call is part of: W3C Trace Context, `traceparent`.

use std::sync::Arc;

use http::HeaderMap;

/// The header.
const HEADER: &str = "traceparent";

/// A valid `traceparent`, in the extensions of requests that carry one: its trace id goes into logs, the whole to
/// neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext(Arc<str>);

impl TraceContext {
    /// Reads the header; `None` if it is absent or not valid, as the recommendation demands.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(HEADER)?.to_str().ok()?;
        let mut parts = text.split('-');
        let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let sized = [(version, 2), (trace, 32), (parent, 16), (flags, 2)];
        let hex = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let well_formed = sized.into_iter().all(|(part, length)| part.len() == length && hex(part));
        let nonzero = |part: &str| part.bytes().any(|b| b != b'0');
        // Later versions may append fields; version 00 has exactly four, and ff is not allowed.
        let complete = match version {
            "ff" => false,
            "00" => parts.next().is_none(),
            _ => true,
        };
        (well_formed && complete && nonzero(trace) && nonzero(parent)).then(|| Self(text.into()))
    }

    /// 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        self.0.split('-').nth(1).unwrap_or_default()
    }

    /// The header's text, for calls to neighbours.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<TraceContext> {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, text.parse().unwrap());
        TraceContext::from_headers(&headers)
    }

    #[test]
    fn a_valid_parent_gives_its_trace() {
        let trace = read("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        assert_eq!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(read("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later").is_some());
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
            assert_eq!(read(text), None, "{text}");
        }
    }
}
