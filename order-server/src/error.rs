//! Everything that goes wrong, as a client hears it. The only place that picks a gRPC code.
//!
//! Every error carries `google.rpc.ErrorInfo`; the other details are added where they help the caller: `BadRequest` for
//! input, `PreconditionFailure` for refusals, `ResourceInfo` for unknown things, `RetryInfo` where waiting helps. Texts
//! are for people and hold no SQL, path, secret or other customer's data: what we know beyond that goes to the log.

mod domain;
mod reason;
mod store;

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    fmt,
    time::Duration,
};

use order_core::violation::{FieldViolation, Violations};
use tonic::{Code, Status, body::Body, metadata::MetadataValue};
use tonic_types::{ErrorDetails, StatusExt};

pub use self::reason::Reason;

/// `google.rpc.ErrorInfo.domain` of every error.
pub const DOMAIN: &str = "orders.v1";

/// The trailer that tells a gRPC client with a retry policy how long to wait, in milliseconds (gRFC A6).
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// What lists of violations may take, in bytes before Base64. Details travel in a trailer, and gRPC's C core and Java
/// refuse more than 8 KiB of metadata: a longer list would arrive as another error altogether. Some fifty fields fit.
const VIOLATIONS_BYTES_MAX: usize = 4_500;
/// What a violation takes beside its texts.
const VIOLATION_OVERHEAD_BYTES: usize = 8;

/// One error of the API. Built with a [`Reason`] and a text, completed with `with_...`, told by [`ApiError::into_status`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError(Box<Content>);

/// Boxed, so that a `Result` of the happy path stays small.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Content {
    reason: Reason,
    message: Cow<'static, str>,
    metadata: BTreeMap<String, String>,
    fields: Vec<FieldViolation>,
    preconditions: Vec<Precondition>,
    resource: Option<Resource>,
    retry_after: Option<Duration>,
}

/// A condition that does not hold: `google.rpc.PreconditionFailure.Violation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Precondition {
    /// The kind of condition, UPPER_SNAKE.
    pub kind: &'static str,
    /// What it is about: an order id, a SKU, a product id.
    pub subject: String,
    /// What would have to hold, for people.
    pub description: String,
}

/// A thing that is not there, or not the caller's: `google.rpc.ResourceInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The kind of thing: `orders.v1.Order`.
    pub kind: &'static str,
    /// Its name as the caller gave it.
    pub name: String,
}

/// An error as a part of an answer.
impl From<ApiError> for order_api::v1::Refusal {
    fn from(error: ApiError) -> Self {
        let Content { reason, message, metadata, fields, retry_after, .. } = *error.0;
        Self {
            retry_delay: retry_after.and_then(|delay| delay.try_into().ok()),
            field_violations: fields.iter().map(|field| format!("{}: {}", field.field, field.description)).collect(),
            code: reason.code().into(),
            reason: reason.as_str().to_owned(),
            message: message.into_owned(),
            metadata,
        }
    }
}

impl ApiError {
    /// An error with its reason and a text for people.
    #[must_use]
    pub fn new(reason: Reason, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Content {
            reason,
            message: message.into(),
            metadata: BTreeMap::new(),
            fields: Vec::new(),
            preconditions: Vec::new(),
            resource: None,
            retry_after: None,
        }))
    }

    /// Bad input, with every violated field at once. The reason is `INVALID_FIELD`, unless all fields have one in common
    /// that is a reason of its own, such as `PRODUCT_NOT_FOUND`.
    #[must_use]
    pub fn invalid(violations: Violations) -> Self {
        let fields: Vec<_> = violations.into_iter().collect();
        let message = match fields.as_slice() {
            [] => Cow::Borrowed("the request is not valid"),
            [only] => Cow::Owned(format!("{}: {}", only.field, only.description)),
            [first, rest @ ..] => {
                Cow::Owned(format!("{}: {} (and {} more)", first.field, first.description, rest.len()))
            }
        };
        let mut error = Self::new(common_reason(&fields).unwrap_or(Reason::InvalidField), message);
        error.0.fields = fields;
        error
    }

    /// A fault of ours. `cause` goes to the log, under the current call's span; the client learns only that it happened.
    #[must_use]
    pub fn internal(cause: &dyn fmt::Display) -> Self {
        tracing::error!(%cause, "internal error");
        Self::new(Reason::Internal, "an internal error occurred; quote the x-request-id when you report it")
    }

    /// The caller's time is over.
    #[must_use]
    pub fn deadline_exceeded() -> Self {
        Self::new(Reason::DeadlineExceeded, "the call took longer than its deadline allows")
    }

    /// Adds a fact that a program may read: `ErrorInfo.metadata`. One that says nothing is left out: on the wire an entry without its
    /// value is right, and Envoy's transcoder dies of it.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl fmt::Display) -> Self {
        let value = value.to_string();
        if !value.is_empty() {
            self.0.metadata.insert(key.into(), value);
        }
        self
    }

    /// Adds a condition that does not hold.
    #[must_use]
    pub fn with_precondition(mut self, violation: Precondition) -> Self {
        self.0.preconditions.push(violation);
        self
    }

    /// Names the thing that is not there.
    #[must_use]
    pub fn with_resource(mut self, resource: Resource) -> Self {
        self.0.resource = Some(resource);
        self
    }

    /// Says when trying again may work: `RetryInfo` and the pushback trailer.
    #[must_use]
    pub fn with_retry_after(mut self, delay: Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }

    /// Why the call failed.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.0.reason
    }

    /// The violated fields; empty for anything but bad input.
    #[must_use]
    pub fn fields(&self) -> &[FieldViolation] {
        &self.0.fields
    }

    /// The text for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The facts for programs.
    #[must_use]
    pub const fn metadata(&self) -> &BTreeMap<String, String> {
        &self.0.metadata
    }

    /// The error on the wire.
    #[must_use]
    pub fn into_status(self) -> Status {
        let content = *self.0;
        let mut room = Room(VIOLATIONS_BYTES_MAX);
        let mut details = ErrorDetails::new();
        let metadata: HashMap<_, _> = content.metadata.into_iter().collect();
        details.set_error_info(content.reason.as_str(), DOMAIN, metadata);
        let fields = content.fields.into_iter().map(wire_field);
        let fields: Vec<_> =
            fields.take_while(|field| room.take(&[&field.field, &field.description, &field.reason])).collect();
        if !fields.is_empty() {
            details.set_bad_request(fields);
        }
        for violation in content.preconditions {
            if room.take(&[violation.kind, &violation.subject, &violation.description]) {
                details.add_precondition_failure_violation(violation.kind, violation.subject, violation.description);
            }
        }
        if let Some(resource) = content.resource {
            details.set_resource_info(resource.kind, resource.name, "", "");
        }
        if let Some(delay) = content.retry_after {
            details.set_retry_info(Some(delay));
        }
        let mut status = Status::with_error_details(content.reason.code(), content.message, details);
        if let Some(delay) = content.retry_after {
            let millis = i32::try_from(delay.as_millis()).unwrap_or(i32::MAX);
            status.metadata_mut().insert(PUSHBACK, MetadataValue::from(millis));
        }
        status
    }

    /// The error as a whole answer, for layers that sit above the services: a response of trailers only.
    #[must_use]
    pub fn into_response(self) -> http::Response<Body> {
        self.into_status().into_http()
    }
}

