//! What a client hears when the store gave no result.

use std::time::Duration;

use order_store::StoreError;

use super::{ApiError, Reason};

/// When something outside the caller's power fails, trying again is worth it after this long.
pub(super) const RETRY_SOON: Duration = Duration::from_secs(1);
/// No queue is worth coming back to earlier than a network's round trip.
const RETRY_AT_LEAST: Duration = Duration::from_millis(20);

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(refusal) => refusal.into(),
            StoreError::Unavailable(detail) => {
                tracing::warn!(detail, "the database is not available");
                Self::new(Reason::DatabaseUnavailable, "the database does not answer; try again shortly")
                    .with_metadata("dependency", "database")
                    .with_retry_after(RETRY_SOON)
            }
            StoreError::UnknownOutcome(detail) => {
                tracing::warn!(detail, "the outcome of a commit is not known");
                let message = "the connection to the database was lost and the change may have been made; \
                               send the same request with the same request_id again to find out";
                Self::new(Reason::OutcomeUnknown, message).with_retry_after(RETRY_SOON)
            }
            StoreError::Contended(detail) => {
                tracing::info!(detail, "gave up after contention");
                Self::new(Reason::Contended, "others keep changing the same things; try again")
                    .with_retry_after(RETRY_SOON)
            }
            StoreError::Overloaded { retry_after } => {
                Self::new(Reason::Overloaded, "the service has as much work as it can do in time; try again shortly")
                    .with_retry_after(retry_after.map_or(RETRY_SOON, |pace| pace.max(RETRY_AT_LEAST)))
            }
            StoreError::DeadlineExceeded => Self::deadline_exceeded(),
            StoreError::Corrupt(detail) | StoreError::Internal(detail) => Self::internal(&detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn what_the_database_said_stays_inside() {
        let detail = || "ERROR: relation \"orders\" does not exist".to_owned();
        for (error, code) in [
            (StoreError::Unavailable(detail()), Code::Unavailable),
            (StoreError::UnknownOutcome(detail()), Code::Unavailable),
            (StoreError::Contended(detail()), Code::Aborted),
            (StoreError::Corrupt(detail()), Code::Internal),
            (StoreError::Internal(detail()), Code::Internal),
            (StoreError::Overloaded { retry_after: None }, Code::ResourceExhausted),
            (StoreError::DeadlineExceeded, Code::DeadlineExceeded),
        ] {
            let status = ApiError::from(error).into_status();
            assert_eq!(status.code(), code);
            assert!(!format!("{status:?}").contains("relation"));
        }
    }
}
