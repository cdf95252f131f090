//! What every change to an existing order has in common: how its request is read, and how it is carried out.

use std::sync::Arc;

use order_api::v1;
use order_core::{
    error::{Refusal, ResourceKind},
    ids::{OrderId, RequestId},
    limits,
    order::{Actor, Command, Context, Event, Order},
    violation::Violations,
};
use order_store::{ChangeOrder, Mode, OrderKey, Request, Scope};

use crate::{
    app::App,
    auth::Principal,
    convert::{actor, checked, etag, ids, request, request::Idempotent, text},
    error::ApiError,
    service::{call, inventory, payments},
};

/// A change as a caller asks for it.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// Which order.
    pub order_id: OrderId,
    /// The revision that the caller saw, if it must not have changed since.
    pub expected_revision: Option<i64>,
    /// Idempotency, where the caller asked for it.
    pub request: Option<Request>,
    /// The change.
    pub command: Command,
    /// When, by whom, why.
    pub context: Context,
    /// For real?
    pub mode: Mode,
}

/// The fields that requests to change an order share. What a request has not is as if it were not set.
pub(crate) trait ChangeRequest: Idempotent {
    /// Which order.
    fn order_id(&self) -> &str;

    /// Why.
    fn reason(&self) -> &str {
        ""
    }

    /// The etag that the caller saw.
    fn etag(&self) -> &str {
        ""
    }

    /// Whether to check only.
    fn validate_only(&self) -> bool {
        false
    }
}

macro_rules! change_requests {
    ($($request:ident: $($field:ident),*;)+) => {
        $(impl ChangeRequest for v1::$request {
            fn order_id(&self) -> &str {
                &self.order_id
            }

            $(change_requests!(@$field);)*
        })+
    };
    (@reason) => { fn reason(&self) -> &str { &self.reason } };
    (@etag) => { fn etag(&self) -> &str { &self.etag } };
    (@validate_only) => { fn validate_only(&self) -> bool { self.validate_only } };
}

change_requests! {
    CancelOrderRequest: reason, etag, validate_only;
    PayOrderRequest: etag, validate_only;
    EditOrderRequest: reason, etag, validate_only;
    RequestReturnRequest: reason, etag;
    CancelReturnRequest: reason, etag;
    UpdateOrderStatusRequest: reason, etag, validate_only;
    AddNoteRequest: ;
    CapturePaymentRequest: reason, etag, validate_only;
    VoidPaymentRequest: reason, etag, validate_only;
    RefundOrderRequest: reason, etag, validate_only;
    HoldOrderRequest: reason, etag;
    ReleaseHoldRequest: reason, etag;
    CreateShipmentRequest: reason, etag, validate_only;
    UpdateShipmentRequest: reason, etag;
    MarkPackedRequest: reason, etag;
    MarkShippedRequest: reason, etag, validate_only;
    MarkDeliveredRequest: reason, etag, validate_only;
    CancelShipmentRequest: reason, etag, validate_only;
    MarkReturnedToSenderRequest: reason, etag, validate_only;
    RecordCarrierEventRequest: ;
    ApproveReturnRequest: reason, etag;
    RejectReturnRequest: etag;
    ReceiveReturnRequest: reason, etag, validate_only;
    CloseReturnRequest: reason, etag;
}

/// Reads a request to change an order; `command` reads what is its own.
///
/// # Errors
/// `INVALID_FIELD` with every violation.
pub(crate) fn read_change<M: ChangeRequest>(
    app: &App,
    principal: &Principal,
    message: &M,
    command: impl FnOnce(&mut Violations) -> Option<Command>,
) -> Result<Change, ApiError> {
    let (order_id, expected_revision, reason, request, command) = checked(|violations| {
        let order_id = ids::required(message.order_id(), OrderId::parse, "order_id", violations);
        let command = command(violations);
        let etag = etag::optional(message.etag(), "etag", violations);
        let reason = text::reason(message.reason(), violations);
        let request = request::optional(message, (principal, app.clock.now()), violations);
        Some((order_id?, etag?, reason?, request?, command?))
    })?;
    let context = app.context(principal, request::id(request.as_ref()), reason);
    let mode = call::mode(message.validate_only());
    Ok(Change { order_id, expected_revision, request, command, context, mode })
}

