//! Reading everything, while it is in use.

use async_trait::async_trait;
use order_core::order::Order;
use tokio::sync::mpsc;

use crate::{error::StoreError, query::FeedCursor};

/// Hands out all orders.
#[async_trait]
pub trait ExportStore: Send + Sync {
    /// All orders by identity, at one snapshot of a system that goes on, and the place in the feed that belongs to it: whoever reads the
    /// feed on from there, and drops events that the orders have seen by their revision, knows all that there is.
    ///
    /// It waits for whoever takes the orders, and ends when nobody does any more. Like a verification it holds a snapshot for as long as
    /// it takes, on a connection of its own, which it shares with that.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] while another one, or a verification, of this store is under way.
    async fn export(&self, orders: mpsc::Sender<Order>) -> Result<FeedCursor, StoreError>;
}
