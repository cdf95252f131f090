//! AdminService.AddNote.

use std::sync::Arc;

use order_api::v1;
use order_core::{ids::OrderId, order::Command};
use order_store::Mode;

use super::show;
use crate::{
    app::App,
    auth::Principal,
    convert::{checked, ids, request, text},
    error::ApiError,
    service::orders::change_order::{Change, change},
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
    let (order_id, note, request) = checked(|violations| {
        let order_id = ids::required(&message.order_id, OrderId::parse, "order_id", violations);
        let note = text::NOTE.check(&message.note, "note", violations);
        let request = request::optional(&message, (principal, app.clock.now()), violations);
        Some((order_id?, note?, request?))
    })?;
    let context = app.context(principal, request::id(request.as_ref()), None);
    let command = Command::AddNote(note);
    let asked = Change { order_id, expected_revision: None, request, command, context, mode: Mode::Apply };
    let changed = change(app, principal, asked).await?;
    Ok(show(app, principal, &changed))
}
