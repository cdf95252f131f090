//! How an engine runs transactions.

use crate::{
    error::StoreError,
    statements::{Done, Read, Write},
};

/// A transaction that changes something, as data, so that it can be tried again. Its body is written once for both engines.
///
/// The output is `Result<_, Refusal>` inside: a refusal still commits, because the request id that heard it is kept.
pub(crate) trait WriteWork: Send + Sync + 'static {
    /// What it results in.
    type Output: Send + 'static;
    /// For metrics and logs.
    const NAME: &'static str;

    /// The body. Must be free of effects other than through `tx`.
    fn run<T: Write>(&self, tx: &mut T) -> impl Future<Output = Done<Self::Output>> + Send;
}

/// A transaction that only looks, at one snapshot.
pub(crate) trait ReadWork: Send + Sync + 'static {
    /// What it results in.
    type Output: Send + 'static;
    /// For metrics and logs.
    const NAME: &'static str;

    /// The body.
    fn run<T: Read>(&self, tx: &mut T) -> impl Future<Output = Done<Self::Output>> + Send;
}

/// An engine.
pub(crate) trait Backend: Send + Sync + 'static {
    /// `sqlite` or `postgresql`.
    const ENGINE: &'static str;

    /// Runs a writing transaction to its end, whether or not the caller waits for it, and answers after the commit. Tries
    /// again where the engine says that this makes sense.
    fn write<W: WriteWork>(&self, work: W) -> impl Future<Output = Result<W::Output, StoreError>> + Send;

    /// Runs a reading transaction.
    fn read<R: ReadWork>(&self, work: R) -> impl Future<Output = Result<R::Output, StoreError>> + Send;

    /// Takes no new writes and waits for those under way.
    fn close(&self) -> impl Future<Output = ()> + Send;
}
