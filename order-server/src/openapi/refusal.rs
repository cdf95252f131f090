//! What every operation answers when it does not answer: a `google.rpc.Status`, with details.

use std::collections::BTreeSet;

use prost_reflect::{DescriptorPool, MessageDescriptor};
use serde_json::{Value, json};

use super::{operation::content, schema::Schemas};

const STATUS: &str = "google.rpc.Status";
/// The details that the service and the gateway give.
const DETAILS: [&str; 5] = [
    "google.rpc.ErrorInfo",
    "google.rpc.BadRequest",
    "google.rpc.PreconditionFailure",
    "google.rpc.ResourceInfo",
    "google.rpc.RetryInfo",
];

/// Which HTTP code means what; `google/rpc/code.proto` says so.
const DESCRIPTION: &str = "\
The call failed. The HTTP code follows from the code of the status:

| HTTP | code |
|---|---|
| 400 | INVALID_ARGUMENT (3), FAILED_PRECONDITION (9), OUT_OF_RANGE (11) |
| 401 | UNAUTHENTICATED (16) |
| 403 | PERMISSION_DENIED (7) |
| 404 | NOT_FOUND (5) |
| 409 | ABORTED (10), ALREADY_EXISTS (6) |
| 429 | RESOURCE_EXHAUSTED (8) |
| 499 | CANCELLED (1) |
| 500 | INTERNAL (13), UNKNOWN (2), DATA_LOSS (15) |
| 501 | UNIMPLEMENTED (12) |
| 503 | UNAVAILABLE (14) |
| 504 | DEADLINE_EXCEEDED (4) |

Programs go by the `reason` in the details, of the domain `orders.v1`. What the gateway refuses by itself has the domain
`gateway.orders.v1`, and may have other HTTP codes: 408 `REQUEST_TOO_SLOW`, 413 `BODY_TOO_LARGE`,
431 `GATEWAY_ERROR` for headers that are too large.";

/// The response of the errors of all operations.
pub(super) fn response(pool: &DescriptorPool, schemas: &mut Schemas) -> Value {
    let status = message(pool, STATUS);
    let schema = schemas.named(STATUS, |schemas| {
        let details = details(pool, schemas);
        let mut schema = schemas.object(&status, &BTreeSet::new());
        schema["properties"]["details"]["items"] = details;
        schema
    });
    json!({"description": DESCRIPTION, "content": content(&schema)})
}

/// Any of the details; their `@type` tells which.
fn details(pool: &DescriptorPool, schemas: &mut Schemas) -> Value {
    let references = DETAILS.map(|name| schemas.named(name, |schemas| detail(&message(pool, name), schemas)));
    let mapping: serde_json::Map<_, _> =
        DETAILS.iter().zip(&references).map(|(name, reference)| (type_url(name), reference["$ref"].clone())).collect();
    json!({"oneOf": references, "discriminator": {"propertyName": "@type", "mapping": mapping}})
}

fn detail(message: &MessageDescriptor, schemas: &mut Schemas) -> Value {
    let mut schema = schemas.object(message, &BTreeSet::new());
    schema["properties"]["@type"] = json!({"type": "string", "const": type_url(message.full_name())});
    schema["required"] = json!(["@type"]);
    schema
}

fn type_url(name: &str) -> String {
    format!("type.googleapis.com/{name}")
}

fn message(pool: &DescriptorPool, name: &str) -> MessageDescriptor {
    pool.get_message_by_name(name).expect("the build puts the messages of errors into the descriptor set")
}
