//! `request`: one row per request id that was used.

use super::{from_json, json, row};
use crate::{
    error::StoreError,
    fields::{At, Id},
    request::{Request, RequestOutcome},
};

row! {
    /// One request id, and what became of it.
    request, RequestRow {
        principal: String,
        method: String,
        request_id: Id,
        body_hash: Vec<u8>,
        outcome: String,
        create_time: At,
    }
}

impl RequestRow {
    pub(crate) fn new(request: &Request, outcome: &RequestOutcome) -> Self {
        Self {
            principal: request.key.principal.clone(),
            method: request.key.method.to_owned(),
            request_id: Id(request.key.request_id.uuid()),
            body_hash: request.body_hash.to_vec(),
            outcome: json(outcome),
            create_time: At(request.time),
        }
    }

    /// A row of which only the key counts.
    pub(crate) fn named(request: &Request) -> Self {
        Self::new(request, &RequestOutcome::Done)
    }

    /// What it is unique by.
    pub(crate) fn key(&self) -> (&str, &str, Id) {
        (&self.principal, &self.method, self.request_id)
    }

    /// The key of the row of a request.
    pub(crate) fn key_of(request: &Request) -> (&str, &str, Id) {
        (&request.key.principal, request.key.method, Id(request.key.request_id.uuid()))
    }

    pub(crate) fn outcome(&self) -> Result<RequestOutcome, StoreError> {
        from_json(&self.outcome)
    }
}