/// Whose orders a caller may see and change. Guests have none of their own: they look orders up by number and e-mail.
///
/// # Errors
/// `ORDER_NOT_FOUND` for guests.
pub(crate) fn scope(principal: &Principal, order_id: OrderId) -> Result<Scope, ApiError> {
    actor::scope(principal).ok_or_else(|| Refusal::not_found(ResourceKind::Order, order_id).into())
}

/// Reads one order that the caller may see.
///
/// # Errors
/// `ORDER_NOT_FOUND` for an unknown and for a foreign order alike; the store's.
pub(crate) async fn read(app: &App, principal: &Principal, order_id: OrderId) -> Result<Order, ApiError> {
    let scope = scope(principal, order_id)?;
    let order = app.store.order(OrderKey::Id(order_id), scope).await?;
    order.ok_or_else(|| Refusal::not_found(ResourceKind::Order, order_id).into())
}

/// An order after a change, and what the change did.
#[derive(Debug, Clone)]
pub(crate) struct Changed {
    /// As it is now, or, for a check only, as it would be.
    pub order: Order,
    /// What the change appended to its history. Of a repetition, what the first attempt did.
    pub events: Vec<Event>,
}

/// Changes an order that the caller may see, and carries out what the change means for its payments.
///
/// # Errors
/// `ORDER_NOT_FOUND`, `ETAG_MISMATCH`, `REQUEST_ID_REUSED`, and as the command is refused.
pub(crate) async fn change(app: &Arc<App>, principal: &Principal, change: Change) -> Result<Order, ApiError> {
    let scope = scope(principal, change.order_id)?;
    let Change { order_id, expected_revision, request, command, context, mode } = change;
    let reserved = None;
    let change = ChangeOrder { request, order_id, scope, expected_revision, command, reserved, context, mode };
    let effect = inventory::change(app, change).await?;
    match mode {
        Mode::Preview => Ok(effect.order),
        Mode::Apply => Ok(payments::settle_started(app, effect).await),
    }
}

/// The same, for answers that tell what was done.
///
/// # Errors
/// As [`change`].
pub(crate) async fn change_telling(app: &Arc<App>, principal: &Principal, change: Change) -> Result<Changed, ApiError> {
    let scope = scope(principal, change.order_id)?;
    change_within(app, scope, change).await
}

/// The same, of an order that is within a scope.
///
/// # Errors
/// As [`change`].
pub(crate) async fn change_within(app: &Arc<App>, scope: Scope, change: Change) -> Result<Changed, ApiError> {
    let Change { order_id, expected_revision, request, command, context, mode } = change;
    let first = context.request_id.filter(|_| request.is_some()).map(|id| (id, context.actor.clone()));
    let reserved = None;
    let change = ChangeOrder { request, order_id, scope, expected_revision, command, reserved, context, mode };
    let effect = inventory::change(app, change).await?;
    let events = match (mode, first) {
        (Mode::Apply, Some(first)) if effect.events.is_empty() => done_by(app, order_id, first).await?,
        (Mode::Apply | Mode::Preview, _) => effect.events.clone(),
    };
    let order = match mode {
        Mode::Preview => effect.order,
        Mode::Apply => payments::settle_started(app, effect).await,
    };
    Ok(Changed { order, events })
}

/// A refusal that was found before any transaction is kept under the request id; and if that id changed the order earlier, the
/// answer is what it did then.
///
/// # Errors
/// The refusal, this one or the one that was kept earlier; `REQUEST_ID_REUSED`.
pub(crate) async fn refuse(app: &App, change: Change, refusal: Refusal) -> Result<Changed, ApiError> {
    match (change.mode, change.request) {
        (Mode::Apply, Some(request)) => {
            let first = (request.key.request_id, change.context.actor);
            let order = app.store.conclude(request, Err(refusal)).await?;
            let events = done_by(app, order.id, first).await?;
            Ok(Changed { order, events })
        }
        (Mode::Apply, None) | (Mode::Preview, _) => Err(refusal.into()),
    }
}

/// What somebody's request did to an order before, from the order's history.
async fn done_by(app: &App, order_id: OrderId, (id, actor): (RequestId, Actor)) -> Result<Vec<Event>, ApiError> {
    let mut done = Vec::new();
    let mut after = 0;
    loop {
        let page = app.store.events(order_id, after, limits::PAGE_MAX).await?;
        let Some(last) = page.items.last() else { return Ok(done) };
        after = last.revision;
        done.extend(page.items.into_iter().filter(|event| event.request_id == Some(id) && event.actor == actor));
        if !page.more {
            return Ok(done);
        }
    }
}
