//! Tells the inventory service what happened to goods, and takes back reservations that nobody came for. Looks whenever something has
//! happened in this process, and every second for what happened in others, or could not be told before.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use order_store::StoreError;
use tokio_util::sync::CancellationToken;

use super::PAUSE;
use crate::{
    app::App,
    service::inventory::{Rest, show_untold, tell_some},
};

/// How often is shown what is left. It is counted for that.
const SHOWN_EVERY: Duration = Duration::from_secs(5);
/// How often is said that nobody is there to be told.
const SAID_EVERY: Duration = Duration::from_secs(600);

pub(super) async fn run(app: Arc<App>, stop: CancellationToken) {
    if app.warehouse.is_none() {
        return look_on(&app, &stop).await;
    }
    let (mut rest, mut shown) = (Rest::None, None);
    while !stop.is_cancelled() {
        if rest == Rest::None {
            let woken = tokio::time::timeout(PAUSE, app.untold.notified());
            if stop.run_until_cancelled(woken).await.is_none() {
                return;
            }
        }
        rest = match look(&app, &mut shown).await {
            Ok(rest) => rest,
            Err(error) => {
                tracing::warn!(worker = "inventory", %error, "will try again");
                // It would be rung for what it cannot do.
                stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
                Rest::None
            }
        };
    }
}

async fn look(app: &App, shown: &mut Option<Instant>) -> Result<Rest, StoreError> {
    let rest = tell_some(app).await?;
    if shown.is_none_or(|shown| shown.elapsed() >= SHOWN_EVERY) {
        show_untold(app).await?;
        *shown = Some(Instant::now());
    }
    Ok(rest)
}

/// Where no inventory service is configured, what was to be told to one is at least seen.
async fn look_on(app: &App, stop: &CancellationToken) {
    loop {
        match show_untold(app).await {
            Ok(Rest::None) => {}
            Ok(Rest::Some) => tracing::warn!(
                "goods of some orders are counted by an inventory service that has not heard of them; set INVENTORY_URL"
            ),
            Err(error) => tracing::warn!(worker = "inventory", %error, "will try again"),
        }
        if stop.run_until_cancelled(tokio::time::sleep(SAID_EVERY)).await.is_none() {
            return;
        }
    }
}
