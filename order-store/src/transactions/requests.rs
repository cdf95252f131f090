//! Claiming a request id, and keeping what became of it.

use std::collections::BTreeMap;

use order_core::{error::Refusal, time::Timestamp};

use crate::{
    backend::WriteWork,
    fields::Id,
    request::{Request, RequestOutcome},
    rows::RequestRow,
    statements::{Done, Write},
};

/// What a transaction found when it claimed its request id.
pub(super) enum Claim {
    /// Nobody used it before: go on.
    Ours,
    /// It was used for the same request: this is what became of it.
    Replay(RequestOutcome),
    /// It was used for another request.
    Reused,
}

/// Claims a request id, where there is one. The row holds what becomes of the request if all goes well, so that only a
/// refusal has to be written a second time.
pub(super) async fn claim<T: Write>(tx: &mut T, request: Option<&Request>, hoped: &RequestOutcome) -> Done<Claim> {
    let Some(request) = request else { return Ok(Claim::Ours) };
    let taken = tx.claim_requests(&[RequestRow::new(request, hoped)]).await?;
    match taken.first() {
        None => Ok(Claim::Ours),
        Some(row) => found(row, request),
    }
}

/// Claims the requests of a batch, in their order, and says which of them were taken.
pub(super) async fn claim_all<T: Write>(tx: &mut T, mut hoped: Vec<RequestRow>) -> Done<Vec<RequestRow>> {
    sort(&mut hoped);
    tx.claim_requests(&hoped).await
}

/// Brings requests into the order in which they are claimed.
pub(super) fn sort(rows: &mut [RequestRow]) {
    rows.sort_by(|one, other| one.key().cmp(&other.key()));
}

/// What a batch found when it claimed its request ids.
pub(super) struct Claims<'r>(BTreeMap<(&'r str, &'r str, Id), &'r RequestRow>);

impl<'r> Claims<'r> {
    /// Of those that were taken.
    pub(super) fn of(taken: &'r [RequestRow]) -> Self {
        Self(taken.iter().map(|row| (row.key(), row)).collect())
    }

    /// What was found of one request, if it has an id.
    pub(super) fn find(&self, request: Option<&Request>) -> Done<Claim> {
        let taken = request.and_then(|request| Some((self.0.get(&RequestRow::key_of(request))?, request)));
        taken.map_or(Ok(Claim::Ours), |(row, request)| found(row, request))
    }
}

/// Reads what an earlier request of the same id led to.
pub(super) fn found(row: &RequestRow, request: &Request) -> Done<Claim> {
    if row.body_hash != request.body_hash {
        return Ok(Claim::Reused);
    }
    Ok(Claim::Replay(row.outcome()?))
}

/// Keeps what became of a claimed request, where that is not what was hoped for.
pub(super) async fn keep<T: Write>(tx: &mut T, request: Option<&Request>, outcome: &RequestOutcome) -> Done {
    match request {
        None => Ok(()),
        Some(request) => tx.set_outcomes(&[RequestRow::new(request, outcome)]).await,
    }
}

/// Keeps a refusal of a claimed request and passes the result on.
pub(super) async fn settle<T: Write, R: Send>(
    tx: &mut T,
    request: Option<&Request>,
    result: Result<R, Refusal>,
) -> Done<Result<R, Refusal>> {
    if let Err(refusal) = &result {
        keep(tx, request, &RequestOutcome::Refused(refusal.clone())).await?;
    }
    Ok(result)
}

/// Forgetting requests whose time is over.
pub(super) struct ForgetRequests {
    pub(super) before: Timestamp,
    pub(super) most: u32,
}

impl WriteWork for ForgetRequests {
    type Output = u32;
    const NAME: &'static str = "forget_requests";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<u32> {
        tx.forget_requests(self.before, self.most).await
    }
}
