//! How an engine runs transactions.

use tokio_util::sync::CancellationToken;

use crate::{
    error::StoreError,
    statements::{Done, Read, Survey, Write},
};

/// Lanes that place orders. The second one joins in where more waits than goes into one batch; inside the database they meet at the number
/// counter at the latest.
pub(crate) const PLACE_LANES: usize = 2;
/// Orders that a lane places together. The more, the less the database does for each, and the longer their shelves are locked: README,
/// "What was tried".
pub(crate) const PLACE_BATCH: usize = 256;
/// Lanes that change orders. The second one is there for when the first is held up by a shelf that somebody else has locked.
pub(crate) const CHANGE_LANES: usize = 2;
/// Orders that a lane changes together.
pub(crate) const CHANGE_BATCH: usize = 128;
/// Lanes that look products up.
pub(crate) const PRODUCT_LANES: usize = 1;

/// A transaction that changes something, as data, so that it can be tried again. Its body is written once for both engines.
///
/// The output is `Result<_, Refusal>` inside: a refusal still commits, because the request id that heard it is kept.
pub(crate) trait WriteWork: Send + Sync + 'static {
    /// What it results in.
    type Output: Send + 'static;
    /// For metrics and logs.
    const NAME: &'static str;

    /// Where it gets its connection from.
    fn room(&self) -> Room {
        Room::Shared
    }

    /// The body. Must be free of effects other than through `tx`.
    fn run<T: Write>(&self, tx: &mut T) -> impl Future<Output = Done<Self::Output>> + Send;
}

/// Which connections a transaction may use, where there are several kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// Those that everybody shares.
    Shared,
    /// Those of one of the lanes that place orders: nobody else keeps them busy.
    Placing(usize),
    /// Those of one of the lanes that look products up.
    Products(usize),
}

/// How rows are found that are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    /// As the engine thinks best, of each statement. It may read a whole table.
    Any,
    /// By indexes, one or several at a time. Plans are kept for as long as a connection lives, and were perhaps made while a table was new and
    /// empty, where reading all of it is cheapest.
    ByIndexes,
    /// Along an index and nothing else: such plans are made without asking how large a table is.
    AlongAnIndex,
    /// By a key, with a single call of a method and nothing else: such plans are made once and kept, and the transaction may be over with
    /// that call.
    ByKey,
}

/// A transaction that only looks, at one snapshot.
pub(crate) trait ReadWork: Send + Sync + 'static {
    /// What it results in.
    type Output: Send + 'static;
    /// For metrics and logs.
    const NAME: &'static str;
    /// How it finds what it looks for.
    const PATH: Path = Path::ByIndexes;

    /// Where it gets its connection from.
    fn room(&self) -> Room {
        Room::Shared
    }

    /// The body.
    fn run<T: Read>(&self, tx: &mut T) -> impl Future<Output = Done<Self::Output>> + Send;
}

/// A long look at everything, at one snapshot.
pub(crate) trait SurveyWork: Send + Sync + 'static {
    /// What it results in.
    type Output: Send + 'static;

    /// The body. It is run once; between statements it looks whether anybody still wants to know.
    fn run<T: Survey>(&self, tx: &mut T) -> impl Future<Output = Done<Self::Output>> + Send;
}

/// An engine.
pub(crate) trait Backend: Send + Sync + 'static {
    /// `sqlite` or `postgresql`.
    const ENGINE: &'static str;
    /// Whether a lane has a thread of its own. Where statements are sent over a network, the lane and its connection then wake
    /// nobody but each other.
    const LANE_THREADS: bool;

    /// Runs a writing transaction to its end, whether or not the caller waits for it, and answers after the commit. Tries
    /// again where the engine says that this makes sense.
    fn write<W: WriteWork>(&self, work: W) -> impl Future<Output = Result<W::Output, StoreError>> + Send;

    /// Runs a reading transaction.
    fn read<R: ReadWork>(&self, work: R) -> impl Future<Output = Result<R::Output, StoreError>> + Send;

    /// Runs a survey, at most one at a time: [`StoreError::Overloaded`] while another is under way. It has a connection of its
    /// own and is not held to the bounds of statements that somebody waits for. Ends early once `stop` is cancelled.
    fn survey<S: SurveyWork>(
        &self,
        work: S,
        stop: CancellationToken,
    ) -> impl Future<Output = Result<S::Output, StoreError>> + Send;

    /// Takes no new writes and waits for those under way.
    fn close(&self) -> impl Future<Output = ()> + Send;
}
