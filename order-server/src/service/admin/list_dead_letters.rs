//! AdminService.ListDeadLetters.

use order_api::v1;
use order_store::{DeadLetterQuery, FeedCursor, Page};

use crate::{
    app::App,
    convert::{checked, page, publisher},
    error::ApiError,
};

/// A page of the events that a publisher could not get rid of, in the order of the feed.
///
/// # Errors
/// `INVALID_FIELD`, `PAGE_TOKEN_INVALID`.
pub(super) async fn list_dead_letters(
    app: &App,
    request: v1::ListDeadLettersRequest,
) -> Result<v1::ListDeadLettersResponse, ApiError> {
    let (publisher, size) = checked(|violations| {
        let publisher = publisher::find(&app.publishers, request.publisher, violations);
        let size = page::size(&request, violations);
        Some((publisher?, size?))
    })?;
    let after: Option<FeedCursor> = page::after(&request)?;
    let query = DeadLetterQuery { consumer: publisher.name().to_owned(), size, after };
    let Page { items, more } = app.store.dead_letters(query).await?;
    let last = items.last().filter(|_| more);
    Ok(v1::ListDeadLettersResponse {
        next_page_token: last.map(|last| page::token(&request, &last.event)).unwrap_or_default(),
        dead_letters: items.iter().map(publisher::dead_letter).collect(),
    })
}
