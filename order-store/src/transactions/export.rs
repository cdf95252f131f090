//! Reading everything: a walk over all orders, page by page, at one snapshot.

use async_trait::async_trait;
use order_core::{ids::OrderId, order::Order};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Engine, reads::feed_end};
use crate::{
    backend::{Backend, SurveyWork},
    error::StoreError,
    query::FeedCursor,
    rows::OrderRows,
    statements::{Done, Survey},
    store::ExportStore,
};

/// Orders that are held in memory at a time.
const PAGE: u32 = 200;

#[async_trait]
impl<B: Backend> ExportStore for Engine<B> {
    async fn export(&self, orders: mpsc::Sender<Order>) -> Result<FeedCursor, StoreError> {
        let stop = CancellationToken::new();
        // Cancelled when this future is dropped: the walk runs elsewhere.
        let _stopped = stop.clone().drop_guard();
        self.backend.survey(Export(orders), stop).await
    }
}

struct Export(mpsc::Sender<Order>);

impl SurveyWork for Export {
    type Output = FeedCursor;

    async fn run<T: Survey>(&self, tx: &mut T) -> Done<FeedCursor> {
        // Of the same snapshot. It may have seen more than what stands before this place, and never less.
        let place = feed_end(tx).await?;
        let mut after = None;
        loop {
            let page = tx.orders_behind(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(place) };
            after = Some(OrderId::new(last.order.order_id.0));
            for rows in page {
                // Also one that contradicts itself: verifying says so, and a copy is wanted all the more.
                tx.hand_on(&self.0, OrderRows::into_unproven(rows)?).await?;
            }
        }
    }
}
