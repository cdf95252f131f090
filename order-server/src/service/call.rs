//! What every call has in common: who calls, until when, under which name, and how the answer becomes a response.

use order_core::ids::RequestId;
use order_store::Mode;
use tonic::{Request, Response, Status};

use crate::{
    auth::Principal,
    error::ApiError,
    layers::{deadline::Deadline, request_id},
};

tokio::task_local! {
    /// The name that the layers gave to the call, beside the call so that no use case has to pass it on.
    static NAME: Option<RequestId>;
}

/// The name of the current call, if it has one that is a UUID.
#[must_use]
pub fn name() -> Option<RequestId> {
    NAME.try_with(|name| *name).ok().flatten()
}

/// Whether a change is carried out or only shown, as the request's `validate_only` has it.
#[must_use]
pub const fn mode(validate_only: bool) -> Mode {
    if validate_only { Mode::Preview } else { Mode::Apply }
}

/// Runs a use case for a call: hands it the caller and the message, gives the store the call's deadline, and turns the
/// outcome into a response.
///
/// # Errors
/// The use case's, as a status.
pub async fn answer<M, T, W>(
    request: Request<M>,
    use_case: impl FnOnce(Principal, M) -> W,
) -> Result<Response<T>, Status>
where
    W: Future<Output = Result<T, ApiError>>,
{
    let (_, mut extensions, message) = request.into_parts();
    let Some(principal) = extensions.remove::<Principal>() else {
        return Err(ApiError::internal(&"a call passed the layers without a principal").into());
    };
    let name = extensions.get::<request_id::RequestId>().and_then(|name| RequestId::parse(name.as_str()).ok());
    // Boxed once here, so that no layer above copies the largest use case from poll to poll.
    let work = NAME.scope(name, Box::pin(use_case(principal, message)));
    let outcome = match extensions.get::<Deadline>() {
        Some(deadline) => order_store::deadline::within(deadline.instant().into_std(), work).await,
        None => work.await,
    };
    Ok(Response::new(outcome?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Reason;

    fn call() -> Request<u8> {
        let mut request = Request::new(7);
        request.extensions_mut().insert(Principal::Guest);
        request
    }

    #[tokio::test]
    async fn a_use_case_gets_the_caller_and_the_message() {
        let use_case = async |principal: Principal, message: u8| Ok((principal, message));
        let response = answer(call(), use_case).await.unwrap();
        assert_eq!(response.into_inner(), (Principal::Guest, 7));
        assert_eq!(name(), None, "outside of a call there is no name");
    }

    #[tokio::test]
    async fn a_refusal_becomes_a_status() {
        let use_case = async |_: Principal, _: u8| Err::<(), _>(ApiError::new(Reason::CartEmpty, "empty"));
        assert_eq!(answer(call(), use_case).await.unwrap_err().code(), tonic::Code::FailedPrecondition);
    }

    #[tokio::test]
    async fn a_call_without_a_principal_is_a_fault_of_ours() {
        let use_case = async |_: Principal, _: u8| Ok(());
        assert_eq!(answer(Request::new(7), use_case).await.unwrap_err().code(), tonic::Code::Internal);
    }
}
