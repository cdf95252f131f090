//! OrderService.WatchOrders: what happens to orders, as it happens.

use std::{sync::Arc, time::Duration};

use order_api::v1::{WatchOrdersRequest, WatchOrdersResponse};
use order_store::FeedCursor;
use tokio::time::Instant;

use crate::{
    app::App,
    auth::{Principal, Role},
    convert::{
        checked,
        event::Audience,
        page,
        watch::{self, Filter, Watch},
    },
    error::{ApiError, Reason},
    feed::{Ended as FeedEnded, Reader, Who},
    service::telling::{Listener, Told, told},
};

/// A pause between looks into the database for a customer whose own events are rare in it: what is everybody's is not to be kept busy by
/// one who searches all of it.
const CUSTOMER_PAUSE: Duration = Duration::from_millis(20);

/// Begins to watch.
///
/// # Errors
/// `INVALID_FIELD`, `PAGE_TOKEN_INVALID`, `CURSOR_OUT_OF_RANGE`, `OVERLOADED`, `ROLE_REQUIRED`. Later the stream may end with `WATCH_TOO_SLOW`,
/// `CURSOR_OUT_OF_RANGE`, `SHUTTING_DOWN` or the store's errors.
pub(super) async fn watch_orders(
    app: &Arc<App>,
    principal: &Principal,
    request: WatchOrdersRequest,
) -> Result<Told<WatchOrdersResponse>, ApiError> {
    let audience = match principal.role() {
        Some(Role::Admin | Role::Service) => Audience::Shop,
        Some(Role::Customer) | None => Audience::Owner,
    };
    let Watch { filter, heartbeat } = checked(|violations| watch::watch(&request, audience, violations))?;
    let filter = own(principal, filter)?;
    let given: Option<FeedCursor> = page::after(&request)?;
    let who = principal.customer_id().map_or(Who::Shop, |id| Who::Customer(id.clone()));
    let Some((reader, end)) = app.feed.watch(who, &app.tasks).await? else {
        return Err(ApiError::new(
            Reason::Overloaded,
            "too many streams watch through this process already, or too many of yours",
        )
        .with_retry_after(Duration::from_secs(5)));
    };
    let place = match given {
        // As long as nothing was restored, whoever was here before us had read no further than the feed goes.
        Some(place) if place > end => return Err(watch::out_of_range(&end)),
        Some(place) => place,
        None if request.from_beginning => FeedCursor::BEGINNING,
        None => end,
    };
    Ok(told(app, |listener| Watcher { reader, filter, heartbeat, place, listener }.tell()))
}

/// What the caller may see of what they ask for: customers watch their own orders, and may say so.
fn own(principal: &Principal, filter: Filter) -> Result<Filter, ApiError> {
    let Some(own) = principal.customer_id() else { return Ok(filter) };
    match filter.customer_id {
        Some(other) if other != *own => {
            Err(ApiError::new(Reason::RoleRequired, "customers watch their own orders only"))
        }
        Some(_) | None => Ok(Filter { customer_id: Some(own.clone()), ..filter }),
    }
}

/// What those are told who watch while a database is restored.
fn beyond() -> ApiError {
    ApiError::new(Reason::CursorOutOfRange, "the database was restored; begin anew, after reading what may be missing")
}

/// One stream under way.
struct Watcher {
    reader: Reader,
    filter: Filter,
    heartbeat: Duration,
    /// How far the feed was looked through.
    place: FeedCursor,
    listener: Listener<WatchOrdersResponse>,
}

impl Watcher {
    /// Tells what there is, until there is a reason to end.
    async fn tell(mut self) -> Result<(), ApiError> {
        self.listener.tell(watch::heartbeat_at(&self.place)).await?;
        let mut told = Instant::now();
        let begun = self.reader.begun();
        loop {
            let part = match self.reader.behind(self.place).await {
                Ok(part) if self.reader.begun() == begun => part,
                Ok(_) | Err(FeedEnded::Beyond) => return Err(beyond()),
                Err(FeedEnded::Store(error)) => return Err(error.into()),
            };
            let before = told;
            for event in &part.events {
                if let Some(message) = self.filter.tell(event) {
                    self.listener.tell(message).await?;
                    told = Instant::now();
                }
            }
            self.place = part.next;
            let due = told + self.heartbeat;
            if Instant::now() >= due {
                self.listener.tell(watch::heartbeat_at(&self.place)).await?;
                told = Instant::now();
            } else if part.events.is_empty() {
                // Either way it is looked once more: the feed has gone on by what is not told.
                drop(tokio::time::timeout_at(due, self.reader.changed()).await);
            } else if told == before && self.filter.audience == Audience::Owner {
                tokio::time::sleep(CUSTOMER_PAUSE).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::fixture::Shop;

    /// Whoever takes nothing is cut off, and hears so behind what there was room for; who takes what there is hears nothing of it.
    #[tokio::test(flavor = "multi_thread")]
    async fn who_takes_nothing_for_too_long_is_cut_off() {
        let shop = Shop::open().await;
        let (reader, place) = shop.app.feed.watch(Who::Shop, &shop.app.tasks).await.unwrap().unwrap();
        let filter = Filter { order_id: None, customer_id: None, types: Default::default(), audience: Audience::Shop };
        let (sender, mut messages) = tokio::sync::mpsc::channel(1);
        let (heartbeat, stall) = (Duration::from_millis(10), Duration::from_millis(200));
        let listener = Listener::new(sender, stall);
        let running = tokio::spawn(Watcher { reader, filter, heartbeat, place, listener }.tell());
        for _ in 0..50 {
            assert!(messages.recv().await.is_some(), "as long as everything is taken");
        }
        let error = running.await.unwrap().unwrap_err();
        assert_eq!(error.reason(), Reason::WatchTooSlow);
        assert!(messages.recv().await.is_some(), "there was room for one");
        assert_eq!(messages.recv().await, None);
    }
}
