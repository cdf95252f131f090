//! AdminService.AddNote.

use std::sync::Arc;

use order_api::v1;
use order_core::order::Command;

use super::show;
use crate::{
    app::App,
    auth::Principal,
    convert::text,
    error::ApiError,
    service::orders::change_order::{change, read_change},
};

/// Adds a note to the history of an order, for the shop only.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`, `REQUEST_ID_REUSED`.
pub(super) async fn add_note(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::AddNoteRequest,
) -> Result<v1::Order, ApiError> {
    let asked = read_change(app, principal, &message, |violations| {
        text::NOTE.check(&message.note, "note", violations).map(Command::AddNote)
    })?;
    let changed = change(app, principal, asked).await?;
    Ok(show(app, principal, changed))
}
