//! AdminService.ExportOrders: all orders at one moment, and where the feed goes on behind it.

use std::{sync::Arc, time::Duration};

use order_api::v1::{ExportEnd, ExportOrdersResponse, export_orders_response::Message};
use order_core::{limits, order::Order};
use tokio::sync::mpsc;

use crate::{
    app::App,
    convert::{order, watch},
    error::{ApiError, Reason},
    service::telling::{Listener, Told, told},
};

/// Orders that are read before they are asked for.
const AHEAD: usize = 64;

/// How long it may take: it holds a snapshot.
const LIMIT: Duration = Duration::from_secs(60 * limits::EXPORT_MINUTES as u64);

/// Begins an export. What fails later ends the stream: `OVERLOADED` where another one is under way, the store's errors,
/// `WATCH_TOO_SLOW`, `SHUTTING_DOWN`.
pub(super) fn export_orders(app: &Arc<App>) -> Told<ExportOrdersResponse> {
    let app = Arc::clone(app);
    told(&Arc::clone(&app), |listener| async move {
        let exported = tokio::time::timeout(LIMIT, export(app, listener)).await;
        exported.unwrap_or_else(|_elapsed| {
            let text = "the export took longer than it may; it has to be begun again";
            Err(ApiError::new(Reason::WatchTooSlow, text))
        })
    })
}

async fn export(app: Arc<App>, listener: Listener<ExportOrdersResponse>) -> Result<(), ApiError> {
    let (sender, orders) = mpsc::channel(AHEAD);
    let (cursor, order_count) = tokio::try_join!(
        async { app.store.export(sender).await.map_err(ApiError::from) },
        tell_orders(orders, &listener)
    )?;
    let end = ExportEnd { cursor: watch::cursor(&cursor), order_count };
    listener.tell(ExportOrdersResponse { message: Some(Message::End(end)) }).await
}

/// Tells what is read; how many those were.
async fn tell_orders(
    mut orders: mpsc::Receiver<Order>,
    listener: &Listener<ExportOrdersResponse>,
) -> Result<i64, ApiError> {
    let mut count = 0;
    while let Some(read) = orders.recv().await {
        let message = Message::Order(order::single(read));
        listener.tell(ExportOrdersResponse { message: Some(message) }).await?;
        count += 1;
    }
    Ok(count)
}