/// What is left for violations.
struct Room(usize);

impl Room {
    /// Makes room for a violation with these texts; `false` if there is none left, and then for none that follows.
    fn take(&mut self, texts: &[&str]) -> bool {
        let bytes = texts.iter().map(|text| text.len()).sum::<usize>() + VIOLATION_OVERHEAD_BYTES;
        self.0 = self.0.saturating_sub(bytes);
        self.0 > 0
    }
}

fn common_reason(fields: &[FieldViolation]) -> Option<Reason> {
    let (first, rest) = fields.split_first()?;
    let common = rest.iter().all(|field| field.reason == first.reason);
    common.then(|| Reason::from_text(first.reason, Code::InvalidArgument))?
}

fn wire_field(violation: FieldViolation) -> tonic_types::FieldViolation {
    let mut field = tonic_types::FieldViolation::new(violation.field, violation.description);
    violation.reason.clone_into(&mut field.reason);
    field
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.reason.as_str(), self.0.message)
    }
}

impl std::error::Error for ApiError {}

impl From<ApiError> for Status {
    fn from(error: ApiError) -> Self {
        error.into_status()
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn every_detail_reaches_the_status() {
        let status = ApiError::new(Reason::InsufficientStock, "not enough")
            .with_metadata("sku", "A-1")
            .with_precondition(Precondition { kind: "STOCK", subject: "A-1".into(), description: "2 of 3".into() })
            .with_resource(Resource { kind: "orders.v1.Order", name: "x".into() })
            .with_retry_after(Duration::from_millis(1500))
            .into_status();
        assert_eq!(status.code(), Code::Aborted);
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("INSUFFICIENT_STOCK", "orders.v1"));
        assert_eq!(info.metadata["sku"], "A-1");
        assert_eq!(details.precondition_failure().unwrap().violations[0].subject, "A-1");
        assert_eq!(details.resource_info().unwrap().resource_name, "x");
        assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_millis(1500)));
        assert_eq!(status.metadata().get("grpc-retry-pushback-ms").unwrap(), "1500");
    }

    fn violations(fields: &[&str], reason: &'static str) -> Violations {
        let mut violations = Violations::new();
        for field in fields {
            violations.push(*field, reason, "is wrong");
        }
        violations
    }

    #[test]
    fn all_violated_fields_are_named_at_once() {
        let status = ApiError::invalid(violations(&["a", "b", "c"], "REQUIRED")).into_status();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), "a: is wrong (and 2 more)");
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "INVALID_FIELD");
        let fields = &details.bad_request().unwrap().field_violations;
        assert_eq!(fields.len(), 3);
        assert_eq!((fields[2].field.as_str(), fields[2].reason.as_str()), ("c", "REQUIRED"));
    }

    #[test]
    fn a_reason_that_all_fields_share_is_the_reason_of_the_error() {
        let error = ApiError::invalid(violations(&["a", "b"], "PRODUCT_NOT_FOUND"));
        assert_eq!(error.reason(), Reason::ProductUnknown);
        let mut mixed = violations(&["a"], "PRODUCT_NOT_FOUND");
        mixed.append(violations(&["b"], "REQUIRED"));
        assert_eq!(ApiError::invalid(mixed).reason(), Reason::InvalidField);
    }

    #[test]
    fn a_long_list_still_fits_into_trailers() {
        let names: Vec<_> = (0..2_000).map(|n| format!("lines[{n}].quantity")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let status = ApiError::invalid(violations(&names, "OUT_OF_RANGE")).into_status();
        let listed = status.get_details_bad_request().unwrap().field_violations.len();
        assert!((50..2_000).contains(&listed), "{listed}");
        let mut headers = http::HeaderMap::new();
        status.add_header(&mut headers).unwrap();
        let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
        assert!(bytes < 8_192, "{bytes}");
    }

    #[test]
    fn the_cause_of_an_internal_error_stays_inside() {
        let status = ApiError::internal(&"SELECT secret FROM orders").into_status();
        assert_eq!(status.code(), Code::Internal);
        assert!(!format!("{status:?}").contains("SELECT"));
    }
}
